from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.entities import TraceSettings
from core.tracing import (
    CERTAIN,
    UNTRACED,
    Evidence,
    own_tracer,
    started,
    transaction_search,
    why_no_trace,
)
from core.triggers import KINDS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = NOW - timedelta(hours=1)
SEARCH = TraceSettings(destination="CloudWatchLogs", indexed_percent=1.0)


def trace_id(at: datetime = AT) -> str:
    return f"1-{int(at.timestamp()):08x}-{1:024x}"


def request(**known) -> Evidence:
    values = {"now": NOW, "tracing_mode": "Active", "request_id": "r", "at": AT, "records": 1}
    return Evidence(**values | known)


def window(**known) -> Evidence:
    return Evidence(**{"now": NOW, "tracing_mode": "Active"} | known)


TRACED = {"trace_id": trace_id(), "sampled": 1}


@pytest.mark.parametrize(
    ("evidence", "codes"),
    [
        (request(**TRACED, traces=1), []),
        (request(unsampled=1, trace_id=trace_id()), ["not-sampled"]),
        (request(tracing_mode="PassThrough"), ["tracing-off"]),
        (request(tracing_mode=None), ["tracing-off"]),
        (request(traced_since=NOW), ["tracing-was-off"]),
        (request(traced_since=AT - timedelta(days=1)), ["no-trace-id"]),
        (request(**TRACED), ["not-delivered"]),
        (request(**TRACED, unread="not yet"), ["not-collected", "not-delivered"]),
        (request(**TRACED, settings=SEARCH), ["only-in-logs", "not-delivered"]),
        (
            request(sampled=1, trace_id=trace_id(NOW - timedelta(days=31)), unread="too old"),
            ["expired", "not-delivered"],
        ),
        (
            request(sampled=1, trace_id=trace_id(NOW - timedelta(seconds=30))),
            ["not-yet", "not-delivered"],
        ),
        (request(trace_id=trace_id(), tracing_mode="PassThrough"), ["tracing-off", "not-delivered"]),
        (request(records=0), ["no-record"]),
        (request(records=0, throttles=3.0), ["throttled", "no-record"]),
        (request(records=0, throttles=3.0, log_unread="denied"), ["log-not-read"]),
        (window(records=9, sampled=2, traces=2), []),
        (window(records=9, unsampled=9), ["not-sampled"]),
        (window(records=9, unsampled=7, sampled=2), ["not-delivered"]),
        (window(records=9, unsampled=7, sampled=2, unread="denied"), ["not-collected"]),
        (window(records=9), ["no-trace-id"]),
        (window(records=9, tracing_mode="PassThrough"), ["tracing-off"]),
        (window(records=9, unsampled=9, sources=("sqs", "msk")), ["source-not-traced", "not-sampled"]),
        (window(records=9, unsampled=9, sources=("sqs", "kinesis")), ["not-sampled"]),
        (window(records=9, sampled=2, sources=("msk",)), ["source-not-traced", "not-delivered"]),
        (window(records=9, sampled=2, traces=2, sources=("msk",), own_tracer="otel"), []),
        (window(records=9, tracing_mode="PassThrough", own_tracer="otel"), ["tracing-off", "own-tracer"]),
        (request(**TRACED, own_tracer="otel"), ["not-delivered", "own-tracer"]),
        (window(throttles=2.0, unread="denied"), ["not-collected", "throttled", "no-record"]),
        (
            window(records=9, tracing_mode="PassThrough", unread="not yet"),
            ["tracing-off", "not-collected"],
        ),
    ],
)
def test_the_reasons_follow_from_what_is_known_the_surest_first(evidence, codes):
    assert [reason.code for reason in why_no_trace(evidence)] == codes


def test_a_missing_permission_is_what_to_do():
    evidence = request(**TRACED, unread="denied", permission="xray:GetTraceSummaries")

    first = why_no_trace(evidence)[0]

    assert (first.certainty, "xray:GetTraceSummaries" in first.do) == (CERTAIN, True)


def test_transaction_search_says_what_is_not_found_and_how_much_is_indexed():
    assert "1 % of traces" in transaction_search(SEARCH)
    assert "a share of traces" in transaction_search(TraceSettings(destination="CloudWatchLogs"))
    assert transaction_search(TraceSettings(destination="XRay")) is None
    assert transaction_search(None) is None


LAYER = "arn:aws:lambda:eu-west-1:901920570463:layer:{}:1"


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], None),
        (["pandas", "aws-otel-python-amd64-ver-1-25-0"], "aws-otel-python-amd64-ver-1-25-0"),
        (["Datadog-Extension"], "Datadog-Extension"),
        (["hotels"], None),
    ],
)
def test_a_layer_that_makes_traces_is_known_by_its_name(names, found):
    assert own_tracer([LAYER.format(name) for name in names]) == found


def test_what_is_no_layers_arn_tells_nothing():
    assert own_tracer(["otel"]) is None


def test_kinds_that_are_not_traced_are_kinds_of_triggers():
    assert set(KINDS) >= UNTRACED


@pytest.mark.parametrize("text", ["", "1", "1-zz-1", "1-" + "f" * 40, "no id at all"])
def test_an_id_of_another_form_tells_no_time(text):
    assert started(text) is None
