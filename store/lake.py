"""DuckDB in memory, in this process: the engine that reads and writes the telemetry files."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import parquet

from core.windows import Window
from store.narrow import KEPT_BYTES
from store.recent import Recent
from store.shelf import Shelf
from store.telemetry import KEYS

SETTINGS = (
    "SET TimeZone='UTC'",
    "SET parquet_metadata_cache=true",
    "SET python_enable_replacements=false",
    "SET preserve_insertion_order=true",
)

HOURS_BYTES = 256 * 2**20
ANSWERS_BYTES = 256 * 2**20


class Lake:
    """One DuckDB instance, made at the first need. It sees the shelf's local files and nothing else.
    `hours` keeps what files' points add up to (`store.hours`), `narrow` what they have of a function
    (`store.narrow`), `answers` what single files answered (`Snapshot.per_file`)."""

    def __init__(self, folder: Path, shelf: Shelf) -> None:
        self.folder, self.shelf = folder, shelf
        self.hours = Recent[Path](HOURS_BYTES)
        self.narrow = Recent[Any](KEPT_BYTES)
        self.answers = Recent[Any](ANSWERS_BYTES)
        self._spill = (folder / "tmp").resolve() / uuid.uuid4().hex
        self._lock = threading.Lock()
        self._root: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own: temporary views made on it are its own. Close it after use."""
        with self._lock:
            if self._root is None:
                self._root = self._open()
            return self._root.cursor()

    def close(self) -> None:
        with self._lock:
            if self._root is not None:
                self._root.close()
                self._root = None
        self.shelf.close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        with suppress(OSError):  # DuckDB makes no parents; a reader may have no right to write here
            self._spill.parent.mkdir(parents=True, exist_ok=True)
        root = duckdb.connect(
            ":memory:",
            config={
                "threads": 2,
                "memory_limit": "1GB",
                "temp_directory": str(self._spill),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
            },
        )
        for setting in SETTINGS:
            root.execute(setting)
        allowed = ", ".join(quoted(f"{folder}/") for folder in self.shelf.seen)
        root.execute(f"SET allowed_directories=[{allowed}]")
        root.execute("SET enable_external_access=false")
        root.execute("SET lock_configuration=true")
        return root


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literal(ts: datetime) -> str:
    """A SQL literal of an aware time."""
    return f"TIMESTAMPTZ '{ts.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


def during(window: Window) -> str:
    """A SQL condition: rows of a window."""
    return f"(ts >= {literal(window.start)} AND ts < {literal(window.end)})"


def read_files(files: Sequence[Path]) -> str:
    """A SQL table over telemetry files; account and region are in their paths. A column that a file of an
    older release lacks is null."""
    alike: dict[bytes, list[Path]] = defaultdict(list)
    for file in files:
        alike[_columns(file)].append(file)
    if len(alike) == 1:
        return _read_alike(files)
    return f"({' UNION ALL BY NAME '.join(f'SELECT * FROM {_read_alike(mine)}' for mine in alike.values())})"


def _read_alike(files: Sequence[Path]) -> str:
    """Of files with the same columns: DuckDB looks at the first one's only, which every query does anew."""
    listed = ", ".join(quoted(str(file)) for file in files)
    types = "{'kind': VARCHAR, 'account': VARCHAR, 'region': VARCHAR, 'date': VARCHAR}"
    return f"read_parquet([{listed}], hive_partitioning=true, hive_types={types})"


def _columns(file: Path) -> bytes:
    """What tells files with other columns or types apart."""
    try:
        return _known_columns(file)
    except (OSError, pa.ArrowException):
        return b""  # it cannot be read: DuckDB will say so


def has_columns(file: Path) -> bool:
    """Whether a file's footer can be read, or could once."""
    return _columns(file) != b""


@lru_cache(maxsize=100_000)
def _known_columns(file: Path) -> bytes:
    fields = [(field.name, str(field.type)) for field in parquet.read_schema(file)]
    return hashlib.blake2b(repr(fields).encode(), digest_size=16).digest()


def newest_sql(kind: str, tables: Sequence[str], touched: str | None) -> str:
    """Rows of some tables, and of one of files those that `KIND_late` does not replace."""
    parts = [f"SELECT * FROM {table}" for table in tables]
    if touched:
        parts.append(f"SELECT * FROM {touched} ANTI JOIN {kind}_late USING ({', '.join(KEYS[kind])})")
    return " UNION ALL BY NAME ".join(parts)
