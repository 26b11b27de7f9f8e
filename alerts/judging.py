"""Every rule over its subjects, as of a time or over history, from one reading of the store per source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts import baseline, burn, compose, late, overrides
from alerts.burning import Hours
from alerts.grid import Floats, Grid
from alerts.judge import Judgement, judge
from alerts.late import LOOKBACK
from alerts.memory import memory_of, newest_commit
from alerts.overrides import Problem
from alerts.reading import HOUR, columns_of, read_grid, read_hours
from alerts.rule import Rule, Subject
from alerts.signals import SubjectKind
from core.settings import CostSettings
from core.windows import MINUTE, Window, ceil, floor
from store.readers.minutes import Minutes
from store.store import Store

CHUNK = timedelta(hours=6)
"""So much of what lies before the minutes is read at a time, for objectives over days."""

__all__ = ["LOOKBACK", "judge_all", "judge_over", "judged_from", "problems"]


def judge_all(
    store: Store, rules: Sequence[Rule], *, now: datetime, cost: CostSettings | None = None
) -> list[Judgement]:
    """Every rule at the newest minutes: those that may have changed since they were judged last, however late
    their data came (`alerts.late`). A rule has several judgements when `overrides` or tags change it for some
    subjects; a rule that is only a part of others has none. Without `cost` there are no budgets."""
    end, start = floor(now, MINUTE), late.judge_from(store, now=now)
    history = None if start >= end - LOOKBACK else late.watched_since(store)
    return _Case(store, rules, Window(start, end), now, history, cost).judged()


def judge_over(
    store: Store, rules: Sequence[Rule], window: Window, *, now: datetime, cost: CostSettings | None = None
) -> list[Judgement]:
    """Every rule over its subjects at each minute that ends in `window` (whole minutes), and some before it
    that these look back on."""
    return _Case(store, rules, window, now, None, cost).judged()


def judged_from(judged: Sequence[Judgement], *, now: datetime) -> datetime:
    """The first minute that any of these looked at."""
    return min((one.grid.ends[0] - MINUTE for one in judged if one.grid.ends), default=now)


@dataclass(frozen=True)
class _Case:
    """What one judging of rules over a window shares. `history` is when each target was first watched, if
    what was read of the time before must not count."""

    store: Store
    rules: Sequence[Rule]
    window: Window
    now: datetime
    history: late.Began | None
    cost: CostSettings | None = None

    def judged(self) -> list[Judgement]:
        reaches, grids = compose.reaches(self.rules), self._grids()
        kinds, found = compose.kinds(self.rules), dict[str, list[Judgement]]()
        for rule in compose.ordered(self.rules):
            steps = int(self.window.duration / MINUTE) + reaches[rule.rule] - 1
            if rule.parts:
                found[rule.rule] = self._of_others(rule, found, kinds, self._ends(steps + 1))
            else:
                found[rule.rule] = self._of_signal(rule, grids[rule.spec.read_from], steps + 1)
        return [one for rule in self.rules if not rule.part for one in found[rule.rule]]

    def _ends(self, steps: int) -> tuple[datetime, ...]:
        return tuple(self.window.end - (steps - 1 - step) * MINUTE for step in range(steps))

    def _grids(self) -> dict[str, Grid]:
        reach, reaches = dict[str, int](), compose.reaches(self.rules)
        for rule in self.rules:
            source = rule.spec.read_from
            reach[source] = max(reach.get(source, 0), reaches[rule.rule])
        commit, found = newest_commit(self.store), dict[str, Grid]()
        for source, columns in columns_of(self.rules).items():
            window = Window(self.window.start - reach[source] * MINUTE, self.window.end)
            found[source] = self._read(source, window, columns, commit)
        return found

    def _read(self, source: str, window: Window, columns: frozenset[str], commit: int) -> Grid:
        def read() -> Grid:
            return read_grid(self.store, source, window, now=self.now, columns=columns, cost=self.cost)

        if any(rule.spec.is_now for rule in self.rules if rule.spec.read_from == source):
            return read()
        memory = memory_of(self.store)
        grid = memory.keep(("grid", source), (window, columns, commit), read, now=self.now)
        if self.history is None:
            return grid
        return late.without_history(grid, self.history, usual=floor(self.now, MINUTE) - LOOKBACK)

    def _of_signal(self, rule: Rule, grid: Grid, newest: int) -> list[Judgement]:
        rows = [at for at, subject in enumerate(grid.subjects) if _selects(rule, subject)]
        chosen = [grid.subjects[row] for row in rows]
        found = list[Judgement]()
        for effective, own in overrides.applied(rule, chosen)[0]:
            part = grid.take([rows[at] for at in own], newest=newest)
            limit = self._normal(effective, part) if effective.is_seasonal else None
            hours = self._hours(effective, part) if effective.slo is not None else None
            found.append(judge(effective, part, limit=limit, hours=hours))
        return found

    def _of_others(
        self,
        rule: Rule,
        found: Mapping[str, list[Judgement]],
        kinds: Mapping[str, SubjectKind],
        ends: tuple[datetime, ...],
    ) -> list[Judgement]:
        whole = compose.composed(rule, found, kinds[rule.rule], ends)
        changed = overrides.applied(rule, whole.grid.subjects)[0]
        return [compose.part_of(whole, effective, own) for effective, own in changed]

    # --- what lies before the minutes -----------------------------------------------------------------------

    def _past(self, rule: Rule, window: Window) -> Grid:
        source, columns = rule.spec.read_from, rule.spec.columns
        return read_grid(self.store, source, window, now=self.now, columns=columns, coarse=True)

    def _normal(self, rule: Rule, grid: Grid) -> Floats:
        """The limit at each minute of the grid. What is normal is worked out every ten minutes."""
        hours = Window(floor(grid.ends[0] - MINUTE, HOUR), ceil(grid.ends[-1], HOUR))
        ends = tuple(hours.start + (n + 1) * MINUTE for n in range(int(hours.duration / MINUTE)))
        name = (rule.signal, rule.statistic, rule.about, rule.per, rule.lines, rule.over, hours)

        def make() -> baseline.Band:
            return baseline.band(rule, grid.subjects, ends, lambda window: self._past(rule, window))

        keys = tuple(subject.key for subject in grid.subjects)
        found = memory_of(self.store).keep(("band", name), keys, make, now=self.now)
        first = int((grid.ends[0] - ends[0]) / MINUTE)
        return found.limit(rule)[:, first : first + len(grid.ends)]

    def _hours(self, rule: Rule, grid: Grid) -> Hours | None:
        """Whole hours before the grid, for windows that are longer than its minutes."""
        longest = max(window.long for window in rule.windows)
        if longest <= burn.MINUTE_WINDOWS or not grid.subjects:
            return None
        end = floor(self.window.start, HOUR)
        chunks = [self._chunk(rule, part) for part in Window(end - longest, end).chunks(CHUNK)]
        keys, spec = [subject.key for subject in grid.subjects], rule.spec
        bad, total = (
            np.hstack([_aligned(keys, chunk.places, _of_whole(chunk, spec.known, name)) for chunk in chunks])
            for name in (spec.column, spec.per or "")
        )
        return Hours(int((end - grid.ends[0]) / MINUTE) + 1, bad, total)

    def _chunk(self, rule: Rule, window: Window) -> Minutes:
        """Some hours, read once for all rules that are computed from the same."""
        spec = rule.spec
        columns = frozenset(name for name in (spec.column, spec.per) if name)

        def make() -> Minutes:
            return read_hours(self.store, spec.read_from, window, now=self.now, columns=columns)

        name = ("hours", spec.read_from, columns, window)
        return memory_of(self.store).keep(name, None, make, now=self.now, at_most=HOUR)


def _of_whole(hours: Minutes, known: str, name: str) -> Floats:
    """A column, nothing of hours that were not wholly collected."""
    return np.where(hours.flags[known], hours.values[name], np.nan)


def _aligned(
    keys: Sequence[tuple[str, str, str]], known: Sequence[tuple[str, str, str]], matrix: Floats
) -> Floats:
    """The rows of `keys`; nothing of those that there are none of."""
    at = {key: row for row, key in enumerate(known)}
    padded = np.vstack([matrix, np.full((1, matrix.shape[1]), np.nan)])
    return padded[[at.get(key, -1) for key in keys]]


def _selects(rule: Rule, subject: Subject) -> bool:
    return (rule.spec.needs is None or rule.spec.needs in subject.has) and rule.where.matches(subject)


def problems(store: Store, rules: Sequence[Rule], *, now: datetime) -> list[Problem]:
    """Tags of functions that name a rule and cannot be followed; the rules go on without them."""
    end = floor(now, MINUTE)
    grid = read_grid(store, "function", Window(end, end), now=now, columns=frozenset())
    tagged = [s for s in grid.subjects if any(tag.startswith(overrides.TAG) for tag in s.tags or {})]
    found = [problem for rule in rules for problem in overrides.applied(rule, tagged)[1]]
    return [*found, *overrides.strays(rules, tagged)]
