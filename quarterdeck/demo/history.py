"""What was deployed and changed when: versions, aliases and settings, as pure functions of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from core.windows import Window
from quarterdeck.demo.company import CANARY
from quarterdeck.demo.specs import PROD, Spec
from quarterdeck.demo.stories import DAY, MINUTE, Story, stories_of, story, to_datetime, to_ms

HISTORY_DAYS = 14
KEPT_VERSIONS = 9
"""Versions from before the history; checkout-api keeps more, so that its list has pages."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """Something an engineer did. `kind` is publish, move (of the main alias), memory, rule-off or rule-on."""

    ts: datetime
    kind: str
    version: int = 0
    memory_mb: int = 0


@dataclass(frozen=True)
class Timeline:
    """All changes of one function up to `until`, oldest first, versions before the history included."""

    spec: Spec
    changes: tuple[Change, ...]

    def published(self, now: datetime) -> list[Change]:
        return [change for change in self.changes if change.kind == "publish" and change.ts <= now]

    @cached_property
    def _moves(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        moves = [change for change in self.changes if change.kind == "move"]
        times = np.array([to_ms(change.ts) for change in moves], dtype=np.int64)
        return times, np.array([change.version for change in moves], dtype=np.int32)

    def live(self, ts_ms: NDArray[np.int64]) -> NDArray[np.int32]:
        """The version that callers reach at each time; 0 is $LATEST."""
        if not self.spec.qualifier:
            return np.zeros(len(ts_ms), dtype=np.int32)
        times, versions = self._moves
        at = np.searchsorted(times, ts_ms, side="right") - 1
        return np.asarray(versions[np.maximum(at, 0)], dtype=np.int32)

    def live_at(self, now: datetime) -> int:
        return int(self.live(np.array([to_ms(now)], dtype=np.int64))[0])

    def newest_at(self, now: datetime) -> int:
        return max(change.version for change in self.published(now))

    def renewals(self) -> NDArray[np.int64]:
        """When all environments were replaced because code or settings of $LATEST changed."""
        kinds = ("memory",) if self.spec.qualifier else ("memory", "publish")
        return np.array([to_ms(change.ts) for change in self.changes if change.kind in kinds], dtype=np.int64)

    def memory_at(self, now: datetime) -> int:
        sizes = [change.memory_mb for change in self.changes if change.kind == "memory" and change.ts <= now]
        return sizes[-1] if sizes else self.spec.memory_mb

    def rule_enabled(self, now: datetime) -> bool:
        kinds = [c.kind for c in self.changes if c.kind in ("rule-off", "rule-on") and c.ts <= now]
        return not kinds or kinds[-1] == "rule-on"

    def last_modified(self, now: datetime) -> datetime:
        """When $LATEST was last changed."""
        return max(
            change.ts for change in self.changes if change.kind in ("publish", "memory") and change.ts <= now
        )


@lru_cache(maxsize=4096)
def _timeline(spec: Spec, seed: int, start: datetime, last_day: int) -> Timeline:
    within = Window(start - HISTORY_DAYS * DAY, start + (last_day + 2) * DAY)
    changes = [*_before(spec, within.start)]
    for tale in stories_of(spec.key):
        changes += _of_story(spec, tale, within, start)
    if not _scripted(spec):
        changes += _routine(spec, seed, within)
    return Timeline(spec, tuple(sorted(changes)))


def timeline(spec: Spec, *, seed: int, start: datetime, now: datetime) -> Timeline:
    """The function's changes, up to a day or two after `now` (the future is part of the plan)."""
    return _timeline(spec, seed, start, max((now - start) // DAY, 0))


def _scripted(spec: Spec) -> bool:
    """Whether versions are told by stories alone."""
    return spec.key == story("bad-deploy").function or spec.provisioned is not None or spec.name == CANARY[0]


def _before(spec: Spec, begin: datetime) -> list[Change]:
    kept = 55 if spec.name == "checkout-api" and spec.account == PROD else KEPT_VERSIONS
    first = max(1, spec.versions - kept + 1)
    changes = [
        Change(begin - (spec.versions - version + 1) * timedelta(hours=79), "publish", version)
        for version in range(first, spec.versions + 1)
    ]
    live = spec.versions - 1 if is_canary(spec) else spec.versions
    return [*changes, Change(begin - timedelta(hours=78), "move", live)]


def is_canary(spec: Spec) -> bool:
    return spec.account == PROD and spec.name == CANARY[0]


def _of_story(spec: Spec, tale: Story, within: Window, start: datetime) -> list[Change]:
    changes = []
    for turn, part in enumerate(tale.windows(within, (start,))):
        if tale.name == "bad-deploy":
            bad = spec.versions + turn + 1
            changes += [
                Change(part.start - 2 * MINUTE, "publish", bad),
                Change(part.start, "move", bad),
                Change(part.end, "move", spec.versions),
            ]
        elif tale.memory_mb:
            changes += [Change(part.start, "memory", memory_mb=tale.memory_mb)]
            changes += [Change(part.end, "memory", memory_mb=spec.memory_mb)]
        elif tale.name == "schedule-stopped":
            changes += [Change(part.start, "rule-off"), Change(part.end, "rule-on")]
    return changes


def _routine(spec: Spec, seed: int, within: Window) -> list[Change]:
    """A deploy every four working days or so, in office hours; the main alias follows in two minutes."""
    changes, version, day = [], spec.versions, within.start.replace(hour=0, minute=0, second=0, microsecond=0)
    while (day := day + DAY) < within.end:
        rng = np.random.default_rng((seed, spec.number, to_ms(day) // 86_400_000))
        chance, minute = rng.random(), int(rng.integers(8 * 60, 16 * 60))
        if day.weekday() < 5 and chance < 0.25 and spec.trigger != "none":
            version += 1
            ts = day + minute * MINUTE
            changes += [Change(ts, "publish", version), Change(ts + 2 * MINUTE, "move", version)]
    return changes


def published_at(change: Change) -> datetime:
    return to_datetime(to_ms(change.ts))
