"""AWS for collectors' tests: canned answers behind real boto3 clients and paginators, and moto over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from collectors.aws import Aws
from core.entities import Function
from core.facts import Covered, Run, Target
from core.settings import AwsSettings, StoreSettings
from core.windows import MINUTE, Window
from store.store import Store

NOW = datetime(2026, 11, 21, 10, 30, 20, tzinfo=UTC)
TARGET = Target("111122223333", "eu-west-1")


class RefusedError(Exception):
    """What an answer raises to be turned into AWS's error answer."""

    def __init__(self, code: str, message: str = "no", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class FakeAws(Aws):
    """An `Aws` whose calls functions of their parameters answer; `asked` counts them by operation."""

    def __init__(self, **answers: Callable[[Mapping[str, Any]], Any]) -> None:
        session = boto3.Session("key", "secret", region_name=TARGET.region)
        super().__init__(session, TARGET, AwsSettings(calls_per_s={}), attempts=1)
        self.answers = dict(answers)
        self.asked: Counter[str] = Counter()

    def _connect(self, service: str) -> Any:
        client = super()._connect(service)
        client.meta.events.register("before-parameter-build.*", self._remember)
        client.meta.events.register("before-call.*", self._reply)
        return client

    def _remember(self, params: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def _reply(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        self.asked[model.name] += 1
        try:
            answer = self.answers[model.name](context["asked"])
        except RefusedError as refusal:
            error = {"Error": {"Code": refusal.code, "Message": refusal.message}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=refusal.status), error
        return SimpleNamespace(status_code=200), answer


def paged(items: list[Any], key: str, *, size: str, token: str, default: int = 50) -> Callable[[Any], Any]:
    """Answer a listing a page at a time, as AWS does: `token` is the name that asks for the next one."""

    def answer(params: Mapping[str, Any]) -> dict[str, Any]:
        at = int(params.get(token, 0))
        end = at + min(int(params.get(size, default)), default)
        out = "NextMarker" if token == "Marker" else token
        return {key: items[at:end]} | ({out: str(end)} if end < len(items) else {})

    return answer


def refusing(code: str, message: str = "no") -> Callable[[Any], Any]:
    def answer(params: Any) -> Any:
        raise RefusedError(code, message)

    return answer


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    store = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield store
    store.close()


@pytest.fixture
def listed(store: Store) -> Store:
    """A store that knows a function: nothing else is read before the inventory."""
    window = Window.last(MINUTE, now=NOW)
    facts = [Function(name="f", arn="arn:aws:lambda:eu-west-1:111122223333:function:f"), Covered("", window)]
    run = Run(
        collector="inventory", target=TARGET, window=window, period_s=0,
        started_at=NOW, finished_at=NOW, outcome="ok",
    )  # fmt: skip
    store.commit(run, facts, now=NOW)
    return store


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(moto_url, monkeypatch) -> str:
    """An empty AWS over HTTP, found through the environment."""
    httpx.post(f"{moto_url}/moto-api/reset")
    environment = {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return moto_url


@pytest.fixture
def answered() -> type[FakeAws]:
    """Make an `Aws` from answers: `answered(ListFunctions=lambda params: {...})`."""
    return FakeAws


@pytest.fixture(name="paged")
def paged_fixture() -> Callable[..., Any]:
    return paged


@pytest.fixture(name="refusing")
def refusing_fixture() -> Callable[..., Any]:
    return refusing
