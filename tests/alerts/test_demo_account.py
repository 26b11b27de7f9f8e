"""Rules, alarms and silent stops of the demo account: what a backtest replays, an audit and a look find."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.auditing import audit
from alerts.backtest import backtest
from alerts.engine import evaluate
from alerts.rules import load_rules, rules_of
from alerts.settings import AlertSettings
from core.settings import StoreSettings
from core.windows import Window
from store.readers.silence import silent_stops
from store.schema import incident, incident_event, outbox, rule_state
from store.store import Store
from tests.demo_store import HISTORY, NOW, demo_store

QUIET = AlertSettings.model_validate(
    {"channels": {"chat": {"kind": "webhook", "url": "https://chat.example/x"}}}
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    store = Store.open(StoreSettings(path=demo_store(tmp_path_factory), free_space_floor_mb=0))
    yield store
    store.close()


@pytest.fixture(scope="module")
def faults(demo):
    return audit(demo, rules_of(QUIET), QUIET, now=NOW)


def test_every_incident_of_the_engine_is_in_the_backtest_of_its_rule(demo):
    with demo.engine.connect() as connection:
        told = connection.execute(sa.select(incident)).all()
    rules = {rule.rule: rule for rule in rules_of(AlertSettings())}
    minutes = Window(NOW - HISTORY, NOW)

    replayed = {name: backtest(demo, rules[name], minutes, now=NOW).replay for name in {i.rule for i in told}}

    assert len(told) > 3
    for one in told:
        found = {(f.subject.name, f.opened_at): f.resolved_at for f in replayed[one.rule].firings}
        inside = [
            resolved
            for (subject, opened), resolved in found.items()
            if subject == one.subject
            and opened <= one.opened_at
            and (resolved is None or one.opened_at < resolved)
        ]
        assert inside == [one.resolved_at] or (one.rule, inside) == ("collection-failing", []), one


@pytest.fixture(scope="module")
def shipped():
    return {rule.rule: rule for rule in rules_of(AlertSettings())}


@pytest.mark.parametrize("name", [rule.rule for rule in rules_of(AlertSettings())])
def test_no_shipped_rule_flaps_on_the_demo(name, shipped, demo):
    found = backtest(demo, shipped[name], Window(NOW - HISTORY, NOW), now=NOW).replay

    assert [(f.subject.short, f.opened_at) for f in found.firings if f.is_flap] == []


def test_flash_sales_every_twenty_minutes_are_one_incident(shipped, demo):
    found = backtest(demo, shipped["throttles"], Window(NOW - timedelta(hours=3), NOW), now=NOW).replay

    (only,) = found.firings
    assert (only.subject.name, only.resolved_at) == ("inventory-reserve", None)


def test_the_draft_of_the_docs_flaps_and_a_longer_window_does_not(demo, tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "backtest.md").read_text()
    (tmp_path / "draft.yml").write_text(re.findall(r"```yaml rules\n(.*?)```", text, re.DOTALL)[0])
    (draft,) = load_rules([tmp_path / "draft.yml"])
    window = Window(NOW - timedelta(hours=3), NOW)

    found = backtest(demo, draft, window, now=NOW).replay
    longer = backtest(demo, draft.model_copy(update={"over": timedelta(minutes=30)}), window, now=NOW).replay

    assert (len(found.firings), found.flaps) == (9, 8)
    assert len(longer.firings) == 1


@pytest.mark.parametrize(
    ("name", "verdict", "why"),
    [
        ("checkout-legacy-errors", "never fires", "no such function"),
        ("stock-export-slow", "never fires", "period shorter than the data"),
        ("nightly-seed-did-not-run", "never resolves", "missing data"),
        ("nightly-seed-did-not-run", "stuck", "for weeks"),
        ("orders-dlq-not-empty", "tells nobody", "no action"),
        ("concurrency-high", "never fires", "out of reach"),
        ("session-auth-iterator-age", "never fires", "not for this function"),
    ],
)
def test_alarms_of_the_demo_account_that_are_of_no_use_are_found(faults, name, verdict, why):
    assert (name, verdict, why) in {(f.name, f.verdict, f.why) for f in faults if f.about == "alarm"}


def test_alarms_that_work_are_left_alone(faults):
    named = {fault.name for fault in faults if fault.about == "alarm"}

    assert named.isdisjoint({"inventory-reserve-throttled", "checkout-api-error-rate", "storefront"})


def test_the_shipped_rules_can_fire(faults):
    assert [f for f in faults if f.about == "rule" and f.verdict == "never fires"] == []


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The demo account as one pass of the engine finds and tells it, with a channel."""
    store = Store.open(StoreSettings(path=demo_store(tmp_path_factory), free_space_floor_mb=0))
    with store.transaction() as connection:
        for judged in (incident_event, incident, rule_state):
            connection.execute(judged.delete())
    evaluate(store, rules_of(QUIET), QUIET, now=NOW)
    with store.engine.connect() as connection:
        incidents = {one.subject: one for one in connection.execute(sa.select(incident))}
        notices = {one.incident for one in connection.execute(sa.select(outbox))}
    store.close()
    return incidents, notices


def test_functions_that_one_locked_table_makes_fail_are_one_incident_with_one_notice(told):
    incidents, notices = told
    leader, member = incidents["promo-engine"], incidents["cart-api"]

    assert (leader.grouped_under, member.grouped_under) == (None, leader.id)
    assert member.cause["text"] == "the same error: Error: relation promotions is locked by migration <id>"
    assert [line.partition(":")[0] for line in member.cause["evidence"]] == ["promo-engine", "cart-api"]
    assert notices & {leader.id, member.id} == {leader.id}


def test_of_every_function_it_was_read_whether_it_has_a_schedule(demo):
    told = silent_stops(demo, now=NOW, all_functions=True)

    assert len(told) >= 40
    assert not told["says"].str.contains("what may invoke it was not read").any()
