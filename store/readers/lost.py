"""What readers go without, as holes in what was read: it counts as not collected, with the reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from core.windows import Window
from store.asking import reader
from store.check import READ_BY
from store.losses import Loss
from store.readers.frames import rows
from store.readers.things import EVERYTHING, matches
from store.store import Filter, Store

Place = tuple[str, str, str]
"""Collector, account and region."""


@reader
def lacking(store: Store, window: Window, kinds: Sequence[str], *, where: Filter = EVERYTHING) -> str | None:
    """Why some of what is stored of a window cannot be read, as the reason of a gap; None when all can. For
    whoever finds nothing, or less than there may be: ask after the answer, which is what meets damage."""
    with store.snapshot(window, kinds) as snapshot:
        return why_lacking(snapshot.lost, where)


def why_lacking(lost: Sequence[Loss], where: Filter = EVERYTHING) -> str | None:
    """The reason of the first loss that the filter lets through."""
    here = (loss.reason for loss in lost if matches(where, loss.target.account, loss.target.region))
    return next(here, None)


def without(coverage: pd.DataFrame, lost: Sequence[Loss]) -> pd.DataFrame:
    """Rows of coverage less the windows of `lost`, whatever their scope."""
    holes: dict[Place, list[Window]] = defaultdict(list)
    for loss in lost:
        holes[_place(loss)].append(loss.window)
    left = [
        cut
        for row in rows(coverage)
        for cut in _cut(row, holes.get((row.collector, row.account, row.region), []))
    ]
    return pd.DataFrame(left, columns=coverage.columns)


def _place(loss: Loss) -> Place:
    return READ_BY.get(loss.kind, loss.kind), loss.target.account, loss.target.region


def _cut(row: Any, holes: list[Window]) -> Iterator[Any]:
    """Rows with start and end in milliseconds since the epoch."""
    spans = [(row.start, row.end)]
    for hole in holes:
        first, end = (round(ts.timestamp() * 1000) for ts in (hole.start, hole.end))
        spans = [
            part
            for low, high in spans
            for part in ((low, min(high, first)), (max(low, end), high))
            if part[0] < part[1]
        ]
    return (row._replace(start=low, end=high) for low, high in spans)


def as_gaps(lost: Sequence[Loss], columns: Sequence[str]) -> pd.DataFrame:
    """The same as gaps of the whole target; columns of the table `gap`."""
    found = pd.DataFrame(
        [
            {
                **dict(zip(("collector", "account", "region"), _place(loss), strict=True)),
                "scope": "",
                "start": pd.Timestamp(loss.window.start),
                "end": pd.Timestamp(loss.window.end),
                "why": loss.reason,
            }
            for loss in lost
        ]
    )
    return found.reindex(columns=list(columns))
