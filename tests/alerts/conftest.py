"""Rules, grids, a store and a webhook receiver, made in one line each."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from alerts import ledger
from alerts.grid import FLAGS, Grid
from alerts.http import open_http
from alerts.notice import Link, Notice
from alerts.outbox import Outcome, Ways
from alerts.postman import Postman
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from core.entities import Function
from core.facts import Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import Window
from store.schema import metadata
from store.store import Store
from tests.alerts.kinds import ENDLESS_DRIPS, PATIENT_S

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def start() -> datetime:
    return START


@pytest.fixture
def rule() -> Callable[..., Rule]:
    def make(name: str = "error-rate", **given: Any) -> Rule:
        words = {"signal": "error_rate"} | given
        if "above" not in words and "below" not in words:
            words["above"] = 0.1
        return Rule.model_validate({"rule": name} | words)

    return make


@pytest.fixture
def grid() -> Callable[..., Grid]:
    """A grid of one function; columns are lists of a number per minute; flags may be left out."""

    def make(**columns: Sequence[float | bool]) -> Grid:
        minutes = len(next(iter(columns.values())))
        flags = {"collected": True, "records_collected": True, "provisional": False}
        return Grid(
            (Subject("function", "111122223333", "eu-west-1", "checkout", alias="prod"),),
            tuple(START + timedelta(minutes=at + 1) for at in range(minutes)),
            {name: np.array([values], dtype=float) for name, values in columns.items() if name not in FLAGS},
            {
                name: np.array([columns.get(name, [usual] * minutes)], dtype=bool)
                for name, usual in flags.items()
            },
        )

    return make


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield opened
    opened.close()


@pytest.fixture
def message() -> Callable[..., Notice]:
    def make(**given: Any) -> Notice:
        usual: dict[str, Any] = {
            "id": "i1-firing-chat",
            "incident": "i1",
            "reason": "firing",
            "severity": "critical",
            "rule": "error-rate",
            "signal": "error_rate",
            "title": "checkout: error rate 34.2 %",
            "text": "Error rate 34.2 %: above 5 %.",
            "facts": (("Account", "prod"), ("Last deploy", "")),
            "links": (Link(label="Open alert", url="http://127.0.0.1:8501/alerts?alert=i1"),),
            "account": "111122223333",
            "region": "eu-west-1",
            "subject_kind": "function",
            "subject": "checkout",
            "opened_at": START,
        }
        return Notice.model_validate(usual | given)

    return make


@dataclass
class Receiver:
    """A web server of our own: gives the next of its `answers` (the last one for ever), keeps what it got."""

    url: str = ""
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    dripped: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def then(self, status: int, body: bytes = b"ok", **headers: str) -> Receiver:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        self.answers.append(answer)
        return self

    def then_hold(self) -> threading.Event:
        """Does not answer before the event is set."""
        released = threading.Event()

        def hold(handler: BaseHTTPRequestHandler) -> None:
            released.wait(60)

        self.answers.append(hold)
        return released

    def then_cut(self) -> Receiver:
        def cut(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 20")
            handler.connection.close()

        self.answers.append(cut)
        return self

    def then_drip(self) -> Receiver:
        def drip(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(500)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            for _ in range(ENDLESS_DRIPS):
                handler.wfile.write(b"x")
                self.dripped += 1
                time.sleep(0.1)

        self.answers.append(drip)
        return self

    def next_answer(self) -> Callable[[BaseHTTPRequestHandler], None]:
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    got = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.asked.append((self.command, self.path))
            got.bodies.append(json.loads(body))
            got.headers.append({name.lower(): value for name, value in self.headers.items()})
            got.raw = body  # type: ignore[attr-defined]
            with suppress(OSError):
                got.next_answer()(self)

        def log_message(self, *_: Any) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    got.url = f"http://127.0.0.1:{server.server_port}/services/T000/B000/verysecretpart"
    yield got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def http() -> Iterator[Any]:
    with open_http() as client:
        yield client


PROD = Target("111122223333", "eu-west-1")


class World:
    """What collectors would have learned about a few functions, told to a real store minute by minute."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.known(
            Function(name="checkout", arn="arn", runtime="python3.13", timeout_s=3, tags={"team": "payments"})
        )

    def known(
        self, *entities: Any, now: datetime = START - timedelta(hours=2), target: Target = PROD
    ) -> None:
        window = Window(now, now)
        self._commit("inventory", window, [*entities], now, target)

    def told(self, collector: str, window: Window, facts: Sequence[Any]) -> None:
        """Any facts of a window, read at its end."""
        self._commit(collector, window, facts, window.end, PROD)

    def minutes(
        self,
        first: int,
        errors: Sequence[float],
        *,
        at: int | None = None,
        function: str = "checkout",
        **more: Any,
    ) -> None:
        """Minutes from `first` on, 100 invocations each, read at minute `at` (usually right after)."""
        ends = first + len(errors)
        points = [
            MetricPoint(
                scope="function", function=function, ts=self.at(first + n), period_s=60,
                **({"invocations": 100.0, "errors": float(count)} | more),
            )
            for n, count in enumerate(errors)
        ]  # fmt: skip
        now = self.at(ends if at is None else at)
        self._commit("metrics", Window(self.at(first), self.at(ends)), points, now, PROD)

    def coarse(self, first: int, last: int) -> None:
        """Minutes that were read at five minutes a point."""
        window = Window(self.at(first), self.at(last))
        run = self._run("metrics", window, window.end, PROD)
        point = MetricPoint(
            scope="function", function="checkout", ts=window.start, period_s=300, invocations=500.0
        )
        self.store.commit(replace(run, period_s=300), [point], now=window.end)

    def failed(self, collector: str, at: int, error: str = "no permission", target: Target = PROD) -> None:
        run = self._run(collector, Window(self.at(at - 5), self.at(at)), self.at(at), target)
        self.store.commit(replace(run, outcome="failed", error=error), [], now=self.at(at))

    def at(self, minute: float) -> datetime:
        return START + timedelta(minutes=minute)

    def _commit(
        self, collector: str, window: Window, facts: Sequence[Any], now: datetime, target: Target
    ) -> None:
        self.store.commit(self._run(collector, window, now, target), facts, now=now)

    def _run(self, collector: str, window: Window, now: datetime, target: Target) -> Run:
        return Run(
            collector=collector, target=target, window=window, period_s=60, started_at=now, finished_at=now,
            outcome="ok",
        )  # fmt: skip


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def table(store: Store) -> Callable[[str], list[dict[str, Any]]]:
    """All rows of a state table."""

    def read(name: str) -> list[dict[str, Any]]:
        with store.engine.connect() as connection:
            rows = connection.execute(sa.select(metadata.tables[name]))
            return [dict(row) for row in rows.mappings()]

    return read


