from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import telling
from alerts.actions.announcing import escalate
from alerts.engine import evaluate
from alerts.incidents import acknowledge
from alerts.rules import STARTER, load_rules
from alerts.silences import silence, silence_incident
from core.entities import AccountLimits, Function, Queue, Reserved
from core.facts import Listed, Target
from core.people import Person
from core.settings import StoreSettings
from core.telemetry import MetricPoint, QueueSample
from core.windows import Window
from store.store import Store

PROD = Target("111122223333", "eu-west-1")

ADA = Person("ada", "operator")
BAD, GOOD = [50.0] * 10, [0.0] * 60


@pytest.fixture
def rules(rule):
    return [
        rule("error-rate", above=0.1, over="3m", minimum_samples=20, severity="critical", **{"for": "2 of 3"})
    ]


@pytest.fixture
def go(store, rules, settings, world):
    def at(minute, **given):
        chosen = given.pop("rules", rules)
        return evaluate(store, chosen, given.pop("settings", settings()), now=world.at(minute))

    return at


@pytest.fixture
def broken(world):
    """Ten bad minutes after ten good ones, just read."""
    world.minutes(0, [0.0] * 10 + BAD)


def test_opens_one_incident_however_often_it_is_evaluated(broken, go, table):
    for minute in (20, 20.5, 21):
        go(minute)

    [incident] = table("incident")
    assert incident["subject"] == "checkout"
    assert incident["resolved_at"] is None
    assert [row["reason"] for row in table("outbox")] == ["firing"]


def test_why_a_rule_fires_does_not_say_that_it_is_not_for_long_enough(broken, go, table):
    go(20)

    [row] = table("rule_state")
    assert (row["state"], row["reason"].partition(":")[0]) == ("firing", "bad")


def test_incident_begins_when_the_condition_was_met_in_the_data(broken, go, table, world):
    go(20)

    assert table("incident")[0]["opened_at"] == world.at(12)


def test_a_fresh_store_that_finds_the_same_outage_gives_it_the_same_id(
    broken, go, table, tmp_path, rules, settings, world
):
    go(20)
    other = Store.open(StoreSettings(path=tmp_path / "other", free_space_floor_mb=0))
    elsewhere = type(world)(other)
    elsewhere.minutes(0, [0.0] * 10 + BAD, at=25)
    found = evaluate(other, rules, settings(), now=world.at(25))
    other.close()

    assert found.opened == (table("incident")[0]["id"],)


def test_resolves_when_settled_minutes_are_good(broken, go, table, world):
    go(20)
    world.minutes(20, GOOD[:25])
    go(45)

    [incident] = table("incident")
    assert incident["resolved_at"] == world.at(25)
    assert [row["reason"] for row in table("outbox")] == ["firing", "resolved"]


def test_does_not_resolve_on_provisional_minutes(broken, go, table, world):
    go(20)
    world.minutes(20, GOOD[:10])
    go(30)

    assert table("incident")[0]["resolved_at"] is None


def test_does_not_resolve_when_nothing_is_collected_any_more(broken, go, table):
    go(20)
    go(300)

    assert table("incident")[0]["resolved_at"] is None
    [state] = table("rule_state")
    assert state["state"] == "firing"
    assert state["reason"] == "not collected"


def test_does_not_resolve_when_nothing_is_invoked(broken, go, table, world):
    go(20)
    world.minutes(20, GOOD[:40], invocations=0.0)
    go(60)

    assert table("incident")[0]["resolved_at"] is None


@pytest.mark.parametrize(
    ("values", "state", "reason"),
    [
        ({"invocations": 100.0}, "ok", "good: 0 %"),
        ({"invocations": 0.0}, "unknown", "silent"),
    ],
)
def test_state_tells_good_from_silent(go, table, world, values, state, reason):
    world.minutes(0, GOOD[:10], at=40, **values)
    go(10)

    [row] = table("rule_state")
    assert row["state"] == state
    assert row["reason"].startswith(reason)


def test_what_is_resolved_is_not_resolved_again_when_a_person_is_called_later(
    broken, go, table, world, store, settings
):
    go(20)
    world.minutes(20, GOOD[:25])
    go(45)
    with store.transaction() as connection:
        escalate(
            connection, table("incident")[0]["id"], settings(), key="stuck", text="stuck", now=world.at(46)
        )
    go(47)

    assert [row["reason"] for row in table("outbox")] == ["firing", "resolved", "escalated"]


def test_state_of_a_function_that_was_never_read_is_unknown(go, table, world):
    go(10)

    [row] = table("rule_state")
    assert (row["state"], row["reason"], row["value"]) == ("unknown", "not collected", None)


