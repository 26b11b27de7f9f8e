"""Which queues belong to which functions, and what arrived in those that catch failures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.formulas import arrivals
from core.windows import MINUTE, Window, settled_until
from store.readers.coverage import Coverage
from store.readers.states import Seen
from store.readers.things import Place, Things, once
from store.store import Snapshot

DEAD_LETTER, SOURCE, DESTINATION = "dead-letter", "source", "destination"
ROLES = (DEAD_LETTER, SOURCE, DESTINATION)
"""A queue that has several is named by the first."""

NEVER = Window(datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(0, UTC))

QUEUE = ["account", "region", "queue"]
Numbers = npt.NDArray[np.float64]

LOOK_BACK = timedelta(hours=1)
"""How far before a window queue samples are read, to know what was in a queue when it began."""


@dataclass(frozen=True, slots=True)
class Letters:
    """Messages that arrived in a function's dead-letter queues; None when it has none, or they are not
    read."""

    arrived: float | None = None
    seen: Seen = field(default_factory=lambda: Seen(NEVER))


Roles = Mapping[str, Mapping[str, frozenset[Place]]]
"""Per queue ARN: per role, the functions it has that role for."""


@once
def queue_roles(things: Things) -> Roles:
    """What each queue (or topic, or bus) that functions name is to them."""
    roles: dict[str, dict[str, set[Place]]] = defaultdict(lambda: defaultdict(set))
    for arn, role, place in _named(things):
        roles[arn][role].add(place)
    redrive = {t.name: t.body.get("redrive_target") for t in things.of("queue")}
    for arn, target in redrive.items():
        for place in roles[arn][SOURCE] if target and arn in roles else ():
            roles[str(target)][DEAD_LETTER].add(place)
    return {arn: {role: frozenset(found) for role, found in of.items() if found} for arn, of in roles.items()}


def role_and_functions(roles: Roles, arn: str) -> tuple[str, list[str]]:
    """The queue's foremost role, and the functions it has any role for."""
    mine = roles.get(arn, {})
    role = next((role for role in ROLES if role in mine), "")
    return role, sorted({place[2] for places in mine.values() for place in places})


def _named(things: Things) -> Iterator[tuple[str, str, Place]]:
    """ARN, role and function, wherever a configuration names one."""
    fields = (
        ("function", "dead_letter_arn", DEAD_LETTER),
        ("mapping", "source_arn", SOURCE),
        ("mapping", "failure_destination", DEAD_LETTER),
        ("invoke_config", "on_failure", DEAD_LETTER),
        ("invoke_config", "on_success", DESTINATION),
    )
    for kind, name, role in fields:
        for thing in things.of(kind):
            if thing.body.get(name):
                yield str(thing.body[name]), role, thing.place


def samples(snapshot: Snapshot, coverage: Coverage, queues: Sequence[str] | None = None) -> pd.DataFrame:
    """Samples of `queues` (ARNs; all of them without) in the snapshot with `depth` and `arrivals`, by queue
    and ts. `coverage` is of its window."""
    frame = snapshot.frame(
        """SELECT *, visible_max + coalesce(not_visible_max, 0) + coalesce(delayed_max, 0) AS depth
        FROM queue_samples WHERE $queues IS NULL OR queue IN (SELECT unnest($queues))
        ORDER BY account, region, queue, ts""",
        {"queues": queues},
    )
    keys = frame[QUEUE]
    firsts = np.flatnonzero(~keys.eq(keys.shift()).all(axis="columns").to_numpy(dtype=bool)).tolist()
    columns = [frame[name].to_numpy(dtype=float) for name in ("depth", "sent", "deleted")]
    spans = list(pairwise([*firsts, len(frame)]))
    names = keys.iloc[firsts].itertuples(index=False, name=None)
    began, newest = (
        frame["ts"].iloc[at].dt.to_pydatetime() for at in (firsts, [end - 1 for _, end in spans])
    )
    counted, settled = np.full(len(frame), np.nan), settled_until(coverage.now)
    for (first, end), name, start, last in zip(spans, names, began, newest, strict=True):
        read = coverage.covered("queues", *name)
        counted[first:end] = dead_letter_arrivals(
            *(column[first:end] for column in columns),
            empty_before=any(w.start <= start - MINUTE and start <= w.end for w in read),
            newest_is_open=last >= settled,
        )
    return frame.assign(arrivals=counted)


def dead_letter_arrivals(
    depth: Numbers, sent: Numbers, deleted: Numbers, *, empty_before: bool, newest_is_open: bool
) -> list[float]:
    """Messages that arrived per sample of one queue, in order of time; see `core.formulas.arrivals`.

    `empty_before`: the queue was watched before its first sample and told nothing, as an empty queue does.
    """
    lead = np.zeros(1 if empty_before else 0)
    joined = [np.concatenate([lead, values]) for values in (depth, sent, deleted)]
    return arrivals(*joined, newest_is_open=newest_is_open)[len(lead) :]


def dead_letters(snapshot: Snapshot, things: Things, coverage: Coverage) -> dict[Place, Letters]:
    """Per function that names a place for its failures: what arrived in the window of `coverage`. The
    snapshot should reach `LOOK_BACK` further."""
    window = coverage.window
    reach = Window(window.start - LOOK_BACK, window.end)
    roles = queue_roles(things)
    wanted = [arn for arn, mine in roles.items() if DEAD_LETTER in mine]
    arrived: Mapping[Any, float] = {}
    if busy := _busy(snapshot, wanted):
        before = Coverage.read(snapshot, reach, now=coverage.now, only="queues")
        frame = samples(snapshot, before, busy)
        is_inside = frame["ts"] >= window.start
        arrived = frame.loc[is_inside, ["queue", "arrivals"]].groupby("queue")["arrivals"].sum().to_dict()
    watched = {t.name: (t.account, t.region) for t in things.of("queue")}
    mine: dict[Place, list[str]] = defaultdict(list)
    for arn, of in roles.items():
        for place in of.get(DEAD_LETTER, ()):
            mine[place].append(arn)
    return {place: _letters(arns, arrived, watched, coverage) for place, arns in mine.items()}


def _busy(snapshot: Snapshot, queues: Sequence[str]) -> list[str]:
    """Those that ever held or passed a message: in the others nothing arrived, and most are such."""
    frame = snapshot.frame(
        """SELECT DISTINCT queue FROM queue_samples WHERE visible_max > 0 OR not_visible_max > 0
            OR delayed_max > 0 OR sent > 0 OR deleted > 0"""
    )
    return sorted(set(frame["queue"]).intersection(queues))


def _letters(
    arns: list[str], arrived: Mapping[Any, float], watched: Mapping[str, tuple[str, str]], coverage: Coverage
) -> Letters:
    known = [arn for arn in arns if arn in watched]
    seen = [coverage.seen("queues", *watched[arn], arn) for arn in known]
    seen += [_unwatched(arn, coverage) for arn in arns if arn not in watched]
    total = float(sum(arrived.get(arn, 0.0) for arn in known)) if known else None
    return Letters(total, _worst(seen))


def _unwatched(arn: str, coverage: Coverage) -> Seen:
    name = arn.rsplit(":", 1)[-1]
    why = f"failures go to {name}, which is not a queue that we read ({arn.split(':')[2]})"
    return Seen(coverage.window, (coverage.window,), why=why)


def _worst(seen: Iterable[Seen]) -> Seen:
    """The one that says most against the number."""
    return max(seen, key=lambda one: (not one.complete, one.provisional))
