"""Arrow batches as Parquet, CSV and JSON lines, and back without a loss.

Text is hostile: a CSV cell that a spreadsheet would run is written behind an apostrophe, which reading takes
off again (as one that begins with an apostrophe gets a second, nothing is lost).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from core.errors import StoreError

FORMATS: Mapping[str, str] = {".parquet": "parquet", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
DANGEROUS = r"^[=+\-@\t\r']"
LINES_A_BATCH = 50_000

Batches = Iterable[pa.RecordBatch]


def format_of(path: Path) -> str:
    """The format that a file's name asks for. Raises StoreError for another name."""
    if found := FORMATS.get(path.suffix.lower()):
        return found
    raise StoreError(f"{path}: what format is {path.suffix or 'no suffix'}? use .parquet, .csv or .jsonl")


def write(path: Path, schema: pa.Schema, batches: Batches) -> int:
    """Write all batches to one file, whole or not at all; answers how many rows."""
    writers = {"parquet": _write_parquet, "csv": _write_csv, "jsonl": _write_lines}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        rows = writers[format_of(path)](part, schema, batches)
        part.replace(path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return rows


def read(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches of an exported file. Raises StoreError that says where and what is wrong with it."""
    readers = {"parquet": _read_parquet, "csv": _read_csv, "jsonl": _read_lines}
    try:
        yield from readers[format_of(path)](path, schema)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"cannot read {path}: {error}") from error


def _write_parquet(path: Path, schema: pa.Schema, batches: Batches) -> int:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        return _written(batches, writer.write_batch)


def _write_csv(path: Path, schema: pa.Schema, batches: Batches) -> int:
    flat = pa.schema([pa.field(f.name, _flat(f.type)) for f in schema])
    options = pa.csv.WriteOptions(quoting_style="needed")
    with pa.csv.CSVWriter(path, flat, write_options=options) as writer:
        return _written(batches, lambda batch: writer.write_batch(_flattened(batch, flat)))


def _write_lines(path: Path, schema: pa.Schema, batches: Batches) -> int:
    with path.open("w", encoding="utf-8") as file:

        def lines(batch: pa.RecordBatch) -> None:
            file.writelines(f"{json.dumps(row, default=_said)}\n" for row in batch.to_pylist())

        return _written(batches, lines)


def _written(batches: Batches, write_one: Callable[[pa.RecordBatch], None]) -> int:
    rows = 0
    for batch in batches:
        write_one(batch)
        rows += batch.num_rows
    return rows


def _said(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(f"no JSON for {type(value).__name__}")


def _flat(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_list(kind) or pa.types.is_timestamp(kind) else kind


def _flattened(batch: pa.RecordBatch, flat: pa.Schema) -> pa.RecordBatch:
    columns = []
    for column, field in zip(batch.columns, batch.schema, strict=True):
        if pa.types.is_list(field.type):
            column = pa.array([None if v is None else json.dumps(v) for v in column.to_pylist()], pa.string())
        elif pa.types.is_timestamp(field.type):
            column = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        elif pa.types.is_string(field.type):
            risky = pc.fill_null(pc.match_substring_regex(column, DANGEROUS), False)
            column = pc.if_else(risky, pc.binary_join_element_wise("'", column, ""), column)
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, schema=flat)


def _read_parquet(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    file = pq.ParquetFile(path)
    _check_columns(path, file.schema_arrow.names, schema)
    for batch in file.iter_batches(LINES_A_BATCH, columns=schema.names):
        yield _cast(batch, schema)


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([batch.column(f.name).cast(f.type) for f in schema], schema=schema)


def _read_csv(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    flat = {f.name: _flat(f.type) for f in schema}
    convert = pa.csv.ConvertOptions(
        column_types=flat, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
    )
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    with pa.csv.open_csv(path, convert_options=convert, parse_options=parse) as reader:
        _check_columns(path, reader.schema.names, schema)
        for batch in reader:
            yield pa.RecordBatch.from_arrays(
                [_restored(batch.column(f.name), f) for f in schema], schema=schema
            )


def _restored(column: pa.Array, field: pa.Field) -> pa.Array:
    if pa.types.is_list(field.type):
        return pa.array([None if v is None else json.loads(v) for v in column.to_pylist()], field.type)
    if pa.types.is_timestamp(field.type):
        values = [None if v is None else datetime.fromisoformat(v) for v in column.to_pylist()]
        return pa.array(values, field.type)
    if pa.types.is_string(field.type):
        return pc.replace_substring_regex(column, "^'", "")
    return column.cast(field.type)


def _read_lines(path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    with path.open(encoding="utf-8") as file:
        numbered = ((number, line) for number, line in enumerate(file, 1) if line.strip())
        while some := list(islice(numbered, LINES_A_BATCH)):
            yield _to_batch(path, [_row(path, number, line, schema) for number, line in some], schema)


def _row(path: Path, number: int, line: str, schema: pa.Schema) -> dict[str, Any]:
    with _naming(path, number):
        row = json.loads(line)
        if not isinstance(row, dict):
            raise ValueError("a line must be a JSON object")
        _check_columns(path, row, schema)
        return {f.name: _parsed(row[f.name], f) for f in schema}


def _parsed(value: Any, field: pa.Field) -> Any:
    if value is None or not pa.types.is_timestamp(field.type):
        return value
    return datetime.fromisoformat(value)


def _to_batch(path: Path, rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field in schema:
        try:
            columns.append(pa.array([row[field.name] for row in rows], field.type))
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise StoreError(f"{path}: {field.name}: {error}") from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


@contextmanager
def _naming(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}:{number}: {error}") from error


def _check_columns(path: Path, found: Iterable[str], schema: pa.Schema) -> None:
    names = set(found)
    if missing := [name for name in schema.names if name not in names]:
        raise StoreError(f"{path}: the column {missing[0]!r} is missing; was another table exported?")
    if unknown := sorted(names - set(schema.names)):
        raise StoreError(f"{path}: the column {unknown[0]!r} is not known; was another table exported?")
