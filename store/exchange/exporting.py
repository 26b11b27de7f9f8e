"""An export to a file, with word of what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.windows import Window
from store.asking import reader
from store.exchange import formats, tables
from store.losses import Loss
from store.store import Filter, Store


@dataclass(frozen=True, slots=True)
class Exported:
    """Rows written, and stored ones that could not be read."""

    rows: int
    lost: tuple[Loss, ...]


@reader
def write_out(store: Store, name: str, path: Path, window: Window, where: Filter) -> Exported:
    """Write a table's rows of a window to a file, whole or not at all. Raises StoreError."""
    rows = formats.write(path, tables.schema_of(name), tables.batches(store, name, window, where))
    return Exported(rows, tuple(loss for loss in store.lost() if _is_of(loss, name, window, where)))


def _is_of(loss: Loss, name: str, window: Window, where: Filter) -> bool:
    is_there = where.account in (None, loss.target.account) and where.region in (None, loss.target.region)
    return loss.kind == name and is_there and loss.window.overlap(window) is not None
