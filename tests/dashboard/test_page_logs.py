"""The Logs page on a real store, in process: what it says, finds, groups and never interprets."""

import json
import random
import re
from datetime import UTC, timedelta

import pandas as pd
import pytest

from core.facts import Gap
from core.live import SCANNED_BYTE_USD, Line
from core.telemetry import InvocationRecord, LogEvent, MetricPoint, TraceRecord
from dashboard import log_parts
from dashboard.charts.logs import LEVELS as BARS
from dashboard.charts.logs import lines_in_time
from store import live
from store.readers.log_search import LEVELS
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table

ORDERS = "111111111111.eu-west-1.orders"
HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](http://evil) :red[x] $x$ \x1b[31m =cmd()"


def words(app):
    return "\n".join(
        element.value for kind in ("markdown", "caption", "info", "warning") for element in app.get(kind)
    )


def event(number, minutes_ago, **fields):
    values = {
        "function": "orders",
        "stream": "2026/11/20/[2]abc",
        "request_id": f"r{number}",
        "level": LEVELS[number % len(LEVELS)],
        "message": f"Boom {number % 3}: #{number}",
        "signature": f"Boom {number % 3}",
    }
    ts = NOW - timedelta(minutes=minutes_ago, seconds=number % 60)
    return LogEvent(ts=ts, event_id=f"e{number:04}", **(values | fields))


@pytest.fixture
def written(filled):
    """150 lines of three messages beside the fixture's own, one of them since an hour only."""
    chance = random.Random(5)
    facts = [event(n, chance.uniform(1, 60) if n % 3 == 0 else chance.uniform(1, 178)) for n in range(150)]
    commit(filled, "logs", [*facts, event(999, 178, message="Boom 1: #999", signature="Boom 1")])
    return filled, facts


def test_the_answer_counts_lines_and_messages_and_names_the_most_frequent(open_page, written):
    _, facts = written

    said = words(open_page("views/logs.py"))

    assert f"**{len(facts) + 2} error lines, 4 messages**" in said
    assert "Boom" in said


def test_what_was_not_stored_before_the_window_is_new(open_page, written):
    app = open_page("views/logs.py", range="1h")

    new = {row["signature"]: row["new"] for row in table(app, "new").to_dict("records")}
    assert list(new["Boom 0"]) == ["new"]
    assert list(new["Boom 1"]) == []


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ({"q": "boom 1"}, lambda fact: "Boom 1" in fact.message),
        ({"q": r"#\d$", "re": "1"}, lambda fact: fact.message[-2] == "#"),
        ({"level": "crash,timeout"}, lambda fact: fact.level in ("crash", "timeout")),
        ({"sig": "Boom 2"}, lambda fact: fact.signature == "Boom 2"),
        ({"request": "r12"}, lambda fact: fact.request_id == "r12"),
        ({"fn": ORDERS, "q": "#14"}, lambda fact: "#14" in fact.message),
    ],
)
def test_each_choice_in_the_address_narrows_the_lines(open_page, written, query, fits):
    _, facts = written
    wanted = [fact for fact in facts if fits(fact)]

    app = open_page("views/logs.py", **query)

    shown = table(app, "shown")
    theirs = [text for text in shown["shown"] if text.startswith("Boom") and "#999" not in text]
    newest = sorted(wanted, key=lambda fact: (fact.ts, fact.event_id), reverse=True)
    assert theirs == [fact.message for fact in newest[: len(theirs)]]
    assert len(theirs) >= min(len(wanted), 98)
    assert shown["ts"].is_monotonic_decreasing


def test_the_second_page_goes_on_where_the_first_ends(open_page, written):
    first, second = (table(open_page("views/logs.py", p=page), "shown")["shown"] for page in ("1", "2"))

    assert len(first) == 100
    assert len(second) == 52
    assert not set(first) & set(second)


def test_the_chart_has_bars_for_the_levels_that_were_met(open_page, written):
    option = json.loads(open_page("views/logs.py").get("echarts_chart")[0].proto.spec)

    assert {series["name"] for series in option["series"]} == {"errors", "fatal", "crashes", "timeouts"}


