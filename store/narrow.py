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

from store.recent import Recent
from store.telemetry import SCHEMAS

Place = tuple[str, str, str]
"""Account, region and function."""

FILES = 512
"""Files of which the row groups are remembered; some 300 kB each for a day of 500 functions."""
KEPT_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
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


def rows(kept: Recent[Any], kind: str, files: Iterable[Path], place: Place, names: Sequence[str]) -> pa.Table:
    """Some columns of a function's rows; the files are those of its account and region. What a file has of it
    is kept: it is asked for again at the next refresh. Raises OSError or pyarrow's errors when a file cannot
    be read."""
    wanted = pa.schema([SCHEMAS[kind].field(name) for name in names])
    parts = [_of_file(kept, file, place[2], wanted) for file in files]
    table = pa.concat_tables([wanted.empty_table(), *parts], promote_options="default")
    for name, value in zip(("account", "region"), place[:2], strict=True):  # files have them in their paths
        if name in names:
            column = pa.repeat(pa.scalar(value, wanted.field(name).type), len(table))
            table = table.set_column(table.schema.get_field_index(name), wanted.field(name), column)
    return table


def of(table: pa.Table, place: Place, names: Sequence[str]) -> pa.Table:
    """Some columns of a table's rows of one function; a name that the table lacks is left out."""
    mine = pc.equal(table["function"], place[2])
    for name, value in zip(("account", "region"), place[:2], strict=True):
        mine = pc.and_(mine, pc.equal(table[name], value))
    return table.select([name for name in names if name in table.schema.names]).filter(mine)


def _of_file(kept: Recent[Any], file: Path, function: str, wanted: pa.Schema) -> pa.Table:
    stat = file.stat()
    known = _known(file, stat.st_size, stat.st_mtime_ns)
    key = (known, function, tuple(wanted.names))
    table = kept.get(key)
    if table is None:
        table = _read(file, known, function, wanted)
        kept.keep(key, table)
    return table


def _read(file: Path, known: Known, function: str, wanted: pa.Schema) -> pa.Table:
    """In the kind's own types; columns that the file lacks are left out."""
    names = [name for name in wanted.names if name in known.names]
    mine = pa.schema([wanted.field(name) for name in names])
    if not (groups := known.groups(function)):
        return mine.empty_table()
    with parquet.ParquetFile(file, metadata=known.footer) as opened:
        table = opened.read_row_groups(groups, columns=list(dict.fromkeys([*names, "function"])))
    return table.filter(pc.equal(table["function"], function)).select(names).cast(mine)


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
