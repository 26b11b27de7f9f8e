"""Where throttled work came from and went: what feeds functions, and what their queues did meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from core.throttled_work import QUEUES, Feed
from core.wiring import label
from store.readers.arrivals import ways
from store.readers.coverage import Coverage
from store.readers.letters import samples
from store.readers.things import Place, Thing, Things
from store.store import Snapshot

KINDS = ("function", "mapping", "trigger", "invoke_config", "queue")
ASYNC = frozenset({"async", "destination"})


@dataclass(slots=True)
class Wired:
    """What feeds one function: kinds of triggers, queues (ARNs), what its mappings may run at once (None:
    any number), and where its asynchronous failures go."""

    kinds: set[str] = field(default_factory=set)
    queues: list[str] = field(default_factory=list)
    maxima: list[int | None] = field(default_factory=list)
    kept_in: list[str] = field(default_factory=list)

    @property
    def event_source_max(self) -> int | None:
        """How many all its triggers may run at once; None: any number."""
        if not self.maxima or None in self.maxima or self.kinds - QUEUES:
            return None
        return sum(most for most in self.maxima if most is not None)


def wired(things: Things, places: Collection[Place]) -> Mapping[Place, Wired]:
    """What feeds each of `places`, as the configuration is now."""
    found: dict[Place, Wired] = defaultdict(Wired)
    for thing in _of(things, "mapping", places):
        own, kind = found[thing.place], str(thing.body.get("source_kind") or "mapping")
        own.kinds.add(kind)
        own.maxima.append(thing.body.get("maximum_concurrency"))
        if kind in QUEUES and (arn := thing.body.get("source_arn")):
            own.queues.append(str(arn))
    for thing in _of(things, "trigger", places):
        found[thing.place].kinds.add(str(thing.body["kind"]))
    for way in ways(things):
        if way.place in places and way.kind in ASYNC:
            found[way.place].kept_in.append(label(way.arn))
    return found


def _of(things: Things, kind: str, places: Collection[Place]) -> Iterator[Thing]:
    return (thing for thing in things.of(kind) if thing.place in places)


class Traffic:
    """What queues received and lost per sample, to be added up over bursts."""

    def __init__(
        self, things: Things, frames: Mapping[str, tuple[npt.NDArray[Any], npt.NDArray[Any]]]
    ) -> None:
        self._bodies = {t.name: t.body for t in things.of("queue")}
        self._frames = frames

    @classmethod
    def read(cls, snapshot: Snapshot, coverage: Coverage, things: Things, fed: Collection[Wired]) -> Traffic:
        """Of the queues that feed functions and of those that their messages are moved to. `coverage` is of
        the snapshot's window."""
        redrive = {t.name: t.body.get("redrive_target") for t in things.of("queue")}
        sources = {arn for own in fed for arn in own.queues}
        wanted = sources | {str(target) for arn in sources if (target := redrive.get(arn))}
        if not wanted:
            return cls(things, {})
        found = samples(snapshot, coverage, sorted(wanted))
        found["returned"] = (found["received"] - found["deleted"].fillna(0.0)).clip(lower=0.0)
        frames = {
            str(arn): (
                one["ts"].dt.tz_convert(None).to_numpy(),
                one[["returned", "arrivals"]].to_numpy(dtype=float),
            )
            for arn, one in found.groupby("queue")
        }
        return cls(things, frames)

    def feed(self, arn: str, start: datetime, end: datetime) -> Feed:
        """What happened to one source queue from `start` to `end`."""
        body = self._bodies.get(arn, {})
        target = body.get("redrive_target")
        return Feed(
            label(arn),
            returned=self._sum(arn, start, end, 0),
            letters_in=label(target) if target else None,
            letters=self._sum(str(target), start, end, 1) if target else None,
            max_receives=body.get("max_receive_count"),
        )

    def _sum(self, arn: str, start: datetime, end: datetime, column: int) -> float | None:
        """None where nothing was told: an idle queue reports nothing, and a burst is not idle."""
        if arn not in self._frames:
            return None
        ts, values = self._frames[arn]
        first, last = (np.searchsorted(ts, np.datetime64(at.replace(tzinfo=None))) for at in (start, end))
        mine = values[first:last, column]
        return None if not len(mine) or np.isnan(mine).all() else float(np.nansum(mine))