def test_the_levels_stand_below_the_title_on_a_phone():
    counts = pd.DataFrame([{"ts": WINDOW.start, **dict.fromkeys(BARS, 1.0)}])

    wide, narrow = (
        lines_in_time(counts, window=WINDOW, zone=UTC, narrow=phone).option for phone in (False, True)
    )

    assert narrow["legend"]["top"] > wide["legend"]["top"] == wide["title"]["top"]
    assert narrow["grid"]["top"] > wide["grid"]["top"]


def test_a_line_shows_its_text_its_invocation_and_what_is_around_it(open_page, filled):
    at = NOW - timedelta(minutes=5, seconds=31)
    commit(filled, "logs", [event(1, 6), event(2, 4)])

    app = open_page("views/logs.py", line=f"{ORDERS}.{round(at.timestamp() * 1000)}.l5")

    assert app.code[0].value == "KeyError: <b>iban</b> **bold** $x$"
    assert [line[:1] for line in app.code[1].value.splitlines()] == [" ", "▶", " "]
    assert "error · ran 205 ms" in words(app).replace("\\", "")
    assert "masked" in words(app)


def test_a_line_leads_to_the_trace_of_its_request(open_page, filled):
    at = NOW - timedelta(minutes=3)
    trace = f"1-{int(at.timestamp()):08x}-{1:024x}"
    record = InvocationRecord(
        function="orders", ts=at, event_id="x", request_id="own", stream="s", version="2", duration_ms=5,
        memory_mb=512, max_memory_mb=99, status="error", trace_id=trace, sampled=True,
    )  # fmt: skip
    stored = TraceRecord(
        trace_id=trace, ts=at, duration_ms=5, response_ms=5, has_error=True, has_fault=False,
        has_throttle=False, root="api", functions=("orders",), document=None,
    )  # fmt: skip
    line = event(1, 3, request_id="own")
    commit(filled, "logs", [line, record])
    commit(filled, "traces", [stored])

    app = open_page("views/logs.py", line=f"{ORDERS}.{round(line.ts.timestamp() * 1000)}.e0001")

    [way] = [link.proto for link in app.get("page_link") if link.proto.label == "Its trace"]
    assert f"trace=111111111111.eu-west-1.{trace}" in way.query_string
    assert "no trace" not in words(app)


def test_a_line_without_a_trace_says_why(open_page, filled):
    at = NOW - timedelta(minutes=5, seconds=31)

    app = open_page("views/logs.py", line=f"{ORDERS}.{round(at.timestamp() * 1000)}.l5")

    assert "Its trace" not in [link.proto.label for link in app.get("page_link")]
    assert "tracing mode is not known" in words(app).replace("\\", "")


@pytest.mark.parametrize(
    "asked", ["nonsense", f"{ORDERS}.x.e1", f"{ORDERS}.1.e1", "....", "a.b.c.99999999999999999999.e"]
)
def test_a_line_that_is_not_there_is_a_sentence(open_page, filled, asked):
    app = open_page("views/logs.py", line=asked)

    assert not app.exception
    assert "cannot be read" in words(app) or "was never kept, or it is gone" in words(app)


def test_a_line_in_the_address_reads_back():
    id = log_parts.LineId(PROD, "orders", NOW, "36-e.1")

    assert log_parts.read_line_id(str(id)) == id


def test_a_pattern_that_is_none_is_said_in_words(open_page, filled):
    app = open_page("views/logs.py", q="(", re="1")

    assert not app.exception
    assert "no regular expression" in app.warning[0].value


def test_unknown_functions_and_pages_in_the_address_do_no_harm(open_page, filled):
    app = open_page("views/logs.py", fn="1.2.gone,x", p="-3", level="loud")

    assert not app.exception
    assert "is not known here" in words(app)


def test_logs_that_were_not_read_are_named(open_page, filled):
    commit(filled, "logs", [Gap("idle", WINDOW, "log group /aws/lambda/idle does not exist")])

    app = open_page("views/logs.py")

    assert "not read in full: idle, log group /aws/lambda/idle does not exist" in words(app).replace("\\", "")
    assert table(app, "state")["function"].tolist() == ["idle"]


