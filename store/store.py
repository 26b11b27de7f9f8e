"""The store's handle: open, commit, snapshot. One per process; safe to share by threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.facts import Fact, Inventory, Run, Target, Usage
from core.settings import StoreSettings
from core.windows import Window


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the fleet is asked about; None is all of it."""

    account: str | None = None
    region: str | None = None
    function: str | None = None


class Snapshot:
    """A consistent view of some telemetry kinds over one window, and of the state tables, at one instant.

    Each kind is a DuckDB view of the same name (columns of `telemetry.SCHEMAS`, one row per key, newest fact
    wins, `ts` within the window), empty when nothing is stored.
    """

    def frame(self, sql: str, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Run DuckDB SQL (named parameters `$name`) over the views; returns a frame, times aware UTC."""
        raise NotImplementedError

    def state(self, query: sa.Select[Any]) -> pd.DataFrame:
        """Run a SQLAlchemy select over the state tables in the snapshot's own transaction."""
        raise NotImplementedError


class Store:
    def __init__(self, settings: StoreSettings) -> None:
        self.settings = settings

    @classmethod
    def open(cls, settings: StoreSettings, *, create: bool = True) -> Store:
        """Open, create or migrate the store.

        Raises StoreError (unwritable, full, corrupt, missing when `create` is False: each in one sentence that
        says what to do) and StoreTooNewError.
        """
        raise NotImplementedError

    @property
    def engine(self) -> sa.Engine:
        """The state database. Writes go through `transaction`."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """A write transaction on the state database (BEGIN IMMEDIATE on SQLite)."""
        raise NotImplementedError

    def commit(self, run: Run, facts: Iterable[Fact], *, now: datetime) -> None:
        """Keep one run and all it learned, in one transaction: hot telemetry, entities and their changes,
        coverage, gaps, usage. Idempotent by key. Raises StoreError; then nothing of the run is kept."""
        raise NotImplementedError

    def count(self, target: Target, collector: str, usage: Sequence[Usage], *, now: datetime) -> None:
        """Add calls to the month's bill outside a run (a failed run, an action)."""
        raise NotImplementedError

    def inventory(self, target: Target) -> Inventory:
        """What is known of one target now (things gone are left out)."""
        raise NotImplementedError

    def covered(
        self, collector: str, target: Target, scope: str = "", *, settled: bool | None = None
    ) -> list[tuple[Window, int]]:
        """Windows read so far with their period, merged per period; `settled` True leaves provisional ones out."""
        raise NotImplementedError

    def snapshot(self, window: Window, kinds: Sequence[str] = ()) -> AbstractContextManager[Snapshot]:
        raise NotImplementedError

    def pack(self, *, now: datetime) -> None:
        """Seal settled hours of the hot tail into Parquet, join hours to days, sweep what is replaced or past
        retention. Safe to kill at any moment, safe beside readers."""
        raise NotImplementedError

    def close(self) -> None: ...

    @property
    def path(self) -> Path:
        return self.settings.path
