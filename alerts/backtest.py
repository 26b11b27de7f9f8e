"""Replay a rule over stored history: what would have fired, how often, and was it right?

The same `judge` and `outages` as the engine's, over the same data: where all of it was collected in time, the
replay tells what the engine told. Reading is `history`; all else is pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.judge import UNKNOWN, Judgement
from alerts.judging import judge_over
from alerts.known import Known
from alerts.outages import Outage, outages
from alerts.rule import Rule, Subject
from core.settings import CostSettings
from core.windows import MINUTE, Window, ceil, floor
from store.readers.history import Coarse, coarse, function_count
from store.store import Store

FLAP = timedelta(minutes=30)
"""What fires again so soon after it resolved is the same trouble told twice."""

LEEWAY = timedelta(minutes=15)
"""A firing belongs to known trouble if it is no further than this from it."""

CELLS = 1_500_000
"""How many minutes of functions are read at once."""

Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Firing:
    """A stretch in which the rule would have fired. `resolved_at` None: it still did at the end. `worst` is
    None when nothing was measured. `is_flap`: it came within FLAP after the one before had resolved."""

    subject: Subject
    opened_at: datetime
    resolved_at: datetime | None
    worst: float | None
    is_flap: bool = False

    def touches(self, known: Known, leeway: timedelta = LEEWAY) -> bool:
        """Whether it tells of that trouble."""
        began = known.end is None or self.opened_at <= known.end + leeway
        ended = self.resolved_at is not None and self.resolved_at < known.start - leeway
        return self.subject.key == known.place and began and not ended


@dataclass(frozen=True, slots=True)
class Replay:
    """What one rule would have done. Minutes are subjects' minutes; `span` is how long any of them was
    judged; `seen` says of each piece of known trouble for how many minutes its subject was."""

    subjects: tuple[Subject, ...]
    firings: tuple[Firing, ...]
    minutes: int
    judged: int
    coarse: int
    span: timedelta
    seen: tuple[int, ...]

    @property
    def flaps(self) -> int:
        return sum(firing.is_flap for firing in self.firings)

    @property
    def judged_share(self) -> float | None:
        return self.judged / self.minutes if self.minutes else None

    @property
    def per_week(self) -> float | None:
        """Firings in a week of judged time; None when nothing was judged."""
        return len(self.firings) * (timedelta(weeks=1) / self.span) if self.span else None


@dataclass(frozen=True, slots=True)
class Compared:
    """Firings beside known trouble. `hits` and `misses` are of marked outages and of the rule's own incidents
    that were real; `real`, `false` and `unmarked` are firings. `unjudged` trouble says nothing of the rule.
    `delays` are from the beginning of each hit to its first firing; below zero: it fired before."""

    hits: tuple[Known, ...] = ()
    misses: tuple[Known, ...] = ()
    unjudged: tuple[Known, ...] = ()
    real: int = 0
    false: int = 0
    unmarked: int = 0
    delays: tuple[timedelta, ...] = ()

    @property
    def precision(self) -> float | None:
        """Of the firings that people said something about, the share that was real."""
        return self.real / (self.real + self.false) if self.real + self.false else None

    @property
    def recall(self) -> float | None:
        """Of the trouble that people marked and the rule could see, the share that it told."""
        found = len(self.hits) + len(self.misses)
        return len(self.hits) / found if found else None

    @property
    def delay(self) -> timedelta | None:
        """The median delay."""
        return sorted(self.delays)[len(self.delays) // 2] if self.delays else None


@dataclass(frozen=True, slots=True)
class Backtest:
    rule: Rule
    window: Window
    replay: Replay
    compared: Compared


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of history: `window` judged (one by one for what overrides tell apart), and where it is only
    kept coarser than a minute. `asked` are the minutes that it stands for, if these are more than its own."""

    window: Window
    judged: tuple[Judgement, ...]
    coarse: tuple[Coarse, ...] = ()
    asked: Window | None = None

    @property
    def minutes(self) -> int:
        return int((self.asked or self.window).duration / MINUTE)


def backtest(
    store: Store,
    rule: Rule,
    window: Window,
    *,
    now: datetime,
    known: Sequence[Known] = (),
    others: Sequence[Rule] = (),
    cost: CostSettings | None = None,
) -> Backtest:
    """Replay `rule` over `window`, compare it with `known` trouble. Holds a few hours in memory at once.
    `others` are the rules in force: one that is composed of them needs them. `cost` has the budgets."""
    window = whole_minutes(window)
    stretches = history(store, rule, window, others=others, now=now, cost=cost)
    replayed = replay(stretches, known)
    return Backtest(rule, window, replayed, compare(rule, replayed, known))


