"""The Overview on a real store."""

import json
from datetime import timedelta

import pytest

from core.entities import Function
from core.facts import Run, Target
from core.telemetry import MetricPoint
from core.windows import Window
from store import schema
from tests.dashboard.conftest import NOW, PROD, commit


def fill(store, count):
    """So many functions that were not invoked."""
    store.remember_target(PROD, "shop", now=NOW)
    window = Window(NOW - timedelta(hours=3), NOW)
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function"
    functions = [Function(name=f"f{at:03d}", arn=f"{arn}:f{at:03d}") for at in range(count)]
    for collector, facts in {"inventory": functions, "metrics": []}.items():
        times = {"started_at": NOW, "finished_at": NOW}
        run = Run(collector=collector, target=PROD, window=window, period_s=60, outcome="ok", **times)
        store.commit(run, facts, now=NOW)
    return store


@pytest.fixture
def fleet_of_120(store):
    return fill(store, 120)


def metric(app, label):
    return next(m for m in app.metric if m.label.startswith(label))


def test_names_the_firing_incident_its_age_and_where(open_page, firing):
    app = open_page()

    line = next(text.value for text in app.markdown if "orders" in text.value)
    assert "Critical" in line
    assert "30 min" in line
    assert "shop" in line


def test_says_that_nothing_fires(open_page, judged):
    app = open_page()

    assert any("Nothing is firing" in text.value for text in app.markdown)


def test_says_that_nobody_looked_when_no_rule_was_evaluated(open_page, filled):
    app = open_page()

    assert not any("Nothing is firing" in text.value for text in app.markdown)
    assert any("No rule has been evaluated yet" in text.value for text in app.markdown)


def test_numbers_are_those_of_the_fleet(open_page, filled):
    app = open_page()

    assert metric(app, "Invocations / min").value == "100"
    assert metric(app, "Error rate").value == "1%"
    assert metric(app, "Throttles").value == "0"


def test_the_board_draws_four_panels_and_the_deploy(open_page, filled):
    app = open_page()

    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    assert [title["text"] for title in option["title"]] == [
        "Invocations and errors, per minute",
        "Error rate, %",
        "Duration, ms",
        "Concurrent executions and throttles",
    ]
    assert option["series"][0]["markLine"]["data"][0]["label"]["formatter"] == "v2"


def test_the_table_lists_the_firing_function_first_and_the_silent_one_last(open_page, firing):
    table = open_page().dataframe[0].value

    assert list(table["function"]) == ["orders", "idle"]
    assert [states[0] for states in table["state"]] == ["critical", "silent"]


def test_the_table_can_be_searched_and_the_address_remembers(open_page, filled):
    app = open_page()

    app.text_input(key="_find").set_value("IDLE").run()

    assert list(app.dataframe[0].value["function"]) == ["idle"]
    assert "IDLE" in app.query_params["find"]


def test_a_search_without_a_match_says_so(open_page, filled):
    assert "None of 2 functions matches." in open_page(find="nothing like it").info[0].value


def test_the_address_chooses_states_team_runtime_and_order(open_page, filled):
    def names(**query):
        return list(open_page(**query).dataframe[0].value["function"])

    assert names(state="silent") == ["idle"]
    assert names(team="checkout", sort="function") == ["idle", "orders"]
    assert names(sort="invocations") == ["orders", "idle"]


def test_a_filter_that_no_function_meets_hides_all_of_them(open_page, filled):
    assert "None of 2 functions matches." in open_page(team="nobody").info[0].value


def turned(app, page):
    app.query_params["page"] = page
    return app.run()


def test_a_fleet_of_more_than_a_page_is_turned_by_the_address(open_page, fleet_of_120):
    first = open_page(sort="function")
    last = turned(open_page(sort="function"), "3")

    assert list(first.dataframe[0].value["function"]) == [f"f{at:03d}" for at in range(50)]
    assert list(last.dataframe[0].value["function"]) == [f"f{at:03d}" for at in range(100, 120)]
    assert any("101 to 120 of 120" in text.value for text in last.caption)


def test_of_2000_functions_a_page_of_rows_is_sent(open_page, store):
    fill(store, 2_000)

    app = open_page()

    assert len(app.dataframe[0].value) == 50
    assert len(app.dataframe[0].proto.SerializeToString()) < 60_000
    assert any("1 to 50 of 2,000" in text.value for text in app.caption)


