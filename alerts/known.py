"""Trouble that people know of: incidents that they called real or noise, and outages that they marked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.errors import QuarterdeckError
from core.people import Person
from core.windows import Window
from store import schema
from store.store import Store

MAX_TEXT = 500


@dataclass(frozen=True, slots=True)
class Known:
    """Real trouble of one subject, or noise. `rule` is the one whose incident it was, None for an outage that
    somebody marked; `end` None: it goes on."""

    account: str
    region: str
    subject: str
    start: datetime
    end: datetime | None
    is_real: bool
    text: str
    who: str | None = None
    rule: str | None = None
    id: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        return self.account, self.region, self.subject

    def lasts_at(self, ts: datetime) -> bool:
        return self.start < ts and (self.end is None or ts <= self.end)


def mark(
    store: Store, *, account: str, region: str, subject: str, window: Window, text: str, by: Person
) -> int:
    """Say that `subject` (a function's name, a queue's ARN, `account`) was in trouble in `window`, so that
    backtests can tell which rules would have noticed. Returns the mark's number.

    Raises NotAllowedError, and QuarterdeckError for an empty window or text.
    """
    by.must_be("operator", "to mark an outage")
    if window.end <= window.start:
        raise QuarterdeckError("an outage ends after it begins")
    if not text.strip():
        raise QuarterdeckError("an outage needs a few words on what it was")
    row = {"account": account, "region": region, "subject": subject, "start": window.start, "end": window.end}
    row |= {"who": by.name, "text": text.strip()[:MAX_TEXT]}
    with store.transaction() as connection:
        made = connection.execute(sa.insert(schema.marked_outage).values(row)).inserted_primary_key
    assert made is not None
    return int(made[0])


def unmark(store: Store, id: int, *, by: Person) -> None:
    """Take a mark back. Raises NotAllowedError, and QuarterdeckError when there is no such mark."""
    by.must_be("operator", "to take a mark back")
    table = schema.marked_outage
    with store.transaction() as connection:
        if not connection.execute(sa.delete(table).where(table.c.id == id)).rowcount:
            raise QuarterdeckError(f"there is no marked outage {id}; `quarterdeck rules marks` lists them")


def known(store: Store, window: Window) -> list[Known]:
    """All that touches the window, oldest first."""
    with store.engine.connect() as connection:
        found = [*_marked(connection, window), *_judged(connection, window)]
    return sorted(found, key=lambda each: (each.start, each.place))


def _marked(connection: sa.Connection, window: Window) -> list[Known]:
    c = schema.marked_outage.c
    rows = connection.execute(
        sa.select(schema.marked_outage).where(c.start < window.end, c.end > window.start)
    )
    return [
        Known(r.account, r.region, r.subject, r.start, r.end, True, r.text, r.who, id=str(r.id)) for r in rows
    ]


def _judged(connection: sa.Connection, window: Window) -> list[Known]:
    c = schema.incident.c
    touching = sa.or_(c.resolved_at.is_(None), c.resolved_at > window.start)
    query = sa.select(schema.incident).where(c.verdict.is_not(None), c.opened_at < window.end, touching)
    return [
        Known(
            r.account,
            r.region,
            r.subject,
            r.opened_at,
            r.resolved_at,
            r.verdict == "real",
            r.title,
            rule=r.rule,
            id=r.id,
        )
        for r in connection.execute(query)
    ]
