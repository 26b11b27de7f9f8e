"""Every rule over its subjects, as of a time or over history, from one reading of the store per kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.grid import Grid, read_grid
from alerts.judge import Judgement, judge
from alerts.rule import Rule, Subject
from core.windows import MINUTE, Window, floor
from store.store import Store

LOOKBACK = timedelta(minutes=45)
"""How late a minute may be collected and still be judged: what may change (18 min) and some failed runs."""


def judge_all(store: Store, rules: Sequence[Rule], *, now: datetime) -> list[Judgement]:
    """Every rule at the newest minutes: those that may have changed since they were judged last."""
    end = floor(now, MINUTE)
    return judge_over(store, rules, Window(end - LOOKBACK, end), now=now)


def judge_over(store: Store, rules: Sequence[Rule], window: Window, *, now: datetime) -> list[Judgement]:
    """Every rule over its subjects at each minute that ends in `window` (whole minutes)."""
    return [judge(rule, grid) for rule, grid in zip(rules, grids(store, rules, window, now=now), strict=True)]


def grids(store: Store, rules: Sequence[Rule], window: Window, *, now: datetime) -> list[Grid]:
    """What each rule is judged on: its subjects in `window`, and as many minutes before it as a judgement
    looks back on; from one reading of the store per kind of subject."""
    reach = dict[str, int]()
    for rule in rules:
        reach[rule.spec.subject] = max(reach.get(rule.spec.subject, 0), rule.reach_minutes)
    whole = {
        kind: read_grid(store, kind, Window(window.start - minutes * MINUTE, window.end), now=now)
        for kind, minutes in reach.items()
    }
    minutes = int(window.duration / MINUTE)
    return [_of_rule(rule, whole[rule.spec.subject], newest=minutes + rule.reach_minutes) for rule in rules]


def _of_rule(rule: Rule, grid: Grid, *, newest: int) -> Grid:
    rows = [at for at, subject in enumerate(grid.subjects) if _selects(rule, subject)]
    return grid.take(rows, newest=newest)


def _selects(rule: Rule, subject: Subject) -> bool:
    return rule.spec.role in {None, subject.role} and rule.where.matches(subject)
