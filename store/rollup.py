"""Points at a longer period: which fact's field is combined how, and the query that does it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import duckdb
import pyarrow as pa

from core.metrics import METRICS
from core.telemetry import CapacitySample, MappingSample, MetricPoint, QueueSample, Telemetry
from store.telemetry import KEYS, SCHEMAS

KINDS: Mapping[str, type[Telemetry]] = {
    kind.KIND: kind for kind in (MetricPoint, QueueSample, MappingSample, CapacitySample)
}
"""Kinds that become coarser with age: a row is of a period, and all its values are CloudWatch's."""

_KIND_OF = {
    "mapping": "mapping_samples",
    "instances": "capacity_samples",
    "environments": "capacity_samples",
    "queue": "queue_samples",
}
"""By the scope of a row of `core.metrics`; all others are of functions or the account."""

COMBINE: Mapping[str, str] = {
    "Sum": "sum(CAST({} AS DOUBLE))",
    "SampleCount": "sum(CAST({} AS DOUBLE))",
    "Maximum": "max({})",
    "Minimum": "min({})",
    "percentile": "NULL",
    "name": "max({})",
}
"""What a longer period's value is, by the statistic that CloudWatch was asked for. All of them pass over null
and say null where nothing was said. A percentile of percentiles is none. Of an Average nothing could be made
without its count: none is asked for, and a test holds that."""


def statistics(kind: str) -> dict[str, str]:
    """How each field of a kind is combined, but for those that tell its rows apart: a word of COMBINE."""
    mine = [metric for metric in METRICS if _KIND_OF.get(metric.scope, "metrics") == kind]
    found = {m.field: "percentile" if m.is_percentile else m.statistic for m in mine}
    own = [name for name in SCHEMAS[kind].names if name not in (*KEYS[kind], "period_s")]
    words = {name for name in own if pa.types.is_string(SCHEMAS[kind].field(name).type)}
    return {name: "name" if name in words else found[name] for name in own}


def sql(kind: str, source: str, period_s: int, *, unsaid: Collection[str] = frozenset()) -> str:
    """A query of the rows of `source` at `period_s`: shorter ones combined, others as they are. Columns that
    are `unsaid` are not in it.

    Where a row of the period itself is there, the shorter ones of its stretch count for nothing.
    """
    keys = ", ".join(KEYS[kind])
    start = f"make_timestamptz(epoch_ms(ts) // {period_s * 1000} * {period_s * 1_000_000})"
    own = ", ".join(name for name in KEYS[kind] if name not in ("ts", "period_s"))
    fields = ", ".join(
        COMBINE[how].format(f'"{name}"') + f' AS "{name}"'
        for name, how in statistics(kind).items()
        if name not in unsaid
    )
    short = f"""SELECT {own}, {start} AS ts, CAST({period_s} AS INTEGER) AS period_s, {fields}
        FROM ({source}) WHERE period_s < {period_s} GROUP BY ALL"""
    there = f"SELECT * FROM ({source}) WHERE period_s >= {period_s}"
    return f"""SELECT * FROM ({short}) ANTI JOIN ({there}) USING ({keys})
        UNION ALL BY NAME {there}"""


def beside(kind: str, rows: pa.Table, longer: pa.Table) -> pa.Table:
    """Those of `rows` that are not within a stretch that a row of `longer` stands for whole."""
    same = " AND ".join(
        f"rows.{name} = longer.{name}" for name in KEYS[kind] if name not in ("ts", "period_s")
    )
    sql = f"""SELECT rows.* FROM rows ANTI JOIN longer ON {same} AND rows.period_s < longer.period_s
        AND rows.ts >= longer.ts AND rows.ts < longer.ts + to_seconds(longer.period_s)"""
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone='UTC'")
        duck.register("rows", rows)
        duck.register("longer", longer)
        found = duck.sql(sql).to_arrow_table()
    return found.select(rows.schema.names).cast(rows.schema)


def at_period(kind: str, table: pa.Table, period_s: int) -> pa.Table:
    """Rows of one hour, or some, at `period_s`."""
    if not (table["period_s"].to_numpy() < period_s).any():
        return table
    with duckdb.connect() as duck:
        duck.execute("SET TimeZone='UTC'")
        duck.register("rows", table)
        found = duck.sql(sql(kind, "SELECT * FROM rows", period_s)).to_arrow_table()
    return found.select(table.schema.names).cast(table.schema)
