"""Cached questions of the Collection health page."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd

from core.windows import Window
from dashboard.queries import cached, store
from store.journal import Entry
from store.readers import beginning, collection, modes
from store.readers import budget as budgets
from store.readers import room as rooms
from store.readers import services as living
from store.readers.budget import Budget, Unreached
from store.readers.services import Living


@cached(ttl_s=30)
def runs(window: Window) -> pd.DataFrame:
    return collection.runs(store(), window)


@cached(ttl_s=30)
def gaps(window: Window, _at: datetime) -> pd.DataFrame:
    return collection.gaps(store(), window, now=_at)


@cached(ttl_s=300, entries=2)
def first_run() -> datetime | None:
    """Since when anything is collected."""
    return beginning.first_run(store())


@cached(ttl_s=30, entries=2)
def budget(_at: datetime) -> Budget:
    return budgets.budget(store(), now=_at)


@cached(ttl_s=30, entries=2)
def unreached(_at: datetime) -> list[Unreached]:
    """As of about `_at`."""
    return budgets.unreached(store())


@cached(ttl_s=15, entries=2)
def services(_at: datetime) -> list[Living]:
    return living.services(store(), now=_at)


@cached(ttl_s=15, entries=2)
def watches(_at: datetime) -> pd.DataFrame:
    return living.watches(store(), now=_at)


@cached(ttl_s=15, entries=2)
def happenings(_at: datetime) -> list[Entry]:
    """Troubles of the services that go on, and those of the last day."""
    return living.happenings(store(), since=_at - timedelta(days=1))


@cached(ttl_s=30, entries=2)
def backfill(_at: datetime) -> pd.DataFrame:
    return collection.backfill(store(), _at)


@cached(ttl_s=60, entries=2)
def log_modes() -> pd.DataFrame:
    return modes.log_modes(store())


@cached(ttl_s=60, entries=2)
def spend(_at: datetime) -> pd.DataFrame:
    return collection.spend(store(), now=_at)


@cached(ttl_s=30, entries=2)
def lost(_at: datetime) -> pd.DataFrame:
    """As of about `_at`."""
    return collection.lost(store())


@cached(ttl_s=60, entries=2)
def room(_at: datetime) -> list[str]:
    """What telemetry takes of what it may, as sentences."""
    return rooms.sentences(rooms.room(store(), now=_at))


@cached(ttl_s=60, entries=2)
def kept(_at: datetime) -> pd.DataFrame:
    """As of about `_at`."""
    return rooms.kept(store())


@cached(ttl_s=60, entries=2)
def state_bytes(_at: datetime) -> int:
    """As of about `_at`."""
    return store().state_size()[1]
