"""Since when anything was collected at all."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.store import Store

_NOTHING = Window(datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC))


@reader
def first_run(store: Store) -> datetime | None:
    """When the oldest run that is kept began; None when nothing ever ran."""
    began = sa.type_coerce(sa.func.min(schema.run.c.started_at), schema.UtcTime)
    with store.snapshot(_NOTHING) as snapshot:
        found = snapshot.state(sa.select(began.label("began")))["began"].iloc[0]
    return None if found is None or found != found else found.to_pydatetime()
