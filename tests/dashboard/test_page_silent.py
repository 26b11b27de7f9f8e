"""Silent stops: who is accused, by what, and who is not."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from core.entities import Function, Trigger
from core.facts import Covered, Gap, Listed, Run, Target
from core.telemetry import MetricPoint
from core.windows import Window

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WINDOW = Window(NOW - 14 * DAY, NOW)
RULE = f"arn:aws:events:{PROD.region}:{PROD.account}:rule/"


def commit(store, collector, facts, **about):
    values = {"target": PROD, "window": WINDOW, "period_s": 300, "outcome": "ok"}
    times = {"started_at": NOW, "finished_at": NOW}
    run = Run(collector=collector, **{**values, **times, **about})
    store.commit(run, facts, now=run.finished_at)


def function(name):
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:{name}"
    return Function(name=name, arn=arn, runtime="python3.13", memory_mb=128, timeout_s=30)


def point(name, ago):
    return MetricPoint(scope="function", function=name, ts=NOW - ago, period_s=300, invocations=1)


def rule(name, **fields):
    values = {"state": "ENABLED", "schedule": "cron(0 8 * * ? *)", "targets_function": True}
    more = {"source_arn": RULE + f"{name}-rule", "kind": "eventbridge-rule", "function": name}
    return Trigger(name=f"{name}:::invoke", **{**values, **more, **fields})


@pytest.fixture
def stopped(store):
    """`report` ran nightly until its rule lost its target yesterday; `beat` runs every half an hour."""
    store.remember_target(PROD, "shop", now=NOW)
    early = {"started_at": NOW - 13 * DAY, "finished_at": NOW - 13 * DAY}
    commit(store, "inventory", [function("report"), function("beat")], **early)
    commit(store, "triggers", [rule("report")], **early)
    nights = [point("report", (28 + 24 * n) * HOUR) for n in range(12)]
    beats = [point("beat", n * HOUR / 2) for n in range(1, 600)]
    commit(store, "metrics", [*nights, *beats, Covered("", WINDOW)])
    lost = {"started_at": NOW - 27 * HOUR, "finished_at": NOW - 27 * HOUR}
    commit(store, "triggers", [rule("report", targets_function=False)], **lost)
    return store


def words(app):
    return "\n".join(e.value for kind in ("markdown", "caption", "info") for e in app.get(kind))


def metric(app, label):
    return next(m.value for m in app.metric if m.label == label)


def test_an_empty_store_is_a_sentence(open_page, store):
    app = open_page("views/silent.py")

    assert not app.exception
    assert "No function is known yet" in words(app)


def test_a_nightly_function_whose_rule_lost_its_target_is_named_with_the_link(open_page, stopped):
    app = open_page("views/silent.py")

    rows = app.dataframe[0].value
    assert "1 function has stopped" in words(app)
    assert list(rows["function"]) == ["report"]
    assert rows["link"][0] == "EventBridge schedule report-rule does not target the function"
    assert (rows["known_by"][0], rows["expected"][0]) == ("schedule", "cron(0 8 * * ? *)")
    assert rows["due"][0].to_pydatetime() == NOW - 4 * HOUR
    assert all(n == n for n in rows["bars"][0])
    assert sum(rows["bars"][0]) == 8  # its last run, and the nights of a week before


def test_the_cards_count_what_facts_say(open_page, stopped):
    app = open_page("views/silent.py")

    assert metric(app, "Stopped") == "1"
    assert metric(app, "Newest stop") == metric(app, "Longest silent") == "1 d 4 h"
    assert metric(app, "Cause named") == "1 of 1"
    assert metric(app, "Run as expected") == "1"
    assert metric(app, "Cannot be judged") == "0"


def test_one_stop_is_drawn_with_what_changed_around_it(open_page, stopped):
    app = open_page("views/silent.py")

    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    marks = [mark["label"]["formatter"] for mark in option["series"][0]["markLine"]["data"]]
    assert marks == ["last run", "due"]
    assert "By its schedule" in words(app)
    assert "targets" in words(app)
    assert [title["text"] for title in option["title"]] == ["Invocations per 2 h"]
    sent = app.get("echarts_chart")[0].proto.datasets[0].data.data
    told = pa.ipc.open_stream(sent).read_all().to_pydict()
    assert {ts.hour for ts, n in zip(told["ts"], told["runs"], strict=True) if n} == {8}
    assert sum(n for n in told["runs"] if n) == 8  # its last run, and the nights of a week before


def test_a_function_that_is_not_stopped_in_the_address_is_a_sentence(open_page, stopped):
    app = open_page("views/silent.py", stop=f"{PROD.account}.{PROD.region}.beat")

    assert "not among the stopped ones" in words(app)
    assert not app.exception


def test_nothing_stopped_is_said_as_such(open_page, stopped):
    commit(stopped, "metrics", [point("report", HOUR)])

    app = open_page("views/silent.py")

    assert "Nothing has stopped" in words(app)
    assert "2 functions run as expected" in words(app)


def test_what_was_not_read_is_listed_apart_and_accused_of_nothing(open_page, store):
    store.remember_target(PROD, "shop", now=NOW)
    commit(store, "inventory", [function("report")])
    why = "the role lacks cloudwatch:GetMetricData"
    commit(store, "metrics", [Gap("", WINDOW, why)], outcome="denied", error=why)

    app = open_page("views/silent.py")

    assert "1 function cannot be judged" in words(app)
    assert "Cannot be judged" in [header.value for header in app.header]
    assert metric(app, "Stopped") == "0"
    assert not app.dataframe


def test_a_rule_that_is_due_and_never_ran_stands_apart_from_the_stopped(open_page, stopped):
    commit(stopped, "inventory", [function("monthly")])
    commit(stopped, "triggers", [rule("monthly", targets_function=False)])

    app = open_page("views/silent.py")

    headers = [header.value for header in app.header]
    assert headers.index("Stopped, longest overdue first") < headers.index("Due, and never seen to run")
    assert list(app.dataframe[1].value["function"]) == ["monthly"]
    assert metric(app, "Stopped") == "1"


def test_a_function_deleted_at_work_is_told_below(open_page, stopped):
    commit(stopped, "inventory", [function("report"), Listed("function")])

    app = open_page("views/silent.py")

    assert "Deleted while they were at work" in [header.value for header in app.header]
    assert "**beat**" in words(app)


def test_names_of_others_are_shown_and_not_interpreted(open_page, stopped):
    evil = "[x](javascript:alert(1))<img src=x>*b*$y$"
    commit(stopped, "triggers", [rule("report", targets_function=False, source_arn=RULE + evil)])

    text = words(open_page("views/silent.py"))

    assert "[x](" not in text
    assert "<img" not in text.replace("\\<img", "")
