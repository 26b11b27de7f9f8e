"""The alert room on a bad day: data late and twice, kills anywhere, silences, a clock that jumps.

What it told is compared with one straight look at the truth. Used by `test_machine.py`, which lets Hypothesis
choose the steps, and by `benchmarks/alert_kills.py`, which chooses them at random for a long time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import numpy as np
import sqlalchemy as sa

from alerts.engine import evaluate
from alerts.findings import decide
from alerts.grid import Grid
from alerts.judge import judge
from alerts.ledger import WAITS
from alerts.outbox import Ways, deliver_on
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from alerts.silences import silence
from alerts.waiting import LONGEST
from core.entities import Function, Version
from core.facts import Run, Target
from core.people import Person
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window
from store import schema
from store.store import Store

START = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)
PROD = Target("111122223333", "eu-west-1")
RULES = [
    Rule.model_validate(words)
    for words in (
        {"rule": "error-rate", "signal": "error_rate", "above": 0.1, "over": "2m", "for": "2 of 3"},
        {"rule": "many-errors", "signal": "errors", "above": 30, "for": "3 of 4", "severity": "critical"},
    )
]
"""Both fire for one cause, the deploy before: the second leads, and fires a little later."""

SETTINGS = AlertSettings.model_validate(
    {"channels": {"hook": {"kind": "webhook", "url": "http://127.0.0.1:9/hook"}}, "starter": False}
)
CALLS = 100.0
READ_AGAIN = 25
"""Minutes that a collector reads again, because they may have changed."""

LATEST = 6
"""Minutes after which a number is complete. With the clock's jumps it stays below what counts as settled."""

JUMP = 9


class KilledError(BaseException):
    """The process is gone. No `except Exception` survives it."""


