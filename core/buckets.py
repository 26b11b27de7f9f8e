"""Edges of histograms: durations by steps that grow, shares by equal ones."""

from __future__ import annotations

from bisect import bisect_right

DURATION_MS: tuple[float, ...] = (
    *(0, 1, 2, 5, 10, 20, 50, 100, 200, 300, 500, 750),
    *(1000, 1500, 2000, 3000, 5000, 7500, 10_000, 15_000, 20_000, 30_000, 45_000),
    *(60_000, 90_000, 120_000, 180_000, 300_000, 450_000, 600_000, 900_000),
)
"""No invocation lasts longer than 15 minutes; what does all the same falls into the last bucket."""

SHARES: tuple[float, ...] = tuple(i / 20 for i in range(21))
"""Twentieths. The last bucket holds what is 1 and more, too."""


def bucket(value: float, edges: tuple[float, ...]) -> int:
    """The bucket of a value: `edges[i]` belongs to bucket i, the last edge and what is beyond to the last."""
    return max(0, min(bisect_right(edges, value) - 1, len(edges) - 2))


def sql_bucket(value: str, edges: tuple[float, ...]) -> str:
    """The same in DuckDB's SQL."""
    inner = ", ".join(f"{edge!r}::DOUBLE" for edge in edges[1:-1])
    return (
        f"list_sum(list_transform([{inner}], lambda edge: CASE WHEN {value} >= edge THEN 1 ELSE 0 END))::INT"
    )


PACKAGE_MB: tuple[float, ...] = (0, 1, 5, 10, 50, 100, 250)


def package_size(code_bytes: float | None) -> str | None:
    """`5 to 10 MB` for the size of a package; None where it is not told."""
    if code_bytes is None:
        return None
    size_mb = code_bytes / 2**20
    if size_mb >= PACKAGE_MB[-1]:
        return f"{PACKAGE_MB[-1]:g} MB and more"
    at = bucket(size_mb, PACKAGE_MB)
    return f"{PACKAGE_MB[at]:g} to {PACKAGE_MB[at + 1]:g} MB"
