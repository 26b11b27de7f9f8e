"""GetMetricData and ListMetrics answer as CloudWatch does, from the invocations that the logs show."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from botocore.exceptions import ClientError

from .conftest import HOUR, NOW, floor_minute, query

END = floor_minute(NOW)
CHECKOUT = "/aws/lambda/checkout-api"


def starts_per_minute(events):
    """Minutes in which invocations began: at their START line, or at the INIT_START line before it."""
    began, initialising = Counter(), {}
    for event in events:
        if event["message"].startswith("INIT_START"):
            initialising[event["logStreamName"]] = event["timestamp"]
        elif event["message"].startswith("START"):
            at = initialising.pop(event["logStreamName"], event["timestamp"])
            began[floor_minute(datetime.fromtimestamp(at / 1000, UTC))] += 1
    return began


def settled(values):
    """Without the last minutes, where logs may know more than metrics."""
    return {ts: v for ts, v in values.items() if ts < END - timedelta(minutes=3)}


def test_invocations_of_a_minute_are_those_that_started_in_it(aws):
    began = starts_per_minute(aws.messages(CHECKOUT, since=HOUR + timedelta(minutes=2)))
    values = settled(aws.values("Invocations", FunctionName="checkout-api"))

    assert values == {ts: began[ts] for ts in values}
    assert sum(values.values()) > 300


def test_durations_are_those_of_the_report_lines(aws):
    minutes = aws.values(
        "Duration", "SampleCount", FunctionName="geo-lookup", region="us-east-1", period=3600
    )
    reports = aws.messages("/aws/lambda/geo-lookup", "REPORT", region="us-east-1", until=END)
    durations = [float(re.search(r"Duration: ([\d.]+) ms", e["message"])[1]) for e in reports]
    total = aws.values("Duration", "Sum", FunctionName="geo-lookup", region="us-east-1", period=3600)

    (count,), (summed,) = minutes.values(), total.values()
    assert len(durations) == pytest.approx(count, abs=25)  # the newest minute is not visible yet
    assert np.mean(durations) == pytest.approx(summed / count, rel=0.05)


@pytest.mark.parametrize(("stat", "rank"), [("p50", 50), ("p95", 95), ("p99", 99), ("p100", 100)])
def test_percentiles_are_those_of_the_raw_samples(aws, stat, rank):
    window = {"since": 2 * HOUR, "until": END - HOUR, "period": 7200, "FunctionName": "cart-api"}
    (value,) = aws.values("Duration", stat, **window).values()
    reports = aws.messages(
        "/aws/lambda/cart-api", '{ $.type = "platform.report" }', since=2 * HOUR, until=END - HOUR
    )
    samples = [json.loads(e["message"])["record"]["metrics"]["durationMs"] for e in reports]

    assert value == pytest.approx(np.percentile(samples, rank), rel=0.05)


def test_errors_are_the_error_lines(aws):
    until, since = END - timedelta(minutes=5), timedelta(minutes=30)
    (errors,) = aws.values(
        "Errors", since=since, until=until, period=1800, FunctionName="checkout-api"
    ).values()
    lines = aws.messages(CHECKOUT, '"Invoke Error"', since=since, until=until)

    assert errors > 10
    assert len(lines) == pytest.approx(errors, abs=1)


def test_nothing_is_visible_of_a_minute_that_just_ended(aws):
    values = aws.values("Invocations", FunctionName="promo-engine", until=END + timedelta(minutes=5))

    assert max(values) == END - timedelta(minutes=2)


def test_a_minute_becomes_visible_a_minute_after_it_ended(fresh):
    aws, clock = fresh
    clock.now = NOW + timedelta(seconds=31)
    values = aws.values("Invocations", FunctionName="promo-engine", until=END + timedelta(minutes=5))

    assert max(values) == END - timedelta(minutes=1)


def test_errors_of_long_invocations_appear_late_in_the_minute_they_started(fresh):
    aws, clock = fresh
    asked = {"since": timedelta(minutes=12), "FunctionName": "media-transcode", "region": "us-east-1"}
    before = aws.values("Invocations", until=END, **asked)
    clock.now = NOW + timedelta(minutes=20)
    after = aws.values("Invocations", until=END, **asked)

    assert sum(before.values()) < sum(after.values())
    assert set(before) < set(after)


def test_only_the_series_with_exactly_these_dimensions_is_found(aws):
    all_functions = aws.values("Invocations", period=3600)
    one = aws.values("Invocations", period=3600, FunctionName="cart-api")
    alias = aws.values("Invocations", period=3600, FunctionName="cart-api", Resource="cart-api:prod")
    nobody = aws.values("Invocations", period=3600, FunctionName="cart-api", Resource="cart-api:stage")

    assert sum(all_functions.values()) > sum(one.values()) == sum(alias.values()) > 0
    assert nobody == {}


def test_the_account_series_is_the_sum_of_its_functions(aws):
    names = [f["FunctionName"] for f in aws("lambda", "us-east-1").list_functions()["Functions"]]
    per_function = [
        sum(aws.values("Errors", period=3600, region="us-east-1", FunctionName=n).values()) for n in names
    ]
    (account,) = aws.values("Errors", period=3600, region="us-east-1").values()

    assert account == sum(per_function)


def test_the_canary_splits_the_alias_by_version(aws):
    asked = {"period": 86400, "since": 24 * HOUR, "FunctionName": "cart-api", "Resource": "cart-api:prod"}
    whole, old, new = (
        sum(aws.values("Invocations", **asked, **version).values())
        for version in ({}, {"ExecutedVersion": "87"}, {"ExecutedVersion": "88"})
    )

    assert old + new == whole
    assert new / whole == pytest.approx(0.1, abs=0.02)


def test_newest_comes_first_unless_asked_otherwise(aws):
    asked = {"MetricDataQueries": [query("a", "Invocations")], "StartTime": END - HOUR, "EndTime": END}
    newest = aws("cloudwatch").get_metric_data(**asked)["MetricDataResults"][0]
    oldest = aws("cloudwatch").get_metric_data(**asked, ScanBy="TimestampAscending")["MetricDataResults"][0]

    assert newest["Timestamps"] == sorted(newest["Timestamps"], reverse=True)
    assert newest["Values"] == oldest["Values"][::-1]


def test_pages_hold_max_datapoints_and_together_everything(aws):
    queries = [
        query("a", "Invocations"),
        query("b", "Duration", "p95", FunctionName="cart-api"),
        query("c", "Nothing"),
    ]
    asked = {"MetricDataQueries": queries, "StartTime": END - HOUR, "EndTime": END}
    whole = aws("cloudwatch").get_metric_data(**asked)["MetricDataResults"]
    pages = list(aws("cloudwatch").get_paginator("get_metric_data").paginate(**asked, MaxDatapoints=50))

    assert [sum(len(r["Values"]) for r in p["MetricDataResults"]) for p in pages[:-1]] == [50] * (
        len(pages) - 1
    )
    assert pages[0]["MetricDataResults"][0]["StatusCode"] == "PartialData"
    joined = {q["Id"]: [] for q in queries}
    for page in pages:
        for result in page["MetricDataResults"]:
            joined[result["Id"]] += result["Values"]
    assert joined == {r["Id"]: r["Values"] for r in whole}


def test_pages_agree_although_time_goes_on_between_them(fresh):
    aws, clock = fresh
    asked = {"MetricDataQueries": [query("a", "Invocations")], "StartTime": END - HOUR, "EndTime": END + HOUR}
    first = aws("cloudwatch").get_metric_data(**asked, MaxDatapoints=30)
    clock.now = NOW + timedelta(minutes=9)
    second = aws("cloudwatch").get_metric_data(**asked, MaxDatapoints=30, NextToken=first["NextToken"])

    times = [t for page in (first, second) for t in page["MetricDataResults"][0]["Timestamps"]]
    assert times == sorted(set(times), reverse=True)
    assert "NextToken" not in second


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    "queries",
    [
        [query(f"q{n}", "Invocations") for n in range(501)],
        [query("a", "Invocations"), query("a", "Errors")],
        [query("Upper", "Invocations")],
        [query("a", "Duration", "p101")],
        [query("a", "Duration", "Median")],
        [query("a", "Duration", period=90)],
        [{"Id": "a", "Expression": "m1 + m2"}],
    ],
)
def test_what_cloudwatch_refuses_is_refused(aws, queries):
    code = refused(
        aws("cloudwatch").get_metric_data, MetricDataQueries=queries, StartTime=END - HOUR, EndTime=END
    )

    assert code == "ValidationError"


@pytest.mark.parametrize(
    ("age_days", "period", "found"), [(13, 60, True), (13, 300, True), (16, 60, False), (16, 300, True)]
)
def test_old_minutes_are_only_kept_at_their_period(fresh, age_days, period, found):
    aws, clock = fresh
    clock.now = NOW + timedelta(days=age_days)
    values = aws.values("Invocations", until=END, period=period, FunctionName="promo-engine")

    assert bool(values) is found


def test_history_goes_back_fourteen_days(aws):
    until = END - timedelta(days=13, hours=20)
    values = aws.values("Invocations", until=until, period=300, FunctionName="cart-api")
    nothing = aws.values("Invocations", until=END - timedelta(days=15), period=300, FunctionName="cart-api")

    assert len(values) == 12
    assert nothing == {}


def test_metrics_are_listed_in_pages_of_500(aws):
    pages = list(aws("cloudwatch").get_paginator("list_metrics").paginate(Namespace="AWS/Lambda"))
    metrics = [json.dumps(m, sort_keys=True) for p in pages for m in p["Metrics"]]

    assert len(pages[0]["Metrics"]) == 500
    assert len(metrics) == len(set(metrics)) > 500


def test_listed_metrics_match_the_dimensions_asked_for(aws):
    wanted = [{"Name": "QueueName", "Value": "orders-dlq"}]
    found = aws("cloudwatch").list_metrics(Namespace="AWS/SQS", Dimensions=wanted)["Metrics"]

    assert {m["MetricName"] for m in found} >= {"ApproximateNumberOfMessagesVisible", "NumberOfMessagesSent"}
    assert all(m["Dimensions"] == wanted for m in found)


def test_incoming_bytes_are_those_of_the_events(aws):
    until = END - timedelta(minutes=2)
    asked = {"Namespace": "AWS/Logs", "until": until, "period": 3600, "LogGroupName": CHECKOUT}
    (size,) = aws.values("IncomingBytes", **asked).values()
    events = aws.messages(CHECKOUT, until=until)

    assert size == pytest.approx(sum(len(e["message"].encode()) + 26 for e in events), rel=0.01)


def test_statistics_of_one_metric_come_together(aws):
    answer = aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Duration",
        Dimensions=[{"Name": "FunctionName", "Value": "cart-api"}],
        StartTime=END - HOUR,
        EndTime=END,
        Period=3600,
        Statistics=["Sum", "SampleCount", "Average"],
    )

    (point,) = answer["Datapoints"]
    assert point["Average"] == pytest.approx(point["Sum"] / point["SampleCount"])
