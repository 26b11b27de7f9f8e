"""Many CloudWatch queries in the fewest calls: packing, paging, and sparing them from one that is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.meter import unit_price_usd
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError
from core.metrics import Metric
from core.windows import Window

QUERIES_A_CALL, POINTS_AN_ANSWER = 500, 100_800
MORE_CALLS = 24
"""How many calls a run may spend on finding the queries that spoil others."""

Subject = tuple[str, ...]
"""Which thing a query is about, in the words of its collector."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of one thing."""

    subject: Subject
    metric: Metric
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Answers:
    """Values by subject, time and field; queries answered in part, and those refused, with why."""

    values: dict[Subject, dict[datetime, dict[str, float]]] = field(default_factory=dict)
    incomplete: dict[Query, str] = field(default_factory=dict)
    failed: dict[Query, AwsError] = field(default_factory=dict)


def queries_a_call(window: Window, period_s: int) -> int:
    """How many queries fit one call so that its answer needs one page."""
    points = max(1, -(-window.duration // timedelta(seconds=period_s)))
    return max(1, min(QUERIES_A_CALL, POINTS_AN_ANSWER // points))


def calls_needed(queries: int, window: Window, period_s: int) -> int:
    return -(-queries // queries_a_call(window, period_s))


def estimate_usd(queries: int) -> Decimal:
    """What asking `queries` once costs."""
    return queries * (unit_price_usd("cloudwatch", "GetMetricData") or Decimal(0))


def fetch(aws: Aws, queries: Sequence[Query], window: Window, period_s: int) -> Answers:
    """Ask all `queries` over `window` at one period.

    One query that CloudWatch refuses fails its whole call; such a call is split until the counts are saved.
    Raises AccessDeniedError, CredentialsError and EndpointError, and any error that spared no query.
    """
    answers = Answers()
    size = queries_a_call(window, period_s)
    waiting = [list(queries[at : at + size]) for at in range(0, len(queries), size)]
    more = MORE_CALLS
    while waiting:
        batch = waiting.pop(0)
        try:
            _ask(aws, batch, window, period_s, answers)
        except (AccessDeniedError, CredentialsError, EndpointError):
            raise
        except AwsError as error:
            halves = split(batch) if more > 0 else []
            more -= len(halves)
            waiting[:0] = halves
            answers.failed |= dict.fromkeys(batch, error) if not halves else {}
    if answers.failed and len(answers.failed) == len(queries):
        raise next(iter(answers.failed.values()))
    return answers


def split(batch: Sequence[Query]) -> list[list[Query]]:
    """Two parts of a batch that failed: percentiles apart from counts, else halves; none of a single one."""
    percentiles = [query for query in batch if query.metric.is_percentile]
    others = [query for query in batch if not query.metric.is_percentile]
    if percentiles and others:
        return [others, percentiles]
    middle = len(batch) // 2
    return [list(batch[:middle]), list(batch[middle:])] if middle else []


def _ask(aws: Aws, batch: Sequence[Query], window: Window, period_s: int, answers: Answers) -> None:
    client = aws.client("cloudwatch")
    by_id = {f"q{number}": query for number, query in enumerate(batch)}
    request: dict[str, Any] = {
        "MetricDataQueries": [_to_request(id_, query, period_s) for id_, query in by_id.items()],
        "StartTime": window.start,
        "EndTime": window.end,
        "ScanBy": "TimestampAscending",
    }
    status: dict[str, tuple[str, str]] = {}
    for result in _results(client, request):
        query = by_id[result["Id"]]
        status[result["Id"]] = result.get("StatusCode", "Complete"), _said(result)
        _keep(answers, query, result, window)
    for id_, query in by_id.items():
        code, said = status.get(id_, ("missing", "CloudWatch gave no answer for it"))
        if code != "Complete":
            answers.incomplete[query] = said or code


def _results(client: Any, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Results of every page; a query's values may be spread over pages, its last status counts."""
    token: dict[str, str] = {}
    while True:
        answer = client.get_metric_data(**request, **token)
        yield from answer["MetricDataResults"]
        following = answer.get("NextToken")
        if not following or following == token.get("NextToken"):
            return
        token = {"NextToken": following}


def _said(result: Mapping[str, Any]) -> str:
    return "; ".join(str(message.get("Value", "")) for message in result.get("Messages", ()))


def _to_request(id_: str, query: Query, period_s: int) -> dict[str, Any]:
    metric = query.metric
    return {
        "Id": id_,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in query.dimensions],
            },
            "Period": period_s,
            "Stat": metric.statistic,
        },
        "ReturnData": True,
    }


def _keep(answers: Answers, query: Query, result: Mapping[str, Any], window: Window) -> None:
    if not result["Timestamps"]:
        return
    of_subject, name = answers.values.setdefault(query.subject, {}), query.metric.field
    for ts, value in zip(result["Timestamps"], result["Values"], strict=True):
        if ts in window:
            of_subject.setdefault(ts.astimezone(UTC), {})[name] = value
