"""X-Ray: GetTraceSummaries, BatchGetTraces, GetServiceGraph, and where segments go."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.specs import STAGING, US
from quarterdeck.demo.stories import DAY, to_ms
from quarterdeck.demo.traces import Trace, find_trace, traces
from quarterdeck.demo.wire import ApiError, Call

LONGEST = timedelta(hours=6)
IDS_A_CALL = 5
SUMMARIES_PAGE = 250


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidRequestException", message)


def _window(call: Call) -> tuple[int, int]:
    start, end = call.params["StartTime"], call.params["EndTime"]
    if end - start > LONGEST:
        raise _invalid("Time range cannot be longer than 6 hours.")
    if end <= start:
        raise _invalid("EndTime must be after StartTime.")
    return to_ms(start), to_ms(end)


def get_trace_summaries(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    begin_ms, end_ms = _window(call)
    found = traces(demo.world, account, call.region, begin_ms, end_ms)
    wanted = _filter(call.params.get("FilterExpression", ""))
    kept = [trace for trace in found if wanted(trace)]
    if call.params.get("Sampling"):
        kept = kept[::3]
    page, token = paged(kept, call.params.get("NextToken"), SUMMARIES_PAGE, invalid="InvalidRequestException")
    return {
        "TraceSummaries": [trace.summary() for trace in page],
        "ApproximateTime": demo.world.now(),
        "TracesProcessedCount": len(found),
        **({"NextToken": token} if token else {}),
    }


def _filter(text: str) -> Callable[[Trace], bool]:
    """`fault`, `error`, `ok` and `service("name")`, joined by AND; anything else is refused."""
    tests = [_filter_term(term.strip()) for term in re.split(r"\bAND\b", text) if term.strip()]
    return lambda trace: all(test(trace) for test in tests)


def _filter_term(term: str) -> Callable[[Trace], bool]:
    if service := re.fullmatch(r'service\("([^"]+)"\)', term):
        return lambda trace: service[1] in {known["Name"] for known in trace.services()}
    plain: dict[str, Callable[[Trace], bool]] = {
        "fault": lambda trace: trace.fault,
        "error": lambda trace: False,
        "ok": lambda trace: not trace.fault,
    }
    if term not in plain:
        raise _invalid(f"The demo account does not know the filter expression {term!r}")
    return plain[term]


def batch_get_traces(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    ids = call.params["TraceIds"]
    if len(ids) > IDS_A_CALL:
        raise _invalid(f"TraceIds must have at most {IDS_A_CALL} items, not {len(ids)}.")
    found = {identity: find_trace(demo.world, account, call.region, identity) for identity in ids}
    return {
        "Traces": [trace.document() for trace in found.values() if trace],
        "UnprocessedTraceIds": [identity for identity, trace in found.items() if trace is None],
    }


def get_service_graph(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    begin_ms, end_ms = _window(call)
    calls: dict[tuple[str, str], list[Trace]] = {}
    edges: dict[tuple[tuple[str, str], tuple[str, str]], list[Trace]] = {}
    for trace in traces(demo.world, account, call.region, begin_ms, end_ms):
        nodes = [(known["Name"], known["Type"]) for known in trace.services()]
        for node in nodes:
            calls.setdefault(node, []).append(trace)
        for edge in pairwise(nodes):
            edges.setdefault(edge, []).append(trace)
    numbers = {node: number for number, node in enumerate(calls)}
    reached = {edge[1] for edge in edges}
    services = [
        {
            "ReferenceId": numbers[node],
            "Name": node[0],
            "Names": [node[0]],
            "Type": node[1],
            "AccountId": account,
            "Root": node not in reached,
            "State": "active",
            "StartTime": begin_ms / 1000,
            "EndTime": end_ms / 1000,
            "SummaryStatistics": _statistics(seen),
            "Edges": [
                {
                    "ReferenceId": numbers[edge[1]],
                    "StartTime": begin_ms / 1000,
                    "EndTime": end_ms / 1000,
                    "SummaryStatistics": _statistics(through),
                    "Aliases": [],
                }
                for edge, through in edges.items()
                if edge[0] == node
            ],
        }
        for node, seen in calls.items()
    ]
    return {"StartTime": begin_ms / 1000, "EndTime": end_ms / 1000, "Services": services}


def _statistics(seen: list[Trace]) -> dict[str, Any]:
    faults = sum(trace.fault for trace in seen)
    return {
        "OkCount": len(seen) - faults,
        "ErrorStatistics": {"ThrottleCount": 0, "OtherCount": 0, "TotalCount": 0},
        "FaultStatistics": {"OtherCount": faults, "TotalCount": faults},
        "TotalCount": len(seen),
        "TotalResponseTime": sum(trace.duration_s for trace in seen),
    }


SEARCHED = (STAGING, US)
"""The account and region that has Transaction Search on: spans go to CloudWatch Logs, few are indexed."""

INDEXED_PERCENT = 5.0


def get_trace_segment_destination(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    searched = (account, call.region) == SEARCHED
    return {"Destination": "CloudWatchLogs" if searched else "XRay", "Status": "ACTIVE"}


def get_indexing_rules(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    percent = INDEXED_PERCENT if (account, call.region) == SEARCHED else 1.0
    rule = {"Probabilistic": {"DesiredSamplingPercentage": percent, "ActualSamplingPercentage": percent}}
    modified = demo.world.plan.start - 100 * DAY
    return {"IndexingRules": [{"Name": "Default", "ModifiedAt": modified, "Rule": rule}]}


HANDLERS: dict[str, Handler] = {
    "GetTraceSummaries": get_trace_summaries,
    "BatchGetTraces": batch_get_traces,
    "GetServiceGraph": get_service_graph,
    "GetTraceSegmentDestination": get_trace_segment_destination,
    "GetIndexingRules": get_indexing_rules,
}
