"""CloudWatch: GetMetricData, GetMetricStatistics, ListMetrics."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.windows import floor
from quarterdeck.demo.account import Demo, Handler, make_token, paged, read_token
from quarterdeck.demo.catalogue import Series
from quarterdeck.demo.metrics import joined
from quarterdeck.demo.model import MINUTE_MS
from quarterdeck.demo.statistics import Buckets, is_known
from quarterdeck.demo.stories import to_ms
from quarterdeck.demo.wire import ApiError, Call

MAX_QUERIES = 500
MAX_POINTS = 100_800
LIST_PAGE = 500
LATEST_MS = 20 * MINUTE_MS
"""How long after the day of an invocation's start its last sample may lie."""

_AGES = ((timedelta(days=15), 60), (timedelta(days=63), 300), (timedelta(days=455), 3600))
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Points:
    """The answer to one query: oldest first."""

    id: str
    label: str
    timestamps: NDArray[np.datetime64]
    values: NDArray[np.float64]


def get_metric_data(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    queries = params["MetricDataQueries"]
    _check(queries, params)
    limit = params.get("MaxDatapoints", MAX_POINTS)
    token = read_token(params["NextToken"], invalid="InvalidNextToken") if "NextToken" in params else {}
    now_ms = int(token.get("now_ms", demo.world.now_ms()))
    asked = ("points", account, call.region, repr({**params, "NextToken": None}), now_ms)
    answers: list[Points] = demo.pages.get(asked, lambda: _answers(demo, account, call, now_ms))
    return _page(answers, int(token.get("from", 0)), limit, now_ms)


def _answers(demo: Demo, account: str, call: Call, now_ms: int) -> list[Points]:
    asking = _Asking(demo, account, call.region, call.params["StartTime"], call.params["EndTime"], now_ms)
    answers = [asking.answer(query) for query in call.params["MetricDataQueries"]]
    if call.params.get("ScanBy") == "TimestampAscending":
        return answers
    return [Points(a.id, a.label, a.timestamps[::-1], a.values[::-1]) for a in answers]


def _check(queries: list[dict[str, Any]], params: Mapping[str, Any]) -> None:
    if len(queries) > MAX_QUERIES:
        raise _invalid(f"The collection MetricDataQueries must not have a size greater than {MAX_QUERIES}.")
    if params["StartTime"] >= params["EndTime"]:
        raise _invalid("The parameter StartTime must be less than the parameter EndTime.")
    ids = [query.get("Id", "") for query in queries]
    if len(set(ids)) < len(ids):
        raise _invalid("The values for parameter Id in MetricDataQueries are not unique.")
    for query in queries:
        _check_query(query)
    if not 0 < params.get("MaxDatapoints", MAX_POINTS) <= MAX_POINTS:
        raise _invalid(f"MaxDatapoints must be between 1 and {MAX_POINTS}.")


def _check_query(query: Mapping[str, Any]) -> None:
    if not _ID.fullmatch(query.get("Id", "")):
        raise _invalid(
            f"The value {query.get('Id')!r} for parameter Id is not matching ^[a-z][a-zA-Z0-9_]*$."
        )
    if "MetricStat" not in query:
        raise _invalid("The demo account has no metric math: give each query a MetricStat.")
    stat, period = query["MetricStat"].get("Stat", ""), query["MetricStat"].get("Period", 0)
    if not is_known(stat):
        raise _invalid(f"The value {stat} for parameter MetricStat.Stat is not supported.")
    if period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        raise _invalid(
            f"The value {period} for parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        )


def _invalid(message: str) -> ApiError:
    return ApiError("ValidationError", message)


class _Asking:
    """One request's range of time; samples are sorted once for the statistics of a metric in a row."""

    def __init__(
        self, demo: Demo, account: str, region: str, start: datetime, end: datetime, now_ms: int
    ) -> None:
        self.demo, self.place = demo, (account, region)
        self.start, self.end, self.now_ms = start, end, now_ms
        self._buckets_of: dict[Hashable, Buckets] = {}

    def answer(self, query: Mapping[str, Any]) -> Points:
        stat = query["MetricStat"]
        metric, period_s = stat["Metric"], stat["Period"]
        dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions", [])}
        label = query.get("Label") or _label(metric["MetricName"], dimensions)
        series = self.demo.catalogue.find(self.place, metric["Namespace"], metric["MetricName"], dimensions)
        start_ms = _begin(self.start, period_s, self.now_ms)
        if series is None or start_ms is None or not query.get("ReturnData", True) or stat.get("Unit"):
            return Points(query["Id"], label, np.empty(0, "datetime64[s]"), np.empty(0))
        buckets = self._buckets(series, start_ms, period_s)
        times = (start_ms // 1000 + buckets.filled * period_s).astype("datetime64[s]")
        return Points(query["Id"], label, times, buckets.statistic(stat["Stat"]))

    def _buckets(self, series: Series, start_ms: int, period_s: int) -> Buckets:
        key = (series.namespace, series.name, series.same, period_s)
        if key not in self._buckets_of:
            self._buckets_of[key] = self._sorted(series, start_ms, period_s)
        return self._buckets_of[key]

    def _sorted(self, series: Series, start_ms: int, period_s: int) -> Buckets:
        end_ms = to_ms(self.end)
        days = self.demo.world.days(start_ms - LATEST_MS, min(end_ms, self.now_ms))
        samples = joined([self.demo.catalogue.samples(self.place, series, number) for number in days])
        at_ms = samples.minute * MINUTE_MS
        inside = (at_ms >= start_ms) & (at_ms < end_ms) & (samples.visible_ms <= self.now_ms)
        return Buckets.of((at_ms[inside] - start_ms) // (period_s * 1000), samples.value[inside])


def _label(name: str, dimensions: Mapping[str, str]) -> str:
    return " ".join([*dimensions.values(), name]) if dimensions else name


def _begin(start: datetime, period_s: int, now_ms: int) -> int | None:
    """Where the first bucket begins. None when data of that age is not kept at that period."""
    age = timedelta(milliseconds=now_ms - to_ms(start))
    kept_s = next((kept_s for limit, kept_s in _AGES if age <= limit), 3600)
    if period_s >= 60 and period_s % kept_s:
        return None
    return to_ms(floor(start, timedelta(seconds=kept_s)))


def _page(answers: list[Points], first: int, limit: int, now_ms: int) -> dict[str, Any]:
    """Points `first` to `first + limit` of all answers in a row; an empty answer is on the first page."""
    results, offset = [], 0
    for answer in answers:
        begin, end = max(first - offset, 0), min(first + limit - offset, len(answer.values))
        offset += len(answer.values)
        if begin < end or (not len(answer.values) and first == 0):
            results.append(_result(answer, begin, end))
    token = make_token({"from": first + limit, "now_ms": now_ms}) if first + limit < offset else None
    return {"MetricDataResults": results, "Messages": [], **({"NextToken": token} if token else {})}


def _result(answer: Points, begin: int, end: int) -> dict[str, Any]:
    return {
        "Id": answer.id,
        "Label": answer.label,
        "Timestamps": answer.timestamps[begin:end],
        "Values": answer.values[begin:end],
        "StatusCode": "PartialData" if end < len(answer.values) else "Complete",
    }


# --- the rest ----------------------------------------------------------------------------------------------

_STATISTICS_LIMIT = 1440


def get_metric_statistics(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    plain, ranked = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    stat = {"Metric": {k: params[k] for k in ("Namespace", "MetricName")}, "Period": params["Period"]}
    stat["Metric"]["Dimensions"] = params.get("Dimensions", [])
    points: dict[Any, dict[str, Any]] = {}
    asking = _Asking(demo, account, call.region, params["StartTime"], params["EndTime"], demo.world.now_ms())
    for name in [*plain, *ranked]:
        query = {"Id": "a", "MetricStat": {**stat, "Stat": name}}
        _check([query], params)
        answer = asking.answer(query)
        if len(answer.values) > _STATISTICS_LIMIT:
            raise ApiError(
                "InvalidParameterCombination", f"more than {_STATISTICS_LIMIT} datapoints were requested"
            )
        for ts, value in zip(answer.timestamps.tolist(), answer.values.tolist(), strict=True):
            point = points.setdefault(ts, {"Timestamp": _aware(ts), "Unit": "None"})
            if name in ranked:
                point.setdefault("ExtendedStatistics", {})[name] = value
            else:
                point[name] = value
    return {"Label": params["MetricName"], "Datapoints": list(points.values())}


def _aware(ts: datetime) -> datetime:
    return ts.replace(tzinfo=UTC)


def list_metrics(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    wanted = params.get("Dimensions", [])
    found = [
        {
            "Namespace": series.namespace,
            "MetricName": series.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
        }
        for series in demo.catalogue.listed((account, call.region))
        if series.namespace == params.get("Namespace", series.namespace)
        and series.name == params.get("MetricName", series.name)
        and all(_has(dict(series.dimensions), dimension) for dimension in wanted)
    ]
    page, token = paged(found, params.get("NextToken"), LIST_PAGE)
    return {"Metrics": page, **({"NextToken": token} if token else {})}


def _has(dimensions: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    name = wanted["Name"]
    return name in dimensions and wanted.get("Value", dimensions[name]) == dimensions[name]


HANDLERS: dict[str, Handler] = {
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
}
