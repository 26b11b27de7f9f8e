"""What functions do lately, for the choice of their pace: who was invoked, who has an open incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.windows import Window, merge
from store import schema
from store.asking import reader
from store.losses import Loss
from store.readers.frames import rows
from store.readers.records import FUNCTION_POINTS
from store.readers.things import Place
from store.store import Store

FRESH = timedelta(hours=7)
"""Reading is unbroken if it reaches this near: the slowest pace and an hour."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Per place: the newest minute with invocations, and since when metrics were read without a hole."""

    invoked: Mapping[Place, datetime]
    read_since: Mapping[Place, datetime]

    def since(self, place: Place) -> datetime | None:
        """Where coverage is kept for the whole target it is under the empty name."""
        whole = self.read_since.get((*place[:2], ""))
        return self.read_since.get(place, whole)


@reader
def lately(store: Store, *, now: datetime, length: timedelta) -> Lately:
    """What metrics say of the last `length`."""
    window = Window(now - length, now)
    with store.snapshot(window, ("metrics",)) as snapshot:
        frame = snapshot.frame(
            f"""SELECT account, region, "function", max(ts) AS ts FROM metrics
            WHERE {FUNCTION_POINTS} AND invocations > 0 AND ts >= $start GROUP BY ALL""",
            {"start": window.start},
        )
        lost = snapshot.lost
    invoked = {(row.account, row.region, row.function): row.ts.to_pydatetime() for row in rows(frame)}
    return Lately(invoked, _read_since(store, window, lost))


def _read_since(store: Store, window: Window, lost: Sequence[Loss]) -> dict[Place, datetime]:
    c = schema.coverage.c
    query = sa.select(c.account, c.region, c.scope, c.start, c.end).where(
        c.collector == "metrics", c.end >= window.start
    )
    read: dict[Place, list[Window]] = {}
    with store.engine.connect() as connection:
        for account, region, scope, start, end in connection.execute(query):
            read.setdefault((account, region, scope), []).append(Window(start, end))
    newest = {place: merge(windows)[-1] for place, windows in read.items()}
    whole = {
        place: max([last.start, *(loss.window.end for loss in lost if _is_at(loss, place))])
        for place, last in newest.items()
        if last.end >= window.end - FRESH
    }
    return {place: since for place, since in whole.items() if since < newest[place].end}


def _is_at(loss: Loss, place: Place) -> bool:
    return (loss.target.account, loss.target.region) == place[:2]


@reader
def firing(store: Store) -> set[Place]:
    """Functions with an open incident."""
    c = schema.incident.c
    query = sa.select(c.account, c.region, c.subject).where(
        c.resolved_at.is_(None), c.subject_kind == "function"
    )
    with store.engine.connect() as connection:
        return {(account, region, subject) for account, region, subject in connection.execute(query)}
