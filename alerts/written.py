"""How rules write numbers and times: 5%, 3 of 5 minutes, one name or several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MAX_MINUTES = 240


@dataclass(frozen=True, slots=True)
class MinutesOf:
    """`hits` of the newest `minutes`."""

    hits: int
    minutes: int


def _minutes_of(value: Any) -> Any:
    """Read `3 of 5`, `3 of 5 minutes` or `5m`, which is all of five."""
    if isinstance(value, MinutesOf):
        return value
    match = re.fullmatch(r"\s*(\d{1,9})(?:\s+of\s+(\d{1,9})(?:\s+minutes?)?|\s*m)\s*", str(value))
    if match is None:
        raise ValueError("is written `3 of 5 minutes` or `5m`")
    hits, minutes = int(match[1]), int(match[2] or match[1])
    if not 1 <= hits <= minutes <= MAX_MINUTES:
        raise ValueError(f"needs 1 <= m <= n <= {MAX_MINUTES} in `m of n minutes`")
    return MinutesOf(hits, minutes)


def _share(value: Any) -> Any:
    """Read `5%` as 0.05."""
    match = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*%\s*", value) if isinstance(value, str) else None
    return float(match[1]) / 100 if match else value


def listed(value: Any) -> Any:
    return [value] if isinstance(value, (str, Mapping)) else value


_NUMBER = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"}]}
_TEXTS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

Threshold = Annotated[
    float, BeforeValidator(_share), Field(ge=0, allow_inf_nan=False), WithJsonSchema(_NUMBER)
]
Share = Annotated[
    float, BeforeValidator(_share), Field(gt=0, lt=1, allow_inf_nan=False), WithJsonSchema(_NUMBER)
]
Patterns = Annotated[tuple[str, ...], BeforeValidator(listed), WithJsonSchema(_TEXTS)]
For = Annotated[
    MinutesOf,
    BeforeValidator(_minutes_of),
    WithJsonSchema(
        {"type": "string", "pattern": r"^\d+( of \d+( minutes?)?| ?m)$", "examples": ["3 of 5 minutes"]}
    ),
]


def minutes(length: timedelta) -> int:
    return int(length.total_seconds() // 60)


def is_whole(length: timedelta) -> bool:
    """Whether it is some whole minutes, at least one."""
    return length >= timedelta(minutes=1) and not length % timedelta(minutes=1)
