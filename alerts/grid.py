"""Matrices of subjects and minutes; missing is NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rule import Subject

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FLAGS = ("collected", "records_collected", "provisional")


@dataclass(frozen=True)
class Grid:
    """`values[column][subject, minute]`; a minute is named by its end. A flag that nothing was said about is
    False, except `provisional`, which is True then."""

    subjects: tuple[Subject, ...]
    ends: tuple[datetime, ...]
    values: Mapping[str, Floats]
    flags: Mapping[str, Bools]

    def take(self, rows: Sequence[int], *, newest: int) -> Grid:
        """Only these subjects and the newest so many minutes."""
        since = max(len(self.ends) - newest, 0)
        if list(rows) == list(range(len(self.subjects))):
            part: Any = np.s_[:, since:]
        else:
            part = np.s_[np.asarray(rows, dtype=np.int64), since:]
        return Grid(
            tuple(self.subjects[row] for row in rows),
            self.ends[since:],
            {name: value[part] for name, value in self.values.items()},
            {name: flag[part] for name, flag in self.flags.items()},
        )