@dataclass
class Fate:
    """Kills at the n-th point from now on; a point lies before, in and after each transaction and call."""

    left: int | None = None
    kills: int = 0

    def point(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left, self.kills = None, self.kills + 1
                raise KilledError


@dataclass
class Receiving:
    """A receiver that drops no duplicate."""

    fate: Fate
    got: list[tuple[str, str, str]] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.fate.point()
        data = json.loads(request.content)["data"]
        self.got.append((data["id"], data["incident"], data["reason"]))
        self.fate.point()
        return httpx.Response(200)


def mortal(store: Store, fate: Fate) -> Store:
    """The store, whose every transaction may be the last thing that this process does."""
    whole = store.transaction

    @contextmanager
    def transaction() -> Iterator[sa.Connection]:
        fate.point()
        with whole() as connection:
            yield connection
            fate.point()
        fate.point()

    store.transaction = transaction  # type: ignore[method-assign]
    return store


class Machine:
    """`truth`: errors of every minute by function. `late`: how many minutes later a minute's number comes.
    `minute`: when it begins, with what a store keeps of the time before."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        truth: dict[str, Sequence[float]],
        late: Sequence[int],
        *,
        minute: int = 5,
        http: httpx.Client | None = None,
    ) -> None:
        self.truth, self.late = truth, late
        self.fate = Fate()
        self.receiver = Receiving(self.fate)
        self.http = http or httpx.Client(transport=httpx.MockTransport(self.receiver.answer))
        self.minute, self.skew, self.read_until = minute, 0, 0
        self.torn: Counter[str] = Counter()
        self._open = open_store
        self.store = self._opened()
        self.step("tell")
        self.step("collect")
        self.step("evaluate")

    @property
    def now(self) -> datetime:
        """What the clock says, which may be wrong."""
        return START + (self.minute + self.skew) * MINUTE

    @property
    def length(self) -> int:
        return len(next(iter(self.truth.values())))

    def step(self, name: str) -> None:
        """One step; if it kills the process, another one begins with the same store."""
        try:
            getattr(self, f"_{name}")()
        except KilledError:
            self.fate.left = None
            self.restart()
            self._note_torn()

    def close(self) -> None:
        self.http.close()
        self.store.close()

    def restart(self) -> None:
        self.store.close()
        self.store = self._opened()

    def advance(self, minutes: int) -> None:
        self.minute = min(self.minute + minutes, self.length)

    def finish(self) -> None:
        """No more kills, the clock is right again: all is collected, judged and delivered."""
        self.fate.left, self.skew = None, 0
        while self.minute < self.length:
            self.advance(7)
            self.step("collect")
            self.step("evaluate")
            self.step("deliver")
        for _ in range(8):
            self.step("deliver")
            self.skew += 2  # what was queued while the clock was ahead is due later

    # --- steps ----------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        functions = [Function(name=name, arn="arn", runtime="python3.13") for name in self.truth]
        deploys = [
            Version(name=f"{name}:8", function=name, version="8", published=START) for name in self.truth
        ]
        for known, at in ((functions, START - MINUTE), (deploys, START)):
            self.store.commit(self._run("inventory", Window(at, at)), known, now=at)

    def _collect(self) -> None:
        """As collectors do: from what is not settled yet, up to now; the newest numbers are not complete."""
        until = self.minute
        since = max(min(self.read_until, until) - READ_AGAIN, 0)
        window = Window(START + since * MINUTE, START + until * MINUTE)
        points = [
            MetricPoint(
                scope="function", function=name, ts=START + at * MINUTE, period_s=60, invocations=CALLS,
                errors=errors[at] if at + 1 + self.late[at] <= self.minute else 0.0,
            )
            for name, errors in self.truth.items()
            for at in range(since, until)
        ]  # fmt: skip
        self.store.commit(self._run("metrics", window), points, now=self.now)
        self.read_until = until

    def _evaluate(self) -> None:
        evaluate(self.store, RULES, SETTINGS, now=self.now)

    def _deliver(self) -> None:
        ways = Ways(
            store=self.store, settings=SETTINGS, http=self.http, clock=lambda: self.now, chance=lambda: 1.0,
            pause=lambda seconds: None,
        )  # fmt: skip
        deliver_on("hook", ways)

    def silence(self, minutes: int, function: str) -> None:
        silence(
            self.store, subject=function, duration=minutes * MINUTE, reason="load test",
            by=Person("ada", "operator"), now=self.now,
        )  # fmt: skip

    # --- what must hold -------------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """Where what was told is not what a straight look tells; empty when all is well."""
        told = sorted(
            (row["rule"], row["subject"], row["opened_at"], row["resolved_at"])
            for row in self._rows("incident")
        )
        straight = straight_look(self.truth)
        wrong = [] if told == straight else [f"told {told}, straight {straight}"]
        return [*wrong, *self._doubled(), *self._lost(), *self._out_of_order()]

    def count(self, table: str) -> int:
        return len(self._rows(table))

    def _doubled(self) -> list[str]:
        sent = Counter(id for id, _, _ in self.receiver.got)
        return [f"{id} came {n} times" for id, n in sent.items() if n > 1 + self.torn[id]]

    def _lost(self) -> list[str]:
        found = []
        for row in self._rows("incident"):
            reasons = {reason for _, incident, reason in self.receiver.got if incident == row["id"]}
            if reasons != {"firing", "resolved"} and not (reasons == set() and self._is_untold(row)):
                found.append(
                    f"{row['rule']} {row['subject']} {row['opened_at']}: only {sorted(reasons)} came"
                )
        return found

    def _is_untold(self, row: dict[str, Any]) -> bool:
        """Whether it was silenced all along, or another tells it; that one waited for it is no reason."""
        held = {
            event["incident"]
            for event in self._rows("incident_event")
            if event["what"] == "held back" and not event["text"].startswith(WAITS)
        }
        return row["id"] in held or row["grouped_under"] is not None

    def told_too_soon(self) -> list[str]:
        """Members that were told before what leads them, though that one was about to fire: two messages for
        one cause. Only where minutes come in time and the clock is right."""
        told = {
            row["incident"]: row["created_at"] for row in self._rows("outbox") if row["reason"] == "firing"
        }
        rows = [row for row in self._rows("incident") if row["id"] in told]
        return [
            f"{one['subject']} at {told[one['id']]}, {leader['rule']} at {told[leader['id']]}"
            for leader in rows
            for one in rows
            if leader["severity"] == "critical"
            and (one["subject"], one["severity"]) == (leader["subject"], "warning")
            and timedelta(0) <= leader["opened_at"] - one["opened_at"] <= LONGEST
            and told[one["id"]] < told[leader["id"]]
        ]

    def _out_of_order(self) -> list[str]:
        first = dict[str, str]()
        for _, incident, reason in self.receiver.got:
            first.setdefault(incident, reason)
        return [f"{incident} began with {reason}" for incident, reason in first.items() if reason != "firing"]

    def _note_torn(self) -> None:
        """A kill between the answer and the note: at least once means that this one may come again."""
        sent = Counter(id for id, _, _ in self.receiver.got)
        waiting = {row["id"] for row in self._rows("outbox") if row["state"] == "queued"}
        for id in waiting & sent.keys():
            self.torn[id] = sent[id]

    def _rows(self, name: str) -> list[dict[str, Any]]:
        with self.store.engine.connect() as connection:
            return [
                dict(row) for row in connection.execute(sa.select(schema.metadata.tables[name])).mappings()
            ]

    def _run(self, collector: str, window: Window) -> Run:
        return Run(
            collector=collector, target=PROD, window=window, period_s=60, started_at=self.now,
            finished_at=self.now, outcome="ok",
        )  # fmt: skip

    def _opened(self) -> Store:
        return mortal(self._open(), self.fate)


def straight_look(
    truth: dict[str, Sequence[float]],
) -> list[tuple[str, str, datetime, datetime | None]]:
    """What one look at everything, complete and settled, tells."""
    names, minutes = list(truth), len(next(iter(truth.values())))
    errors = np.array([truth[name] for name in names], dtype=float)
    flags = {"collected": True, "records_collected": True, "provisional": False}
    grid = Grid(
        tuple(Subject("function", PROD.account, PROD.region, name) for name in names),
        tuple(START + (at + 1) * MINUTE for at in range(minutes)),
        {"errors": errors, "invocations": np.full_like(errors, CALLS)},
        {name: np.full(errors.shape, flag) for name, flag in flags.items()},
    )
    found = decide([judge(rule, grid) for rule in RULES], [])
    return sorted(
        (one.rule.rule, one.subject.name, one.outage.opened_at, one.outage.closed_at) for one in found
    )


def store_settings(path: Any) -> StoreSettings:
    return StoreSettings(path=path, free_space_floor_mb=0)


# --- a day at random ----------------------------------------------------------------------------------------

TROUBLE, QUIET = 40, 35
"""Minutes in which something may break, and after which all is settled and over."""

FUNCTIONS = ("checkout", "search")


def minutes_of(stretches: Sequence[tuple[float, int]]) -> list[float]:
    """Errors minute by minute from levels and their lengths; good before and after."""
    errors = [level for level, length in stretches for _ in range(length)][:TROUBLE]
    return [0.0] * 5 + errors + [0.0] * (TROUBLE + QUIET - 5 - len(errors))


def random_day(chance: Random) -> tuple[dict[str, Sequence[float]], list[int]]:
    """A truth, and how late each minute's numbers come."""
    truth = {
        name: minutes_of([(chance.choice([0.0, 50.0]), chance.randint(1, 15)) for _ in range(6)])
        for name in FUNCTIONS
    }
    return truth, [chance.randint(0, LATEST) for _ in range(TROUBLE + QUIET)]


def live_through(open_store: Callable[[], Store], chance: Random) -> Machine:
    """One day with a kill about every step, on a new store. The machine is finished, and is to be closed."""
    machine = Machine(open_store, *random_day(chance))
    while machine.minute < TROUBLE + 10:
        machine.advance(chance.randint(1, 4))
        machine.skew = chance.choice([0, 0, 0, chance.randint(-JUMP, JUMP)])
        if chance.random() < 0.1:
            machine.silence(chance.randint(1, 30), chance.choice(FUNCTIONS))
        for step in ("collect", "evaluate", "deliver", "deliver"):
            machine.fate.left = chance.randint(0, 11 if step == "deliver" else 5)
            machine.step(step)
            machine.fate.left = None
    machine.finish()
    return machine
