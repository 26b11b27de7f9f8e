"""How much room telemetry takes, what the size cap removed, and whether it can be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.cap import GB, untouchable
from store.store import Store


@dataclass(frozen=True, slots=True)
class Room:
    """`bytes` of the files that readers use; `cap_bytes` None: none is set. `removed` is what the cap took:
    kind, account, region, until (everything before it), at, bytes."""

    bytes: int
    cap_bytes: int | None
    can_shrink: bool
    removed: pd.DataFrame

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
    return Room(used, None if cap_gb is None else round(cap_gb * GB), can_shrink, removed)


def sentences(found: Room) -> list[str]:
    """The room in words: what is taken of what, what the cap removed, and whether it cannot be kept."""
    if found.cap_bytes is None:
        return [f"Telemetry takes {_gb(found.bytes)}; store.max_size_gb sets no limit."]
    said = [f"Telemetry takes {_gb(found.bytes)} of {_gb(found.cap_bytes)} (store.max_size_gb)."]
    if found.is_over:
        said.append("It cannot be kept below that: what is left is of today and yesterday, which never goes.")
    for until, of in found.removed.groupby("until"):
        kinds = ", ".join(sorted(set(of["kind"])))
        taken = _gb(int(of["bytes"].sum()))
        said.append(f"Removed to stay below it: {kinds} before {until:%Y-%m-%d %H:%M} UTC ({taken}).")
    return said


def _gb(size: int) -> str:
    return f"{size / GB:,.2f} GB" if size >= GB / 10 else f"{size / 10**6:,.1f} MB"
