"""What each signal makes of what collectors told."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from alerts.judging import judge_all
from alerts.moments import MOMENTS
from alerts.rule import Rule
from alerts.signals import LOG_LINES, SIGNALS, About
from core.entities import (
    AccountLimits,
    Alias,
    CapacityProvider,
    EventSourceMapping,
    Function,
    Provisioned,
    Queue,
    Reserved,
)
from core.facts import Covered
from core.settings import CostSettings
from core.telemetry import CapacitySample, InvocationRecord, LogEvent, MappingSample, MetricPoint, QueueSample
from core.windows import Window

COST = CostSettings(budgets=[{"name": "all", "usd_per_month": 1}, {"name": "none", "usd_per_month": 9}])
SOURCE = "arn:aws:sqs:eu-west-1:111122223333:orders"


@pytest.fixture
def newest(store, world, rule):
    """What a signal is at minute `at`, by subject."""

    def look(signal, at=10, **given):
        words = {"above": 0} if not given.keys() & {"above", "below"} else {}
        wanted = [rule("any", signal=signal, **words, **given)]
        [one, *_] = judge_all(store, wanted, now=world.at(at), cost=COST)
        return {
            subject.short: float(value)
            for subject, value in zip(one.grid.subjects, one.value[:, -1], strict=True)
        }

    return look


def test_a_cloudwatch_metric_is_judged_by_its_own_name(newest, world):
    world.minutes(0, [0.0] * 10, concurrent_max=7.0)

    assert newest("AWS/Lambda.ConcurrentExecutions") == {"checkout": 7.0}


def test_a_metric_of_several_statistics_takes_the_one_that_is_named(newest, world):
    world.minutes(0, [0.0] * 10, duration_p99_ms=1200.0, duration_max_ms=3000.0)

    assert newest("AWS/Lambda.Duration", statistic="p99") == {"checkout": 1200.0}
    assert newest("AWS/Lambda.Duration", statistic="Maximum") == {"checkout": 3000.0}


def test_a_metric_of_the_account_is_about_the_account(newest, world):
    point = MetricPoint(scope="account", ts=world.at(9), period_s=60, unreserved_max=40.0)
    world.told("metrics", Window(world.at(0), world.at(10)), [point])

    assert newest("AWS/Lambda.UnreservedConcurrentExecutions") == {"111122223333 eu-west-1": 40.0}


def test_headroom_of_a_reservation_is_judged_where_there_is_one(newest, world):
    world.known(Function(name="other", arn="arn"), Reserved(name="checkout", reserved=10))
    world.minutes(0, [0.0] * 10, concurrent_max=8.0)

    assert newest("reserved_headroom", below="10%") == {"checkout": pytest.approx(0.2)}


def test_headroom_of_provisioned_concurrency_is_that_of_the_fullest_alias(newest, world):
    world.known(Provisioned(name="checkout:live", function="checkout", qualifier="live", requested=4))
    world.minutes(0, [0.0] * 10)
    points = [
        MetricPoint(
            scope="resource", function="checkout", resource=name, ts=world.at(9), period_s=60,
            provisioned_utilization_max=share,
        )
        for name, share in (("live", 0.9), ("4", 0.5))
    ]  # fmt: skip
    world.told("metrics", Window(world.at(9), world.at(10)), points)

    assert newest("provisioned_headroom", below="20%") == {"checkout": pytest.approx(0.1)}


@pytest.fixture
def aliases(world):
    """Two aliases of `checkout`, of which `live` fails a fifth of the time."""
    known = [
        Alias(name=f"checkout:{name}", function="checkout", alias=name, version="4")
        for name in ("live", "old")
    ]
    world.known(*known, Provisioned(name="checkout:live", function="checkout", qualifier="live", requested=4))
    points = [
        MetricPoint(
            scope="resource", function="checkout", resource=name, ts=world.at(minute), period_s=60,
            invocations=50.0, errors=errors, provisioned_spillover=errors,
        )
        for name, errors in (("live", 10.0), ("old", 0.0))
        for minute in range(10)
    ]  # fmt: skip
    world.minutes(0, [10.0] * 10)
    window = Window(world.at(0), world.at(10))
    world.told(
        "metrics", window, [*points, *(Covered(f"checkout:{name}", window) for name in ("live", "old"))]
    )


def test_an_alias_is_judged_by_its_own_numbers(newest, aliases):
    assert newest("alias_error_rate") == {"checkout:live": 0.2, "checkout:old": 0.0}
    assert newest("AWS/Lambda.Errors", about="alias", over="5m") == {"checkout:live": 50, "checkout:old": 0}
    assert newest("AWS/Lambda.Errors") == {"checkout": 10.0}


def test_what_only_aliases_have_is_also_the_functions(newest, aliases):
    spilled = "AWS/Lambda.ProvisionedConcurrencySpilloverInvocations"

    assert newest(spilled) == {"checkout": 10.0}
    assert newest(spilled, about="alias") == {"checkout:live": 10.0, "checkout:old": 0.0}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"alias": "li*"}, {"checkout:live"}),
        ({"function": "checkout", "tag": {"team": "payments"}}, {"checkout:live", "checkout:old"}),
        ({"function": "search"}, set()),
    ],
)
def test_aliases_are_chosen_by_name_function_and_tag(store, world, rule, aliases, where, found):
    wanted = rule("any", signal="alias_error_rate", above=0, where=where)

    judged = judge_all(store, [wanted], now=world.at(10))

    assert {subject.name for one in judged for subject in one.grid.subjects} == found


def test_a_capacity_provider_is_judged_by_the_highest_of_its_instances(newest, world):
    arn = "arn:aws:lambda:eu-west-1:111122223333:capacity-provider:steady"
    window = Window(world.at(0), world.at(10))
    world.known(
        CapacityProvider(name="steady", arn=arn), Function(name="quotes", arn="q", capacity_provider_arn=arn)
    )
    points = [
        CapacitySample(
            provider="steady", instance_type=type, ts=world.at(5), period_s=300, cpu_utilization_max=share
        )
        for type, share in (("m8g.large", 41.0), ("m8g.xlarge", 83.0))
    ]
    world.told("metrics", window, [*points, Covered(arn, window)])

    assert newest("AWS/Lambda.CPUUtilization", where={"function": "quotes"}) == {"steady": 83.0}


@pytest.fixture
def days(world):
    """Nine days of a function that costs about a dollar an hour, five times as much on the last whole one."""
    memory = Function(name="checkout", arn="arn", memory_mb=1024, architecture="x86_64", timeout_s=3)
    world.known(memory, now=world.at(-15 * 1440))
    begin = world.at(-12 * 60 - 9 * 1440)
    points = [
        MetricPoint(
            scope="function", function="checkout", ts=begin + timedelta(hours=hour), period_s=3600,
            invocations=1000.0, duration_sum_ms=6e7 * (5 if hour // 24 == 8 else 1),
        )
        for hour in range(9 * 24 + 12)
    ]  # fmt: skip
    world.told("metrics", Window(begin, world.at(0)), points)


def test_a_day_that_was_dear_is_so_many_dollars_above_the_usual(newest, days):
    [above] = newest("cost_anomaly").values()

    assert above == pytest.approx(4 * 24 * 6e4 * 0.0000166667, rel=0.01)


def test_a_budget_is_judged_by_what_was_spent_and_by_the_forecast(newest, days):
    used, ahead = newest("budget_used", above="80%"), newest("budget_forecast", above="80%")

    assert used["all"] == pytest.approx(9 * used["none"])
    assert used["all"] > 1
    assert ahead["all"] > 5 * used["all"]


def test_without_seven_days_nothing_is_foreseen_and_no_day_is_called_dear(newest, world):
    world.minutes(0, [0.0] * 10, duration_sum_ms=1e6)

    for signal in ("budget_forecast", "cost_anomaly"):
        assert all(value != value for value in newest(signal).values())


def test_headroom_of_the_unreserved_pool(newest, world):
    world.known(AccountLimits(concurrent_limit=100, unreserved_limit=50))
    point = MetricPoint(scope="account", ts=world.at(9), period_s=60, unreserved_max=40.0, claimed_max=90.0)
    world.told("metrics", Window(world.at(0), world.at(10)), [point])

    assert newest("unreserved_headroom", below="10%") == {"111122223333 eu-west-1": pytest.approx(0.2)}
    assert newest("concurrency_headroom", below="10%") == {"111122223333 eu-west-1": pytest.approx(0.1)}


def test_memory_is_the_share_of_what_is_configured(newest, world):
    record = InvocationRecord(
        function="checkout", ts=world.at(9), event_id="1", request_id="1", stream="s", version="1",
        duration_ms=5, memory_mb=512, max_memory_mb=384,
    )  # fmt: skip
    window = Window(world.at(0), world.at(10))
    world.told("logs", window, [record, Covered("checkout", window)])

    assert newest("memory_share", above="90%") == {"checkout": 0.75}


@pytest.fixture
def lines(world):
    """Ten minutes of log that were read, with one line about a card each, and one about a socket."""

    def line(minute, message):
        return LogEvent(
            function="checkout", ts=world.at(minute), event_id=f"{minute}{message}", stream="s",
            request_id=None, level="error", message=message, signature=message,
        )  # fmt: skip

    window = Window(world.at(0), world.at(10))
    found = [line(minute, "Card declined") for minute in range(10)] + [line(9, "socket hang up, 100 %")]
    world.minutes(0, [0.0] * 10)
    world.told("logs", window, [*found, Covered("checkout", window)])


def test_a_count_is_divided_by_another(newest, world):
    world.minutes(0, [0.0] * 10, throttles=30.0, async_dropped=5.0, async_received=20.0)

    assert newest("throttles", per="invocations", over="5m") == {"checkout": 0.3}
    ratio = newest("AWS/Lambda.AsyncEventsDropped", per="AWS/Lambda.AsyncEventsReceived", over="5m")
    assert ratio == {"checkout": 0.25}


def test_of_nothing_to_divide_by_there_is_no_ratio(newest, world):
    world.minutes(0, [0.0] * 10, throttles=30.0, invocations=0.0)

    [ratio] = newest("throttles", per="invocations").values()
    assert ratio != ratio


def test_log_lines_are_counted_by_a_part_of_them(newest, lines):
    assert newest("log_lines", lines="card DECLINED", over="5m") == {"checkout": 5.0}
    assert newest("log_lines", lines="100 %", over="5m") == {"checkout": 1.0}


def test_without_a_line_there_were_none_and_where_no_log_was_read_it_is_not_known(newest, lines):
    assert newest("log_lines", lines="timed out") == {"checkout": 0.0}

    [unread] = newest("log_lines", at=11, lines="timed out").values()
    assert unread != unread


def test_rules_that_look_for_different_lines_are_judged_side_by_side(store, world, rule, lines):
    texts = {"card": 1.0, "socket": 1.0, "disk": 0.0}
    rules = [rule(text, signal="log_lines", lines=text, above=5) for text in texts]

    judged = judge_all(store, rules, now=world.at(10))

    assert {one.rule.rule: float(one.value[0, -1]) for one in judged} == texts


def test_cost_is_of_requests_and_duration_by_the_hour(newest, world):
    world.known(
        Function(name="checkout", arn="arn", memory_mb=1024, architecture="x86_64", timeout_s=3),
        now=world.at(-1),
    )
    world.minutes(0, [0.0] * 10, duration_sum_ms=60_000.0)

    found = newest("cost_usd_per_hour", over="5m")

    assert found["checkout"] == pytest.approx(60 * (60 * 0.0000166667 + 100 * 0.0000002), rel=1e-3)


def test_a_mapping_that_was_switched_off_does_not_work(newest, world):
    mapping = EventSourceMapping(name="u-1", function="checkout", source_arn=SOURCE, state="Enabled")
    world.known(mapping)
    before = newest("mapping_state")
    world.known(
        EventSourceMapping(name="u-1", function="checkout", source_arn=SOURCE, state="Disabled"),
        now=world.at(5),
    )

    assert before == {"mapping of checkout": 0.0}
    assert newest("mapping_state") == {"mapping of checkout": 1.0}


def test_a_mapping_that_was_off_before_we_watched_says_nothing(newest, world):
    world.known(EventSourceMapping(name="u-1", function="checkout", source_arn=SOURCE, state="Disabled"))

    [value] = newest("mapping_state").values()
    assert value != value


def test_a_mapping_whose_last_result_is_a_problem_does_not_work(newest, world):
    problem = "PROBLEM: Function call failed"
    world.known(
        EventSourceMapping(
            name="u-1", function="checkout", source_arn=SOURCE, state="Enabled", last_result=problem
        )
    )

    assert newest("mapping_state") == {"mapping of checkout": 1.0}


def test_what_pollers_did_is_judged_by_mapping(newest, world):
    world.known(EventSourceMapping(name="u-1", function="checkout", source_arn=SOURCE, state="Enabled"))
    sample = MappingSample(mapping="u-1", function="checkout", ts=world.at(9), period_s=60, failed_invoke=3.0)
    world.told("metrics", Window(world.at(0), world.at(10)), [sample])

    assert newest("AWS/Lambda.FailedInvokeEventCount") == {"mapping of checkout": 3.0}


def test_a_metric_of_queues(newest, world):
    sample = QueueSample(queue=SOURCE, ts=world.at(9), period_s=60, visible_max=2.0, empty_receives=5.0)
    world.told("queues", Window(world.at(0), world.at(10)), [Queue(name=SOURCE), sample])

    assert newest("AWS/SQS.NumberOfEmptyReceives") == {"orders": 5.0}


def test_collection_is_as_old_as_its_newest_data(newest, world):
    world.minutes(0, [0.0] * 10)

    assert newest("collection_age", at=40)["metrics"] == 30


def test_a_function_that_stopped_is_overdue(newest, world):
    start = -60 * 24 * 6
    for day in range(5):
        begin = start + day * 24 * 60
        points = [
            MetricPoint(
                scope="function", function="checkout", ts=world.at(begin + m), period_s=60, invocations=5.0
            )
            for m in range(0, 24 * 60, 5)
        ]
        world.told("metrics", Window(world.at(begin), world.at(begin + 24 * 60)), points)
    world.told("metrics", Window(world.at(-60 * 24), world.at(0)), [])

    assert newest("silent_stop", at=1, above=30)["checkout"] > 60 * 20


@pytest.mark.parametrize("signal", ["duration_p95", "iterator_age", "async_event_age"])
def test_of_what_was_not_invoked_there_is_nothing_to_measure(newest, world, signal):
    world.minutes(0, [0.0] * 10, invocations=None)

    [value] = newest(signal).values()
    assert value != value


def test_zero_silent_not_collected_and_provisional_are_four_things(store, world, rule):
    world.minutes(0, [0.0] * 5)
    world.minutes(5, [0.0] * 5, invocations=None)
    rules = [rule("errors", signal="errors", above=0), rule("rate", signal="error_rate", above=0)]

    errors, rate = judge_all(store, rules, now=world.at(15))

    zero, silent, unread = (errors.grid.ends.index(world.at(at)) for at in (3, 8, 13))
    assert (errors.value[0, zero], rate.value[0, zero]) == (0, 0)
    assert errors.value[0, silent] == 0
    assert [int(rate.verdict[0, at]) for at in (zero, silent, unread)] == [2, 1, 0]
    assert rate.provisional[0, zero]
    assert timedelta(0) < rate.grid.ends[unread] - rate.grid.ends[silent]


def test_every_signal_has_minutes_or_a_moment():
    assert {s.read_from for s in SIGNALS.values()} <= {*MOMENTS, *get_args(About)}
    assert {s.read_from for s in SIGNALS.values() if s.is_now} == set(MOMENTS)
    said = {LOG_LINES: {"lines": "any"}}
    for name in SIGNALS:
        assert Rule.model_validate({"rule": "a", "signal": name, "above": 0} | said.get(name, {})).spec.column
