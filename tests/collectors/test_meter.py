from __future__ import annotations

import threading
from decimal import Decimal

import pytest

from collectors.meter import (
    Meter,
    Pace,
    answered_units,
    chunks,
    request_price_usd,
    requested_units,
    unit_price_usd,
)


def test_every_metric_of_a_request_is_a_billed_unit():
    queries = [{"Id": "a", "MetricStat": {}}, {"Id": "b", "MetricStat": {}}, {"Id": "c", "Expression": "a+b"}]

    assert requested_units("GetMetricData", {"MetricDataQueries": queries}) == 2


def test_every_trace_asked_for_or_scanned_is_a_billed_unit():
    assert requested_units("BatchGetTraces", {"TraceIds": ["1", "2", "3"]}) == 3
    assert requested_units("GetTraceSummaries", {}) == 0
    assert answered_units("GetTraceSummaries", {"TracesProcessedCount": 40}) == 40


def test_other_calls_are_one_unit_each():
    assert requested_units("FilterLogEvents", {}) == 1
    assert answered_units("FilterLogEvents", {}) == 0


def test_cost_is_exact():
    meter = Meter()
    meter.add("cloudwatch", "GetMetricData", calls=3, units=4321)

    (usage,) = meter.take()

    assert (usage.calls, usage.units, usage.cost_usd) == (3, 4321, "0.04321")


def test_free_calls_cost_nothing_and_unknown_ones_are_unknown():
    assert unit_price_usd("lambda", "ListFunctions") == 0
    assert unit_price_usd("lambda", "Invoke") is None
    assert unit_price_usd("stepfunctions", "StartExecution") is None


def test_a_published_message_counts_for_every_64_kb():
    assert unit_price_usd("sns", "Publish") == Decimal("0.0000005")
    assert requested_units("Publish", {"Message": "x" * 65_537}) == 2
    assert requested_units("Publish", {"Message": ""}) == 1


def test_usage_is_taken_once():
    meter = Meter()
    meter.add("logs", "FilterLogEvents", calls=1, units=1)
    meter.take()

    assert meter.take() == ()


def test_threads_keep_separate_accounts():
    meter, other = Meter(), []

    def work() -> None:
        meter.add("logs", "FilterLogEvents", calls=5, units=5)
        other.extend(meter.take())

    meter.add("sqs", "GetQueueAttributes", calls=1, units=1)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert [usage.calls for usage in other] == [5]
    assert [usage.operation for usage in meter.take()] == ["GetQueueAttributes"]


class Time:
    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.mark.parametrize(("per_s", "calls"), [(4.0, 44), (0.5, 6), (20.0, 100)])
def test_calls_keep_to_their_pace(per_s, calls):
    time = Time()
    pace = Pace(per_s, clock=time.clock, sleep=time.sleep)

    for _ in range(calls):
        pace.wait()

    assert time.now == pytest.approx((calls - max(1, per_s)) / per_s)


def test_a_pause_is_no_licence_for_a_flood():
    time = Time()
    pace = Pace(4.0, clock=time.clock, sleep=time.sleep)
    time.now = 3600.0

    for _ in range(12):
        pace.wait()

    assert time.now - 3600 == pytest.approx(2.0)


@pytest.mark.parametrize(("size", "requests"), [(0, 1), (65_536, 1), (65_537, 2), (262_144, 4)])
def test_sqs_bills_a_request_for_every_64_kb(size, requests):
    assert chunks(size) == requests


def test_received_messages_add_to_what_their_request_cost():
    answer = {"Messages": [{"Body": "x" * 65_536}, {"Body": "y" * 65_536}]}

    assert answered_units("ReceiveMessage", answer) == 1


def test_a_fifo_queue_is_dearer_and_both_prices_add_up():
    meter = Meter()
    for queue in ("https://sqs/1/orders", "https://sqs/1/orders.fifo"):
        price = request_price_usd("sqs", "GetQueueAttributes", {"QueueUrl": queue})
        meter.add("sqs", "GetQueueAttributes", calls=1, units=1, price_usd=price)

    (usage,) = meter.take()

    assert (usage.calls, usage.units, usage.cost_usd) == (2, 2, "0.0000009")


def test_scanned_bytes_of_a_query_are_counted_once_however_often_it_is_looked_at():
    meter = Meter()

    assert [meter.newly_scanned("q", total) for total in (0, 400, 1000, 1000)] == [0, 400, 600, 0]
    assert meter.newly_scanned("other", 7) == 7


def test_a_gigabyte_scanned_by_logs_insights_costs_half_a_cent():
    meter = Meter()
    meter.add("logs", "StartQuery", calls=1, units=10**9)

    assert meter.take()[0].cost_usd == "0.005"


@pytest.mark.parametrize(
    ("service", "operation", "usd"),
    [
        ("cloudtrail", "LookupEvents", "0"),
        ("logs", "FilterLogEvents", "0"),
        ("logs", "GetQueryResults", "0"),
        ("cloudwatch", "ListMetrics", "0.00001"),
        ("ce", "GetCostAndUsage", "0.01"),
        ("xray", "GetTraceSummaries", "0.0000005"),
        ("xray", "GetIndexingRules", "0"),
    ],
)
def test_prices_are_those_of_the_fact_sheet(service, operation, usd):
    assert unit_price_usd(service, operation) == Decimal(usd)


def test_what_tells_nothing_of_its_scans_has_no_known_price():
    assert unit_price_usd("xray", "GetServiceGraph") is None
