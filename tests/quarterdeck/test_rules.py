"""`quarterdeck rules`: backtests, audits and marks, as text and as JSON with stable keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from alerts.known import known
from alerts.rules import schema
from core.entities import Alarm, Function
from core.facts import Covered, Listed, Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window
from store.store import Store

HERE = Target("111122223333", "eu-west-1")
NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
UNTIL = "2026-11-18T10:00Z"

RULES = """rules:
  - rule: errors
    signal: error_rate
    above: 10%
    over: 2m
    for: 2 of 3
  - rule: nowhere
    signal: errors
    above: 5
    where: {function: gone-*}
"""


@pytest.fixture
def history(tmp_path):
    """A store with two hours of one function, which failed twice for five minutes."""
    path = tmp_path / "store"
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    window = Window(NOW - timedelta(hours=2), NOW)
    bad = {*range(30, 35), *range(60, 65)}
    points = [
        MetricPoint(
            scope="function", function="checkout", ts=window.start + minute * MINUTE, period_s=60,
            invocations=100.0, errors=50.0 if minute in bad else 0.0,
        )
        for minute in range(120)
    ]  # fmt: skip
    late = NOW + timedelta(minutes=30)
    facts = {
        "inventory": [Function(name="checkout", arn="arn"), Listed("function")],
        "metrics": points,
        "alarms": [
            Alarm(
                name="old", kind="metric", state="OK", namespace="AWS/Lambda", metric="Errors", function="x"
            )
        ],
    }
    for collector, found in facts.items():
        run = Run(
            collector=collector, target=HERE, window=window, period_s=60, started_at=late, finished_at=late,
            outcome="ok",
        )  # fmt: skip
        store.commit(run, [*found, Covered("", window)], now=late)
    store.remember_target(HERE, "prod", late)
    store.close()
    (tmp_path / "rules.yml").write_text(RULES)
    return path


def opened(path):
    return Store.open(StoreSettings(path=path, free_space_floor_mb=0))


def test_a_backtest_lists_what_would_have_fired(quarterdeck, history):
    result = quarterdeck(
        "rules", "backtest", "errors", "rules.yml", "--store", history, "--since", "2h", "--until", UNTIL
    )

    assert result.exit_code == 0, result.stderr
    assert "checkout" in result.stdout
    assert "50 %" in result.stdout
    assert "would have fired 2 times" in result.stderr
    assert "judged: 99.17 % of the minutes of 1 subjects" in result.stderr


def test_a_backtest_as_json_has_stable_keys(quarterdeck, history):
    result = quarterdeck(
        "rules", "backtest", "errors", "rules.yml", "--store", history, "--since", "2h", "--until", UNTIL,
        "--json",
    )  # fmt: skip

    found = json.loads(result.stdout)
    assert found["window"] == {"start": "2026-11-18T08:00:00Z", "end": "2026-11-18T10:00:00Z"}
    assert (found["subjects"], found["flaps"], len(found["firings"])) == (1, 1, 2)
    assert found["firings"][0] == {
        "account": "111122223333", "region": "eu-west-1", "subject": "checkout",
        "opened_at": "2026-11-18T08:32:00Z", "resolved_at": "2026-11-18T08:39:00Z", "lasted_s": 420,
        "worst": 0.5, "flap": False,
    }  # fmt: skip
    assert list(found) == [
        "window", "rule", "signal", "condition", "unit", "subjects", "judged_share", "coarse_share",
        "judged_hours", "firings", "per_week", "flaps", "real", "false", "unmarked", "precision", "recall",
        "delay_s", "hits", "misses", "not_judged",
    ]  # fmt: skip


def test_a_marked_outage_is_compared_and_can_be_taken_back(quarterdeck, history):
    marked = quarterdeck(
        "rules", "mark", "checkout", "--start", "2026-11-18T08:31Z", "--for", "5m", "--text", "payments down",
        "--as", "ada", "--store", history,
    )  # fmt: skip
    assert marked.exit_code == 0, marked.stderr

    words = ["errors", "rules.yml", "--store", history, "--since", "2h", "--until", UNTIL, "--json"]
    found = json.loads(quarterdeck("rules", "backtest", *words).stdout)
    assert (found["recall"], found["precision"], found["delay_s"]) == (1, 1, 60)
    assert [(hit["text"], hit["who"], hit["kind"]) for hit in found["hits"]] == [
        ("payments down", "ada", "marked")
    ]

    listed = json.loads(
        quarterdeck("rules", "marks", "--since", "3650d", "--store", history, "--json").stdout
    )
    (mark,) = listed["outages"]
    assert quarterdeck("rules", "unmark", mark["id"], "--store", history).exit_code == 0
    store = opened(history)
    assert known(store, Window(NOW - timedelta(days=1), NOW)) == []
    store.close()


def test_marking_what_is_not_known_asks_for_the_place(quarterdeck, history):
    result = quarterdeck(
        "rules", "mark", "nothing", "--start", UNTIL, "--for", "5m", "--text", "x", "--store", history
    )

    assert result.exit_code == 2
    assert "nothing is not known: say --account and --region" in result.stderr


def test_a_rule_that_is_not_there_is_named_with_those_that_are(quarterdeck, history):
    result = quarterdeck("rules", "backtest", "erors", "rules.yml", "--store", history)

    assert result.exit_code == 2
    assert "there is no rule 'erors'; there are errors, nowhere" in result.stderr


def test_an_audit_names_rules_and_alarms_that_never_fire(quarterdeck, history):
    result = quarterdeck("rules", "audit", "rules.yml", "--store", history, "--json")

    found = json.loads(result.stdout)["faults"]
    never = {(row["about"], row["name"], row["why"]) for row in found if row["verdict"] == "never fires"}
    assert result.exit_code == 1
    assert ("rule", "nowhere", "covers nothing") in never
    assert ("alarm", "old", "no such function") in never
    assert set(found[0]) == {
        "about", "name", "account", "region", "verdict", "why", "reason", "evidence",
    }  # fmt: skip


def test_an_audit_without_a_fault_says_so(quarterdeck, history, tmp_path):
    store = opened(history)
    run = Run(
        collector="alarms", target=HERE, window=Window(NOW, NOW), period_s=0, started_at=NOW, finished_at=NOW,
        outcome="ok",
    )  # fmt: skip
    store.commit(run, [Listed("alarm")], now=NOW)
    store.close()
    (tmp_path / "quarterdeck.yml").write_text(
        "alerts: {starter: false, channels: {chat: {kind: webhook, url: 'https://example.com/hook'}}}\n"
    )

    result = quarterdeck("rules", "audit", "--store", history)

    assert (result.exit_code, result.stderr.strip()) == (0, "Nothing is wrong.")


def test_a_check_names_tags_that_cannot_be_followed(quarterdeck, history):
    store = opened(history)
    tagged = Function(name="checkout", arn="arn", tags={"quarterdeck:erors": "off"})
    run = Run(
        collector="inventory", target=HERE, window=Window(NOW, NOW), period_s=0, started_at=NOW,
        finished_at=NOW, outcome="ok",
    )  # fmt: skip
    store.commit(run, [tagged, Covered("", Window(NOW, NOW))], now=NOW)
    store.close()

    result = quarterdeck("rules", "check", "rules.yml", "--store", history)

    assert result.exit_code == 0, result.stderr
    assert "there is no rule 'erors'; did you mean `errors`?" in result.stderr


def test_a_check_without_a_store_says_where_tags_are_looked_at(quarterdeck, history, tmp_path):
    result = quarterdeck("rules", "check", "rules.yml", "--store", tmp_path / "none")

    assert result.exit_code == 0, result.stderr
    assert "quarterdeck rules audit" in result.stderr
    assert not (tmp_path / "none").exists()


def test_the_schema_that_is_printed_is_that_of_the_models(quarterdeck):
    printed = quarterdeck("rules", "schema")

    assert json.loads(printed.stdout) == schema()
