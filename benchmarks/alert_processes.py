"""How alerting bears `kill -9`: a process that collects, judges and delivers is killed and begins anew.

    python benchmarks/alert_processes.py [--kills 50] [--seed 0]

Each day's process is killed at random moments and started again on the same store, until the day is over; its
notices go to a web server here. Compared with one straight look at complete data: the same incidents with the
same beginnings and ends, every one told firing and resolved, in order; what comes again has the same id.
Prints a table; exit status 1 if anything differed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))

import httpx
import sqlalchemy as sa
from alert_kills import show

from store import schema
from store.store import Store
from tests.alerts.machine import Machine, random_day, store_settings, straight_look

SOONEST_S, LATEST_S = 0.2, 3.0
Got = list[tuple[str, str, str]]


class ToPort(httpx.HTTPTransport):
    """The channel's address is fixed; the server's port is not."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=self._port)
        return super().handle_request(request)


def live(folder: Path, port: int, seed: int) -> None:
    """The day, from the minute at which the process before was killed."""
    truth, late = random_day(Random(seed))
    reached = folder / "minute"
    minute = int(reached.read_text()) if reached.exists() else 5
    client = httpx.Client(transport=ToPort(port))
    store = store_settings(folder / "store")
    machine = Machine(lambda: Store.open(store), truth, late, minute=minute, http=client)
    while machine.minute < machine.length:
        machine.advance(3)
        for step in ("collect", "evaluate", "deliver", "deliver"):
            machine.step(step)
        (folder / "next").write_text(str(machine.minute))
        (folder / "next").rename(reached)
    machine.finish()
    machine.close()


@contextmanager
def receiving(got: Got):
    """A web server that drops no duplicate; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
            got.append((data["id"], data["incident"], data["reason"]))
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    chance, seen, wrong, began = Random(asked.seed), Counter[str](), list[str](), time.perf_counter()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.alerts.machine"])
    while seen["kills"] < asked.kills:
        seed, got = asked.seed + seen["days"], Got()
        with tempfile.TemporaryDirectory() as name, receiving(got) as port:
            while True:
                process = processes.Process(target=live, args=(Path(name), port, seed))
                process.start()
                process.join(chance.uniform(SOONEST_S, LATEST_S) if seen["kills"] < asked.kills else None)
                if process.exitcode is not None:
                    break
                process.kill()
                process.join()
                seen["kills"] += 1
            ended = [] if process.exitcode == 0 else [f"the process ended with {process.exitcode}"]
            told = incidents(Path(name) / "store")
            wrong += [f"day {seed}: {text}" for text in (*ended, *differences(told, got, seed))]
        sent = Counter(id for id, _, _ in got)
        again = sum(sent.values()) - len(sent)
        seen.update(days=1, incidents=len(told), notices=len(sent), again=again)
    _print(seen, wrong, time.perf_counter() - began)
    return 1 if wrong else 0


def incidents(path: Path) -> list[sa.Row]:
    store = Store.open(store_settings(path))
    try:
        with store.engine.connect() as connection:
            return list(connection.execute(sa.select(schema.incident)).all())
    finally:
        store.close()


def differences(told: list[sa.Row], got: Got, seed: int) -> list[str]:
    """Where what was told is not what a straight look tells."""
    found, straight = [], straight_look(random_day(Random(seed))[0])
    if (mine := sorted((one.rule, one.subject, one.opened_at, one.resolved_at) for one in told)) != straight:
        found.append(f"told {mine}, straight {straight}")
    for one in told:
        ids = dict.fromkeys((reason, id) for id, incident, reason in got if incident == one.id)
        is_told_by_another = not ids and one.grouped_under is not None
        if [reason for reason, _ in ids] != ["firing", "resolved"] and not is_told_by_another:
            found.append(f"{one.subject} {one.opened_at}: {list(ids)} came")
    return found


def _print(seen: Counter[str], wrong: list[str], took_s: float) -> None:
    rows = [
        ("Days", seen["days"]),
        ("Processes killed", seen["kills"]),
        ("Incidents", seen["incidents"]),
        ("Notices that came", seen["notices"]),
        ("Of them again, with the same id", seen["again"]),
        ("Differences from the straight look", len(wrong)),
    ]
    show(rows, wrong, took_s)


if __name__ == "__main__":
    raise SystemExit(main())
