"""Move a rule's threshold over history that is held in memory: what would have fired instead?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.backtest import (
    Backtest,
    Replay,
    Stretch,
    compare,
    history,
    replay,
    whole_minutes,
)
from alerts.definition import definition_of
from alerts.grid import Grid
from alerts.judge import Judgement, judge
from alerts.known import Known
from alerts.rule import Rule
from core.settings import CostSettings
from core.windows import MINUTE, Window
from store.readers.history import function_count
from store.store import Store

MOST_CELLS = 9_000_000
"""How many minutes of functions are held: a week of 900, or three days of 2,000."""


@dataclass(frozen=True)
class Tried:
    """A rule over a window, and the minutes of all that may fire at another threshold. `worst` is the worst
    value of each row of `grid`, `line` that of all rows at each of its minutes (NaN: nothing was measured).
    `why_fixed` says why the threshold cannot move, "" if it can."""

    found: Backtest
    grid: Grid | None
    worst: NDArray[np.float64]
    line: NDArray[np.float64]
    known: tuple[Known, ...] = ()
    why_fixed: str = ""


def gather(
    store: Store,
    rule: Rule,
    window: Window,
    *,
    known: Sequence[Known] = (),
    others: Sequence[Rule] = (),
    now: datetime,
    cost: CostSettings | None = None,
) -> Tried:
    """Replay the rule, and keep what it was judged on. Of a large fleet the newest part of the window.
    `cost` has the budgets."""
    window, why = _held(store, whole_minutes(window)), why_fixed(rule)
    kept = list[Judgement]()

    def keeping() -> Any:
        for stretch in history(store, rule, window, others=others, now=now, cost=cost):
            if not why:
                kept.extend(_thin(one, stretch, whole=not kept) for one in stretch.judged)
            yield stretch

    replayed = replay(keeping(), known)
    found = Backtest(rule, window, replayed, compare(rule, replayed, known))
    none = np.zeros(0)
    grid, worst, line = _side_by_side(rule, kept) if kept else (None, none, none)
    return Tried(found, grid, worst, line, tuple(known), why)


def _held(store: Store, window: Window) -> Window:
    most = MINUTE * (MOST_CELLS // max(function_count(store), 1))
    return Window(max(window.start, window.end - most), window.end)


def why_fixed(rule: Rule) -> str:
    """Why a rule has no one threshold that could be moved."""
    if rule.parts:
        return "it is made of other rules: try those"
    if rule.spec.is_now:
        return "it tells of this moment only: there is no history to try it on"
    if rule.slo is not None:
        return "its windows and their burn rates are its thresholds"
    if rule.is_seasonal:
        return "it is compared with what is normal, which moves"
    return "overrides give some subjects a threshold of their own" if rule.overrides else ""


def tried(held: Tried, rule: Rule) -> Tried:
    """What `rule`, the same but for its thresholds and its `for`, would have done; from memory alone."""
    base = held.found
    if held.grid is None:
        return held
    rows = np.flatnonzero(held.worst > rule.threshold if rule.upward else held.worst < rule.threshold)
    part = _wide(held.grid.take(rows.tolist(), newest=len(held.grid.ends)))
    replayed = replay([Stretch(base.window, (judge(rule, part),))], held.known)
    replayed = _as_judged(replayed, base.replay)
    found = Backtest(rule, base.window, replayed, compare(rule, replayed, held.known))
    return replace(held, found=found, line=_line_of(held, rule, held.grid))


def changed(rule: Rule, *, threshold: float, hits: int, minutes: int) -> Rule:
    """The rule with another threshold and another m of n. What it resolves at moves along with the threshold,
    in proportion. Raises ValueError when the rule would make no sense."""
    side = "above" if rule.upward else "below"
    words = definition_of(rule) or {}
    words |= {side: threshold, "for": f"{hits} of {minutes}"}
    back = "resolve_below" if rule.upward else "resolve_above"
    if back in words and rule.threshold:
        words[back] = float(f"{rule.resolve_at * threshold / rule.threshold:.4g}")
        if rule.spec.unit == "share":
            words[back] = min(words[back], 1.0)
    return Rule.model_validate(words)


def _as_judged(replayed: Replay, base: Replay) -> Replay:
    """What was judged does not depend on the threshold."""
    return replace(
        replayed,
        subjects=base.subjects,
        minutes=base.minutes,
        judged=base.judged,
        coarse=base.coarse,
        span=base.span,
        seen=base.seen,
    )


# --- holding it ---------------------------------------------------------------------------------------------


def _thin(one: Judgement, stretch: Stretch, *, whole: bool) -> Judgement:
    """Only the columns that the rule is computed from, half as wide, and only the minutes of the piece; of
    the first one those before it too (`whole`), which its first judgements look back on."""
    ends = one.grid.ends
    newest = len(ends) if whole else sum(stretch.window.start < end for end in ends)
    grid = one.grid.take(range(len(one.grid.subjects)), newest=newest)
    values: dict[str, Any] = {name: grid.values[name].astype(np.float32) for name in one.rule.spec.columns}
    flags = {name: grid.flags[name] for name in (one.rule.spec.known, "provisional")}
    value: Any = one.value[:, len(ends) - newest :].astype(np.float32)
    return replace(one, grid=Grid(grid.subjects, grid.ends, values, flags), value=value)


def _side_by_side(
    rule: Rule, pieces: Sequence[Judgement]
) -> tuple[Grid, NDArray[np.float64], NDArray[np.float64]]:
    """The pieces as one grid, of the rows that some threshold could make fire, with their worst values by row
    and by minute."""
    value = np.concatenate([one.value for one in pieces], axis=1)
    sign = 1.0 if rule.upward else -1.0
    worst = sign * np.where(np.isnan(value), -np.inf, sign * value).max(axis=1, initial=-np.inf)
    never = worst <= 0 if rule.upward else np.isposinf(worst)
    if rule.silence_means == "firing":
        never[:] = False
        worst[:] = sign * np.inf
    rows = np.flatnonzero(~never).tolist()

    def joined(of: Any) -> NDArray[Any]:
        return np.concatenate([of(one.grid)[rows] for one in pieces], axis=1)

    first = pieces[0].grid
    grid = Grid(
        tuple(first.subjects[row] for row in rows),
        tuple(end for one in pieces for end in one.grid.ends),
        {name: joined(lambda grid, name=name: grid.values[name]) for name in first.values},
        {name: joined(lambda grid, name=name: grid.flags[name]) for name in first.flags},
    )
    return grid, np.asarray(worst[rows], dtype=np.float64), _line(rule, value[rows])


def _line_of(held: Tried, rule: Rule, grid: Grid) -> NDArray[np.float64]:
    """A threshold decides what is known only where more data can but raise a value."""
    return _line(rule, judge(rule, _wide(grid)).value) if rule.spec.grows else held.line


def _line(rule: Rule, value: NDArray[Any]) -> NDArray[np.float64]:
    worst = np.fmax if rule.upward else np.fmin
    none = np.full(value.shape[1], np.nan)
    return np.asarray(worst.reduce(value, axis=0) if len(value) else none, dtype=np.float64)


def _wide(grid: Grid) -> Grid:
    """Sums over days need all digits."""
    wide = {name: value.astype(np.float64) for name, value in grid.values.items()}
    return Grid(grid.subjects, grid.ends, wide, grid.flags)


# --- what is shown ------------------------------------------------------------------------------------------


def worst_by_step(held: Tried, step: timedelta, since: datetime) -> list[tuple[datetime, float]]:
    """The worst value of all subjects at the end of each step since then; NaN where nothing was measured."""
    if held.grid is None or not held.grid.subjects:
        return []
    worst = np.fmax if held.found.rule.upward else np.fmin
    ends = held.grid.ends
    starts = range(sum(end <= since for end in ends), len(ends), max(int(step / MINUTE), 1))
    values: Any = worst.reduceat(held.line, list(starts)) if starts else ()
    last = [ends[min(at + starts.step, len(ends)) - 1] for at in starts]
    return list(zip(last, map(float, values), strict=True))
