"""Rules and alarms that can never fire, never resolve or tell nobody are found, each with its reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.audit import Observed, Told, audit_rule, no_channel
from alerts.audit_alarms import Heard, audit_alarm
from alerts.fleet import Fleet, fleet_of
from alerts.ledger import State
from alerts.rule import Rule, Subject
from core.entities import (
    AccountLimits,
    Alarm,
    Cadence,
    EventSourceMapping,
    Function,
    LogMode,
    Queue,
    Reserved,
)
from core.facts import Inventory, Target

NOW = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
PROD = Target("111122223333", "eu-west-1")
US = Target("111122223333", "us-east-1")
PROD_PLACE = (PROD.account, PROD.region)
CHECKOUT = (*PROD_PLACE, "checkout")
DAY = 1440


def a_fleet(*, gone=None, **fields):
    known = Inventory(
        **{
            "functions": (Function(name="checkout", arn="a", timeout_s=10), Function(name="search", arn="b")),
            "limits": AccountLimits(concurrent_limit=100, unreserved_limit=90),
        }
        | fields
    )
    other = Inventory(functions=(Function(name="only-in-us", arn="c"),))
    return fleet_of({PROD: known, US: other}, gone or {})


# --- rules --------------------------------------------------------------------------------------------------


def seen(*names, judged=DAY, measured=DAY, samples=1000.0):
    subjects = tuple(Subject("function", PROD.account, PROD.region, name) for name in names)

    def each(value):
        return np.array(value if isinstance(value, list) else [value] * len(names))

    return Observed(subjects, each(judged), each(measured), each(samples).astype(float))


def faults(rule, observed=None, fleet=None, *, channels=("chat",), dead=(), states=()):
    told = Told(frozenset(channels), frozenset(dead))
    observed = seen("checkout") if observed is None else observed
    return list(audit_rule(rule, observed, fleet or a_fleet(), told, states, now=NOW))


def test_a_rule_that_works_has_no_finding(rule):
    assert faults(rule()) == []


def test_a_rule_that_covers_nothing_says_which_word_is_to_blame(rule):
    where = {"function": "chekout*", "account": PROD.account}

    (found,) = faults(rule(where=where), seen())

    assert (found.verdict, found.why) == ("never fires", "covers nothing")
    assert found.reason == "no function fits where.function (chekout*)"
    assert found.evidence == "3 functions are known"


def test_a_rule_of_a_deleted_function_says_so(rule):
    fleet = a_fleet(gone={(PROD.account, PROD.region, "legacy"): NOW})

    (found,) = faults(rule(where={"function": "legacy"}), seen(), fleet)

    assert "legacy fitted, and was deleted" in found.evidence


def test_a_rule_of_a_region_that_is_not_watched_says_so(rule):
    (found,) = faults(rule(where={"region": "ap-south-1"}), seen())

    assert found.reason == "no function fits where.region (ap-south-1)"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"signal": "error_rate", "above": 1}, "a share is never above 100 %"),
        ({"signal": "errors", "below": 0}, "errors is never below 0"),
        (
            {"signal": "duration_p95", "above": 10_000},
            "no function runs for longer than 10 s, its timeout; the rule asks for 10 s",
        ),
    ],
)
def test_a_threshold_out_of_reach_is_found(rule, given, reason):
    (found,) = faults(rule(**given))

    assert (found.verdict, found.why, found.reason) == ("never fires", "out of reach", reason)


def test_a_duration_below_the_timeout_can_be_reached(rule):
    assert faults(rule(signal="duration_p95", above=9_999)) == []
    assert faults(rule(signal="duration_p95", above=99_999), seen("search")) == [], "its timeout is not known"


def test_iterator_age_without_a_stream_is_found(rule):
    given = rule(signal="iterator_age", above=60_000)
    fed = EventSourceMapping(name="u", function="checkout", source_kind="kinesis")

    (found,) = faults(given)

    assert (found.verdict, found.why) == ("never fires", "not for this function")
    assert found.reason == "none of the functions it covers has IteratorAge: of each, no stream feeds it"
    assert faults(given, fleet=a_fleet(mappings=(fed,))) == []


def test_functions_of_which_nothing_was_collected_are_named(rule):
    (found,) = faults(rule(), seen("checkout", "search", judged=[DAY, 0]))

    assert (found.verdict, found.why, found.evidence) == ("partly blind", "not collected", "1 of 2: search")


def test_logs_that_are_added_up_are_no_minutes(rule):
    modes = (LogMode(name="checkout", mode="aggregated", why="large"),)

    (found,) = faults(rule(signal="timeouts", above=1), seen("checkout", judged=0), a_fleet(log_modes=modes))

    assert (found.verdict, found.why) == ("never fires", "period shorter than the data")


def test_functions_that_are_read_too_seldom_are_named(rule):
    paces = (Cadence(name="checkout", every_s=3600, why="to stay within the budget"),)

    (found,) = faults(rule(), seen("checkout", "search"), a_fleet(cadences=paces))

    assert (found.verdict, found.why) == ("partly blind", "read too seldom")
    assert found.reason == "minutes are judged for 45 min; these are read every 60 min"


def test_traffic_that_never_reaches_the_minimum_is_found(rule):
    given = rule(minimum_samples=20, over="5m")

    (partly,) = faults(given, seen("checkout", "search", samples=[100.0, 7.0]))
    (found,) = faults(given, seen("checkout", samples=7.0))

    assert (partly.verdict, partly.why) == ("partly blind", "too few samples")
    assert found.verdict == "never fires"
    assert found.evidence == "1 of 1, at most 7 in the last 24 h: checkout"


def test_samples_of_an_objective_are_counted_in_its_longest_window():
    given = Rule.model_validate({"rule": "r", "signal": "error_rate", "slo": "99.9%", "minimum_samples": 100})

    (found,) = faults(given, seen("checkout", samples=7.0))

    assert found.reason == "their traffic never reaches minimum_samples, 100 in 360 min"


def test_a_few_judged_minutes_say_nothing_about_traffic(rule):
    assert faults(rule(minimum_samples=20), seen("checkout", judged=60, samples=7.0)) == []


def test_silence_that_counts_as_bad_never_resolves_where_it_is_mostly_silent(rule):
    given = rule(signal="invocations", below=1, missing="firing")

    (found,) = faults(given, seen("checkout", "search", measured=[DAY, 20], samples=np.nan))

    assert (found.verdict, found.why, found.evidence) == ("never resolves", "missing data", "1 of 2: search")


def test_a_level_that_no_share_comes_back_to_never_resolves(rule):
    given = rule(signal="error_rate", below=0.5, resolve_above=1.2)

    assert [(f.verdict, f.why) for f in faults(given)] == [("never resolves", "out of reach")]


def test_a_rule_without_a_channel_tells_nobody(rule):
    assert [f.verdict for f in faults(rule(notify=[]))] == ["tells nobody"]
    assert [f.verdict for f in faults(rule(notify=["chat"]), channels=("chat", "mail"), dead=("chat",))] == [
        "tells nobody"
    ]
    assert faults(rule(), channels=("chat", "mail"), dead=("chat",)) == []


def test_without_any_channel_all_rules_tell_nobody_which_is_said_once(rule):
    nobody, somebody = Told(frozenset(), frozenset()), Told(frozenset({"chat"}), frozenset())

    assert faults(rule(), channels=()) == []
    assert [(f.name, f.verdict) for f in no_channel(nobody)] == [("all rules", "tells nobody")]
    assert list(no_channel(somebody)) == []


def test_what_fires_for_weeks_is_stuck(rule):
    def firing(since):
        return State("error-rate", *PROD_PLACE, "checkout", "firing", since, 0.2, None)

    (found,) = faults(rule(), states=[firing(NOW - timedelta(days=40))])

    assert (found.verdict, found.reason) == ("stuck", "it has been firing for 40 days: nobody acts on it")
    assert faults(rule(), states=[firing(NOW - timedelta(days=4))]) == []


# --- alarms -------------------------------------------------------------------------------------------------


def an_alarm(**fields):
    usual = {
        "name": "a", "kind": "metric", "state": "OK", "state_since": NOW - timedelta(days=1),
        "namespace": "AWS/Lambda", "metric": "Errors", "statistic": "Sum", "function": "checkout",
        "dimensions": {"FunctionName": "checkout"}, "period_s": 300, "periods": 1, "datapoints": 1,
        "comparison": "GreaterThanThreshold", "threshold": 5.0, "missing": "missing", "alarm_actions": 1,
    }  # fmt: skip
    given = usual | fields
    if "function" in fields and "dimensions" not in fields:
        given["dimensions"] = {"FunctionName": fields["function"]} if fields["function"] else {}
    return Alarm(**given)


def alarm_faults(alarm, fleet=None, heard=None):
    return [
        (f.verdict, f.why, f.reason)
        for f in audit_alarm(PROD, alarm, fleet or a_fleet(), heard or Heard(), now=NOW)
    ]


def heard(minutes, *, field="errors", read=timedelta(hours=24)):
    return Heard({(CHECKOUT, field): np.array(minutes)}, {CHECKOUT: read})


def test_an_alarm_that_works_has_no_finding():
    assert alarm_faults(an_alarm()) == []


@pytest.mark.parametrize(
    ("fields", "why", "reason"),
    [
        ({"function": "chekout"}, "no such function", "there is no function chekout in eu-west-1"),
        ({"namespace": "AWS/lambda"}, "no such metric", "the namespace is written AWS/Lambda"),
        ({"metric": "errors"}, "no such metric", "AWS/Lambda has no metric errors; it is written Errors"),
        (
            {"metric": "QueueDepth", "namespace": "AWS/SQS", "function": None},
            "no such metric",
            "AWS/SQS has no metric QueueDepth",
        ),
        (
            {"dimensions": {"Function": "checkout"}, "function": None},
            "wrong dimension",
            "Errors is published with CapacityProviderName, EventSourceMappingUUID, ExecutedVersion"
            " and 3 more, not with Function",
        ),
        (
            {"metric": "IteratorAge"},
            "not for this function",
            "checkout has no IteratorAge: no stream feeds it",
        ),
        (
            {"metric": "Duration", "statistic": "p95", "threshold": 10_000.0},
            "out of reach",
            "Duration is never above 10,000, its timeout in ms",
        ),
        (
            {"metric": "ConcurrentExecutions", "statistic": "Maximum", "threshold": 900.0, "function": None},
            "out of reach",
            "ConcurrentExecutions is never above 100, the limit of the account and region",
        ),
        (
            {"comparison": "LessThanThreshold", "threshold": 0.0},
            "out of reach",
            "Errors is never below 0",
        ),
        (
            {"state": "INSUFFICIENT_DATA", "state_since": NOW - timedelta(days=30)},
            "no data",
            "it has had no data for 30 days",
        ),
        (
            {
                "namespace": "AWS/SQS",
                "metric": "NumberOfMessagesSent",
                "function": None,
                "dimensions": {"QueueName": "gone"},
            },
            "no such queue",
            "no function uses a queue gone in eu-west-1 any more",
        ),
    ],
)
def test_an_alarm_that_can_never_fire_is_found_with_its_reason(fields, why, reason):
    assert alarm_faults(an_alarm(**fields)) == [("never fires", why, reason)]


def test_a_threshold_that_can_just_be_reached_is_none():
    at_most = {"metric": "Duration", "statistic": "Maximum", "threshold": 10_000.0}

    assert alarm_faults(an_alarm(**at_most, comparison="GreaterThanOrEqualToThreshold")) == []


def test_the_reserved_concurrency_of_a_function_is_its_limit():
    fleet = a_fleet(reserved=(Reserved(name="checkout", reserved=8),))
    alarm = an_alarm(metric="ConcurrentExecutions", statistic="Maximum", threshold=8.0)

    assert [why for _, why, _ in alarm_faults(alarm, fleet)] == ["out of reach"]


def test_where_the_function_is_or_was_is_the_evidence():
    fleet = a_fleet(gone={(*PROD_PLACE, "legacy"): datetime(2026, 9, 1, tzinfo=UTC)})

    def evidence(name):
        (found,) = audit_alarm(PROD, an_alarm(function=name), fleet, Heard(), now=NOW)
        return found.evidence

    assert evidence("only-in-us") == "there is one in 111122223333 us-east-1"
    assert evidence("legacy") == "it was deleted by 2026-09-01"
    assert evidence("nothing") == "2 functions are known there"


def test_an_alarm_of_an_account_that_is_not_watched_is_not_judged():
    elsewhere = Target("999988887777", "eu-west-1")

    assert list(audit_alarm(elsewhere, an_alarm(function="x"), a_fleet(), Heard(), now=NOW)) == []


EVERY_TEN = list(range(0, DAY, 10))


@pytest.mark.parametrize(
    ("fields", "minutes", "is_found"),
    [
        ({"period_s": 60, "periods": 3, "datapoints": 3}, EVERY_TEN, True),
        ({"period_s": 60, "periods": 3, "datapoints": 1}, EVERY_TEN, False),
        ({"period_s": 600, "periods": 3, "datapoints": 3}, EVERY_TEN, False),
        ({"period_s": 300, "periods": 4, "datapoints": 2}, EVERY_TEN, False),
        ({"period_s": 300, "periods": 3, "datapoints": 3}, EVERY_TEN, True),
        ({"period_s": 60, "periods": 3, "datapoints": 3}, [1, 2, 3], False),
        ({"period_s": 60, "periods": 3, "datapoints": 3}, [], True),
    ],
)
def test_periods_shorter_than_the_data_are_found_where_the_rest_counts_as_good(fields, minutes, is_found):
    alarm = an_alarm(**fields, missing="notBreaching")

    found = alarm_faults(alarm, heard=heard(minutes))

    assert [why for _, why, _ in found] == (["period shorter than the data"] if is_found else [])
    assert alarm_faults(an_alarm(**fields, missing="missing"), heard=heard(minutes)) == []


def test_little_history_says_nothing_about_gaps():
    alarm = an_alarm(period_s=60, periods=3, datapoints=3, missing="notBreaching")

    assert alarm_faults(alarm, heard=heard([], read=timedelta(hours=2))) == []


def test_missing_data_that_counts_as_bad_never_lets_it_resolve():
    alarm = an_alarm(
        metric="Invocations", comparison="LessThanThreshold", threshold=1.0, missing="breaching", periods=3,
        datapoints=1, state="ALARM", state_since=NOW - timedelta(days=9),
    )  # fmt: skip

    assert alarm_faults(alarm, heard=heard([600], field="invocations")) == [
        (
            "never resolves",
            "missing data",
            "missing data counts as bad, and it takes data in 3 of 3 periods to resolve",
        )
    ]
    assert alarm_faults(alarm, heard=heard(range(0, DAY, 5), field="invocations")) == []


def test_a_metric_that_has_data_only_when_bad_keeps_an_alarm_that_ignores_missing_data():
    fleet = a_fleet(functions=(Function(name="checkout", arn="a", dead_letter_arn="arn:aws:sqs:x:1:dlq"),))
    alarm = an_alarm(metric="DeadLetterErrors", missing="ignore")

    assert [(v, w) for v, w, _ in alarm_faults(alarm, fleet)] == [("never resolves", "missing data")]


def test_an_alarm_without_actions_tells_nobody_unless_a_composite_does():
    silent = an_alarm(alarm_actions=0)
    above = Alarm(name="all", kind="composite", state="OK", rule='ALARM("a")', alarm_actions=1)

    assert [v for v, _, _ in alarm_faults(silent)] == ["tells nobody"]
    assert [v for v, _, _ in alarm_faults(an_alarm(actions_enabled=False))] == ["tells nobody"]
    assert alarm_faults(silent, a_fleet(alarms=(above,))) == []


def test_an_alarm_that_stands_for_weeks_is_stuck():
    alarm = an_alarm(state="ALARM", state_since=NOW - timedelta(days=60), reason="Threshold Crossed")

    assert alarm_faults(alarm) == [
        ("stuck", "for weeks", "it has been in ALARM for 60 days: nobody acts on it")
    ]


def test_a_fleet_knows_queues_by_name():
    fleet = a_fleet(queues=(Queue(name="arn:aws:sqs:eu-west-1:111122223333:orders"),))

    assert fleet.queues == {(*PROD_PLACE, "orders")}
    assert Fleet().elsewhere("x") == []
