"""What SQL over invocation records and metric points means by a cold start, an initialization, a function's
row."""

from __future__ import annotations

COLD = """((init_ms IS NOT NULL OR restore_ms IS NOT NULL)
    AND init_type IS DISTINCT FROM 'provisioned-concurrency')"""
"""An environment was started: `core.formulas.is_cold_start` in SQL."""

WAITED_MS = "(coalesce(init_ms, 0) + coalesce(restore_ms, 0))"
"""How long a caller waited for an environment that was not proactive (`store.readers.proactive`): its
initialization, or its restore from a snapshot."""

START = """CASE WHEN init_type = 'provisioned-concurrency' THEN 'provisioned'
    WHEN init_type = 'snap-start' OR restore_ms IS NOT NULL THEN 'snap-start' ELSE 'on-demand' END"""
"""How environments of a record start, as its log says; one that does not say so starts on demand."""

TOLD = "CASE WHEN init_type IS NULL AND restore_ms IS NOT NULL THEN 'snap-start' ELSE init_type END"
"""The same, with nothing supposed: text logs do not say how an environment that initialized came about."""

INIT_BILLED_MS = f"CASE WHEN {COLD} THEN greatest(billed_ms - ceil(duration_ms), 0) ELSE 0 END"
"""The billed time that is initialization: `core.formulas.init_billed_ms` in SQL."""

PERCENTILES = """
    quantile_cont(duration_ms, [0.5, 0.95, 0.99])[1] AS duration_p50_ms,
    quantile_cont(duration_ms, [0.5, 0.95, 0.99])[2] AS duration_p95_ms,
    quantile_cont(duration_ms, [0.5, 0.95, 0.99])[3] AS duration_p99_ms"""
"""All three in one expression: then DuckDB sorts once."""

INIT_PERCENTILES = f"""
    (quantile_cont(init_ms, [0.5, 0.95]) FILTER ({COLD}))[1] AS init_p50_ms,
    (quantile_cont(init_ms, [0.5, 0.95]) FILTER ({COLD}))[2] AS init_p95_ms"""

RESTORE_PERCENTILES = f"""
    (quantile_cont(restore_ms, [0.5, 0.95]) FILTER ({COLD}))[1] AS restore_p50_ms,
    (quantile_cont(restore_ms, [0.5, 0.95]) FILTER ({COLD}))[2] AS restore_p95_ms"""

RECORD_COUNTS = f"""
    count(*) AS records,
    count(*) FILTER ({COLD}) AS cold_starts,
    {INIT_PERCENTILES},
    max(max_memory_mb) AS max_memory_used_mb,
    count(*) FILTER (status = 'timeout') AS timeouts,
    count(*) FILTER (out_of_memory) AS out_of_memory"""

BILLED = f"""
    sum(billed_ms) AS billed_ms,
    sum({INIT_BILLED_MS}) AS init_ms,
    count(*) FILTER (billed_ms IS NULL) AS unbilled,
    count(*) FILTER ({COLD}) AS started,
    count(*) FILTER (restore_ms IS NOT NULL) AS restored,
    min(memory_mb) AS memory_min_mb,
    max(memory_mb) AS memory_max_mb,
    count(memory_mb) AS sized,
    coalesce(bool_or(init_type = 'provisioned-concurrency'), false) AS has_provisioned"""
"""What records were billed for, environments that were made for them, and whether all had one size."""

FUNCTION_POINTS = "scope = 'function'"
"""Rows of one function over all its versions; the other scopes count the same invocations again."""
