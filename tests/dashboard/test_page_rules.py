"""The Rules page: rules in words, what is wrong with them, and what another threshold would have told."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from alerts.known import known, mark
from alerts.rule import Rule
from alerts.rules import load_rules
from alerts.trying import changed
from core.entities import Alarm, Function
from core.facts import Covered, Listed, Run
from core.people import Person
from core.telemetry import MetricPoint
from core.windows import MINUTE, Window
from dashboard.figures_rules import as_yaml, nice_step, where_words
from dashboard.launch import ENTRANCE, RULES, Entrance, RulesInForce
from store import schema
from tests.dashboard.conftest import NOW, PROD
from tests.dashboard.every_page import words

ADA = Person("ada", "operator")


@pytest.fixture
def history(store):
    """Three hours of `orders`, which failed for six minutes twice."""
    window = Window(NOW - timedelta(hours=4), NOW - timedelta(hours=1))
    bad = {*range(60, 66), *range(95, 101)}
    points = [
        MetricPoint(
            scope="function", function="orders", ts=window.start + minute * MINUTE, period_s=60,
            invocations=100, errors=40 if minute in bad else 0,
        )
        for minute in range(180)
    ]  # fmt: skip
    alarm = Alarm(name="old-errors", kind="metric", state="ALARM", namespace="AWS/Lambda", metric="Errors",
                  function="gone", state_since=NOW - timedelta(days=40))  # fmt: skip
    facts = {
        "inventory": [Function(name="orders", arn="arn", timeout_s=15), Listed("function")],
        "metrics": [*points, Covered("", window)],
        "alarms": [alarm],
    }
    store.remember_target(PROD, "shop", now=NOW)
    for collector, found in facts.items():
        run = Run(collector=collector, target=PROD, window=window, period_s=60, outcome="ok",
                  started_at=NOW, finished_at=NOW)  # fmt: skip
        store.commit(run, found, now=NOW)
    return store


def metric(app, label):
    return next(one.value for one in app.metric if one.label.startswith(label))


def table(app, alt):
    return next(one.value for one in app.dataframe if one.proto.alt.startswith(alt))


def test_an_empty_store_says_that_nothing_is_watched_yet(open_page):
    app = open_page("views/rules.py")

    assert not app.exception
    assert "Nothing is watched yet" in words(app)


def test_rules_are_told_in_words_with_what_is_wrong(open_page, history):
    app = open_page("views/rules.py")

    rules = table(app, "Rules in words")
    assert rules.set_index("rule").loc["error-rate", "condition"] == (
        "Error rate above 5 % over 5 min, 3 of 15 minutes"
    )
    faults = table(app, "Rules and CloudWatch")
    assert ("old-errors", "never fires") in list(zip(faults["name"], faults["verdict"], strict=True))
    assert "1 CloudWatch alarm is of no use" in words(app)


def test_a_rule_is_tried_on_the_last_days(open_page, history):
    app = open_page("views/rules.py", rule="error-rate")

    assert "It would have fired 2 times**, 1 of them within half an hour" in words(app)
    assert (metric(app, "Firings"), metric(app, "Flaps")) != ("", "")
    assert len(table(app, "When the rule")) == 2
    assert not app.get("code")


def test_another_threshold_in_the_address_is_tried_at_once_and_written_as_yaml(open_page, history, tmp_path):
    app = open_page("views/rules.py", rule="error-rate", **{"try": "42"})

    assert "It would have fired 0 times" in words(app)
    (tmp_path / "draft.yml").write_text(app.get("code")[0].value)
    (draft,) = load_rules([tmp_path / "draft.yml"])
    assert (draft.rule, draft.threshold, draft.resolve_at) == ("error-rate", 0.42, 0.168)


def test_moving_the_slider_changes_the_address_and_the_answer(open_page, history):
    app = open_page("views/rules.py", rule="error-rate")

    app.slider[0].set_value(42.0).run()

    assert app.query_params["try"] in ("42", ["42"])
    assert "It would have fired 0 times" in words(app)
    app.button("reset").click().run()
    assert "try" not in app.query_params


@pytest.mark.parametrize(
    "given", [{"try": "x"}, {"try": "inf"}, {"hits": "900", "of": "2"}, {"rule": "none"}]
)
def test_an_address_that_makes_no_sense_is_no_failure(open_page, history, given):
    app = open_page("views/rules.py", **{"rule": "error-rate", **given})

    assert not app.exception


def test_a_marked_outage_is_shown_compared_and_taken_back(open_page, history):
    window = Window(NOW - timedelta(hours=3), NOW - timedelta(hours=2, minutes=50))
    place = {"account": PROD.account, "region": PROD.region, "subject": "orders"}
    id = mark(history, **place, window=window, text="payments <b>down</b>", by=ADA)

    app = open_page("views/rules.py", rule="error-rate")

    assert metric(app, "Outages told") == "1 of 1"
    assert "payments <b>down</b>" in words(app)
    app.button(f"unmark-{id}").click().run()
    assert known(history, Window(NOW - timedelta(days=1), NOW)) == []


def test_an_outage_is_marked_in_a_box_that_the_address_opens_and_saving_closes(open_page, history):
    app = open_page("views/rules.py", rule="error-rate")
    assert "mark-text" not in [box.key for box in app.text_input]

    app.button("mark").click().run()
    app.selectbox("mark-fn").select_index(0)
    app.text_input("mark-text").input("payments down").run()
    app.button("mark-save").click().run()

    (marked,) = known(history, Window(NOW, NOW + timedelta(days=1)))
    assert marked.text == "payments down"
    assert "mark" not in app.query_params


def test_a_viewer_who_is_sent_the_address_of_the_box_is_not_asked(open_page, history, monkeypatch):
    monkeypatch.setenv(ENTRANCE, Entrance(anyone="viewer").model_dump_json())

    app = open_page("views/rules.py", rule="error-rate", mark="outage")

    assert "mark-text" not in [box.key for box in app.text_input]


def test_the_numbers_of_a_rule_are_counts_of_its_states_and_incidents(open_page, history):
    def state(subject, word):
        values = {"rule": "error-rate", "account": PROD.account, "region": PROD.region, "subject": subject}
        return values | {"state": word, "since": NOW, "evaluated_at": NOW}

    def incident(id, days_ago):
        opened = NOW - timedelta(days=days_ago)
        values = {"id": id, "rule": "error-rate", "account": PROD.account, "region": PROD.region}
        values |= {"subject_kind": "function", "subject": "orders", "severity": "critical", "title": "t"}
        return values | {"text": "x", "opened_at": opened, "resolved_at": opened + timedelta(hours=1)}

    with history.transaction() as connection:
        states = [state("a", "firing"), state("b", "ok"), state("c", "ok"), state("d", "unknown")]
        connection.execute(schema.rule_state.insert(), states)
        connection.execute(schema.incident.insert(), [incident("1", 2), incident("2", 5), incident("3", 12)])

    row = table(open_page("views/rules.py"), "Rules in words").set_index("rule").loc["error-rate"]

    assert [row[name] for name in ("covers", "firing", "ok", "unknown", "fired_7d")] == [4, 1, 2, 1, 2]
    assert row["last_fired"] == NOW - timedelta(days=2)


def test_a_rule_that_cannot_be_tried_says_why(open_page, history):
    app = open_page("views/rules.py", rule="collection-failing")

    assert "Its threshold cannot be moved here: it tells of this moment only" in words(app)
    assert not app.slider


def test_a_mistake_in_a_rule_file_is_told(open_page, history, tmp_path, monkeypatch):
    file = tmp_path / "bad.yml"
    file.write_text("rules:\n  - rule: x\n    signal: nothing\n    above: 1\n")
    app = open_page("views/rules.py")
    monkeypatch.setenv(RULES, RulesInForce(files=[file]).model_dump_json())
    from dashboard import queries_rules

    queries_rules.rules.clear()
    app.run()

    assert "there is no signal" in app.error[0].value.replace("\\", "")


# --- figures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "step"), [(100.0, 1.0), (60.0, 1.0), (250.0, 5.0), (0.5, 0.005), (0.0, 0.01)]
)
def test_a_slider_moves_in_round_steps(top, step):
    assert nice_step(top) == pytest.approx(step)


def test_a_rule_is_written_as_people_write_it():
    rule = Rule.model_validate(
        {"rule": "r", "signal": "error_rate", "above": "5%", "over": "5m", "for": "3 of 5", "repeat": "4h",
         "resolve_below": "2%", "notify": ["chat"], "where": {"tag": {"team": "shop"}}}
    )  # fmt: skip

    text = as_yaml(changed(rule, threshold=0.1, hits=2, minutes=4), rule)

    (said,) = yaml.safe_load(text)["rules"]
    assert (said["above"], said["resolve_below"], said["for"]) == ("10%", "4%", "2 of 4")
    assert (said["over"], said["repeat"]) == ("5m", "4h")
    assert text.endswith("# keep its notify\n")
    assert where_words(rule) == "tag team=shop"
