"""The AWS edge: connections to targets whose clients count, pace, pay for and translate every call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import boto3
from botocore import exceptions as boto
from botocore.config import Config

from collectors.clock import Clock
from collectors.meter import (
    ONLY_KNOWN_AFTERWARDS,
    Meter,
    Pace,
    answered_units,
    chunks,
    request_price_usd,
    requested_units,
    scanned_bytes,
    unit_price_usd,
)
from collectors.regions import (
    ASKED_IN,
    FIRST_ASKED,
    check_region,
    discover,
    named_regions,
    not_enabled,
    wants_every,
)
from collectors.sessions import endpoint_url, make_session, utc
from collectors.translate import translate
from collectors.wholeness import what_is_missing
from core.errors import AwsError, CredentialsError
from core.facts import Target, Usage
from core.settings import AwsSettings, TargetSettings

__all__ = ["Aws", "Unreachable", "connect", "endpoint_url", "utc"]

HEADROOM_USD = Decimal("0.01")
"""What must be left of the budget for a call whose price only its answer tells."""

AT_ONCE = 8
"""How many regions are connected to side by side."""

_ASKED = "quarterdeck"
"""Where a request's context keeps what it costs."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A target of the settings that cannot be watched now: `name` as a person knows it, and why.

    `wanted` is what to hand to `connect` to try again just this.
    """

    name: str
    region: str | None
    error: AwsError
    wanted: TargetSettings | None = None


class Spending(Protocol):
    """What a run may spend (`collectors.budget.Hold`)."""

    def take(self, usd: Decimal) -> None: ...
    def ensure(self, usd: Decimal) -> None: ...
    def settle(self, usd: Decimal) -> None: ...


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is known of a request before it is sent."""

    units: int
    price_usd: Decimal | None
    query_id: str | None


