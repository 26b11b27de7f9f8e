"""Metrics that a function logs about itself (CloudWatch's embedded format), read for failed batch items.

Source: CloudWatch User Guide, "Specification: Embedded metric format"
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

FAILED = frozenset(
    {"batchitemfailures", "batchitemfailure", "batchrecordfailures", "batchrecordfailure"}
    | {"partialbatchfailures", "partialbatchfailure", "failedbatchitems", "batchfailures"}
)
"""What functions and libraries call the items that they hand back, in lower case and without signs."""

SUCCEEDED = frozenset(
    {"batchrecordsuccesses", "batchrecordsuccess", "batchitemsuccesses", "batchitemsuccess"}
)
ITEMS = frozenset({"batchitems", "batchrecords", "batchsize", "batchitemcount", "batchrecordcount"})

_MOST_METRICS = 1000
"""CloudWatch takes 100 definitions of a record; what goes far beyond is not read."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`failed` of `items` (None: not logged) went back to their queue or stream."""

    failed: float
    items: float | None = None
    request_id: str | None = None


def parse_batch(line: Mapping[str, Any]) -> Batch | None:
    """What a log line's object says of failed batch items; None when it is no metric or of something else."""
    values = {plain_name(name): value for name, value in metrics(line)}
    failed = _first(values, FAILED)
    if failed is None:
        return None
    succeeded, items = _first(values, SUCCEEDED), _first(values, ITEMS)
    if items is None and succeeded is not None:
        items = failed + succeeded
    request_ids = (line.get(name) for name in ("requestId", "function_request_id", "awsRequestId"))
    return Batch(failed, items, next((text for text in request_ids if isinstance(text, str) and text), None))


def metrics(line: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Names and values of an embedded metric record (a list of values is summed), or of a metric as Datadog's
    library logs it (`m` and `v`)."""
    if isinstance(name := line.get("m"), str) and (value := _number(line.get("v"))) is not None:
        yield name.rpartition(".")[2], value
    for name in islice(_defined(line.get("_aws")), _MOST_METRICS):
        if (value := _number(line.get(name))) is not None:
            yield name, value


def _defined(about: Any) -> Iterator[str]:
    directives = about.get("CloudWatchMetrics") if isinstance(about, dict) else None
    for directive in _dicts(directives):
        for metric in _dicts(directive.get("Metrics")):
            if isinstance(name := metric.get("Name"), str):
                yield name


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def plain_name(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _first(values: Mapping[str, float], names: Iterable[str]) -> float | None:
    return next((values[name] for name in sorted(names) if name in values), None)


def _number(value: Any) -> float | None:
    if isinstance(value, list):
        numbers = [_number(item) for item in value[:_MOST_METRICS] if not isinstance(item, list)]
        known = [number for number in numbers if number is not None]
        return sum(known) if known and len(known) == len(numbers) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 and math.isfinite(value) else None
