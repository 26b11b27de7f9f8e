"""DuckDB in memory, in this process: the engine that reads and writes the telemetry files."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from store.opening import TELEMETRY
from store.telemetry import KEYS

SETTINGS = (
    "SET TimeZone='UTC'",
    "SET parquet_metadata_cache=true",
    "SET python_enable_replacements=false",
    "SET preserve_insertion_order=true",
)


class Lake:
    """One DuckDB instance, made at the first need. It sees the telemetry folder and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = (folder / TELEMETRY).resolve()
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

    def _open(self) -> duckdb.DuckDBPyConnection:
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
        root.execute(f"SET allowed_directories=[{quoted(str(self.folder) + '/')}]")
        root.execute("SET enable_external_access=false")
        root.execute("SET lock_configuration=true")
        return root


def quoted(text: str) -> str:
    """A SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def literal(ts: datetime) -> str:
    """A SQL literal of an aware time."""
    return f"TIMESTAMPTZ '{ts.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


def read_files(folder: Path, paths: list[str]) -> str:
    """A SQL table function over telemetry files; account and region are in their paths."""
    files = ", ".join(quoted(str(folder / path)) for path in paths)
    types = "{'kind': VARCHAR, 'account': VARCHAR, 'region': VARCHAR, 'date': VARCHAR}"
    return f"read_parquet([{files}], union_by_name=true, hive_partitioning=true, hive_types={types})"


def newest_sql(lake: Lake, kind: str, paths: Sequence[str], touched: set[str]) -> str:
    """Rows of `KIND_hot`, and of files; from `touched` files only what `KIND_late` does not replace."""
    parts = [f"SELECT * FROM {kind}_hot"]
    if clean := [p for p in paths if p not in touched]:
        parts.append(f"SELECT * FROM {read_files(lake.folder, clean)}")
    if replaced := [p for p in paths if p in touched]:
        keys = ", ".join(KEYS[kind])
        parts.append(
            f"SELECT * FROM {read_files(lake.folder, replaced)} ANTI JOIN {kind}_late USING ({keys})"
        )
    return " UNION ALL BY NAME ".join(parts)
