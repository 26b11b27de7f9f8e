"""Minutes of many things as matrices: a row per thing, a column per minute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.metrics import METRICS, Metric
from core.windows import MINUTE, Window
from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL, Flags, Grid, inside, milliseconds, touched
from store.store import Snapshot

Numbers = npt.NDArray[np.float64]
Place = tuple[str, str, str]
"""Account, region and name."""

FINEST_S = 60
"""Rules judge minutes: a stretch read at a longer period only is not collected for them."""
COARSEST_S = 3600
"""But what is normal may be learned from hours, and rules may be tried on them."""


@dataclass(frozen=True)
class Minutes:
    """`values[column][thing, minute]`: NaN where nothing is known, or nothing was said (of a count: where it
    was not collected; it is 0 where it was and CloudWatch says nothing). `about` says more of each thing."""

    names: tuple[str, str, str]
    places: tuple[Place, ...]
    about: tuple[Mapping[str, Any], ...]
    window: Window
    values: Mapping[str, Numbers]
    flags: Mapping[str, Flags]

    def frame(self) -> pd.DataFrame:
        """The same as one row per thing and minute."""
        grid = Grid(self.window, MINUTE)
        whose = np.repeat(np.arange(len(self.places)), len(grid))
        keys = pd.DataFrame(list(self.places), columns=pd.Index(self.names))
        about = pd.DataFrame(list(self.about), index=range(len(self.places)))
        frame = keys.join(about).loc[whose].reset_index(drop=True)
        frame["ts"] = grid.ts.iloc[np.tile(np.arange(len(grid)), len(self.places))].to_numpy()
        return frame.assign(**{name: part.ravel() for name, part in {**self.values, **self.flags}.items()})


# --- columns ------------------------------------------------------------------------------------------------

_UNASKED = frozenset({"insights", "own log group", "unread log"})
"""Metrics that are not asked of every function, though each may have the number: no datapoint is no zero."""


def is_count(metric: Metric) -> bool:
    """Whether no datapoint means zero."""
    return metric.statistic == "Sum" and metric.when not in _UNASKED


def finest_s(coarse: bool) -> int:
    """The longest period at which a stretch counts as read."""
    return COARSEST_S if coarse else FINEST_S


def spread(fields: Mapping[str, Metric], names: Collection[str]) -> list[str]:
    """Columns that add up: what an hour has of them belongs to its minutes in parts."""
    return [name for name in names if fields[name].statistic in {"Sum", "SampleCount"}]


def fields_of(scopes: Collection[str]) -> dict[str, Metric]:
    """Columns that hold the metrics of some scopes."""
    return {metric.field: metric for metric in METRICS if metric.scope in scopes}


def total_of(metric: Metric) -> str:
    """The column over the rows of a minute, in SQL. Aliases and versions overlap: of them the worst tells."""
    added = metric.statistic in {"Sum", "SampleCount"} and metric.scope != "resource"
    return f"{'sum' if added else 'max'}({metric.field}) AS {metric.field}"


# --- laying rows into matrices ------------------------------------------------------------------------------

PLACES = """place AS (SELECT unnest($p_account)::VARCHAR AS account, unnest($p_region)::VARCHAR AS region,
    unnest($p_name)::VARCHAR AS name, unnest(range(len($p_name))) AS place)"""
"""SQL that numbers the places: names are long to compare."""


def period_sql(grid: Grid) -> str:
    """How long a row of `ask` stands for: as long as its points do, or for the hour that they add up to."""
    return "period_s" if grid.step == MINUTE else str(COARSEST_S)


def ask(
    snapshot: Snapshot, places: Sequence[Place], kind: str, name: str, where: str, columns: Sequence[str],
    period: str = "60", step: timedelta = MINUTE, texts: Mapping[str, str] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """place (its number), step, period_s and `columns` (SQL aggregates over the parameters `texts`) of rows
    whose `name` (SQL) it is."""
    accounts, regions, names = ([place[at] for place in places] for at in range(3))
    return snapshot.frame(
        f"""WITH {PLACES} SELECT place.place, {STEP_SQL} AS step, {period} AS period_s,
            {", ".join(columns)}
        FROM {kind} AS r JOIN place
            ON r.account = place.account AND r.region = place.region AND {name} = place.name
        WHERE {where} GROUP BY ALL""",
        {"p_account": accounts, "p_region": regions, "p_name": names, "step_ms": milliseconds(step)}
        | dict(texts or {}),
    )


def lay(found: pd.DataFrame, count: int, grid: Grid, sums: Collection[str]) -> dict[str, Numbers]:
    """Rows by place and step as matrices; what stands for more than a step is spread over its steps, the sums
    in equal parts."""
    last = 3 if "period_s" in found.columns else 2
    names, shape = list(found.columns[last:]), (count, len(grid))
    step_s = grid.step_ms // 1000
    length = found["period_s"].to_numpy(dtype=np.int64) // step_s if last == 3 else np.ones(len(found))
    times = np.maximum(length, 1).astype(np.int64)
    again = np.repeat(np.arange(len(found)), times)
    first = np.repeat(np.cumsum(times) - times, times)
    step = found["step"].to_numpy(dtype=np.int64)[again] + (np.arange(len(again)) - first) * grid.step_ms
    start = int(grid.starts_ms[0]) if len(grid) else 0
    at = (step - start) // grid.step_ms
    fits = (at >= 0) & (at < len(grid))
    row, at, again = found["place"].to_numpy(dtype=np.int64)[again][fits], at[fits], again[fits]
    laid = dict[str, Numbers]()
    for name in names:
        value = found[name].to_numpy(dtype=float, na_value=np.nan)
        matrix = np.full(shape, np.nan)
        matrix[row, at] = (value / times if name in sums else value)[again]
        laid[name] = matrix
    return laid


def known_only(values: Mapping[str, Numbers], read: Flags, counts: Collection[str]) -> dict[str, Numbers]:
    """0 where it was read and nothing was said of a count; nothing where it was not read."""
    filled = {n: np.where(np.isnan(v), 0.0, v) if n in counts else v for n, v in values.items()}
    return {name: np.where(read, value, np.nan) for name, value in filled.items()}


class Marks:
    """Per place and step: whether it was read, and whether it may still change."""

    def __init__(self, coverage: Coverage, grid: Grid) -> None:
        self._coverage, self._grid = coverage, grid

    def read(self, collector: str, places: Sequence[Place]) -> Flags:
        return self._each(collector, places, self._coverage.covered, inside)

    def young(self, collector: str, places: Sequence[Place]) -> Flags:
        return self._each(collector, places, self._coverage.unsettled, touched)

    def _each(
        self,
        collector: str,
        places: Sequence[Place],
        windows: Callable[..., Iterable[Window]],
        mark: Callable[..., Flags],
    ) -> Flags:
        """Worked out once for all places that were read alike."""
        kinds, rows = dict[Hashable, int](), list[Flags]()
        which = np.zeros(len(places), dtype=np.int64)
        for at, place in enumerate(places):
            alike = self._coverage.alike(collector, *place)
            if alike not in kinds:
                kinds[alike] = len(rows)
                rows.append(mark(windows(collector, *place), self._grid.starts_ms, self._grid.step))
            which[at] = kinds[alike]
        return np.stack(rows)[which] if rows else np.zeros((0, len(self._grid)), dtype=bool)
