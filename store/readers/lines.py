"""A line over time for each of thousands of functions, laid at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from store.readers.coverage import Coverage
from store.readers.frames import Flags, Grid, inside
from store.readers.things import PLACE, Place


def laid(
    counted: pd.DataFrame, places: Sequence[Place], grid: Grid, names: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Of a frame with account, region, function, step and `names`: for each name a row per place and a column
    per step; 0 where nothing was counted."""
    lines = {name: np.zeros((len(places), len(grid))) for name in names}
    if counted.empty or not places or not len(grid):
        return lines
    keys = pd.MultiIndex.from_frame(counted[PLACE])
    rows = pd.MultiIndex.from_tuples(places).get_indexer(keys)
    columns = (counted["step"].to_numpy() - grid.starts_ms[0]) // grid.step_ms
    there = (rows >= 0) & (columns >= 0) & (columns < len(grid))
    for name in names:
        lines[name][rows[there], columns[there]] = counted[name].fillna(0.0).to_numpy(float)[there]
    return lines


def read_of(coverage: Coverage, places: Sequence[Place], grid: Grid) -> Flags:
    """A row per place: which steps of its metrics were read. Worked out once for all places that were read
    alike."""
    covered = [tuple(coverage.covered("metrics", *place)) for place in places]
    flags = {windows: inside(windows, grid.starts_ms, grid.step) for windows in set(covered)}
    return np.array([flags[windows] for windows in covered], dtype=bool).reshape(len(places), len(grid))
