"""The AWS edge: connections to targets whose clients count, pace and translate every call."""

from __future__ import annotations

import difflib
import functools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import exceptions as boto
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.session import Session as BotocoreSession
from botocore.utils import parse_timestamp

from collectors.meter import Meter, Pace, answered_units, requested_units
from collectors.translate import translate
from core.errors import AwsError
from core.facts import Target, Usage
from core.settings import AwsSettings, TargetSettings

SESSION_NAME = "quarterdeck"
_UNITS = "quarterdeck_units"


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A target of the settings that cannot be watched now: `name` as a person knows it, and why."""

    name: str
    region: str | None
    error: AwsError


class Aws:
    """One account in one region. Safe to share by threads.

    Its clients raise `core.errors.AwsError` and its children, never botocore's ClientError. Their calls are
    counted, each attempt included, and slowed to `AwsSettings.calls_per_s`.
    """

    def __init__(
        self,
        session: boto3.Session,
        target: Target,
        settings: AwsSettings,
        *,
        alias: str | None = None,
        attempts: int = 4,
    ) -> None:
        self.target = target
        self.alias = alias
        self.settings = settings
        self._session = session
        self._attempts = attempts
        self._clients: dict[str, Any] = {}
        self._paces: dict[str, Pace] = {}
        self._lock = threading.RLock()
        self._meter = Meter()

    def __repr__(self) -> str:
        return f"Aws({self.where})"

    @property
    def where(self) -> str:
        """The target as a person knows it, for messages."""
        return f"{self.alias or self.target.account} in {self.target.region}"

    def client(self, service: str) -> Any:
        """A boto3 client of this target, made once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def pages(self, service: str, operation: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """The pages of a paginated call (`list_functions`); `PageSize` among `params` is the page's size."""
        size = params.pop("PageSize", None)
        config = {"PageSize": size} if size else {}
        yield from self.client(service).get_paginator(operation).paginate(**params, PaginationConfig=config)

    def take_usage(self) -> tuple[Usage, ...]:
        """Calls and billed units of this thread since it last asked."""
        return self._meter.take()

    def _connect(self, service: str) -> Any:
        config = Config(
            connect_timeout=5,
            read_timeout=60,
            max_pool_connections=16,
            retries={"mode": "adaptive", "total_max_attempts": self._attempts},
            user_agent_extra="quarterdeck",
        )
        client = self._session.client(
            service,  # type: ignore[call-overload]
            region_name=self.target.region,
            endpoint_url=endpoint_url(self.settings),
            config=config,
        )
        self._watch(client, service)
        return client

    def _watch(self, client: Any, service: str) -> None:
        events, prefix = client.meta.events, client.meta.service_model.endpoint_prefix
        pace = self._pace(prefix)

        def before_build(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
            context[_UNITS] = requested_units(model.name, params)

        def before_attempt(request: Any, operation_name: str, **_: Any) -> None:
            if pace is not None:
                pace.wait()
            self._meter.add(service, operation_name, calls=1, units=request.context.get(_UNITS, 1))

        def after_answer(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
            if http_response.status_code >= 300:
                error = boto.ClientError(parsed, model.name)
                raise translate(error, service=service, operation=model.name, where=self.where) from error
            if units := answered_units(model.name, parsed):
                self._meter.add(service, model.name, calls=0, units=units)

        def after_failure(exception: Exception, event_name: str, **_: Any) -> None:
            operation = event_name.rpartition(".")[2]
            if isinstance(exception, boto.BotoCoreError | boto.ClientError):
                raise translate(
                    exception, service=service, operation=operation, where=self.where
                ) from exception

        events.register("before-parameter-build.*", before_build)
        events.register("request-created.*", before_attempt)
        events.register("after-call.*", after_answer)
        events.register("after-call-error.*", after_failure)

    def _pace(self, endpoint_prefix: str) -> Pace | None:
        per_s = self.settings.calls_per_s.get(endpoint_prefix)
        if per_s is None:
            return None
        return self._paces.setdefault(endpoint_prefix, Pace(per_s))


def endpoint_url(settings: AwsSettings) -> str | None:
    """The endpoint of the settings; None when the environment names one, which boto3 finds itself."""
    return None if os.environ.get("AWS_ENDPOINT_URL") else settings.endpoint_url


def connect(
    targets: Sequence[TargetSettings], aws: AwsSettings, *, attempts: int = 4
) -> tuple[list[Aws], list[Unreachable]]:
    """Connect to every account and region of `targets` (none: current credentials and region).

    STS is asked who we are. A target that fails is in the second list with its reason; the others go on.
    """
    reached: list[Aws] = []
    failed: list[Unreachable] = []
    for wanted in targets or [TargetSettings()]:
        try:
            session = boto3.Session(profile_name=wanted.profile)
            regions = _regions(wanted, session)
        except (boto.BotoCoreError, AwsError) as error:
            name = _name(wanted)
            failed.append(
                Unreachable(
                    name, None, translate(error, service="sts", operation="GetCallerIdentity", where=name)
                )
            )
            continue
        for region in regions:
            try:
                reached.append(_reach(wanted, region, aws, attempts))
            except AwsError as error:
                failed.append(Unreachable(_name(wanted), region, error))
    return _once(reached), failed


def _name(wanted: TargetSettings) -> str:
    return wanted.name or wanted.role_arn or wanted.profile or "the current account"


def _regions(wanted: TargetSettings, session: boto3.Session) -> list[str]:
    regions = wanted.regions or ([session.region_name] if session.region_name else [])
    if not regions:
        raise AwsError(f"no region for {_name(wanted)}; set AWS_DEFAULT_REGION or `regions` of the target")
    return regions


@functools.cache
def known_regions() -> tuple[str, ...]:
    """Every region that the installed botocore knows to have Lambda."""
    session = boto3.Session()
    partitions = session.get_available_partitions()
    return tuple(r for p in partitions for r in session.get_available_regions("lambda", p))


def check_region(region: str, name: str) -> None:
    """Raises AwsError when there is no such region, with the likeliest one that was meant."""
    if region in known_regions():
        return
    near = difflib.get_close_matches(region, known_regions(), n=1)
    hint = f"did you mean {near[0]}?" if near else "see `aws ec2 describe-regions`"
    raise AwsError(
        f"{region!r} (target {name}) is not an AWS region; {hint} (a new region needs a newer boto3)"
    )


def _reach(wanted: TargetSettings, region: str, settings: AwsSettings, attempts: int) -> Aws:
    check_region(region, _name(wanted))
    session = _session(wanted, region, settings)
    unknown = Aws(session, Target("", region), settings, alias=_name(wanted), attempts=min(2, attempts))
    account = unknown.client("sts").get_caller_identity()["Account"]
    return Aws(session, Target(account, region), settings, alias=wanted.name, attempts=attempts)


def _session(wanted: TargetSettings, region: str, settings: AwsSettings) -> boto3.Session:
    """A session of its own, as sessions are not for sharing; with a role its credentials renew themselves."""
    core = BotocoreSession(profile=wanted.profile)
    core.set_config_variable("region", region)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=utc)
    if wanted.role_arn:
        source = _own_credentials(core, wanted)
        role = _role_credentials(core, source, wanted.role_arn, wanted.external_id, region, settings)
        core._credentials = role  # type: ignore[attr-defined]  # botocore has no public way to hand in such ones
    return boto3.Session(botocore_session=core)


def utc(value: float | str) -> datetime:
    """A time of an answer, in UTC. botocore makes local times, at half the cost of reading metrics."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_timestamp(value).astimezone(UTC)


def _own_credentials(core: BotocoreSession, wanted: TargetSettings) -> Credentials:
    found = core.get_credentials()
    if found is None:
        error = boto.NoCredentialsError()
        raise translate(error, service="sts", operation="AssumeRole", where=_name(wanted)) from error
    return found


def _role_credentials(
    core: BotocoreSession,
    source: Credentials,
    role_arn: str,
    external_id: str | None,
    region: str,
    settings: AwsSettings,
) -> DeferredRefreshableCredentials:
    def sts(service: str, **kwargs: Any) -> Any:
        kwargs |= {"region_name": region, "endpoint_url": endpoint_url(settings)}
        return core.create_client(service, **kwargs)

    extra = {"RoleSessionName": SESSION_NAME} | ({"ExternalId": external_id} if external_id else {})
    fetcher = AssumeRoleCredentialFetcher(sts, source, role_arn, extra_args=extra)
    return DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def _once(reached: Sequence[Aws]) -> list[Aws]:
    """Drop a target that the settings name twice."""
    return list({aws.target: aws for aws in reversed(reached)}.values())[::-1]