def test_hostile_text_is_only_text(open_page, filled):
    commit(filled, "logs", [event(7, 3, message=HOSTILE, signature=HOSTILE, request_id="<i>r</i>`")])
    line = event(7, 3)

    app = open_page(
        "views/logs.py",
        q="<img src=x>",
        sig=HOSTILE,
        request="<b>",
        line=f"{ORDERS}.{round(line.ts.timestamp() * 1000)}.e0007",
    )

    assert not app.exception
    for element in [*app.markdown, *app.caption]:
        assert not element.allow_html if hasattr(element, "allow_html") else True
        assert not re.search(r"(?<!\\)(<img|<i>|\*\*bold|\[link|:red\[x)", element.value)
    assert app.code[0].value.startswith("<img src=x")


def test_an_empty_store_says_that_nothing_was_read(open_page, store):
    app = open_page("views/logs.py")

    assert not app.exception
    assert "The logs collector has not run yet" in words(app)


# --- the logs in AWS ----------------------------------------------------------------------------------------


def ask(app, how=None):
    if how:
        next(control for control in app.get("button_group") if control.key == "live-how").set_value(
            [how]
        ).run()
    app.button(key="live-go").click().run()
    return app


def test_without_a_function_nothing_can_be_asked(open_page, filled):
    app = open_page("views/logs.py")

    assert "Choose functions above" in words(app)
    assert all(button.key != "live-go" for button in app.button)


def test_the_price_is_on_the_button_before_anything_is_asked(open_page, filled):
    app = open_page("views/logs.py", fn=ORDERS)

    assert app.button(key="live-go").label.endswith("free of charge")
    assert "No charge" in words(app)
    assert list(live.take(filled, [PROD], now=NOW)) == []


def test_the_price_is_what_the_window_holds_at_the_price_of_a_byte(open_page, filled):
    gb_a_minute = 0.25
    points = [
        MetricPoint(scope="function", function="orders", ts=NOW - timedelta(minutes=m + 1), period_s=60,
                    log_bytes=gb_a_minute * 1e9)
        for m in range(180)
    ]  # fmt: skip
    commit(filled, "metrics", points)
    app = open_page("views/logs.py", fn=ORDERS)

    way = next(control for control in app.get("button_group") if control.key == "live-how")
    app = way.set_value("query").run()

    usd = 180 * gb_a_minute * 0.005
    assert app.button(key="live-go").label == f"Search in AWS · about ${usd:.2f}"
    assert f"about ${usd:.2f}" in words(app).replace("\\", "")
    assert list(live.take(filled, [PROD], now=NOW)) == []


def test_a_volume_that_is_not_known_is_no_price_of_zero(open_page, filled):
    app = open_page("views/logs.py", fn=ORDERS)

    way = next(control for control in app.get("button_group") if control.key == "live-how")
    app = way.set_value("query").run()

    assert app.button(key="live-go").label.endswith("price not known")


def test_a_confirmed_search_is_put_to_the_service_as_chosen(open_page, filled):
    ask(open_page("views/logs.py", fn=ORDERS, q="boom"))

    (asked,) = live.take(filled, [PROD], now=NOW)
    assert (asked.question.functions, asked.question.text) == (("orders",), "boom")
    assert asked.question.window.duration == timedelta(hours=3)


def test_the_answer_is_shown_with_what_it_took(open_page, filled):
    app = ask(open_page("views/logs.py", fn=ORDERS, q="boom"))
    (asked,) = live.take(filled, [PROD], now=NOW)
    line = Line(ts=NOW, function="orders", stream="s", message="boom [hidden]", event_id="e")
    with filled.transaction() as connection:
        live.tell(
            connection,
            asked.id,
            lines=[line],
            read_from=WINDOW.start,
            calls=3,
            cost_usd=SCANNED_BYTE_USD * 0,
            state=live.DONE,
        )

    app.run()

    assert "1 line · 3 calls · $0.00" in words(app)
    assert table(app, "message")["message"].tolist() == ["boom [hidden]"]


def test_stop_cancels_what_is_read(open_page, filled):
    app = ask(open_page("views/logs.py", fn=ORDERS))
    (asked,) = live.take(filled, [PROD], now=NOW)

    app.button(key="live-stop").click().run()

    assert not live.is_wanted(filled, asked.id, now=NOW)
    assert "Stopped" in words(app)


def test_a_service_that_does_not_answer_is_said(open_page, filled, monkeypatch):
    app = ask(open_page("views/logs.py", fn=ORDERS))

    monkeypatch.setenv("QUARTERDECK_NOW", (NOW + timedelta(minutes=1)).isoformat())
    app.run()

    assert "no service has answered" in words(app)
