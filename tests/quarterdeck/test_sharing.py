"""Several services as processes on one store: each target with one, each notice and each action once, whoever
is killed or stopped in the middle."""

import json
import os
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa

from alerts import ledger
from alerts.incident import Incident
from alerts.notice import Link, Notice
from core.settings import StoreSettings
from store import journal, leases, schema
from store.leases import DUTY
from store.store import Store
from tests.quarterdeck import sharing_service
from tests.quarterdeck.sharing_service import TARGETS
from tests.warm import forking

pytestmark = pytest.mark.slow

NOTICES = [f"n{n}" for n in range(8)]
INCIDENTS = [f"i{n}" for n in range(8)]


class Chat:
    """A web server: keeps what came, and answers notices and invocations slowly."""

    def __init__(self):
        self.notices, self.invoked, self.reads = [], [], []
        self.answer_after_s = 0.2

    def take(self, path, body):
        if path == "/read":
            self.reads.append((time.monotonic(), body["holder"], body["account"]))
            return
        kept = self.notices if path == "/notice" else self.invoked
        kept.append(body["data"]["id"] if path == "/notice" else body["incident"]["id"])
        time.sleep(self.answer_after_s)


@pytest.fixture
def chat():
    got = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.take(self.path, body)
            with suppress(OSError):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_): ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_): ...

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    got.url = f"http://127.0.0.1:{server.server_port}"
    yield got
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def store(tmp_path, database):
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0, database=database))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def forked():
    return forking()


@pytest.fixture
def start(tmp_path, store, database, chat, forked):
    """Start services, each as a process of its own."""
    processes = []

    def some(count):
        up = [forked.Event() for _ in range(count)]
        for n, event in enumerate(up):
            words = (tmp_path / f"{n}.log", event, str(store.path), database or "", chat.url)
            processes.append(forked.Process(target=sharing_service.run, args=words))
            processes[-1].start()
        assert all(event.wait(60) for event in up)
        return processes

    yield some
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.join()
        process.close()


def until(what, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("not in time")


def losses(store):
    """Who was missed, as the journal tells it."""
    return [entry.text for entry in journal.entries(store) if "no sign of life" in entry.text]


def held(store):
    with store.engine.connect() as connection:
        return leases.leases(connection)


def shares(store):
    """How many targets each service holds, least first."""
    return sorted(Counter(who for target, who in held(store).items() if target != DUTY).values())


def on_duty(store, processes):
    """The process that alerts, and the other one."""
    holder = held(store)[DUTY]
    mine = next(process for process in processes if f"-{process.pid}-" in holder)
    return mine, next(process for process in processes if process is not mine)


def queue(store):
    now = datetime.now(UTC)
    with store.transaction() as connection:
        for name in NOTICES:
            ledger.queue(connection, notice(name, now), "chat", seq=0, now=now)
        for name in INCIDENTS:
            ledger.open_incident(connection, incident(name, now))


def incident(name, now):
    target = TARGETS[0]
    return Incident(
        id=name, rule="broken", account=target.account, region=target.region, subject_kind="function",
        subject=name, severity="critical", title="t", text="t", opened_at=now, value=1.0, threshold=0.1,
    )  # fmt: skip


def notice(name, now):
    target = TARGETS[0]
    return Notice(
        id=name, incident=name, reason="firing", severity="critical", rule="broken", signal="error_rate",
        title="t", text="t", facts=(), links=(Link(label="x", url="http://127.0.0.1/x"),),
        account=target.account, region=target.region, subject_kind="function", subject=name, opened_at=now,
    )  # fmt: skip


def delivered(store):
    with store.engine.connect() as connection:
        states = connection.execute(sa.select(schema.outbox.c.state)).scalars().all()
        acted = connection.execute(sa.select(schema.audit.c.outcome)).scalars().all()
    is_done = len(acted) == len(INCIDENTS) and acted.count("planned") <= 1  # one may have been interrupted
    return set(states) == {"delivered"} and is_done


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_targets_are_shared_and_one_that_ends_gives_its_part_back_at_once(start, store, chat):
    one, two = start(2)
    until(lambda: shares(store) == [2, 2])
    since = time.monotonic()

    until(lambda: len({account for at, _, account in chat.reads if at > since + 2}) == len(TARGETS))
    settled = [(holder, account) for at, holder, account in chat.reads if at > since + 2]
    assert len({holder for holder, _ in settled}) == 2
    assert all(len({who for who, of in settled if of == account}) == 1 for _, account in settled)

    lost = losses(store)
    one.terminate()
    one.join(60)
    assert one.exitcode == 0
    until(lambda: shares(store) == [4])
    assert losses(store) == lost, "nobody had to notice that it is gone"
    with store.engine.connect() as connection:
        assert [member.holder for member in leases.members(connection)] == [held(store)[DUTY]]
    two.terminate()
    two.join(60)
    assert two.exitcode == 0
    assert held(store) == {}


def test_who_is_killed_in_the_middle_of_a_delivery_is_replaced_and_nothing_else_is_doubled(
    start, store, chat
):
    processes = start(2)
    until(lambda: shares(store) == [2, 2])
    killed, _ = on_duty(store, processes)
    queue(store)
    until(lambda: len(chat.notices) >= 2 and len(chat.invoked) >= 2)
    killed.kill()
    killed.join()
    came = list(chat.notices)

    until(lambda: delivered(store) and shares(store) == [4])

    assert set(chat.notices) == set(NOTICES)
    twice = [name for name, times in Counter(chat.notices).items() if times > 1]
    assert set(twice) <= {came[-1]}, "only what nobody saw the answer of is sent again, under its old id"
    assert max(Counter(chat.invoked).values()) == 1
    assert len(set(INCIDENTS) - set(chat.invoked)) <= 1, "nobody knows whether the interrupted one was done"
    assert losses(store)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_who_is_stopped_in_the_middle_and_goes_on_later_doubles_nothing(start, store, chat):
    """Not on a file: who is stopped while it writes to one holds up all others, by the nature of SQLite."""
    processes = start(2)
    until(lambda: shares(store) == [2, 2])
    stopped, _ = on_duty(store, processes)
    queue(store)
    until(lambda: len(chat.notices) >= 2 and len(chat.invoked) >= 2)
    os.kill(stopped.pid, signal.SIGSTOP)
    came = list(chat.notices)

    until(lambda: delivered(store) and shares(store) == [4])
    since = time.monotonic()
    os.kill(stopped.pid, signal.SIGCONT)
    until(lambda: shares(store) == [2, 2])

    assert set(chat.notices) == set(NOTICES)
    assert {name for name, times in Counter(chat.notices).items() if times > 1} <= {came[-1]}
    assert max(Counter(chat.invoked).values()) == 1
    holder = next(who for who in held(store).values() if f"-{stopped.pid}-" in who)
    assert held(store)[DUTY] != holder
    until(lambda: any(at > since and who == holder for at, who, _ in chat.reads))
