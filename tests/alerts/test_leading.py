"""Several incidents of one cause are told by one of them, and nobody is forgotten when that one is over."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from alerts.engine import evaluate
from alerts.silences import silence
from core.entities import AccountLimits, Function, Version
from core.graph import FUNCTION
from core.people import Person
from core.telemetry import MetricPoint, TraceRecord
from core.windows import Window

ADA = Person("ada", "operator")


@pytest.fixture
def rules(rule):
    return [
        rule("headroom", signal="concurrency_headroom", below=0.15, severity="critical"),
        rule("throttles", signal="throttles", above=5),
    ]


@pytest.fixture
def go(store, world, settings, rules):
    def at(minute, **given):
        chosen = given.pop("rules", rules)
        return evaluate(store, chosen, given.pop("settings", settings()), now=world.at(minute))

    return at


@pytest.fixture
def full_account(world):
    """An account that is full from minute 5 to 15, and two functions that are throttled until 25."""
    world.known(AccountLimits(concurrent_limit=1000, unreserved_limit=1000), Function(name="search", arn="a"))

    def learn(first, last):
        window = Window(world.at(first), world.at(last))
        points = [
            MetricPoint(
                scope="account", ts=world.at(n), period_s=60, claimed_max=990.0 if 5 <= n < 15 else 100.0
            )
            for n in range(first, last)
        ]
        points += [
            MetricPoint(
                scope="function", function=name, ts=world.at(n), period_s=60, invocations=100.0,
                throttles=50.0 if 6 <= n < 25 else 0.0,
            )
            for name in ("checkout", "search")
            for n in range(first, last)
        ]  # fmt: skip
        world.told("metrics", window, points)

    learn(0, 12)
    return learn


def rows(table, subject):
    return next(row for row in table("incident") if row["subject"] == subject)


def sent(table):
    names = {row["id"]: row["subject"] for row in table("incident")}
    return sorted((names[row["incident"]], row["reason"]) for row in table("outbox"))


def test_a_full_account_is_told_once_and_leads_its_functions(full_account, go, table):
    go(12)
    go(12.5)

    pool = rows(table, "account")
    assert {rows(table, name)["grouped_under"] for name in ("checkout", "search")} == {pool["id"]}
    assert rows(table, "search")["cause"]["kind"] == "pool"
    assert sent(table) == [("account", "firing")]


def test_both_timelines_tell_the_group_and_its_evidence(full_account, go, table):
    go(12)

    events = table("incident_event")
    pool, member = rows(table, "account")["id"], rows(table, "search")["id"]
    joined = [event["text"] for event in events if (event["incident"], event["what"]) == (pool, "joined")]
    [under] = [event["text"] for event in events if (event["incident"], event["what"]) == (member, "grouped")]
    assert len(joined) == 2
    assert "990 of the account's 1,000 concurrent executions were claimed" in under


def test_who_still_fires_when_the_leader_is_over_is_told_then(full_account, go, table):
    go(12)
    full_account(0, 45)
    go(45)

    full_account(12, 70)
    assert rows(table, "account")["resolved_at"] is not None
    go(70)
    everything = sent(table)

    assert everything.count(("account", "firing")) == everything.count(("account", "resolved")) == 1
    told = [subject for subject, reason in everything if reason == "firing"]
    assert len(told) == len(set(told)), "nobody is told twice"


def test_one_that_fires_on_alone_is_told_once_and_resolved_once(full_account, go, table, store, world):
    go(12)
    learned = Window(world.at(0), world.at(38))
    points = [
        MetricPoint(scope="account", ts=world.at(n), period_s=60, claimed_max=990.0 if 5 <= n < 15 else 100.0)
        for n in range(38)
    ]
    points += [
        MetricPoint(
            scope="function", function=name, ts=world.at(n), period_s=60, invocations=100.0,
            throttles=50.0 if n >= 6 else 0.0,
        )
        for name in ("checkout", "search")
        for n in range(38)
    ]  # fmt: skip
    world.told("metrics", learned, points)
    go(38)
    go(38.5)

    assert rows(table, "account")["resolved_at"] is not None
    leaders = [row for row in table("incident") if row["resolved_at"] is None and not row["grouped_under"]]
    [leader] = leaders
    assert sent(table) == sorted(
        [("account", "firing"), ("account", "resolved"), (leader["subject"], "firing")]
    )


def test_a_group_grows(full_account, go, table, world):
    go(12)
    world.known(Function(name="late", arn="a"), now=world.at(12))
    points = [
        MetricPoint(
            scope="function", function="late", ts=world.at(n), period_s=60, invocations=9.0, throttles=50.0
        )
        for n in range(10, 14)
    ]
    world.told("metrics", Window(world.at(10), world.at(14)), points)
    go(14)

    assert rows(table, "late")["grouped_under"] == rows(table, "account")["id"]
    assert sent(table) == [("account", "firing")]


def test_a_leader_that_is_held_back_silences_nobody_else(full_account, go, store, table, world):
    silence(store, rule="headroom", duration=timedelta(hours=1), reason="x", by=ADA, now=world.at(0))
    go(12)

    assert [subject for subject, _ in sent(table)] != []
    assert ("account", "firing") not in sent(table)


def test_a_leader_that_was_told_and_is_silenced_then_leads_on(full_account, go, store, table, world):
    go(12)
    silence(store, rule="headroom", duration=timedelta(hours=1), reason="x", by=ADA, now=world.at(12))
    go(13)

    assert sent(table) == [("account", "firing")]


def test_a_leader_that_is_told_elsewhere_leads_nobody(full_account, go, table, rule, settings):
    hook = {"kind": "slack", "url": "http://127.0.0.1:9/a"}
    rules = [
        rule("headroom", signal="concurrency_headroom", below=0.15, severity="critical", notify=["a"]),
        rule("throttles", signal="throttles", above=5, notify=["b"]),
    ]
    go(12, rules=rules, settings=settings(channels={"a": hook, "b": hook}))

    assert ("account", "firing") in sent(table)
    assert {row["channel"] for row in table("outbox")} == {"a", "b"}


def test_two_rules_of_a_function_after_its_deploy_are_told_once(go, table, world, rule):
    world.known(
        Version(name="checkout:8", function="checkout", version="8", published=world.at(1)), now=world.at(2)
    )
    world.minutes(0, [0.0] * 4 + [60.0] * 8)
    rules = [rule("rate", above=0.1, severity="critical"), rule("count", signal="errors", above=5)]
    go(12, rules=rules)

    [leader] = [row for row in table("incident") if not row["grouped_under"]]
    [member] = [row for row in table("incident") if row["grouped_under"]]
    assert (leader["rule"], member["rule"], member["cause"]["kind"]) == ("rate", "count", "deploy")
    assert sent(table) == [("checkout", "firing")]


def test_quiet_after_a_deploy_holds_back_and_is_told_when_it_is_over(go, table, world, rule):
    world.known(
        Version(name="checkout:8", function="checkout", version="8", published=world.at(3)), now=world.at(4)
    )
    world.minutes(0, [0.0] * 4 + [60.0] * 20)
    rules = [rule("rate", above=0.1, quiet_after_deploy="10m")]
    go(12, rules=rules)
    held = [event["text"] for event in table("incident_event") if event["what"] == "held back"]
    assert table("outbox") == []
    go(13.5, rules=rules)

    assert held == ["firing: quiet until 2026-03-02 12:13 UTC, after Deploy v8"]
    assert sent(table) == [("checkout", "firing")]


def test_maintenance_holds_back_and_what_fires_on_is_told_at_its_end(go, table, world, rule, settings):
    world.minutes(0, [0.0] * 4 + [60.0] * 30)
    window = {"name": "backup", "cron": "0 12 * * *", "duration": "20m", "reason": "restore test"}
    given = {"rules": [rule("rate", above=0.1)], "settings": settings(maintenance=[window])}
    go(12, **given)
    assert table("outbox") == []
    go(20, **given)

    assert sent(table) == [("checkout", "firing")]


# --- who waits ----------------------------------------------------------------------------------------------


@pytest.fixture
def slow_leader(rule):
    """The account's rule fires at its third bad minute, the functions' rule at the first."""
    return [
        rule("headroom", signal="concurrency_headroom", below=0.15, severity="critical", **{"for": "3 of 5"}),
        rule("throttles", signal="throttles", above=5),
    ]


def held(table):
    return sorted({row["text"] for row in table("incident_event") if row["what"] == "held back"})


def test_a_member_waits_for_the_leader_that_is_about_to_fire(full_account, go, table, slow_leader):
    go(7, rules=slow_leader)
    assert (len(table("incident")), table("outbox")) == (2, [])
    go(8, rules=slow_leader)

    assert sent(table) == [("account", "firing")]
    assert held(table) == [
        "firing: waits some minutes for headroom, which is bad, not for long enough yet: "
        "The account's concurrency is used up"
    ]


def test_who_waits_is_told_when_the_other_one_does_not_fire_after_all(full_account, go, table, rule):
    later = rule("headroom", signal="concurrency_headroom", below=0.15, severity="critical", **{"for": "8m"})
    rules = [later, rule("throttles", signal="throttles", above=5)]
    queued = [go(minute, rules=rules).notices for minute in (7, 8, 9, 10, 11)]

    assert queued == [0, 0, 0, 0, 1], "one of the two leads the other"
    assert len(held(table)) == 1


def test_a_page_waits_for_nothing(full_account, go, table, slow_leader, rule):
    page = rule("throttles", signal="throttles", above=5, severity="critical")

    assert go(7, rules=[slow_leader[0], page]).notices == 1


def test_what_was_over_before_its_wait_was_is_told_in_full(full_account, go, table, slow_leader, world):
    go(7, rules=slow_leader)
    good = [
        MetricPoint(scope="account", ts=world.at(n), period_s=60, claimed_max=100.0) for n in range(7, 60)
    ]
    good += [
        MetricPoint(
            scope="function", function=name, ts=world.at(n), period_s=60, invocations=100.0, throttles=0.0
        )
        for name in ("checkout", "search")
        for n in range(7, 60)
    ]
    world.told("metrics", Window(world.at(7), world.at(60)), good)
    for minute in (60, 61):
        go(minute, rules=slow_leader)

    assert [reason for _, reason in sent(table)] == ["firing", "resolved"], "of the one that leads the other"


# --- what several functions depend on -----------------------------------------------------------------------


def failed_call(world, function, minute):
    """A traced invocation whose call to the table `carts` failed."""
    start = world.at(minute).timestamp()
    call = {"id": "c", "name": "DynamoDB", "namespace": "aws", "aws": {"table_name": "carts"}, "fault": True}
    own = {"id": "f", "name": function, "origin": FUNCTION, "start_time": start, "end_time": start + 1}
    call |= {"start_time": start, "end_time": start + 0.5}
    return TraceRecord(
        trace_id=f"1-{int(start):08x}-{function}", ts=world.at(minute), duration_ms=1000.0,
        response_ms=1000.0, has_error=False, has_fault=True, has_throttle=False, root=function,
        functions=(function,), document=json.dumps([own | {"subsegments": [call]}]),
    )  # fmt: skip


def test_functions_whose_calls_to_one_table_fail_are_told_once_with_the_evidence(go, table, world, rule):
    names = ("basket", "checkout", "search")
    world.known(*(Function(name=name, arn="a") for name in names))
    for name in names:
        world.minutes(0, [0.0] * 5 + [40.0] * 7, function=name)
    calls = [failed_call(world, name, minute) for name in names for minute in range(5, 9)]
    world.told("traces", Window(world.at(0), world.at(12)), calls)
    go(12, rules=[rule("rate", above=0.1)])

    [(told, reason)] = sent(table)
    leader, others = rows(table, told), [rows(table, name) for name in names if name != told]
    assert reason == "firing"
    assert {one["grouped_under"] for one in others} == {leader["id"]}
    assert {one["cause"]["text"] for one in others} == {"calls to carts fail"}
    assert "search: 4 of 4 traced calls failed" in others[-1]["cause"]["evidence"]
    [notice] = [row["notice"] for row in table("outbox")]
    assert dict(notice["facts"])["Cause"] == "calls to carts fail"
