"""What a command prints: JSON for machines, tables for people and pipes; stdout holds the answer alone."""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import simplejson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.errors import QuarterdeckError

UNKNOWN = "—"
PIPE_WIDTH = 10_000
"""A pipe has no width: nothing is cut or wrapped."""


def to_json(document: Any) -> str:
    """JSON text: NaN, NaT and NA are null, times ISO 8601 with Z, decimals numbers with every digit."""
    return simplejson.dumps(plain(document), use_decimal=True, ignore_nan=True, indent=2)


def plain(value: Any) -> Any:
    """Turn what readers return (numpy and pandas scalars, times, decimals, nested) into what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or value is True or value is False or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if type(value).__name__ == "NAType" or value != value:  # NaN and NaT are not themselves
        return None
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, float):
        return _number(value)
    return str(value)


def _number(value: float) -> float | int | None:
    """A whole number is written without a fraction; infinity is not a number that we know."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def utc_text(ts: datetime) -> str:
    """`2026-11-21T09:30:00Z`, with milliseconds only where there are some."""
    ts = ts.astimezone(UTC)
    text = ts.isoformat(timespec="milliseconds" if ts.microsecond else "seconds")
    return text.replace("+00:00", "Z")


def records(frame: Any) -> list[dict[str, Any]]:
    """A frame's rows as plain dicts, in its order."""
    return [plain(row) for row in frame.to_dict("records")]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading, the key of the row, how its value is written, and how it stands."""

    title: str
    key: str
    write: Callable[[Any], str] = str
    right: bool = False


def text(value: Any) -> str:
    return UNKNOWN if value is None or value == "" else _visible(str(value))


def words(value: Any) -> str:
    return ", ".join(_visible(str(item)) for item in value) if value else UNKNOWN


def count(value: Any) -> str:
    return UNKNOWN if value is None else f"{value:,.0f}"


def milliseconds(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return (
        f"{value:,.1f} ms"
        if value < 100
        else (f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s")
    )


def seconds(value: Any) -> str:
    if value is None:
        return UNKNOWN
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if value >= 2 * size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.0f} s"


def share(value: Any) -> str:
    return UNKNOWN if value is None else f"{value * 100:.2f} %"


def dollars(value: Any) -> str:
    """Four digits, and never `$0.0000` for something that is not nothing."""
    if value is None:
        return UNKNOWN
    return "< $0.0001" if 0 < value < Decimal("0.0001") else f"${value:,.4f}"


def moment(value: Any) -> str:
    """`2026-11-21 09:30Z` from what `plain` wrote."""
    return UNKNOWN if not value else str(value).replace("T", " ")[:16] + "Z"


def _visible(value: str) -> str:
    """One line of text that cannot drive a terminal: text from AWS and from logs is hostile."""
    line = " ".join(value.split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)


def table(
    columns: Sequence[Column], rows: Iterable[Mapping[str, Any]], *, styles: Mapping[str, str]
) -> Table:
    """A table of plain rows; `styles` maps the written value of a cell to its colour."""
    drawn = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        drawn.add_column(column.title, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        cells = [column.write(row.get(column.key)) for column in columns]
        drawn.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in cells))
    return drawn


OUTCOMES = {
    "ok": "green",
    "firing": "bold red",
    "critical": "bold red",
    "failed": "red",
    "denied": "red",
    "partial": "yellow",
    "skipped": "yellow",
    "warning": "yellow",
    "resolved": "green",
}


def stdout() -> Console:
    """Where answers go: colours on a terminal, plain and uncut in a pipe."""
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=PIPE_WIDTH)


def stderr() -> Console:
    return Console(stderr=True, highlight=False, markup=False)


def print_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], *, nothing: str) -> None:
    """The table on stdout, or on stderr the sentence that says why it is empty."""
    console = stdout()
    if not rows:
        print(nothing, file=sys.stderr)
    elif console.is_terminal:
        console.print(table(columns, rows, styles=OUTCOMES))
    else:
        with console.capture() as written:
            console.print(table(columns, rows, styles=OUTCOMES))
        print("\n".join(line.rstrip() for line in written.get().splitlines()))


def print_title(title: str) -> None:
    stdout().print(f"\n{title}", style="bold")


def print_json(document: Any) -> None:
    print(to_json(document))


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Plain rows as CSV; lists and mappings are JSON text, and nothing in a cell can run as a formula."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    except OSError as error:
        raise QuarterdeckError(f"cannot write {path}: {error.strerror}") from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return simplejson.dumps(value, use_decimal=True)
    written = format(value, "f") if isinstance(value, Decimal) else str(value)
    return (
        f"'{written}"
        if isinstance(value, str) and written.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        else written
    )
