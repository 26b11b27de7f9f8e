from __future__ import annotations

import threading

import pytest

from collectors.meter import Meter, Pace, answered_units, requested_units, unit_price_usd


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
    assert unit_price_usd("sns", "Publish") is None


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
