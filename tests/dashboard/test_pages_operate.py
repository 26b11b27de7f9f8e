"""Cold starts, Concurrency, Queues, Cost, Alerts and Collection health on a real store, in process."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.entities import AccountLimits, LogMode, Queue, Reserved
from core.facts import Gap
from core.people import Person
from core.telemetry import MetricPoint, QueueSample
from dashboard.identity import person
from store import schema
from store.readers import incidents
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table

DLQ = f"arn:aws:sqs:{PROD.region}:{PROD.account}:orders-dlq"


def words(app):
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind)
    )


def metric(app, label):
    return next(m for m in app.metric if m.label.startswith(label))


def keep(store, target, **values):
    with store.transaction() as connection:
        connection.execute(sa.insert(target).values(**values))


# --- cold starts -------------------------------------------------------------------------------------------


def test_cold_starts_say_their_share_and_who_waits(open_page, filled):
    app = open_page("views/cold.py")

    assert metric(app, "Cold starts").value == "3"
    assert metric(app, "Started cold").value == "1.67%"
    assert "orders" in words(app)
    assert table(app, "waited_s")["function"].iloc[0] == "orders"


def test_an_account_without_records_is_said_not_drawn_as_zero(open_page, filled):
    app = open_page("views/cold.py", account="999999999999")

    assert "No invocation records" in words(app)
    assert not app.metric


# --- concurrency -------------------------------------------------------------------------------------------


@pytest.fixture
def near_its_limit(filled):
    claimed = [
        MetricPoint(
            scope="account", ts=NOW - timedelta(minutes=m + 1), period_s=60, claimed_max=95.0, throttles=0.0
        )
        for m in range(180)
    ]
    commit(filled, "inventory", [AccountLimits(concurrent_limit=100, unreserved_limit=100)])
    commit(filled, "details", [Reserved(name="orders", reserved=5)])
    commit(filled, "metrics", claimed)
    return filled


def test_the_account_nearest_its_limit_is_named_with_what_is_left(open_page, near_its_limit):
    app = open_page("views/concurrency.py")

    assert "Critical" in words(app)
    assert "claimed 95% of its 100" in words(app)
    assert "5 left" in words(app)


def test_the_users_of_a_pool_are_drawn_against_the_limit(open_page, near_its_limit):
    option = json.loads(open_page("views/concurrency.py").get("echarts_chart")[0].proto.spec)

    assert [series["name"] for series in option["series"]] == ["claimed", "orders", "(step)"]
    assert option["series"][0]["markLine"]["data"][0]["yAxis"] == 100


# --- queues ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_dead_letters(filled):
    samples = [
        QueueSample(
            queue=DLQ,
            ts=NOW - timedelta(minutes=m + 1),
            period_s=60,
            visible_max=4.0,
            not_visible_max=0.0,
            delayed_max=0.0,
            oldest_age_max_s=600.0,
            sent=0.0,
            received=0.0,
            deleted=0.0,
        )
        for m in range(180)
    ]
    queue = Queue(name=DLQ, visible=4, not_visible=0, delayed=0, retention_s=1_209_600)
    commit(filled, "queues", [queue, *samples])
    return filled


def test_a_dead_letter_queue_that_holds_messages_is_told_first(open_page, with_dead_letters):
    app = open_page("views/queues.py")

    rows = table(app, "arrivals")
    assert list(rows["queue"]) == ["orders-dlq"]
    assert rows["depth"][0] == 4


def test_a_queue_that_is_gone_is_a_sentence(open_page, with_dead_letters):
    app = open_page("views/queues.py", queue="arn:aws:sqs:eu-west-1:1:gone")

    assert "not known here" in words(app)
    assert not app.exception


# --- cost --------------------------------------------------------------------------------------------------


def test_cost_is_shown_per_team_when_the_address_says_so(open_page, filled):
    app = open_page("views/cost.py", by="tag:team")

    assert list(table(app, "share")["name"]) == ["checkout"]
    assert "dearest team: checkout" in words(app)


def test_a_grouping_that_nobody_knows_falls_back_to_functions(open_page, filled):
    app = open_page("views/cost.py", by="'; DROP TABLE")

    assert "orders" in list(table(app, "share")["name"])


def test_the_formula_of_each_component_is_on_the_page(open_page, filled):
    text = words(open_page("views/cost.py"))

    assert "GB-seconds" in text
    assert "Basis" in text


# --- alerts ------------------------------------------------------------------------------------------------


def test_a_firing_alert_is_listed_with_its_age(open_page, firing):
    text = words(open_page("views/alerts.py"))

    assert "1 alert fires" in text
    assert "firing for 30 min" in text


def test_the_alert_in_the_address_is_shown_with_its_value_against_the_threshold(open_page, firing):
    app = open_page("views/alerts.py", alert="i1")

    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    assert option["title"][0]["text"] == "Error rate, %"
    deploy, threshold = option["series"][0]["markLine"]["data"]
    assert deploy["label"]["formatter"] == "v2"
    assert threshold["yAxis"] == 5


def test_a_resolved_alert_is_shown_too(open_page, firing):
    with firing.transaction() as connection:
        connection.execute(sa.update(schema.incident).values(resolved_at=NOW - timedelta(minutes=10)))

    text = words(open_page("views/alerts.py", alert="i1"))

    assert "Resolved" in text
    assert "resolved after 20 min" in text


def test_an_alert_that_nobody_knows_is_a_sentence(open_page, firing):
    app = open_page("views/alerts.py", alert="nothing")

    assert "There is no alert nothing" in words(app)


def test_acknowledging_puts_a_name_on_the_alert(open_page, firing):
    app = open_page("views/alerts.py", alert="i1")

    press(app, "Acknowledge this alert")

    kept = incidents.incident(firing, "i1")
    assert kept["acked_by"][0] == person().name
    assert "1 acknowledged" in words(app)


def test_a_silence_needs_a_reason_and_says_so(open_page, firing):
    app = open_page("views/alerts.py", alert="i1")

    press(app, "Hold back messages about orders")

    assert incidents.silences(firing, now=NOW).empty
    assert "needs a reason" in app.toast[0].value


def test_a_silence_holds_and_can_be_ended(open_page, firing):
    app = open_page("views/alerts.py", alert="i1")

    app.text_input(key="silence-reason").input("load test")
    press(app, "Hold back messages about orders")
    assert list(incidents.silences(firing, now=NOW)["reason"]) == ["load test"]

    app.button(key="end-1").click().run()
    assert incidents.silences(firing, now=NOW).empty


def test_an_alert_is_assigned_noted_and_told_so_in_its_timeline(open_page, firing):
    app = open_page("views/alerts.py", alert="i1")

    app.text_input(key="assign-to").input("maria")
    press(app, "Assign this alert")
    app.text_area(key="note-text").input("rolled back")
    press(app, "Add this note")

    assert incidents.incident(firing, "i1")["assignee"][0] == "maria"
    assert "assigned to maria" in words(app)
    assert "rolled back" in words(app)
    assert "by nan" not in words(app), "what nobody did beside what somebody did"


def test_who_may_only_read_sees_no_buttons(open_page, firing, monkeypatch):
    monkeypatch.setattr("dashboard.identity.person", lambda: Person("eve", "viewer"))
    app = open_page("views/alerts.py", alert="i1")

    assert "Acknowledge this alert" not in [button.label for button in app.button]
    assert not app.exception


def test_a_resolved_alert_is_judged_by_people(open_page, firing):
    with firing.transaction() as connection:
        connection.execute(sa.update(schema.incident).values(resolved_at=NOW - timedelta(minutes=10)))
    app = open_page("views/alerts.py", alert="i1")

    press(app, "Noise")

    assert incidents.incident(firing, "i1")["verdict"][0] == "noise"
    assert "noise, people say" in words(app)


@pytest.fixture
def grouped(firing):
    """`i1`, and another of the same cause that stands under it."""
    with firing.transaction() as connection:
        found = connection.execute(sa.select(schema.incident)).mappings().one()
        cause = {"kind": "deploy", "text": "orders was changed", "evidence": ["Deploy v2 at 11:25 UTC"]}
        row = dict(found) | {
            "id": "i2", "rule": "slow", "title": "orders: slow", "severity": "warning", "grouped_under": "i1",
            "cause": cause, "tags": {"team": "search"},
        }  # fmt: skip
        connection.execute(sa.insert(schema.incident).values(row))
    return firing


def test_a_group_is_one_line_with_its_cause(open_page, grouped):
    text = words(open_page("views/alerts.py"))

    assert "1 alert fires" in text
    assert "1 more of this cause (orders was changed): orders" in text


def test_a_group_counts_once_in_the_menu(open_page, grouped):
    app = open_page()

    assert "Alerts :red-badge[1]" in [link.proto.label for link in app.sidebar.get("page_link")]


def test_both_ends_of_a_group_lead_to_each_other_with_the_evidence(open_page, grouped):
    leader, member = (words(open_page("views/alerts.py", alert=id)) for id in ("i1", "i2"))

    assert "firing for 30 min · orders was changed" in leader
    assert "Told with" in member
    assert "Deploy v2 at 11\\:25 UTC" in member


def test_alerts_are_filtered_by_severity_in_the_address(open_page, grouped):
    assert "1 alert fires" in words(open_page("views/alerts.py", severity="critical"))
    assert "1 alert fires" not in words(open_page("views/alerts.py", severity="info"))


def press(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_a_message_that_was_given_up_is_told(open_page, firing):
    keep(
        firing,
        schema.outbox,
        id="n",
        seq=0,
        incident="i1",
        channel="chat",
        reason="firing",
        notice={"title": "t"},
        state="dead",
        attempts=12,
        created_at=NOW,
        next_at=NOW,
        error="404 Not Found",
    )

    app = open_page("views/alerts.py")

    assert "1 messages were given up" in words(app)
    assert list(table(app, "attempts")["error"]) == ["404 Not Found"]


def test_text_of_others_is_escaped_on_the_alerts_page(open_page, firing):
    evil = "[x](javascript:alert(1)) <img src=x onerror=alert(1)> $x$"
    with firing.transaction() as connection:
        connection.execute(sa.update(schema.incident).values(title=evil, text=evil))

    text = words(open_page("views/alerts.py", alert="i1"))

    assert "[x](" not in text
    assert "<img" not in text.replace("\\<img", "")


# --- collection --------------------------------------------------------------------------------------------


def test_collection_that_works_may_be_believed(open_page, filled):
    app = open_page("views/collection.py")

    assert metric(app, "Collectors on time").value == "8 of 8"
    assert "You can believe what you see" in words(app)


def test_a_refused_collector_comes_first_with_the_missing_permission(open_page, filled):
    why = "cannot read logs: the role lacks logs:FilterLogEvents"
    gap = Gap("orders", WINDOW, why, "logs:FilterLogEvents")
    later = NOW + timedelta(seconds=1)
    commit(
        filled,
        "logs",
        [gap],
        outcome="denied",
        error=why,
        permission="logs:FilterLogEvents",
        finished_at=later,
    )

    app = open_page("views/collection.py")

    assert "`logs:FilterLogEvents`" in words(app)
    rows = table(app, "standing")
    assert rows[["collector", "permission"]].iloc[0].tolist() == ["logs", "logs:FilterLogEvents"]
    assert rows["standing"].iloc[0] == ["denied"]


def test_how_each_log_is_read_is_listed_with_its_reason(open_page, filled):
    commit(filled, "logs", [LogMode(name="orders", mode="aggregated", why="4 GB a day", usd_a_month=0.6)])

    app = open_page("views/collection.py")
    app.session_state["all-modes"] = True  # AppTest opens no expander
    app.run()

    assert "1 aggregated" in words(app)
    assert table(app, "usd_a_month")[["function", "why"]].values.tolist() == [["orders", "4 GB a day"]]


def test_a_month_without_a_cap_says_how_to_have_one(open_page, filled):
    assert "There is no cap" in words(open_page("views/collection.py")).replace("\\", "")
