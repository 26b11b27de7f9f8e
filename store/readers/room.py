"""How much room telemetry takes, what the size cap removed, and whether it can be kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.cap import GB, untouchable
from store.store import Store


@dataclass(frozen=True, slots=True)
class Cached:
    """Copies on this machine of the files under `url`."""

    url: str
    bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class Room:
    """`bytes` of the files that readers use; `cap_bytes` None: none is set. `removed` is what the cap took:
    kind, account, region, until (everything before it), at, bytes. `cache`: of files in S3, what this machine
    keeps of them; None when they are in the store's own folder."""

    bytes: int
    cap_bytes: int | None
    can_shrink: bool
    removed: pd.DataFrame
    cache: Cached | None = None

    @property
    def is_over(self) -> bool:
        """The cap cannot be kept: what is left is of today and yesterday, which never goes."""
        return self.cap_bytes is not None and self.bytes > self.cap_bytes and not self.can_shrink


@reader
def room(store: Store, *, now: datetime) -> Room:
    file, cap_gb = schema.file.c, store.settings.max_size_gb
    oldest = sa.func.min(file.end).label("oldest")
    query: sa.Select[Any] = sa.select(sa.func.sum(file.bytes).label("bytes"), oldest)
    with store.snapshot(Window(now, now)) as snapshot:
        found = snapshot.state(query.where(file.replaced_at.is_(None))).iloc[0]
        removed = snapshot.state(sa.select(schema.trimmed).order_by(schema.trimmed.c.kind))
    can_shrink = bool(pd.notna(found["oldest"]) and found["oldest"] <= untouchable(now))
    used = 0 if pd.isna(found["bytes"]) else int(found["bytes"])
    return Room(used, None if cap_gb is None else round(cap_gb * GB), can_shrink, removed, _cached(store))


def _cached(store: Store) -> Cached | None:
    url, limit_bytes = store.settings.telemetry, round(store.settings.cache_gb * GB)
    if url is None:
        return None
    used = 0
    for copy in (store.path / "cache").glob("kind=*/**/*.parquet"):
        with suppress(FileNotFoundError):  # it went for a newer one
            used += copy.stat().st_size
    return Cached(url, used, limit_bytes)


@reader
def kept(store: Store) -> pd.DataFrame:
    """What is stored of each kind: kind, files, rows, bytes (of files), waiting_rows, waiting_bytes (in the
    state database, until their hour is packed), since (the oldest; NaT: nothing is), fine_since (the oldest
    that is kept as it came; before it at longer periods). By kind."""
    file, hot = schema.file.c, schema.hot.c
    is_fine = sa.case((file.period_s == 0, file.start))
    packed = sa.select(
        file.kind,
        sa.func.count().label("files"),
        sa.func.sum(file.rows).label("rows"),
        sa.func.sum(file.bytes).label("bytes"),
        _utc(sa.func.min(file.start)).label("since"),
        _utc(sa.func.min(is_fine)).label("fine_since"),
    )
    waiting = sa.select(
        hot.kind,
        sa.func.sum(hot.rows).label("waiting_rows"),
        sa.func.sum(sa.func.length(hot.payload)).label("waiting_bytes"),
        _utc(sa.func.min(hot.start)).label("waiting_since"),
    )
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        filed = snapshot.state(packed.where(file.replaced_at.is_(None)).group_by(file.kind))
        found = filed.merge(snapshot.state(waiting.group_by(hot.kind)), on="kind", how="outer")
    for name in ("since", "fine_since"):
        found[name] = found[[name, "waiting_since"]].min(axis="columns")
    counts = ["files", "rows", "bytes", "waiting_rows", "waiting_bytes"]
    found[counts] = found[counts].astype(float).fillna(0).astype("int64")
    return found.sort_values("kind", ignore_index=True)[["kind", *counts, "since", "fine_since"]]


def _utc(ts: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(ts, schema.UtcTime)


_EPOCH = datetime.fromtimestamp(0, UTC)


def sentences(found: Room) -> list[str]:
    """The room in words: what is taken of what, what the cap removed, and whether it cannot be kept."""
    if found.cap_bytes is None:
        said = [f"Telemetry files take {_gb(found.bytes)}; store.max_size_gb sets no limit."]
    else:
        said = [f"Telemetry files take {_gb(found.bytes)} of {_gb(found.cap_bytes)} (store.max_size_gb)."]
    if found.cache:
        copies = f"{_gb(found.cache.bytes)} of {_gb(found.cache.limit_bytes)} (store.cache_gb)"
        said.append(f"They are in {found.cache.url}; copies on this machine take {copies}.")
    if found.is_over:
        said.append("It cannot be kept below that: what is left is of today and yesterday, which never goes.")
    for until, of in found.removed.groupby("until"):
        kinds = ", ".join(sorted(set(of["kind"])))
        taken = _gb(int(of["bytes"].sum()))
        said.append(f"Removed to stay below it: {kinds} before {until:%Y-%m-%d %H:%M} UTC ({taken}).")
    return said


def _gb(size: int) -> str:
    return f"{size / GB:,.2f} GB" if size >= GB / 10 else f"{size / 10**6:,.1f} MB"
