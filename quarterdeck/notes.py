"""Short texts that the service leaves in the store, by key: heartbeat, pace, targets out of reach."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from store.schema import meta
from store.store import Store


def write_note(store: Store, key: str, value: str) -> None:
    """Keep `value` under `key`, instead of what was there. Raises StoreError."""
    with store.transaction() as connection:
        write_meta(connection, key, value)


def write_meta(connection: sa.Connection, key: str, value: str) -> None:
    changed: Any = connection.execute(sa.update(meta).where(meta.c.key == key).values(value=value))
    if not changed.rowcount:
        connection.execute(sa.insert(meta).values(key=key, value=value))
