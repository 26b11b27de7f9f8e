"""How numbers read on a page. None and NaN are unknown and read as a dash, never as zero."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

UNKNOWN = "—"


def known(value: Any) -> bool:
    """Whether there is a value at all: not None, NaN or NaT."""
    return value is not None and bool(value == value)


def count(value: float | None) -> str:
    """Grouped: `1,234`; below ten, with the one decimal it may have."""
    if value is None or not known(value):
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 10 or float(value).is_integer() else f"{value:,.1f}"


def many(n: int, one: str, more: str) -> str:
    """`1 queue`, `1,200 queues`: words for one, and for any other number."""
    return f"{n:,} {one if n == 1 else more}"


def percent(rate: float | None) -> str:
    """A rate of 0..1 in percent with at most two decimals: `0.82%`, `12%`."""
    if rate is None or not known(rate):
        return UNKNOWN
    return f"{_short(rate * 100)}%"


def ms(value: float | None) -> str:
    """Milliseconds below 10 s, then seconds, then minutes."""
    if value is None or not known(value):
        return UNKNOWN
    if value < 9_999.5:
        return f"{value:,.0f} ms" if value >= 10 else f"{_short(value)} ms"
    return f"{value / 1000:,.1f} s" if value < 600_000 else f"{value / 60_000:,.0f} min"


def usd(value: float | Decimal | None) -> str:
    """Two decimals from a cent up; below, enough digits to see it is not zero."""
    if value is None or not known(value):
        return UNKNOWN
    amount, sign = abs(float(value)), "-" if float(value) < 0 else ""
    if amount == 0 or amount >= 0.01:
        return f"{sign}${amount:,.2f}"
    return f"{sign}${amount:.2g}" if amount >= 0.0001 else f"{sign}<$0.0001"


def megabytes(value: float | None) -> str:
    return UNKNOWN if value is None or not known(value) else f"{value:,.0f} MB"


def size(value: float | None) -> str:
    """Bytes in the largest unit that keeps them above one."""
    if value is None or not known(value):
        return UNKNOWN
    power = min(4, int(math.log(value, 1024))) if value >= 1 else 0
    return f"{_short(value / 1024**power)} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def age(length: timedelta | float | None) -> str:
    """A length of time (or seconds) in its two largest units: `31 min`, `4 h 12 min`, `3 d 2 h`."""
    if length is None or not known(length):
        return UNKNOWN
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    minutes = int(seconds // 60)
    days, hours, left = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = ((days, "d"), (hours, "h"), (left if not days else 0, "min"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n)


def clock(ts: datetime | None, zone: tzinfo, *, now: datetime | None = None) -> str:
    """A time in the reader's zone; with its date when `now` is another day."""
    if ts is None or not known(ts):
        return UNKNOWN
    local = ts.astimezone(zone)
    if now is None or local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M}"
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def plain(text: object) -> str:
    """Text of others (names, log lines, tags) made safe inside Markdown: it shows as it is, no more. What has
    no shape of its own, as what drives a terminal or turns the direction of text, shows as �."""
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(str(text).split()))
    parts = (
        "".join(f"\\{char}" if char in _MARKDOWN else char for char in part) for part in _TURNED.split(line)
    )
    return _NUMBERED.sub(r"\1\\.", _APART.join(parts))


def _short(value: float) -> str:
    digits = 0 if abs(value) >= 100 or value == 0 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_MARKDOWN = frozenset("\\`*_{}[]()<>#+-!|~$:&")
_NUMBERED = re.compile(r"^(\d{1,9})\.")
"""The beginning of a numbered list."""

_APART = ":small[]"
"""Nothing, between two pieces of text: Streamlit turns addresses and arrows in a whole piece into links and
icons, after the escapes are gone."""

_TURNED = re.compile(
    r"(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@)|(?<=:material)(?=/)"
    r"|(?<=:streamlit)(?=:)|(?<=[<>~-])(?=[>=-])",
    re.IGNORECASE,
)
"""Where links, addresses, icons and arrows are cut."""