@pytest.fixture
def settings() -> Callable[..., AlertSettings]:
    """Settings with one channel, `chat`, unless others are given."""

    def make(
        url: str = "http://127.0.0.1:9/hook", *, timeout_s: float = PATIENT_S, **given: Any
    ) -> AlertSettings:
        usual: dict[str, Any] = {"channels": {"chat": {"kind": "slack", "url": url, "timeout_s": timeout_s}}}
        return AlertSettings.model_validate(usual | given)

    return make


@pytest.fixture
def queue(store: Store, message: Callable[..., Notice], world: World) -> Callable[..., None]:
    """Queue notices of incidents: each pair is an incident and a reason, in order, on `chat` unless told."""

    def put(pairs: Sequence[tuple[str, str]], channel: str = "chat", at: float = 0, **words: Any) -> None:
        counts: dict[str, int] = {}
        with store.transaction() as connection:
            for incident, reason in pairs:
                seq = counts.get(incident, 0)
                counts[incident] = seq + 1
                id = f"{incident}-{reason}-{seq}-{channel}"
                notice = message(id=id, incident=incident, reason=reason, **words)
                ledger.queue(connection, notice, channel, seq=seq, now=world.at(at))

    return put


@pytest.fixture
def deliver(
    store: Store, settings: Callable[..., AlertSettings], http: Any, world: World, receiver: Receiver
) -> Callable[..., list[Outcome]]:
    """One pass, so many seconds after the start, that waits for all its threads."""

    def go(seconds: float, **given: Any) -> list[Outcome]:
        usual: dict[str, Any] = {"settings": settings(receiver.url), "http": http, "pause": lambda _: None}
        ways = Ways(
            **{"store": store, "clock": lambda: world.at(seconds / 60), "chance": lambda: 0.0} | usual | given
        )
        return Postman(ways, patience_s=30).deliver()

    return go


@pytest.fixture
def demo() -> Iterator[Any]:
    """A demo account of its own, whose clock stands at NOW, as actions reach it in eu-west-1."""
    from quarterdeck.demo.server import DemoServer, FrozenClock
    from tests.alerts.remedied import NOW, DemoAws

    with DemoServer(clock=FrozenClock(NOW), starts=[NOW]) as server:
        yield DemoAws(server)


@pytest.fixture
def room(store: Store, demo: Any, rule: Callable[..., Rule], settings: Callable[..., AlertSettings]) -> Any:
    """Rules about a function of the demo account, incidents of it, and a service that acts when told."""
    from tests.alerts.remedied import Room

    return Room(store, demo, rule, settings)


@pytest.fixture
def killed_after_answer(
    store: Store, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """`killed_after_answer()`: we die once, between a target's answer and our note of it."""
    transaction = store.transaction

    def arm() -> None:
        def dying() -> Any:
            if receiver.bodies:
                monkeypatch.setattr(store, "transaction", transaction)
                raise KeyboardInterrupt
            return transaction()

        monkeypatch.setattr(store, "transaction", dying)

    return arm
