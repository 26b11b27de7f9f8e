"""Reads files of a bill, CSV, CSV.gz or Parquet, line by line, and adds their lines up."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from core.bill_formats import BillFormatError, Format, format_of, plain_name
from core.billed import Bill, Line, add
from core.errors import BillError

ENDINGS = (".csv", ".csv.gz", ".parquet")
MOST_MISTAKES = 20
BATCH = 20_000


class Key(NamedTuple):
    """What replaces one another: a payer's month in one format."""

    source: str
    payer: str
    month: str


@dataclass(slots=True)
class Gathered:
    """What files tell of a payer's month, added up."""

    bill: Bill = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    read: int = 0
    repeated: int = 0
    seen: set[bytes] = field(default_factory=set)

    @property
    def last_day(self) -> str:
        return max(what.day for what in self.bill).isoformat() if self.bill else ""


def bill_paths(named: Iterable[Path]) -> list[Path]:
    """The files, and those in folders. Raises BillError for what is not there."""
    found = list[Path]()
    for path in named:
        if not path.exists():
            raise BillError(f"{path}: there is no such file or folder")
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.name.endswith(ENDINGS))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def gather(paths: Sequence[Path]) -> dict[Key, Gathered]:
    """All lines of all files, each added once to its payer's month. Raises BillError with every mistake (of
    the first MOST_MISTAKES); a file whose bytes came already is passed over."""
    found: dict[Key, Gathered] = {}
    mistakes, known = list[str](), dict[str, Path]()
    for path in paths:
        try:
            digest = sha256(path)
            if digest not in known:
                mistakes += _gather_file(path, digest, found, MOST_MISTAKES - len(mistakes))
            known.setdefault(digest, path)
        except OSError as error:
            mistakes.append(f"{path}: cannot be read: {error.strerror or error}")
        if len(mistakes) >= MOST_MISTAKES:
            mistakes.append("there may be more: reading stopped here")
            break
    if mistakes:
        raise BillError("\n".join([*mistakes, "nothing was imported"]))
    return found


def _gather_file(path: Path, digest: str, found: dict[Key, Gathered], most: int) -> list[str]:
    mistakes = list[str]()
    try:
        lines = _rows(path)
        header = next(lines, (1, []))[1]
        names = [plain_name(str(name)) for name in header]
        form = format_of(names)
        at = {name: names.index(name) for name in form.columns if name in names}
        for number, row in lines:
            try:
                if len(row) != len(names):
                    raise BillFormatError(f"{len(row)} values, but {len(names)} columns")
                _keep(form, at, row, found, name=path.name, digest=digest)
            except BillFormatError as error:
                mistakes.append(f"{path}:{number}: {error}")
                if len(mistakes) >= most:
                    break
    except BillFormatError as error:
        mistakes.append(f"{path}:1: {error}")
    except (csv.Error, UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile, pa.ArrowInvalid) as error:
        mistakes.append(f"{path}: it is cut off, or no {_kind(path)}: {error}")
    return mistakes


def _keep(
    form: Format,
    at: dict[str, int],
    row: Sequence[Any],
    found: dict[Key, Gathered],
    *,
    name: str,
    digest: str,
) -> None:
    line = form.read(lambda column: row[at[column]] if column in at else None)
    if line is None:
        return
    mine = found.setdefault(Key(form.name, line.payer, f"{line.month:%Y-%m}"), Gathered())
    mine.files[name] = digest
    mine.read += 1
    if _is_new(mine, line):
        add(mine.bill, line)


def _is_new(mine: Gathered, line: Line) -> bool:
    if not line.identity:
        return True
    mark = hashlib.blake2b(line.identity.encode(), digest_size=16).digest()
    if mark in mine.seen:
        mine.repeated += 1
        return False
    mine.seen.add(mark)
    return True


def _rows(path: Path) -> Iterator[tuple[int, Sequence[Any]]]:
    """The header, then each line with its number (of a Parquet file: its row, as if a header came first)."""
    if _kind(path) == "Parquet":
        yield from _parquet_rows(path)
        return
    with _opened(path) as text:
        reader = csv.reader(text, strict=True)
        for row in reader:
            if row:
                yield reader.line_num, row


def _parquet_rows(path: Path) -> Iterator[tuple[int, Sequence[Any]]]:
    with pq.ParquetFile(path) as file:
        names = list(file.schema_arrow.names)
        form = format_of([plain_name(name) for name in names])
        wanted = [name for name in names if plain_name(name) in form.columns]
        yield 1, wanted
        number = 1
        for batch in file.iter_batches(BATCH, columns=wanted):
            for row in zip(*(batch.column(name).to_pylist() for name in wanted), strict=True):
                number += 1
                yield number, row


def _opened(path: Path) -> io.TextIOBase:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _kind(path: Path) -> str:
    return "Parquet" if path.suffix == ".parquet" else "CSV"


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
