"""Several incidents of one cause are told by one of them, and nobody is forgotten when that one is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alerts.engine import evaluate
from alerts.silences import silence
from core.entities import AccountLimits, Function, Version
from core.people import Person
from core.telemetry import MetricPoint
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