def test_few_invocations_do_not_fire(go, table, world):
    world.minutes(0, [1.0] * 10, invocations=2.0)
    go(10)

    assert table("incident") == []


def test_keeps_the_worst_value(go, table, world):
    world.minutes(0, [20.0] * 5)
    go(5)
    world.minutes(5, [90.0] * 5)
    go(10)
    world.minutes(10, [20.0] * 5)
    go(15)

    assert table("incident")[0]["value"] == pytest.approx(0.9)


def test_a_kill_before_the_commit_leaves_nothing_half_done(broken, go, table, store, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(telling.ledger, "queue", killed)
        with pytest.raises(KeyboardInterrupt):
            go(20)
    assert [table(name) for name in ("incident", "incident_event", "outbox", "rule_state")] == [
        [],
        [],
        [],
        [],
    ]
    go(20)

    assert len(table("incident")) == len(table("outbox")) == 1


def test_an_outage_that_was_over_before_it_was_read_is_told_in_full(go, table, world):
    world.minutes(-20, GOOD[:20])
    go(0)
    world.minutes(0, [0.0] * 3 + BAD + GOOD[:25])
    go(38)

    assert table("incident")[0]["resolved_at"] == world.at(18)
    assert [row["reason"] for row in table("outbox")] == ["firing", "resolved"]


def test_an_outage_that_was_over_before_the_first_look_is_kept_and_not_told(go, table, world):
    go(0)
    world.minutes(0, [0.0] * 3 + BAD + GOOD[:25])
    go(38)

    assert table("incident")[0]["resolved_at"] == world.at(18)
    assert table("outbox") == []


def test_repeats_while_it_fires(broken, go, table, world, rule):
    repeating = [rule("error-rate", above=0.1, over="3m", repeat="30m", **{"for": "2 of 3"})]
    for minute in (20, 40, 51, 52, 82):
        go(minute, rules=repeating)

    assert [row["reason"] for row in table("outbox")] == ["firing", "repeat", "repeat"]


def test_does_not_repeat_what_somebody_has_acknowledged(broken, go, store, table, world, rule):
    repeating = [rule("error-rate", above=0.1, over="3m", repeat="30m", **{"for": "2 of 3"})]
    [id] = go(20, rules=repeating).opened
    acknowledge(store, id, by=ADA, now=world.at(22))
    go(80, rules=repeating)

    assert [row["reason"] for row in table("outbox")] == ["firing"]


def test_a_silence_holds_the_notice_back_and_says_so_once(broken, go, store, table, world):
    silence(store, rule="error-*", duration=timedelta(hours=1), reason="load test", by=ADA, now=world.at(0))
    go(20)
    go(21)

    assert table("outbox") == []
    held = [event["text"] for event in table("incident_event") if event["what"] == "held back"]
    assert held == ["firing: silenced by ada until 2026-03-02 13:00 UTC: load test"]


def test_what_still_fires_after_a_silence_is_told_then(broken, go, store, table, world):
    silence(store, duration=timedelta(minutes=30), reason="load test", by=ADA, now=world.at(0))
    go(20)
    go(31)

    assert [row["reason"] for row in table("outbox")] == ["firing"]


def test_what_began_and_ended_in_a_silence_is_never_told(broken, go, store, table, world):
    silence(store, duration=timedelta(minutes=46), reason="load test", by=ADA, now=world.at(0))
    go(20)
    world.minutes(20, GOOD[:25])
    go(45)
    go(47)

    assert table("incident")[0]["resolved_at"] is not None
    assert table("outbox") == []


def test_a_resolution_is_told_even_when_silenced(broken, go, store, table, world):
    [id] = go(20).opened
    silence_incident(store, id, duration=timedelta(hours=4), reason="known", by=ADA, now=world.at(21))
    world.minutes(20, GOOD[:25])
    go(45)

    assert [row["reason"] for row in table("outbox")] == ["firing", "resolved"]


def test_notifies_the_channels_of_the_rule(broken, go, table, settings, rule):
    hook = {"kind": "slack", "url": "http://127.0.0.1:9/a"}
    chosen = [rule("error-rate", above=0.1, notify=["b"])]
    go(20, rules=chosen, settings=settings(channels={"a": hook, "b": hook}))

    assert [row["channel"] for row in table("outbox")] == ["b"]


def test_closes_incidents_of_a_rule_that_is_gone_and_says_why(broken, go, table):
    go(20)
    go(21, rules=[])

    assert table("incident")[0]["resolved_at"] is not None
    assert "the rule is gone" in next(e["text"] for e in table("incident_event") if e["what"] == "resolved")
    assert [row["reason"] for row in table("outbox")] == ["firing", "resolved"]
    assert table("rule_state") == []


def test_closes_incidents_of_a_function_that_is_gone(broken, go, table, world):
    go(20)
    world.known(Listed("function"), now=world.at(21))
    go(22)

    assert "the function is gone" in next(
        e["text"] for e in table("incident_event") if e["what"] == "resolved"
    )


def test_says_where_since_when_how_bad_and_links(broken, go, table, world, store):
    store.remember_target(PROD, "prod", world.at(0))
    go(20)

    notice = table("outbox")[0]["notice"]
    said = dict(map(tuple, notice["facts"]))
    assert notice["title"] == "checkout: error rate 50 %"
    assert "above 10 % over 3 min, 2 of 3 minutes" in notice["text"]
    assert said["Account"] == "prod (111122223333)"
    assert said["Since"] == "2026-03-02 12:12 UTC"
    assert notice["links"][0]["url"].endswith(f"/alerts?alert={table('incident')[0]['id']}")


def test_says_what_is_normal_here(go, table, world):
    world.minutes(-300, [1.0] * 300 + BAD)
    go(10)

    assert "over the day before it was 1 %" in table("incident")[0]["text"]


def test_dead_letters_fire_though_the_queue_is_drained(go, table, world, rule):
    arn = "arn:aws:sqs:eu-west-1:111122223333:checkout-dead"
    world.known(
        Queue(name=arn),
        Function(name="checkout", arn="arn", dead_letter_arn=arn),
        now=world.at(-60),
    )
    window = Window(world.at(-10), world.at(10))
    samples = [
        QueueSample(queue=arn, ts=world.at(n), period_s=60, visible_max=0, sent=3 if n == 5 else 0)
        for n in range(-10, 10)
    ]
    world.told("queues", window, samples)
    go(10, rules=[rule("dead", signal="dead_letter_arrivals", above=0, over="5m")])

    [incident] = table("incident")
    assert incident["subject"] == arn
    assert incident["value"] == 3
    assert dict(map(tuple, table("outbox")[0]["notice"]["facts"]))["Functions"] == "checkout"


def test_little_headroom_fires_for_the_account(go, table, world, rule):
    world.known(
        AccountLimits(concurrent_limit=1000, unreserved_limit=900), Reserved(name="checkout", reserved=100)
    )
    world.minutes(0, GOOD[:5])
    points = [MetricPoint(scope="account", ts=world.at(n), period_s=60, claimed_max=900.0) for n in range(5)]
    world.told("metrics", Window(world.at(0), world.at(5)), points)
    go(5, rules=[rule("headroom", signal="concurrency_headroom", below=0.2)])

    [incident] = table("incident")
    assert incident["subject_kind"] == "account"
    assert incident["value"] == pytest.approx(0.1)


def test_failing_collection_fires_and_resolves_with_the_next_good_run(go, table, world, rule):
    failing = [rule("blind", signal="collection_failing", above=15)]
    world.failed("logs", 0, "the role lacks logs:FilterLogEvents")
    world.failed("logs", 5)
    go(10, rules=failing)
    assert table("incident") == []
    world.failed("logs", 20, "the role lacks logs:FilterLogEvents")
    go(20, rules=failing)
    assert [row["subject"] for row in table("incident")] == ["logs"]
    assert "logs:FilterLogEvents" in str(table("outbox")[0]["notice"]["facts"])
    world.told("logs", Window(world.at(20), world.at(25)), [])
    go(26, rules=failing)

    assert table("incident")[0]["resolved_at"] is not None


def test_starter_rules_say_nothing_about_a_healthy_fleet(go, table, world):
    world.minutes(0, GOOD)
    go(60, rules=load_rules([STARTER]))

    assert table("incident") == []


def test_hostile_names_and_errors_reach_the_store_as_they_are(go, table, world):
    evil = "<!channel> & {{7*7}} 'x'; DROP TABLE incident;"
    world.known(Function(name=evil, arn="arn"))
    world.minutes(0, BAD, function=evil)
    go(10)

    assert evil in [row["subject"] for row in table("incident")]


def test_when_everything_breaks_everything_is_told_at_once(go, table, world):
    for n in range(40):
        world.known(Function(name=f"f{n}", arn="arn"))
        world.minutes(0, BAD, function=f"f{n}")
    go(10)

    assert len(table("incident")) == len(table("outbox")) == 40
    assert all(dict(map(tuple, row["notice"]["facts"]))["Function"] for row in table("outbox"))
