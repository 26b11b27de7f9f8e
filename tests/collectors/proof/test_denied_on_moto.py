"""Each API that moto knows denied in turn: it is named, and every other collector does what it did."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest

from collectors.aws import Aws
from collectors.registry import COLLECTORS
from core.facts import Run, Target
from core.settings import AwsSettings, CollectSettings
from tests.collectors.proof.content import one_pass, opened

TARGET = Target("123456789012", "eu-west-1")
SHORT = timedelta(minutes=10)
SETTINGS = CollectSettings(backfill=SHORT, backfill_coarse=SHORT)
ASKED_OF_MOTO = (
    "lambda:ListFunctions",
    "lambda:ListEventSourceMappings",
    "lambda:ListAliases",
    "lambda:GetFunctionConcurrency",
    "lambda:ListFunctionEventInvokeConfigs",
    "logs:DescribeLogGroups",
    "logs:FilterLogEvents",
    "cloudwatch:GetMetricData",
    "sqs:GetQueueAttributes",
    "tag:GetResources",
    "xray:GetTraceSummaries",
)


class Guarded(Aws):
    """An `Aws` that one IAM action is denied to."""

    denied: str | None = None

    def _connect(self, service: str) -> Any:
        client = super()._connect(service)
        client.meta.events.register("before-call.*", self._guard)
        return client

    def _guard(self, model: Any, **_: Any) -> Any:
        if self.denied is None or self.denied.split(":")[1] != model.name:
            return None
        said = f"User: arn:aws:iam::123456789012:role/watch is not authorized to perform: {self.denied}"
        error = {"Error": {"Code": "AccessDeniedException", "Message": said}, "ResponseMetadata": {}}
        return SimpleNamespace(status_code=403, headers={}), error


@dataclass(frozen=True)
class Known:
    aws: Guarded
    store: Path
    now: datetime
    usual: list[Run]


@contextmanager
def account(endpoint: str) -> Iterator[boto3.Session]:
    """A function with a log group, fed by a queue."""
    session = boto3.Session("key", "secret", region_name=TARGET.region)
    role = session.client("iam", endpoint_url=endpoint).create_role(
        RoleName="r", AssumeRolePolicyDocument="{}"
    )["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    functions = session.client("lambda", endpoint_url=endpoint)
    functions.create_function(
        FunctionName="orders",
        Runtime="python3.12",
        Role=role,
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )
    queues = session.client("sqs", endpoint_url=endpoint)
    url = queues.create_queue(QueueName="orders")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="orders")
    session.client("logs", endpoint_url=endpoint).create_log_group(logGroupName="/aws/lambda/orders")
    yield session


def passed(known: Path, folder: Path, aws: Aws, now: datetime) -> list[Run]:
    shutil.copytree(known, folder)
    with opened(folder) as store:
        return one_pass(aws, store, now, SETTINGS)


@pytest.fixture(scope="module")
def known(moto_url, tmp_path_factory) -> Iterator[Known]:
    httpx.post(f"{moto_url}/moto-api/reset")
    work, now = tmp_path_factory.mktemp("moto"), datetime.now(UTC).replace(microsecond=0)
    with account(moto_url) as session:
        aws = Guarded(session, TARGET, AwsSettings(endpoint_url=moto_url, calls_per_s={}), attempts=1)
        with opened(work / "known") as store:
            one_pass(aws, store, now, SETTINGS)
        later = now + timedelta(minutes=6)
        yield Known(aws, work / "known", later, passed(work / "known", work / "usual", aws, later))


def outcomes(runs: list[Run], without: set[str]) -> list[tuple[str, str, str | None]]:
    return [(run.collector, run.outcome, run.permission) for run in runs if run.collector not in without]


@pytest.mark.parametrize("action", ASKED_OF_MOTO)
def test_an_api_that_is_denied_is_named_and_leaves_all_else_as_it_was(known, tmp_path, action):
    users = {collector.name for collector in COLLECTORS if action in collector.permissions}
    known.aws.denied = action
    try:
        runs = passed(known.store, tmp_path / "store", known.aws, known.now)
    finally:
        known.aws.denied = None

    named = {run.collector for run in runs if action in (run.error or "")}
    assert named
    assert named <= users
    assert action in {run.permission for run in runs if run.collector in named}
    assert outcomes(runs, users) == outcomes(known.usual, users)
    with opened(tmp_path / "store") as store:
        assert [function.name for function in store.inventory(TARGET).functions] == ["orders"]
