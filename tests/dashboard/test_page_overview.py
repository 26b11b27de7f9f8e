"""The Overview on a real store."""

import json


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


def test_the_table_can_be_searched(open_page, filled):
    app = open_page()

    app.text_input(key="find").set_value("IDLE").run()

    assert list(app.dataframe[0].value["function"]) == ["idle"]


def test_a_search_without_a_match_says_so(open_page, filled):
    app = open_page()

    app.text_input(key="find").set_value("nothing like it").run()

    assert "None of 2 functions matches." in app.info[0].value


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
