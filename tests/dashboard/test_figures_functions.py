"""The function table: states, search, filters, order, pages and what a row says."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from dashboard import figures_fleet, figures_functions
from dashboard.figures_functions import ROWS_PER_PAGE, SORTS, Wanted
from tests.dashboard.fleet_rows import DENIED, NOT_YET, NOW, WINDOW, fleet, incident, incidents, row

NO_FILTER = {"team": None, "env": None, "runtime": None}
PLACES = {("1", "eu"): "shop · eu"}


def rows(*known, fires=(), judged=True):
    digest = figures_fleet.digest(fleet(*known), {"1": "shop"})
    return figures_functions.with_states(digest.rows, incidents(*fires), judged=judged)


def names(table, **wanted):
    return list(figures_functions.matching(table, Wanted(**{"values": NO_FILTER} | wanted))["function"])


def shown(table, *fires):
    lines = {"invocations": [[1.0]] * len(table), "errors": [[0.0]] * len(table)}
    about = incidents(*fires)
    return figures_functions.shown(table, lines, about, PLACES, window=WINDOW, now=NOW)


def test_functions_are_listed_worst_first_and_unknown_before_healthy():
    table = rows(
        row("healthy"),
        row("silent", invocations=0.0, errors=0.0),
        row("dark", invocations=np.nan, states=NOT_YET),
        row("warned"),
        row("critical"),
        fires=[
            incident(subject="warned"),
            incident(subject="critical", severity="info"),
            incident(subject="critical", severity="critical"),
        ],
    )

    assert names(table) == ["critical", "warned", "dark", "healthy", "silent"]
    assert list(figures_functions.matching(table, Wanted(values=NO_FILTER))["state"]) == [
        "critical",
        "warning",
        "not collected",
        "healthy",
        "silent",
    ]


def test_no_function_is_called_healthy_while_no_rule_is_evaluated():
    table = rows(row("running"), row("silent", invocations=0.0, errors=0.0), judged=False)

    assert list(table["state"]) == ["not judged", "silent"]


@pytest.mark.parametrize(
    ("invocations", "errors", "state"),
    [
        (354.0, 38.0, "errors"),
        (1.0, 1.0, "errors"),
        (100.0, 5.0, "healthy"),
        (0.0, 0.0, "silent"),
        (np.nan, 3.0, "not collected"),
    ],
)
def test_a_function_that_failed_often_is_not_called_healthy_though_nothing_fires(invocations, errors, state):
    assert list(rows(row(invocations=invocations, errors=errors))["state"]) == [state]


def test_a_function_that_fires_and_fails_is_in_the_state_of_its_alert():
    table = rows(row("fails", errors=99.0, invocations=100.0), fires=[incident(subject="fails")])

    assert list(table["state"]) == ["warning"]


def test_an_incident_of_a_queue_or_of_another_account_marks_no_function():
    table = rows(row(), fires=[incident(subject_kind="queue", subject="orders"), incident(account="2")])

    assert list(table["state"]) == ["healthy"]


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("shop orders api", ["orders-api"]),
        ("ORDERS", ["orders-api", "orders-worker"]),
        ("team=shop", ["orders-api"]),
        ("tier=gold", ["orders-worker"]),
        ("python3.13 eu", ["orders-api", "orders-worker"]),
        ("orders.api", []),
        ("nothing", []),
    ],
)
def test_every_word_of_a_search_must_be_in_the_name_the_place_the_runtime_or_a_tag(find, found):
    table = rows(row("orders-api"), row("orders-worker", account="2", tags={"tier": "gold"}))

    assert names(table, find=find) == found


def test_filters_keep_what_has_the_value_and_nothing_that_has_none():
    table = rows(
        row("a", tags={"team": "x", "env": "prod"}),
        row("b", tags={"team": "y", "env": "prod"}, runtime="nodejs22.x"),
        row("c", tags={}, runtime=None),
    )

    assert names(table, values=NO_FILTER | {"team": "x"}) == ["a"]
    assert names(table, values=NO_FILTER | {"env": "prod"}) == ["a", "b"]
    assert names(table, values=NO_FILTER | {"runtime": "nodejs22.x"}) == ["b"]
    assert names(table, values=NO_FILTER | {"team": "gone"}) == []
    assert figures_functions.options(table, "team") == ["x", "y"]


def test_states_are_filtered_by_any_of_the_chosen_ones():
    table = rows(row("a"), row("b", invocations=0.0, errors=0.0), row("c"), fires=[incident(subject="c")])

    assert names(table, states=["warning", "silent"]) == ["c", "b"]


@pytest.mark.parametrize("sort", sorted(set(SORTS) - {"function"}))
def test_an_order_by_a_number_puts_the_most_first_and_the_unknown_last(sort):
    column = figures_functions.BY_FLEET_NAME.get(sort, sort)
    table = rows(row("few"), row("unknown"), row("most"))
    table[column] = [1.0, np.nan, 2.0]

    assert names(table, sort=sort) == ["most", "few", "unknown"]


def test_functions_can_be_ordered_by_name():
    assert names(rows(row("b"), row("a"), fires=[incident(subject="b")]), sort="function") == ["a", "b"]


def test_an_order_that_nobody_knows_is_the_worst_first():
    assert names(rows(row("a"), row("b", errors=99.0)), sort="; drop") == ["b", "a"]


def test_pages_hold_every_row_once():
    table = rows(*(row(f"f{at:03d}") for at in range(2 * ROWS_PER_PAGE + 1)))

    pages = figures_functions.page_of(None, len(table))[1]
    found = [
        name for page in range(1, pages + 1) for name in figures_functions.on_page(table, page)["function"]
    ]

    assert pages == 3
    assert found == list(table["function"])


@pytest.mark.parametrize(
    ("asked", "page"), [(None, 1), ("2", 2), ("99", 3), ("0", 1), ("-1", 1), ("x", 1), ("²", 1)]
)
def test_a_page_that_is_not_there_is_the_nearest(asked, page):
    assert figures_functions.page_of(asked, 2 * ROWS_PER_PAGE + 1) == (page, 3)


def test_a_row_says_what_fires_and_for_how_long():
    alert = incident()

    assert shown(rows(row(), fires=[alert]), alert)["note"][0] == "throttles 46 for 5 min"


def test_a_row_says_why_it_is_dark_and_when_a_silent_function_last_ran():
    table = rows(
        row("dark", states={"cold_starts": DENIED}),
        row("silent", invocations=0.0, errors=0.0, last_invocation=pd.Timestamp(NOW - timedelta(hours=5))),
        row("never", invocations=0.0, errors=0.0, last_invocation=pd.NaT),
        row("fine"),
    )

    assert list(shown(table)["note"]) == [DENIED, "last ran 5 h ago", "no run in what is stored", ""]


def test_a_table_shows_percent_and_a_file_holds_rates():
    table = rows(row(error_rate=0.01, cold_start_rate=0.02))

    drawn, kept = shown(table).iloc[0], figures_functions.exported(table, PLACES, WINDOW).iloc[0]

    assert (drawn["error_rate"], drawn["cold_start_rate"], drawn["cost_per_day_usd"]) == (1.0, 2.0, 2.0)
    assert (kept["error_rate"], kept["cold_start_rate"], kept["cost_per_day_usd"]) == (0.01, 0.02, 2.0)
    assert kept["place"] == "shop · eu"


def test_lines_are_those_of_the_row_and_none_where_a_function_has_none():
    places = fleet(row("a"), row("b"))[["account", "region", "function"]]
    asked = fleet(row("b"), row("new"))[["account", "region", "function"]]

    found = figures_functions.lines_of(asked, places, {"errors": np.array([[1.0], [2.0]])})

    assert [list(line) for line in found["errors"]] == [[2.0], []]