def whole_minutes(window: Window) -> Window:
    start = ceil(window.start, MINUTE)
    return Window(start, max(start, floor(window.end, MINUTE)))


def history(
    store: Store,
    rule: Rule,
    window: Window,
    *,
    others: Sequence[Rule] = (),
    now: datetime,
    cost: CostSettings | None = None,
) -> Iterator[Stretch]:
    """The window in pieces, oldest first; of what tells of this moment only, the newest minute, which stands
    for all of them: it was judged at no other."""
    rules, asked = needed(rule, others), window if rule.spec.is_now else None
    piece = MINUTE * max(CELLS // max(function_count(store), 1), 60, rule.reach_minutes)
    piece, start = min(piece, timedelta(days=1)), window.start
    if asked is not None:
        start = max(window.start, window.end - MINUTE)
    while start < window.end:
        part = Window(start, min(start + piece, window.end))
        judged = [
            one for one in judge_over(store, rules, part, now=now, cost=cost) if one.rule.rule == rule.rule
        ]
        yield Stretch(part, tuple(judged), tuple(coarse(store, part, collector_of(rule))), asked)
        start = part.end


def needed(rule: Rule, others: Sequence[Rule]) -> list[Rule]:
    """The rules that `rule` is composed of, and what these are composed of; itself last."""
    named, found = {other.rule: other for other in others if other.rule != rule.rule}, dict[str, Rule]()

    def add(one: Rule) -> None:
        for name in one.parts:
            if name in named and name not in found:
                add(named[name])
        found[one.rule] = one

    add(rule.model_copy(update={"part": False}))
    return list(found.values())


def collector_of(rule: Rule) -> str:
    """Whose history says how finely the rule's minutes are kept."""
    if rule.spec.known == "records_collected":
        return "logs"
    return "queues" if rule.spec.subject == "queue" else "metrics"


# --- the replay ---------------------------------------------------------------------------------------------


def replay(stretches: Iterable[Stretch], known: Sequence[Known] = ()) -> Replay:
    """Run the engine's machine over history, piece after piece. `stretches` follow one another."""
    machine = _Machine(known)
    for stretch in stretches:
        machine.take(stretch)
    return machine.result()


@dataclass(slots=True)
class _Open:
    """An outage that goes on at the end of a piece."""

    since: datetime
    worst: float | None


class _Machine:
    def __init__(self, known: Sequence[Known]) -> None:
        self._known = known
        self._seen = [0] * len(known)
        self._subjects: dict[Place, Subject] = {}
        self._open: dict[Place, _Open] = {}
        self._done: list[Firing] = []
        self._minutes = self._judged = self._coarse = 0
        self._span = timedelta()

    def take(self, stretch: Stretch) -> None:
        judged = set[datetime]()
        for one in stretch.judged:
            judged |= self._take(one, stretch)
        self._span += len(judged) * MINUTE

    def _take(self, one: Judgement, stretch: Stretch) -> set[datetime]:
        """Returns the minutes at which something was judged."""
        inside = np.array([stretch.window.start < end for end in one.grid.ends], dtype=bool)
        ends = [end for end in one.grid.ends if stretch.window.start < end]
        self._subjects.update((subject.key, subject) for subject in one.grid.subjects)
        known = one.verdict[:, inside] != UNKNOWN
        self._count(known, one.grid.subjects, ends, stretch)
        fires, clears, value = one.fires[:, inside], one.clears[:, inside], one.value[:, inside]
        firing = set(np.flatnonzero(fires.any(axis=1)).tolist())
        for at, subject in enumerate(one.grid.subjects):
            if at in firing or subject.key in self._open:
                row = zip(ends, fires[at].tolist(), clears[at].tolist(), strict=True)
                self._run(subject, row, ends, value[at], upward=one.rule.upward)
        return {ends[at] for at in np.flatnonzero(known.any(axis=0)).tolist()}

    def _count(
        self, judged: NDArray[np.bool_], subjects: Sequence[Subject], ends: list[datetime], stretch: Stretch
    ) -> None:
        self._minutes += len(subjects) * stretch.minutes
        self._judged += int(judged.sum())
        rows = {subject.key: at for at, subject in enumerate(subjects)}
        for each in stretch.coarse:
            mine = [at for key, at in rows.items() if key[:2] == (each.account, each.region)]
            columns = np.array([each.window.start < end <= each.window.end for end in ends], dtype=bool)
            self._coarse += int(np.count_nonzero(~judged[np.array(mine, dtype=np.int64)][:, columns]))
        for at, known in enumerate(self._known):
            if known.place in rows:
                columns = np.array([known.lasts_at(end) for end in ends], dtype=bool)
                self._seen[at] += int(judged[rows[known.place], columns].sum())

    def _run(
        self,
        subject: Subject,
        minutes: Iterable[tuple[datetime, bool, bool]],
        ends: list[datetime],
        value: NDArray[np.float64],
        *,
        upward: bool,
    ) -> None:
        before = self._open.pop(subject.key, None)
        told = [Outage(before.since, None, "open")] if before else []
        found = outages(minutes, told)
        if before and not any(outage.id for outage in found):
            found = [told[0], *found]
        for outage in found:
            inside = [outage.covers(end) for end in ends]
            worst = _worst(value[inside], before.worst if before and outage.id else None, upward=upward)
            if outage.closed_at is None:
                self._open[subject.key] = _Open(outage.opened_at, worst)
            else:
                self._done.append(Firing(subject, outage.opened_at, outage.closed_at, worst))

    def result(self) -> Replay:
        still = [
            Firing(self._subjects[key], each.since, None, each.worst) for key, each in self._open.items()
        ]
        return Replay(
            tuple(self._subjects.values()),
            tuple(with_flaps([*self._done, *still])),
            self._minutes,
            self._judged,
            self._coarse,
            self._span,
            tuple(self._seen),
        )


def _worst(values: NDArray[np.float64], before: float | None, *, upward: bool) -> float | None:
    numbers = [float(value) for value in values[~np.isnan(values)]] + ([] if before is None else [before])
    return (max if upward else min)(numbers, default=None)


def with_flaps(firings: Sequence[Firing]) -> list[Firing]:
    """The firings in the order in which they opened, those marked that followed too soon on another."""
    resolved, found = dict[Place, datetime | None](), list[Firing]()
    for firing in sorted(firings, key=lambda f: (f.opened_at, f.subject.key)):
        last = resolved.get(firing.subject.key)
        is_flap = last is not None and firing.opened_at - last <= FLAP
        resolved[firing.subject.key] = firing.resolved_at
        found.append(Firing(firing.subject, firing.opened_at, firing.resolved_at, firing.worst, is_flap))
    return found


# --- was it right? ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Tally:
    hits: list[Known] = field(default_factory=list)
    misses: list[Known] = field(default_factory=list)
    unjudged: list[Known] = field(default_factory=list)
    delays: list[timedelta] = field(default_factory=list)


def compare(rule: Rule, replayed: Replay, known: Sequence[Known]) -> Compared:
    """Which known trouble the rule would have told, and which of its firings were real.

    Trouble counts as missed if it was marked, or was this rule's own incident: that another rule found
    something real does not mean that this one should have.
    """
    covered = {subject.key for subject in replayed.subjects}
    tally = _Tally()
    for each, minutes in zip(known, replayed.seen, strict=True):
        if each.is_real and each.place in covered and each.rule in (None, rule.rule):
            _place(tally, each, [f for f in replayed.firings if f.touches(each)], minutes)
    verdicts = [_verdict(rule, firing, known) for firing in replayed.firings]
    return Compared(
        tuple(tally.hits),
        tuple(tally.misses),
        tuple(tally.unjudged),
        verdicts.count(True),
        verdicts.count(False),
        verdicts.count(None),
        tuple(tally.delays),
    )


def _place(tally: _Tally, known: Known, firings: Sequence[Firing], judged_minutes: int) -> None:
    if firings:
        tally.hits.append(known)
        tally.delays.append(min(firing.opened_at for firing in firings) - known.start)
    elif judged_minutes:
        tally.misses.append(known)
    else:
        tally.unjudged.append(known)


def _verdict(rule: Rule, firing: Firing, known: Sequence[Known]) -> bool | None:
    """Whether it was real; None: nobody said. Noise of another rule says nothing about this one."""
    about = [each for each in known if firing.touches(each)]
    if any(each.is_real for each in about):
        return True
    return False if any(each.rule == rule.rule for each in about) else None
