"""Sessions of boto3 for a target: its profile, its role, and times in UTC."""

from __future__ import annotations

import functools
import os
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore import exceptions as boto
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.loaders import Loader, create_loader
from botocore.session import Session as BotocoreSession
from botocore.utils import parse_timestamp

from collectors.translate import translate
from core.settings import AwsSettings, TargetSettings

SESSION_NAME = "quarterdeck"


def endpoint_url(settings: AwsSettings) -> str | None:
    """The endpoint of the settings; None when the environment names one, which boto3 finds itself."""
    return None if os.environ.get("AWS_ENDPOINT_URL") else settings.endpoint_url


def make_session(wanted: TargetSettings, region: str, settings: AwsSettings, name: str) -> boto3.Session:
    """A session of its own, as sessions are not for sharing; with a role its credentials renew themselves.

    A role that assumes a role (a profile with a role, and `role_arn`) works as well; AWS then ends each
    session after an hour, which renewing covers.
    """
    core = BotocoreSession(profile=wanted.profile)
    core.set_config_variable("region", region)
    core.register_component("data_loader", _models())
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=utc)
    if wanted.role_arn:
        source = _own_credentials(core, name)
        role = _role_credentials(core, source, wanted.role_arn, wanted.external_id, region, settings)
        core._credentials = role  # type: ignore[attr-defined]  # botocore has no public way to hand in such ones
    session = boto3.Session(botocore_session=core)
    paths = _models().search_paths
    paths[:] = dict.fromkeys(paths)  # boto3 adds its own again with each session
    return session


@functools.cache
def _models() -> Loader:
    """The service models, read once for all sessions: that is most of the time that a session takes."""
    return create_loader()


def utc(value: float | str) -> datetime:
    """A time of an answer, in UTC. botocore makes local times, at half the cost of reading metrics."""
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return parse_timestamp(value).astimezone(UTC)


def _own_credentials(core: BotocoreSession, name: str) -> Credentials:
    found = core.get_credentials()
    if found is None:
        error = boto.NoCredentialsError()
        raise translate(error, service="sts", operation="AssumeRole", where=name) from error
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
