"""Where metrics count requests: functions that they were read of in full, and whole steps of the others."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from core.windows import Window, ceil
from store.readers.coverage import Coverage
from store.readers.frames import epoch_ms
from store.readers.things import PLACE, Place
from store.readers.usage import Question

AT = [*PLACE, "step"]


@dataclass(frozen=True, slots=True)
class Counted:
    """`steps` (by their start, in epoch ms) are of functions that are not among `places`."""

    places: Collection[Place]
    steps: frozenset[tuple[str, str, str, int]]

    def among(self, rows: pd.DataFrame) -> pd.Series[bool]:
        """Per row of a function and step whether metrics count there."""
        keys = zip(*(rows[name].tolist() for name in AT), strict=True)
        told = [key[:3] in self.places or key in self.steps for key in keys]
        return pd.Series(told, index=rows.index, dtype=bool)


def counted(
    coverage: Coverage, question: Question, whole: Collection[Place], places: Iterable[Place]
) -> Counted:
    """Of these `places`; `whole` are functions whose metrics were read in the whole window."""
    if question.step is None:
        read = {place for place in {*places}.difference(whole) if _is_whole(coverage, place, question.window)}
        return Counted(read.union(whole), frozenset())
    known: dict[Hashable, list[int]] = {}
    steps = set[tuple[str, str, str, int]]()
    for place in {*places}.difference(whole):
        alike = coverage.alike("metrics", *place)
        if alike not in known:
            known[alike] = _whole_steps(coverage, place, question.step)
        steps |= {(*place, at) for at in known[alike]}
    return Counted(whole, frozenset(steps))


def _is_whole(coverage: Coverage, place: Place, window: Window) -> bool:
    read = coverage.covered("metrics", *place)
    return any(part.start <= window.start and window.end <= part.end for part in read)


def _whole_steps(coverage: Coverage, place: Place, step: timedelta) -> list[int]:
    """Steps that metrics were read of from their start to their end."""
    found: list[int] = []
    for part in coverage.covered("metrics", *place):
        at = ceil(part.start, step)
        while at + step <= part.end:
            found.append(epoch_ms(at))
            at += step
    return found
