"""What CloudWatch answered, kept by column: a pass brings hundreds of thousands of values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from core.telemetry import Rows, Telemetry
from core.windows import Window

Subject = tuple[str, ...]
"""Which thing a series is about: what kind of thing, and its names."""

Series = tuple[Subject, str, Sequence[datetime], Sequence[float]]
"""A subject, the field that its values fill, and the values with their times."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_TS_BITS = 42
"""Milliseconds since the epoch fit until the year 2109; the subject's number is kept above them."""


@dataclass(slots=True)
class Points:
    """Values by subject, field and time. A later value of the same three takes the place of an earlier."""

    _subjects: dict[Subject, int] = field(default_factory=dict)
    _fields: dict[str, int] = field(default_factory=dict)
    _parts: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def add(self, series: Iterable[Series], window: Window) -> None:
        """Keep what of the series lies in the window."""
        subjects, fields, lengths = [], [], []
        times: list[datetime] = []
        values: list[float] = []
        for subject, name, ts, of in series:
            subjects.append(self._subjects.setdefault(subject, len(self._subjects)))
            fields.append(self._fields.setdefault(name, len(self._fields)))
            lengths.append(len(ts))
            times += ts
            values += of
        ts_ms = (
            (1000 * np.fromiter(map(datetime.timestamp, times), float, len(times))).round().astype(np.int64)
        )
        inside = (ts_ms >= _ms(window.start)) & (ts_ms < _ms(window.end))
        key = (np.repeat(np.array(subjects, np.int64), lengths) << _TS_BITS) | ts_ms
        number = np.repeat(np.array(fields, np.int64), lengths)
        self._parts.append((key[inside], number[inside], np.array(values, np.float64)[inside]))

    def rows(
        self, kind: type[Telemetry], names: Sequence[str], *, of: Collection[str], period_s: int
    ) -> Rows:
        """Facts of `kind`, one per subject and time, of the subjects whose first word is in `of`. `names` are
        the fields that the words after it fill."""
        wanted = np.array([subject[0] in of for subject in self._subjects], bool)
        keys, numbers, values = self._joined()
        mine = wanted[keys >> _TS_BITS]
        row_keys, at = np.unique(keys[mine], return_inverse=True)
        columns: dict[str, Any] = {"ts": row_keys & ((1 << _TS_BITS) - 1)}
        columns["period_s"] = np.full(len(row_keys), period_s, np.int64)
        columns |= self._words(names, row_keys >> _TS_BITS)
        for name, number in self._fields.items():
            here = numbers[mine] == number
            if here.any():
                columns[name] = column = np.full(len(row_keys), np.nan)
                column[at[here]] = values[mine][here]
        return Rows(kind, columns)

    def _words(self, names: Sequence[str], subjects: Ints) -> Iterator[tuple[str, Any]]:
        for at, name in enumerate(names):
            words = [subject[at] if at < len(subject) else "" for subject in self._subjects]
            if name:
                yield name, np.array(words, object)[subjects]

    def _joined(self) -> tuple[Ints, Ints, Floats]:
        if not self._parts:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
        keys, numbers, values = zip(*self._parts, strict=True)
        return np.concatenate(keys), np.concatenate(numbers), np.concatenate(values)

    def by_subject(self) -> dict[Subject, dict[datetime, dict[str, float]]]:
        """The same as plain values."""
        subjects, fields = list(self._subjects), list(self._fields)
        found: dict[Subject, dict[datetime, dict[str, float]]] = {}
        for key, number, value in zip(*(part.tolist() for part in self._joined()), strict=True):
            ts = datetime.fromtimestamp((key & ((1 << _TS_BITS) - 1)) / 1000, UTC)
            of_subject = found.setdefault(subjects[key >> _TS_BITS], {})
            of_subject.setdefault(ts, {})[fields[number]] = value
        return found


def _ms(ts: datetime) -> int:
    return round(ts.timestamp() * 1000)
