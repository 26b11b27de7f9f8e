"""What single records say of functions, to size them by: per memory size, per version, per hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.rightsizing import AtSize
from core.windows import Window
from store.readers.frames import rows
from store.readers.portions import by_function
from store.readers.records import COLD
from store.readers.things import Place, sql_where
from store.store import Filter, Snapshot

_SIZES = f"""WITH provided AS (SELECT unnest($p_account)::VARCHAR AS account,
        unnest($p_region)::VARCHAR AS region, unnest($p_function)::VARCHAR AS "function",
        unnest($p_version)::VARCHAR AS version, true AS is_provisioned),
    told AS (SELECT invocations.*, coalesce(billed_ms, ceil(duration_ms)) AS cost_ms,
            ln(greatest(duration_ms, 0.01)) AS log_ms,
            status = 'success' AND NOT {COLD} AS is_plain,
            coalesce(is_provisioned, false) AND NOT {COLD} AS on_unit
        FROM invocations LEFT JOIN provided USING (account, region, "function", version)
        WHERE memory_mb > 0 AND {{some}} AND {{wanted}})
    SELECT account, region, "function", memory_mb, count(*)::DOUBLE AS records, sum(cost_ms) AS billed_ms,
        coalesce(sum(cost_ms) FILTER (on_unit), 0) AS provisioned_ms,
        quantile_cont(duration_ms, [0.5, 0.95, 0.999]) AS percentiles, max(duration_ms) AS max_ms,
        avg(log_ms) FILTER (is_plain) AS log_mean,
        stddev_samp(log_ms) FILTER (is_plain) AS log_sd, max(max_memory_mb) AS used_max_mb,
        count(*) FILTER (out_of_memory)::DOUBLE AS out_of_memory,
        count(*) FILTER (status = 'timeout')::DOUBLE AS timeouts
    FROM told GROUP BY ALL"""


def sizes(
    snapshot: Snapshot, window: Window, provided: Mapping[Place, set[str]], where: Filter
) -> dict[Place, list[AtSize]]:
    """Per function: its records by memory size, the smallest first."""
    wanted, params = sql_where(where)
    listed = [(*at, version) for at, versions in provided.items() for version in sorted(versions)]
    names = ("p_account", "p_region", "p_function", "p_version")
    columns = {name: [row[i] for row in listed] for i, name in enumerate(names)}
    asked = _SIZES.format(wanted=wanted, some="{some}")
    frame = by_function(snapshot, window, asked, {**params, **columns})
    found: dict[Place, list[AtSize]] = defaultdict(list)
    for row in rows(frame.sort_values("memory_mb")):
        found[row.account, row.region, row.function].append(_at_size(row))
    return found


def _at_size(row: Any) -> AtSize:
    p50, p95, p999 = (float(value) for value in row.percentiles)
    return AtSize(
        memory_mb=float(row.memory_mb),
        records=row.records,
        billed_ms=float(row.billed_ms),
        provisioned_ms=float(row.provisioned_ms),
        p50_ms=p50,
        p95_ms=p95,
        p999_ms=p999,
        max_ms=float(row.max_ms),
        log_mean=0.0 if pd.isna(row.log_mean) else float(row.log_mean),
        log_sd=0.0 if pd.isna(row.log_sd) else float(row.log_sd),
        used_max_mb=None if pd.isna(row.used_max_mb) else float(row.used_max_mb),
        out_of_memory=row.out_of_memory,
        timeouts=row.timeouts,
    )


def used_versions(snapshot: Snapshot, where: Filter) -> set[tuple[str, str, str, str]]:
    """Account, region, function and version of what ran in the window."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""SELECT DISTINCT account, region, "function", version FROM invocations
        WHERE version IS NOT NULL AND {wanted}""",
        params,
    )
    return set(frame.itertuples(index=False, name=None))


def busiest_hours(snapshot: Snapshot, where: Filter) -> dict[Place, float]:
    """How many environments each function kept at work on average in its busiest hour."""
    wanted, params = sql_where(where)
    frame = snapshot.frame(
        f"""WITH hours AS (SELECT account, region, "function", sum(duration_ms) / 3600000 AS busy
            FROM invocations WHERE {wanted}
            GROUP BY account, region, "function", epoch_ms(ts) // 3600000)
        SELECT account, region, "function", max(busy) AS busy FROM hours GROUP BY ALL""",
        params,
    )
    return {(row.account, row.region, row.function): float(row.busy) for row in rows(frame)}