class Aws:
    """One account in one region. Safe to share by threads.

    Its clients raise `core.errors.AwsError` and its children, never botocore's ClientError. Their calls are
    counted, each attempt included, slowed to `AwsSettings.calls_per_s`, and paid from `spending`. With
    `again`, credentials that AWS no longer takes are looked up anew for the next client.
    """

    def __init__(
        self,
        session: boto3.Session,
        target: Target,
        settings: AwsSettings,
        *,
        alias: str | None = None,
        attempts: int = 4,
        again: Callable[[], boto3.Session] | None = None,
        also: tuple[str, ...] = (),
    ) -> None:
        self.target = target
        self.alias = alias
        self.settings = settings
        self.also = also
        self._session, self._again = session, again
        self._attempts = attempts
        self._clients: dict[str, Any] = {}
        self._paces: dict[str, Pace] = {}
        self._lock = threading.RLock()
        self._meter = Meter()
        self.clock = Clock()
        self._spending: dict[int, Spending] = {}
        self._dearest_usd = HEADROOM_USD / 2
        self._is_stale = False

    def __repr__(self) -> str:
        return f"Aws({self.where})"

    @property
    def where(self) -> str:
        """The target as a person knows it, for messages."""
        return f"{self.alias or self.target.account} in {self.target.region}"

    def client(self, service: str) -> Any:
        """A boto3 client of this target, made once."""
        with self._lock:
            if self._is_stale and self._again is not None:
                self._session, self._clients, self._is_stale = self._again(), {}, False
            if service not in self._clients:
                self._clients[service] = self._connect(service)
            return self._clients[service]

    def pages(self, service: str, operation: str, **params: Any) -> Iterator[Mapping[str, Any]]:
        """The pages of a paginated call (`list_functions`); `PageSize` among `params` is the page's size."""
        size = params.pop("PageSize", None)
        config = {"PageSize": size} if size else {}
        client = self.client(service)
        try:
            yield from client.get_paginator(operation).paginate(**params, PaginationConfig=config)
        except boto.PaginationError as error:
            raise self._translate(error, service, client.meta.method_to_api_mapping[operation]) from error

    def take_usage(self) -> tuple[Usage, ...]:
        """Calls and billed units of this thread since it last asked."""
        return self._meter.take()

    @contextmanager
    def spending(self, hold: Spending) -> Iterator[None]:
        """Within, this thread's paid calls are held to `hold`: BudgetError is raised before one too many."""
        self._spending[threading.get_ident()] = hold
        try:
            yield
        finally:
            del self._spending[threading.get_ident()]

    def afford(self, usd: Decimal) -> None:
        """Raises BudgetError when this thread could not pay `usd` now: for calls that we price ourselves."""
        if hold := self._spending.get(threading.get_ident()):
            hold.ensure(usd)

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
            region_name=ASKED_IN.get(service, self.target.region),
            endpoint_url=endpoint_url(self.settings),
            config=config,
        )
        self._watch(client, service)
        return client

    def _watch(self, client: Any, service: str) -> None:
        events, pace = client.meta.events, self._pace(client.meta.service_model.endpoint_prefix)

        def before_build(params: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
            price, query_id = request_price_usd(service, model.name, params), params.get("queryId")
            context[_ASKED] = _Asked(requested_units(model.name, params), price, query_id)

        def before_attempt(request: Any, operation_name: str, **_: Any) -> None:
            if pace is not None:
                pace.wait()
            self._attempt(service, operation_name, request)

        def after_answer(http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
            self.clock.hear(getattr(http_response, "headers", {}).get("date"))
            if missing := what_is_missing(http_response, model):
                raise self._translate(boto.ResponseStreamingError(error=missing), service, model.name)
            if http_response.status_code >= 300:
                raise self._translate(boto.ClientError(parsed, model.name), service, model.name)
            self._answer(service, model.name, parsed, context)

        def once_more(response: Any, attempts: int, operation: Any, **_: Any) -> float | None:
            is_cut = response is not None and what_is_missing(response[0], operation) is not None
            return 0.0 if is_cut and attempts < self._attempts else None

        def after_failure(exception: Exception, event_name: str, **_: Any) -> None:
            if isinstance(exception, boto.BotoCoreError | boto.ClientError | RuntimeError):
                raise self._translate(exception, service, event_name.rpartition(".")[2])

        events.register("before-parameter-build.*", before_build)
        events.register("request-created.*", before_attempt)
        events.register("needs-retry.*", once_more)
        events.register("after-call.*", after_answer)
        events.register("after-call-error.*", after_failure)

    def _attempt(self, service: str, operation: str, request: Any) -> None:
        """Count and pay for a request that is about to be sent."""
        asked: _Asked = request.context.get(_ASKED) or _Asked(1, unit_price_usd(service, operation), None)
        units = chunks(_size(request.data)) if service == "sqs" else asked.units
        hold = self._spending.get(threading.get_ident())
        if hold is not None:
            hold.ensure(2 * self._dearest_usd if operation in ONLY_KNOWN_AFTERWARDS else Decimal(0))
            hold.take((asked.price_usd or Decimal(0)) * units)
        self._meter.add(service, operation, calls=1, units=units, price_usd=asked.price_usd)

    def _answer(self, service: str, operation: str, parsed: Mapping[str, Any], context: Any) -> None:
        """Count and pay for what only the answer tells. A query's results tell what its start costs."""
        asked: _Asked | None = (context or {}).get(_ASKED)
        units = answered_units(operation, parsed)
        if operation == "GetQueryResults" and asked is not None and asked.query_id:
            operation = "StartQuery"
            units = self._meter.newly_scanned(asked.query_id, scanned_bytes(parsed))
        if not units:
            return
        price = (
            asked.price_usd if asked is not None and service == "sqs" else unit_price_usd(service, operation)
        )
        cost_usd = units * (price or Decimal(0))
        self._meter.add(service, operation, calls=0, units=units, price_usd=price)
        self._dearest_usd = max(self._dearest_usd, cost_usd)
        if hold := self._spending.get(threading.get_ident()):
            hold.settle(cost_usd)

    def _translate(self, error: Exception, service: str, operation: str) -> AwsError:
        translated = translate(error, service=service, operation=operation, where=self.where)
        if isinstance(translated, CredentialsError):
            self._is_stale = True
        translated.__cause__ = error
        return translated

    def _pace(self, endpoint_prefix: str) -> Pace | None:
        per_s = self.settings.calls_per_s.get(endpoint_prefix)
        if per_s is None:
            return None
        return self._paces.setdefault(endpoint_prefix, Pace(per_s))


def _size(body: object) -> int:
    return len(body) if isinstance(body, bytes | bytearray | str) else 0


def connect(
    targets: Sequence[TargetSettings], aws: AwsSettings, *, attempts: int = 4
) -> tuple[list[Aws], list[Unreachable]]:
    """Connect to every account and region of `targets` (none: current credentials and region).

    STS is asked who we are. A target that fails is in the second list with its reason; the others go on.
    A target that is named twice is connected once: `also` of it has the other names.
    """

    def one(wanted: TargetSettings) -> tuple[list[Aws], list[Unreachable]]:
        try:
            return _reach_all(wanted, _regions(wanted, aws, attempts), aws, attempts)
        except AwsError as error:
            return [], [Unreachable(_name(wanted), None, error, wanted)]

    every = targets or [TargetSettings()]
    with ThreadPoolExecutor(min(AT_ONCE, len(every))) as pool:
        found = list(pool.map(one, every))
    return _once([aws for reached, _ in found for aws in reached]), [
        lost for _, failed in found for lost in failed
    ]


def _name(wanted: TargetSettings) -> str:
    return wanted.name or wanted.role_arn or wanted.profile or "the current account"


def _regions(wanted: TargetSettings, settings: AwsSettings, attempts: int) -> list[str]:
    name = _name(wanted)
    try:
        default = boto3.Session(profile_name=wanted.profile).region_name
    except boto.BotoCoreError as error:
        raise translate(error, service="sts", operation="GetCallerIdentity", where=name) from error
    regions = named_regions(wanted, default, name)
    if not wants_every(wanted):
        return regions
    first = (*regions, default or FIRST_ASKED)[0]
    check_region(first, name)
    session = make_session(wanted, first, settings, name)
    asking = Aws(session, Target("", first), settings, alias=name, attempts=min(2, attempts))
    return list(dict.fromkeys([*regions, *discover(asking.client, name)]))


def _reach_all(
    wanted: TargetSettings, regions: Sequence[str], settings: AwsSettings, attempts: int
) -> tuple[list[Aws], list[Unreachable]]:
    """Each region side by side: one that does not answer must not hold up the others."""

    def reach(region: str) -> Aws | AwsError:
        try:
            return _reach(wanted, region, settings, attempts)
        except AwsError as error:
            return error

    with ThreadPoolExecutor(min(AT_ONCE, len(regions))) as pool:
        found = dict(zip(regions, pool.map(reach, regions), strict=True))
    reached = [aws for aws in found.values() if isinstance(aws, Aws)]
    _name_account(reached, wanted)
    elsewhere = [aws.target.region for aws in reached]
    failed = [
        _unreachable(wanted, region, error, elsewhere)
        for region, error in found.items()
        if isinstance(error, AwsError)
    ]
    return reached, failed


def _unreachable(
    wanted: TargetSettings, region: str, error: AwsError, elsewhere: Sequence[str]
) -> Unreachable:
    why = not_enabled(error, region, elsewhere) or error
    return Unreachable(_name(wanted), region, why, wanted.model_copy(update={"regions": [region]}))


def _reach(wanted: TargetSettings, region: str, settings: AwsSettings, attempts: int) -> Aws:
    if not wants_every(wanted):
        check_region(region, _name(wanted))

    def session() -> boto3.Session:
        return make_session(wanted, region, settings, _name(wanted))

    first = session()
    unknown = Aws(first, Target("", region), settings, alias=_name(wanted), attempts=min(2, attempts))
    account = unknown.client("sts").get_caller_identity()["Account"]
    target = Target(account, region)
    return Aws(first, target, settings, alias=wanted.name, attempts=attempts, again=session)


def _name_account(reached: Sequence[Aws], wanted: TargetSettings) -> None:
    """Without a name of our own, the account's alias if the role may read it: asked for once."""
    if wanted.name or not reached:
        return
    try:
        found = reached[0].client("iam").list_account_aliases().get("AccountAliases", [])
    except AwsError:
        return  # a nicety: the account's number serves as well
    finally:
        reached[0].take_usage()
    for aws in reached:
        aws.alias = next(iter(found), None)


def _once(reached: Sequence[Aws]) -> list[Aws]:
    """Drop a target that the settings name twice; the one that is kept knows the others' names."""
    first: dict[Target, Aws] = {}
    for aws in reached:
        kept = first.setdefault(aws.target, aws)
        if kept is not aws:
            kept.also += (aws.alias or aws.target.account,)
    return list(first.values())
