"""Many CloudWatch queries in the fewest calls: packing, paging, and sparing them from one that is refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from collectors.meter import Pace, unit_price_usd
from collectors.points import Points, Series, Subject
from core.errors import AccessDeniedError, AwsError, BudgetError, CredentialsError, EndpointError
from core.metrics import Metric
from core.windows import Window

QUERIES_A_CALL, POINTS_AN_ANSWER = 500, 100_800
MORE_CALLS = 24
"""How many calls a run may spend on finding the queries that spoil others."""
POINTS_A_SECOND, OLD_POINTS_A_SECOND = 180_000, 396_000
"""How many points CloudWatch reads for an account a second: in calls that start within 3 hours, and in older
ones. Series without points count as if they were full."""
YOUNG = timedelta(hours=3)
BURST_S = 5
"""How many seconds' worth of points may be asked for at once: botocore's retries smooth that much."""
REFUSED = frozenset({"Forbidden"})
"""Answers to single queries that asking again does not change."""
IN_VAIN = 2
"""Calls in a row that AWS does not answer, after which the rest is left for the next run."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of one thing; `of` is the scope whose coverage its answer counts for."""

    subject: Subject
    metric: Metric
    dimensions: tuple[tuple[str, str], ...] = ()
    of: str = ""


@dataclass(slots=True)
class Answers:
    """What was answered; queries that were answered in part or not at all and may be asked again, with why;
    and those that CloudWatch refuses."""

    points: Points = field(default_factory=Points)
    incomplete: dict[Query, str] = field(default_factory=dict)
    failed: dict[Query, AwsError] = field(default_factory=dict)

    @property
    def values(self) -> dict[Subject, dict[datetime, dict[str, float]]]:
        """Values by subject, time and field."""
        return self.points.by_subject()


def points_a_series(window: Window, period_s: int) -> int:
    return max(1, -(-window.duration // timedelta(seconds=period_s)))


def queries_a_call(window: Window, period_s: int) -> int:
    """How many queries fit one call so that its answer needs one page."""
    return max(1, min(QUERIES_A_CALL, POINTS_AN_ANSWER // points_a_series(window, period_s)))


def calls_needed(queries: int, window: Window, period_s: int) -> int:
    return -(-queries // queries_a_call(window, period_s))


def calls_a_second(window: Window, period_s: int) -> float:
    """How many full calls over `window` CloudWatch takes a second; the stricter ceiling for short windows,
    which are the young ones."""
    ceiling = POINTS_A_SECOND if window.duration <= YOUNG else OLD_POINTS_A_SECOND
    return ceiling / (queries_a_call(window, period_s) * points_a_series(window, period_s))


def estimate_usd(queries: int) -> Decimal:
    """What asking `queries` once costs."""
    return queries * (unit_price_usd("cloudwatch", "GetMetricData") or Decimal(0))


def fetch(aws: Aws, queries: Sequence[Query], window: Window, period_s: int) -> Answers:
    """Ask all `queries` over `window` at one period.

    One query that CloudWatch refuses fails its whole call; such a call is split until the others are saved.
    When AWS does not answer, or the budget ends, what was read is kept and the rest is incomplete. Raises
    AccessDeniedError, CredentialsError, and any error that spared no query.
    """
    answers, size = Answers(), queries_a_call(window, period_s)
    waiting = [list(queries[at : at + size]) for at in range(0, len(queries), size)]
    turns, more, in_vain = _turns(aws, window, period_s), MORE_CALLS, 0
    lost: dict[Query, AwsError] = {}
    while waiting:
        batch = waiting.pop(0)
        next(turns)
        try:
            _ask(aws, batch, window, period_s, answers)
            in_vain = 0
        except (AccessDeniedError, CredentialsError):
            raise
        except AwsError as error:
            is_refused = is_refusal(error)
            halves = split(batch) if more > 0 and is_refused else []
            more, waiting[:0] = more - len(halves), halves
            lost |= dict.fromkeys([] if halves else batch, error)
            in_vain = 0 if is_refused else in_vain + 1
            if in_vain == IN_VAIN or isinstance(error, BudgetError | EndpointError):
                lost |= {query: error for left in waiting for query in left}
                break
    return _without(answers, lost, len(queries))


def _turns(aws: Aws, window: Window, period_s: int) -> Iterator[None]:
    """Waits at each step until CloudWatch takes the points of one call more."""
    per_s = calls_a_second(window, period_s)
    pace, is_held = Pace(per_s), "monitoring" in aws.settings.calls_per_s
    for number in itertools.count():
        if is_held and number >= BURST_S * per_s:
            pace.wait()
        yield


def is_refusal(error: AwsError) -> bool:
    """Whether AWS took the call and found fault with it, so that the same call would fail again."""
    return not (error.retryable or isinstance(error, EndpointError | BudgetError))


def _without(answers: Answers, lost: Mapping[Query, AwsError], asked: int) -> Answers:
    """Answers less the queries that were lost; raises the first of their errors if nothing else is left."""
    if lost and len(lost) == asked:
        raise next(iter(lost.values()))
    for query, error in lost.items():
        if is_refusal(error):
            answers.failed[query] = error
        else:
            answers.incomplete[query] = str(error)
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
    for results in _pages(client, request):
        status |= {result["Id"]: (result.get("StatusCode", "Complete"), _said(result)) for result in results}
        answers.points.add((_to_series(by_id[result["Id"]], result) for result in results), window)
    for id_, query in by_id.items():
        code, said = status.get(id_, ("missing", "CloudWatch gave no answer for it"))
        if code in REFUSED:
            answers.failed[query] = AwsError(f"CloudWatch says {code}{said and f': {said}'}", code=code)
        elif code != "Complete":
            answers.incomplete[query] = said or code


def _to_series(query: Query, result: Mapping[str, Any]) -> Series:
    return query.subject, query.metric.field, result["Timestamps"], result["Values"]


def _pages(client: Any, request: Mapping[str, Any]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Results page by page; a query's values may be spread over pages, its last status counts."""
    token: dict[str, str] = {}
    while True:
        answer = client.get_metric_data(**request, **token)
        yield answer["MetricDataResults"]
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
