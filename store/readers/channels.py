"""How each channel stands: what it took, what waits, what died."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.store import Store

_WORST = {"dead": 0, "failing": 1, "working": 2, "unused": 3}
_NOW = Window(datetime.fromisoformat("1970-01-01T00:00:00Z"), datetime.fromisoformat("1970-01-01T00:00:00Z"))


@reader
def channels(store: Store, *, now: datetime) -> pd.DataFrame:
    """The channels that the service knows from its settings, worst first: channel, kind, state (dead,
    failing, working, unused), since, said (by the target, when it failed last), failures (in a row), waiting
    (notices queued), oldest_at (of those; NaT: none), next_at (when the next one is due), dead (notices given
    up), delivered_day and folded_day (in the 24 hours before `now`; folded: told in a digest), delivered_at
    (the newest; NaT: none ever)."""
    table, box = schema.channel_state, schema.outbox
    day = now - timedelta(hours=24)

    def count(*where: sa.ColumnElement[bool]) -> sa.Function[int]:
        return sa.func.count(sa.case((sa.and_(*where), 1)))

    def ts(pick: sa.Function[datetime], name: str) -> sa.Label[datetime]:
        return sa.type_coerce(pick, schema.UtcTime()).label(name)

    queued = box.c.state == "queued"
    query = (
        sa.select(
            *(table.c[name] for name in ("channel", "kind", "state", "since", "said", "failures")),
            count(queued).label("waiting"),
            ts(sa.func.min(sa.case((queued, box.c.created_at))), "oldest_at"),
            ts(sa.func.min(sa.case((queued, box.c.next_at))), "next_at"),
            count(box.c.state == "dead").label("dead"),
            count(box.c.delivered_at > day).label("delivered_day"),
            count(box.c.state == "folded", box.c.created_at > day).label("folded_day"),
            ts(sa.func.max(box.c.delivered_at), "delivered_at"),
        )
        .select_from(sa.outerjoin(table, box, box.c.channel == table.c.channel))
        .group_by(*table.c)
    )
    with store.snapshot(_NOW) as snapshot:
        found = snapshot.state(query)
    return found.sort_values(["state", "channel"], key=_rank).reset_index(drop=True)


def _rank(column: pd.Series) -> pd.Series:
    return column.map(_WORST) if column.name == "state" else column
