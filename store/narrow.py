"""The rows of one function out of telemetry files: they are sorted by function, so a file's row groups tell
which few of them to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from store.telemetry import SCHEMAS

Place = tuple[str, str, str]
"""Account, region and function."""

FILES = 512
"""Files of which the row groups are remembered; some 300 kB each for a day of 500 functions."""


@dataclass(frozen=True, slots=True)
class Known:
    """A file's footer: it never changes, and takes longer to read than the rows of a function."""

    footer: Any
    names: frozenset[str]
    ranges: Sequence[tuple[str, str] | None]

    def groups(self, function: str) -> list[int]:
        """Row groups that may hold rows of a function."""
        return [
            n for n, range_ in enumerate(self.ranges) if range_ is None or range_[0] <= function <= range_[1]
        ]


def rows(kind: str, files: Iterable[Path], place: Place, names: Sequence[str]) -> pa.Table:
    """Some columns of a function's rows; the files are those of its account and region. Raises OSError or
    pyarrow's errors when a file cannot be read."""
    parts = [_of_file(file, place[2], names) for file in files]
    return _placed(kind, [part for part in parts if part is not None], place, names)


def of(table: pa.Table, place: Place) -> pa.Table:
    """A table's rows of one function."""
    mine = pc.equal(table["function"], place[2])
    for name, value in zip(("account", "region"), place[:2], strict=True):
        mine = pc.and_(mine, pc.equal(table[name], value))
    return table.filter(mine)


def _of_file(file: Path, function: str, names: Sequence[str]) -> pa.Table | None:
    stat = file.stat()
    known = _known(file, stat.st_size, stat.st_mtime_ns)
    groups = known.groups(function)
    if not groups:
        return None
    there = [name for name in (*names, "function") if name in known.names]
    with parquet.ParquetFile(file, metadata=known.footer) as opened:
        table = opened.read_row_groups(groups, columns=list(dict.fromkeys(there)), use_threads=False)
    return table.filter(pc.equal(table["function"], function))


def _placed(kind: str, parts: Sequence[pa.Table], place: Place, names: Sequence[str]) -> pa.Table:
    """As one table of the kind's own types, with account and region, which files have in their paths."""
    wanted = pa.schema([SCHEMAS[kind].field(name) for name in names])
    empty = wanted.empty_table()
    cast = [
        part.select(kept := [name for name in part.schema.names if name in names]).cast(
            pa.schema([wanted.field(name) for name in kept])
        )
        for part in parts
    ]
    table = pa.concat_tables([empty, *cast], promote_options="default")
    for name, value in zip(("account", "region"), place[:2], strict=True):
        if name in names:
            column = pa.repeat(pa.scalar(value, wanted.field(name).type), len(table))
            table = table.set_column(table.schema.get_field_index(name), wanted.field(name), column)
    return table


@lru_cache(maxsize=FILES)
def _known(file: Path, _size: int, _changed_ns: int) -> Known:
    footer = parquet.read_metadata(file)
    names = footer.schema.to_arrow_schema().names
    column = names.index("function")
    ranges = [_range(footer.row_group(n).column(column)) for n in range(footer.num_row_groups)]
    return Known(footer, frozenset(names), ranges)


def _range(chunk: Any) -> tuple[str, str] | None:
    told = chunk.statistics
    return (told.min, told.max) if told is not None and told.has_min_max else None
