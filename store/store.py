"""The store's handle: open, commit, snapshot. One per process; safe to share by threads."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from core.errors import LeaseLostError, StoreError
from core.facts import Fact, Inventory, Run, Target, Usage
from core.price_book import Price
from core.settings import StoreSettings
from core.windows import Window
from store import (
    cap,
    check,
    commit,
    coverage,
    entities,
    files,
    packing,
    postgres,
    retention,
    rolling,
    schema,
    snapshot,
    state,
)
from store.check import Finding
from store.coverage import Reading
from store.hot import HotCache
from store.lake import Lake
from store.losses import Loss, Losses
from store.narrow import Place
from store.opening import open_shelf, open_state
from store.paid import Paid
from store.snapshot import Snapshot
from store.tiers import Keeps

__all__ = ["Filter", "Snapshot", "Store"]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the fleet is asked about; None is all of it."""

    account: str | None = None
    region: str | None = None
    function: str | None = None


class Store:
    """One folder: `state.db`, and `telemetry/` beside it. `prices` are one's own, which come before those
    that it holds."""

    _fence: Callable[[sa.Connection], None] | None = None

    def __init__(self, settings: StoreSettings, engine: sa.Engine, prices: Sequence[Price] = ()) -> None:
        self.settings, self.prices = settings, tuple(prices)
        self._engine, self._writer, self._turn = engine, state.writer(engine), state.turn(engine)
        self._lake, self._cache = Lake(settings.path, open_shelf(settings, engine)), HotCache()
        self._losses = Losses(self.transaction)
        self._paid = Paid(self._lake.shelf, self.transaction)

    @classmethod
    def open(cls, settings: StoreSettings, *, create: bool = True, prices: Sequence[Price] = ()) -> Store:
        """Open, create or migrate the store. `prices` are those of `cost.prices`.

        Raises StoreError (unwritable, full, corrupt, missing when `create` is False: each in one sentence
        that says what to do) and StoreTooNewError.
        """
        return cls(settings, open_state(settings, create=create), prices)

    @property
    def engine(self) -> sa.Engine:
        """The state database. Writes go through `transaction`."""
        return self._engine

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction on the state database (BEGIN IMMEDIATE on SQLite)."""
        with self._explained(), self._turn, self._writer.begin() as connection:
            if self._fence is not None:
                self._fence(connection)
            yield connection

    def fenced(self, fence: Callable[[sa.Connection], None]) -> Store:
        """The same store, whose write transactions begin with `fence`: it raises LeaseLostError where
        somebody else writes now."""
        mine = copy.copy(self)
        mine._fence = fence
        return mine

    def commit(self, run: Run, facts: Iterable[Fact], *, now: datetime) -> None:
        """Keep one run and all it learned, in one transaction: hot telemetry, entities and their changes,
        coverage, gaps, usage. Idempotent by key. Raises StoreError; then nothing of the run is kept.

        A run that is `ok` and yields neither Covered nor Gap covers its window. What is older than LATENESS
        before the run's start (or `now`, if that is earlier) is settled.
        """
        self._check_space()
        learned = commit.learn(facts, run.target)
        try:
            with self.transaction() as connection:
                commit.keep(connection, run, learned, now=now)
        except LeaseLostError:  # what it cost is owed all the same
            with self._explained(), self._turn, self._writer.begin() as connection:
                commit.count(connection, run.target, run.collector, run.usage, now=now)
            raise

    def count(self, target: Target, collector: str, usage: Sequence[Usage], *, now: datetime) -> None:
        """Add calls to the month's bill outside a run (a failed run, an action)."""
        with self.transaction() as connection:
            commit.count(connection, target, collector, usage, now=now)

    def remember_target(self, target: Target, alias: str | None, now: datetime) -> None:
        """Keep a target and the name that people know its account by."""
        with self.transaction() as connection:
            commit.see_target(connection, target, now=now, alias=alias)

    def targets(self, *, since: datetime) -> list[Target]:
        """The targets that were watched at or after `since`."""
        c = schema.target.c
        query = sa.select(c.account, c.region).where(c.last_seen >= since).order_by(c.account, c.region)
        with self._explained(), self._engine.connect() as connection:
            return [Target(row.account, row.region) for row in connection.execute(query)]

    def inventory(self, target: Target) -> Inventory:
        """What is known of one target now (things gone are left out)."""
        with self._explained(), self._engine.connect() as connection:
            return entities.inventory(connection, target)

    def covered(
        self, collector: str, target: Target, scope: str = "", *, settled: bool | None = None
    ) -> list[tuple[Window, int]]:
        """Windows read so far with their period, merged per period; `settled` True leaves provisional ones
        out, False gives only them."""
        with self._explained(), self._engine.connect() as connection:
            return coverage.covered(connection, collector, target, scope, settled=settled)

    def readings(self, collector: str, target: Target, *, since: datetime) -> dict[str, Reading]:
        """The same of every scope at once, as far as it does not end before `since`."""
        with self._explained(), self._engine.connect() as connection:
            return coverage.readings(connection, collector, target, since)

    def keeps(self, collector: str, target: Target, *, now: datetime) -> Keeps:
        """Since when the store keeps what a collector reads, and at which period."""
        with self._explained(), self._engine.connect() as connection:
            return retention.keeps(connection, collector, target, self.settings.retention, now=now)

    @contextmanager
    def snapshot(
        self, window: Window, kinds: Sequence[str] = (), *, place: Place | None = None
    ) -> Iterator[Snapshot]:
        """A consistent view of this instant; `kinds` are the telemetry kinds asked for, by default none. With
        a `place`, they have the rows of that function alone, and are read much faster."""
        parts = self._engine, self._lake, self._cache, self._losses
        with snapshot.taken(*parts, window, kinds, place, prices=self.prices) as found:
            yield found
        self._paid.bill_if_due()

    def pack(self, *, now: datetime) -> None:
        """Seal settled hours of the hot tail into Parquet, bring days that are old enough to longer periods,
        join hours to days and days to months, sweep what is replaced or past retention. Safe to kill at any
        moment, safe beside readers."""
        locked = state.locked(self._engine, self.path, "pack.lock", wait=False)
        with self._explained(), locked as mine:
            if not mine:
                return  # another process is at it
            unswept = retention.sweep(self._engine, self.transaction, self._lake, now=now)
            retention.sweep_spill(self.path)
            retention.retire(self.transaction, self.settings.retention, now=now)
            self._losses.review(self._engine, self._lake)
            parts = self._engine, self.transaction, self._lake, self._losses, self.settings.retention
            failures = [*unswept, *rolling.roll(*parts, now=now), *packing.seal(*parts, now=now)]
            size_gb = self.settings.max_size_gb
            cap.trim(self._engine, self.transaction, self.settings.retention, size_gb, now=now)
            self._losses.scrub(self._engine, self._lake)
            self._paid.bill(now=now)
            if failures:
                raise failures[0]

    def is_crowded(self, *, now: datetime) -> bool:
        """Whether `pack` should not wait for its turn."""
        with self._explained(), self._engine.connect() as connection:
            return packing.is_crowded(connection, now=now)

    @contextmanager
    def packing_alone(self) -> Iterator[bool]:
        """Hold the lock of packing, for whoever files what is derived; False when another process has it."""
        with self._explained(), state.locked(self._engine, self.path, "pack.lock", wait=False) as mine:
            yield mine

    def filed(self, kind: str, target: Target) -> list[files.Kept]:
        """The files of a kind that readers use, unreadable ones too; oldest first."""
        with self._explained(), self._engine.connect() as connection:
            return [f for f in files.listed(connection) if (f.kind, f.target) == (kind, target)]

    def file(
        self,
        kind: str,
        target: Target,
        window: Window,
        table: pa.Table,
        *,
        replaced: Sequence[str],
        note: Callable[[sa.Connection], None],
        now: datetime,
    ) -> None:
        """Write derived rows as the file of `window`, and let it take the place of others; `note` writes in
        the transaction that makes it visible. Only within `packing_alone`."""
        with self._explained():
            path = files.name(kind, target, window)
            rows, size, crc32 = files.write(self._lake, path, kind, [table], [])
            with self.transaction() as connection:
                kept = files.Kept(path, kind, target, window, crc32=crc32)
                files.add(connection, kept, rows, size, replaced, now=now)
                note(connection)

    def lost(self) -> list[Loss]:
        """Files and hot batches that readers go without, as far as anybody met them."""
        with self._explained(), self._engine.connect() as connection:
            return self._losses.told(connection)

    def check(self) -> list[Finding]:
        """Compare every stored byte with the catalogue; what is not as it was written. Changes nothing."""
        with self._explained():
            return list(check.findings(self._engine, self._lake))

    def repair(self, found: Sequence[Finding], *, now: datetime) -> list[Finding]:
        """Do about findings what can be done: readers go on without what is lost, and it is read again."""
        with self._explained():
            return check.repair(self._engine, self.transaction, self._lake, found, now=now)

    def telemetry_troubles(self) -> list[str]:
        """What of reading and writing telemetry files is not possible: a sentence each. Tries it."""
        return self._lake.shelf.troubles()

    def state_size(self) -> tuple[int, int]:
        """Files of the state database in the folder (0 on a server), and its bytes."""
        if state.is_file(self._engine):
            files = sorted(self.path.glob(f"{state.FILE}*"))
            return len(files), sum(file.stat().st_size for file in files)
        with self._explained(), self._engine.connect() as connection:
            return 0, postgres.size_bytes(connection)

    def close(self) -> None:
        with suppress(StoreError):
            self._paid.bill(now=datetime.now(UTC))
        self._lake.close()
        self._engine.dispose()

    @property
    def path(self) -> Path:
        return self.settings.path

    def _explained(self) -> AbstractContextManager[None]:
        return state.explained(self._engine, self.path)

    def _check_space(self) -> None:
        free_mb = shutil.disk_usage(self.path).free // 2**20
        if free_mb < self.settings.free_space_floor_mb:
            raise StoreError(
                f"collection pauses: the disk of the store in {self.path} has {free_mb} MB left, below "
                f"store.free_space_floor_mb ({self.settings.free_space_floor_mb}); free some space"
            )
