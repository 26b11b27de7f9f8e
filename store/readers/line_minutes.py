"""Columns that count kept log lines: one per text that rules look for."""

from __future__ import annotations

from collections.abc import Sequence

from store.readers.frames import Grid
from store.readers.minutes import Numbers, Place, ask, lay
from store.store import Snapshot

_BEGINS = "lines with "


def lines_with(text: str) -> str:
    """The name of the column that counts lines of which `text` is a part; case does not matter."""
    return _BEGINS + text


def counts_lines(column: str) -> bool:
    return column.startswith(_BEGINS)


def count_lines(
    snapshot: Snapshot, places: Sequence[Place], columns: Sequence[str], grid: Grid
) -> dict[str, Numbers]:
    """`columns` (made by `lines_with`) of functions: NaN where no kept line has the text."""
    texts = {f"text_{n}": column.removeprefix(_BEGINS) for n, column in enumerate(columns)}
    counts = [
        f"nullif(count(*) FILTER (contains(lower(message), lower(${name}))), 0)::DOUBLE AS {name}"
        for name in texts
    ]
    found = ask(snapshot, places, "log_events", '"function"', "true", counts, step=grid.step, texts=texts)
    laid = lay(found, len(places), grid, ())
    return {column: laid[name] for column, name in zip(columns, texts, strict=True)}