def test_using_a_filter_leads_back_to_the_first_page(open_page, fleet_of_120):
    app = turned(open_page(), "3")

    app.text_input(key="_find").set_value("f00").run()

    assert "page" not in app.query_params
    assert len(app.dataframe[0].value) == 10


def test_the_tables_numbers_are_those_of_the_facts(open_page, filled):
    row = open_page().dataframe[0].value.set_index("function").loc["orders"]

    assert row["invocations"] == 180 * 100
    assert row["error_rate"] == 100 * 180 / (180 * 100)
    assert sum(row["traffic"]) == 180 * 100
    assert sum(row["errors"]) == 180
    assert row["cold_start_rate"] == pytest.approx(100 * 3 / 180)


ABROAD, STAGING = Target(PROD.account, "us-east-1"), Target("222222222222", "eu-west-1")


@pytest.mark.parametrize(
    ("where", "functions", "per_minute", "fires"),
    [
        ({}, {"orders", "idle", "abroad", "staged"}, 100 + 2 + 4, True),
        ({"account": PROD.account}, {"orders", "idle", "abroad"}, 100 + 2, True),
        ({"region": "eu-west-1"}, {"orders", "idle", "staged"}, 100 + 4, True),
        ({"account": PROD.account, "region": "us-east-1"}, {"abroad"}, 2, False),
    ],
)
def test_an_account_or_region_narrows_what_fires_the_numbers_and_the_table(
    open_page, firing, where, functions, per_minute, fires
):
    for target, name, count in ((ABROAD, "abroad", 2.0), (STAGING, "staged", 4.0)):
        arn = f"arn:aws:lambda:{target.region}:{target.account}:function:{name}"
        points = [
            MetricPoint(scope="function", function=name, ts=NOW - timedelta(minutes=ago + 1), period_s=60,
                        invocations=count, errors=0.0)
            for ago in range(180)
        ]  # fmt: skip
        firing.remember_target(target, "", now=NOW)
        commit(firing, "inventory", [Function(name=name, arn=arn)], target=target)
        commit(firing, "metrics", points, target=target)

    app = open_page(**where)

    assert set(app.dataframe[0].value["function"]) == functions
    assert metric(app, "Invocations").value == str(per_minute)
    assert any("error rate 12" in text.value for text in app.markdown) == fires


def test_the_deploy_before_an_incident_is_named_with_a_way_to_what_it_changed(open_page, firing):
    app = open_page()

    line = next(text.value for text in app.markdown if "error rate 12" in text.value)
    assert "began 30 min after Deploy v1 → v2" in line
    links = [link.proto.label for link in app.get("page_link")]
    assert "Change" in links


def test_what_is_acknowledged_or_held_back_is_counted_and_says_why(open_page, firing):
    with firing.transaction() as connection:
        held = {"incident": "i1", "ts": NOW, "what": "held back", "who": None, "text": "silenced by ada"}
        connection.execute(schema.incident_event.insert().values(**held))
    app = open_page()

    assert any("held back: silenced by ada" in text.value for text in app.markdown)
    assert any("1 alert: 1 held back" in text.value for text in app.caption)


def test_rules_that_are_no_longer_evaluated_are_shouted_above_what_fires(open_page, firing):
    app = open_page()

    assert any("Rules were never evaluated" in text.value for text in app.markdown)


def test_what_is_not_seen_leads_to_collection_health(open_page, filled):
    run = Run(
        collector="traces",
        target=PROD,
        window=Window(NOW - timedelta(hours=1), NOW),
        period_s=60,
        outcome="denied",
        error="the role lacks xray:GetTraceSummaries",
        started_at=NOW,
        finished_at=NOW,
    )
    filled.commit(run, [], now=NOW)
    app = open_page()

    assert any("lacks xray" in text.value for text in app.caption)
    assert "All that is not seen" in [link.proto.label for link in app.get("page_link")]


def test_choosing_a_range_writes_it_into_the_address(open_page, filled):
    app = open_page()

    app.segmented_control(key="_range").set_value("24h").run()

    assert "24h" in app.query_params["range"]


def test_an_unknown_range_is_the_default_one(open_page, filled):
    app = open_page(range="900y")

    assert not app.exception
    assert app.segmented_control(key="_range").value == "3h"


def test_an_explicit_window_is_shown_and_no_range_is_chosen(open_page, filled):
    app = open_page(**{"from": "2026-11-20T10:00:00Z", "to": "2026-11-20T11:00:00Z"})

    assert not app.exception
    assert app.segmented_control(key="_range").value is None
    assert metric(app, "Invocations / min").value == "100"
