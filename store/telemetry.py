"""Arrow schemas of the telemetry kinds, derived from the facts, with account and region added."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import get_type_hints

import pyarrow as pa

from core.telemetry import TELEMETRY, Telemetry

_ARROW = {
    str: pa.string(),
    str | None: pa.string(),
    float: pa.float64(),
    float | None: pa.float64(),
    int: pa.int32(),
    int | None: pa.int32(),
    bool: pa.bool_(),
    bool | None: pa.bool_(),
    datetime: pa.timestamp("ms", tz="UTC"),
    tuple[str, ...]: pa.list_(pa.string()),
}


def _schema(kind: type[Telemetry]) -> pa.Schema:
    hints = get_type_hints(kind)
    own = [pa.field(f.name, _ARROW[hints[f.name]]) for f in dataclasses.fields(kind)]
    return pa.schema([pa.field("account", pa.string()), pa.field("region", pa.string()), *own])


SCHEMAS: dict[str, pa.Schema] = {kind.KIND: _schema(kind) for kind in TELEMETRY}
KEYS: dict[str, tuple[str, ...]] = {kind.KIND: ("account", "region", *kind.KEY) for kind in TELEMETRY}

HUNDREDTHS: dict[str, tuple[str, ...]] = {
    "metrics": ("duration_max_ms", "duration_p50_ms", "duration_p95_ms", "duration_p99_ms")
}
"""Durations kept to 0.01 ms, as Lambda reports them: CloudWatch interpolates percentiles to digits that mean
nothing. Sums are never rounded."""
FILED_HUNDREDTHS = pa.decimal128(18, 2)


def filed(kind: str) -> pa.Schema:
    """The columns inside a kind's files: account and region are in the path, hundredths are decimals."""
    rounded = HUNDREDTHS.get(kind, ())
    return pa.schema(
        [
            field.with_type(FILED_HUNDREDTHS) if field.name in rounded else field
            for field in SCHEMAS[kind]
            if field.name not in ("account", "region")
        ]
    )
