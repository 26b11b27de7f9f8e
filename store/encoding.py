"""How rows lie in a telemetry file: their order, types, row groups and compression."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb
import pyarrow as pa

from store.lake import quoted
from store.telemetry import FILED_HUNDREDTHS, filed

ORDER: Mapping[str, str] = {
    "metrics": "function, scope, resource, ts",
    "invocations": "function, ts",
    "log_events": "function, ts",
    "traces": "ts",
    "queue_samples": "queue, ts",
    "mapping_samples": "mapping, ts",
    "capacity_samples": "provider, instance_type, function, resource, ts",
    "invocation_summaries": "function, ts",
    "batch_failures": "function, ts",
    "environment_starts": "function, ts",
    "api_calls": "ts",
    "metered": "function, version, ts",
}
GROUP_ROWS: Mapping[str, int] = {"metrics": 8_192, "queue_samples": 8_192, "mapping_samples": 8_192}
"""Rows of a Parquet row group: small where a page reads one function of many."""

LEVEL: Mapping[str, int] = {"log_events": 9, "traces": 9}
"""zstd's level where another than 3 is worth its time: long text."""


_NUMBERS: Mapping[pa.DataType, str] = {pa.float64(): "DOUBLE", FILED_HUNDREDTHS: "DECIMAL(18, 2)"}
"""Types of numbers that may be null, and what DuckDB calls them."""


def copy(
    duck: duckdb.DuckDBPyConnection,
    kind: str,
    source: str,
    path: Path,
    *,
    unsaid: Collection[str] = frozenset(),
) -> int:
    """Write the rows of a SQL query as one file; returns how many. A sort that memory cannot hold spills.

    Columns that are `unsaid` may be missing in the query: they are null.
    """
    said_of = ", ".join(f'"{field.name}"' for field in filed(kind) if field.name not in unsaid)
    ordered = f"SELECT {said_of} FROM ({source}) ORDER BY {ORDER[kind]}"
    query = f"SELECT {_columns(kind, unsaid)} FROM ({ordered})"
    # Encodings of Parquet 1 only: some engines that read a lake do not know the later ones.
    options = {
        "FORMAT": "parquet",
        "PARQUET_VERSION": "V1",
        "COMPRESSION": "zstd",
        "COMPRESSION_LEVEL": LEVEL.get(kind, 3),
        "ROW_GROUP_SIZE": GROUP_ROWS.get(kind, 204_800),
        "USE_TMP_FILE": "false",
    }
    said = ", ".join(f"{name} {value}" for name, value in options.items())
    copied = duck.execute(f"COPY ({query}) TO {quoted(str(path))} ({said})").fetchone()
    return int(copied[0]) if copied else 0


def unsaid(duck: duckdb.DuckDBPyConnection, kind: str, source: str) -> frozenset[str]:
    """The numbers that no row of a query has: those of most metrics, in most fleets. They would take most of
    the memory of a sort."""
    names = [field.name for field in filed(kind) if field.type in _NUMBERS]
    if not names:
        return frozenset()
    counts = ", ".join(f'count("{name}")' for name in names)
    found = duck.execute(f"SELECT {counts} FROM ({source})").fetchone() or ()
    return frozenset(name for name, count in zip(names, found, strict=True) if not count)


def _columns(kind: str, unsaid: Collection[str]) -> str:
    return ", ".join(
        f"CAST({'NULL' if field.name in unsaid else quoted_name(field.name)} AS {_NUMBERS[field.type]})"
        f' AS "{field.name}"'
        if field.type in _NUMBERS
        else f'"{field.name}"'
        for field in filed(kind)
    )


def quoted_name(name: str) -> str:
    return f'"{name}"'
