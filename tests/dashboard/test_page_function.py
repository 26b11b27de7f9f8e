"""A function's page on a real store."""

import json

import pytest

ORDERS = "111111111111.eu-west-1.orders"
IDLE = "111111111111.eu-west-1.idle"


def words(app):
    return " ".join(text.value for text in [*app.markdown, *app.caption, *app.info])


def test_asks_to_choose_and_lists_the_functions(open_page, filled):
    app = open_page("views/function.py")

    assert set(app.dataframe[0].value["function"]) == {"orders", "idle"}


@pytest.mark.parametrize("fn", [ORDERS, "orders"])
def test_opens_the_function_of_the_address(open_page, filled, fn):
    app = open_page("views/function.py", fn=fn)

    assert "timeout 15 s" in words(app)
    assert len(app.metric) == 6


def test_an_unknown_function_is_a_sentence_and_not_another_function(open_page, filled):
    app = open_page("views/function.py", fn="111111111111.eu-west-1.gone")

    assert "No function gone is known" in words(app)
    assert not app.metric


def test_a_silent_function_is_called_silent_and_its_rate_is_not_zero(open_page, filled):
    app = open_page("views/function.py", fn=IDLE)

    assert "Silent" in words(app)
    rate = next(m for m in app.metric if m.label.startswith("Error rate"))
    assert rate.value == "—"
    assert "nothing was invoked" in rate.proto.help


def test_the_state_is_the_firing_incident(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    assert "orders: error rate 12 %" in words(app).replace("\\", "")


def test_the_board_has_six_panels_with_the_memory_limit_and_the_time_it_fired(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    memory = next(s for s in option["series"] if s["name"] == "memory")
    assert len(option["grid"]) == 6
    assert {"configured 512 MB"} <= {mark["label"]["formatter"] for mark in memory["markLine"]["data"]}
    assert memory["markArea"]["data"]


def test_what_changed_lists_deploy_and_alert_newest_first(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    assert any("Alert fired" in text.value for text in app.markdown)
    assert "Deploy v1 → v2" in app.button(key="diff-1").label


def test_the_error_tab_shows_the_example_as_text_only(open_page, filled):
    app = open_page("views/function.py", fn=ORDERS)

    assert app.code[0].value == "KeyError: <b>iban</b> **bold** $x$"
    assert not any("<b>iban" in text.value for text in app.markdown)


def test_choosing_a_function_writes_it_into_the_address(open_page, filled):
    app = open_page("views/function.py")

    app.selectbox(key="_fn").set_value(ORDERS).run()

    assert ORDERS in app.query_params["fn"]
    assert len(app.metric) == 6


@pytest.mark.parametrize(
    ("tab", "said"),
    [
        (":material/account_tree: Traces", "No trace of this function"),
        (":material/input: Triggers", "No trigger is known"),
        (":material/tune: Configuration", "Layers"),
    ],
)
@pytest.mark.parametrize("fn", [ORDERS, IDLE])
def test_each_tab_of_the_setup_opens_on_a_store_that_knows_little(open_page, filled, fn, tab, said):
    app = open_page("views/function.py", fn=fn)
    app.session_state["tab"] = tab
    app.run()

    assert not app.exception
    assert said in words(app) + " ".join(heading.value for heading in app.header)
