from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.loglines import parse_error_line, parse_error_object

REQUEST = "0b1c2d3e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("line", "level", "request_id", "uncaught", "error_type"),
    [
        (f"[ERROR]\t2026-11-21T10:00:00.123Z\t{REQUEST}\tcard refused\n", "error", REQUEST, False, None),
        (f"[CRITICAL]\t2026-11-21T10:00:00.123Z\t{REQUEST}\tno disk\n", "fatal", REQUEST, False, None),
        ("[ERROR] KeyError: 'total'\nTraceback (most recent call last):\n", "error", None, True, "KeyError"),
        ("[ERROR] shop.errors.Refused: no\nTraceback\n", "error", None, True, "shop.errors.Refused"),
        (
            f"2026-11-21T10:00:00.123Z\t{REQUEST}\tERROR\tInvoke Error \t"
            '{"errorType":"TypeError","stack":[]}',
            "error",
            REQUEST,
            True,
            "TypeError",
        ),
        (f"2026-11-21T10:00:00.123Z\t{REQUEST}\tERROR\tcard refused", "error", REQUEST, False, None),
        ("2026-11-21T10:00:00.123Z\tundefined\tERROR\tbefore any request", "error", None, False, None),
        (
            "java.lang.IllegalStateException: closed\n\tat shop.App",
            "error",
            None,
            True,
            "java.lang.IllegalStateException",
        ),
        (
            "closed: java.io.IOException\njava.io.IOException: closed\n\tat a",
            "error",
            None,
            True,
            "java.io.IOException",
        ),
        ("see java.io.IOException for more", "error", None, False, None),
        (
            'Error raised from handler method\n{"errorMessage": "no", "errorType": "Function<KeyError>"}',
            "error",
            None,
            True,
            "Function<KeyError>",
        ),
        ("Traceback (most recent call last):\n  File x\nOSError: gone", "error", None, False, None),
        ("panic: runtime error: index out of range", "error", None, False, None),
    ],
)
def test_reads_lines_that_tell_of_errors(line, level, request_id, uncaught, error_type):
    found = parse_error_line(line)

    assert (found.level, found.request_id, found.uncaught) == (level, request_id, uncaught)
    assert found.error_type == error_type


@pytest.mark.parametrize(
    "line",
    [
        f"[INFO]\t2026-11-21T10:00:00.123Z\t{REQUEST}\t0 ERROR lines, no Exception",
        f"2026-11-21T10:00:00.123Z\t{REQUEST}\tINFO\tretry after ERROR",
        "[WARNING] ERROR rate is fine",
        "INFO: FATAL flaw found none",
        "all is well",
        "",
    ],
)
def test_leaves_lines_of_a_lower_level(line):
    assert parse_error_line(line) is None


@pytest.mark.parametrize(
    ("line", "text", "uncaught"),
    [
        ({"errorType": "LookupError", "errorMessage": "no", "requestId": REQUEST}, "LookupError: no", True),
        ({"level": "ERROR", "message": "refused", "requestId": REQUEST}, "refused", False),
        ({"level": "error", "message": "refused", "requestId": REQUEST}, "refused", False),
        (
            {
                "log_level": "ERROR",
                "errorType": "KeyError",
                "errorMessage": "'total'",
                "stackTrace": ["x"],
                "requestId": REQUEST,
            },
            "KeyError: 'total'",
            True,
        ),
        (
            {
                "level": "ERROR",
                "requestId": REQUEST,
                "message": {"errorType": "TypeError", "errorMessage": "no", "stackTrace": ["x"]},
            },
            "TypeError: no",
            True,
        ),
        (
            {
                "level": "ERROR",
                "message": "handled",
                "logger": "shop",
                "errorType": "KeyError",
                "stackTrace": ["x"],
                "requestId": REQUEST,
            },
            "KeyError: handled",
            False,
        ),
    ],
)
def test_reads_structured_errors(line, text, uncaught):
    found = parse_error_object(line, json.dumps(line))

    assert (found.text, found.uncaught, found.request_id) == (text, uncaught, REQUEST)


@pytest.mark.parametrize(
    "line",
    [
        {"level": "INFO", "message": "ERROR"},
        {"message": "x"},
        {},
        {"level": 3},
        {"errorType": "X", "order": 1},
    ],
)
def test_leaves_other_structured_lines(line):
    assert parse_error_object(line, json.dumps(line)) is None


def test_an_error_hidden_in_json_has_a_headline():
    line = '2026-11-21T10:00:00.123Z\tx\tERROR\tInvoke Error \t{"errorType":"TypeError","errorMessage":"no"}'

    assert parse_error_line(line).headline == "TypeError: no"


@given(st.text())
def test_any_text_can_be_looked_at(text):
    parse_error_line(text)
    parse_error_line("[ERROR] " + text)


@given(
    st.dictionaries(
        st.sampled_from(["level", "message", "errorType", "stackTrace"]), st.text() | st.integers()
    )
)
def test_any_object_can_be_looked_at(line):
    parse_error_object(line, json.dumps(line))


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ({"level": 50, "time": 1, "msg": "refused"}, "error", "refused"),
        ({"level": 60, "msg": "gone"}, "fatal", "gone"),
        ({"@l": "Error", "@mt": "no {Order}", "@x": "X: no\n   at A.B()"}, "error", "no {Order}"),
        ({"Level": "Fatal", "RenderedMessage": "no order"}, "fatal", "no order"),
        ({"log.level": "ERROR", "message": "no order"}, "error", "no order"),
        ({"log": {"level": "error"}, "message": "no order"}, "error", "no order"),
        (
            {"level": "ERROR", "loggerName": "a", "message": "no", "thrown": {"name": "a.B"}},
            "error",
            "a.B: no",
        ),
        ({"level": "critical", "event": "no order"}, "fatal", "no order"),
        ({"L": "ERROR", "M": "no order"}, "error", "no order"),
        ({"level": 50, "msg": "no", "err": {"type": "TypeError", "stack": "a\nb"}}, "error", "TypeError: no"),
    ],
)
def test_reads_the_levels_of_logging_libraries(line, level, text):
    found = parse_error_object(line, json.dumps(line))

    assert (found.level, found.text) == (level, text)


@pytest.mark.parametrize(
    "line",
    [
        {"level": 30, "msg": "ERROR"},
        {"level": True, "msg": "x"},
        {"level": "verbose", "error": "x"},
        {"log": {"level": "info"}},
    ],
)
def test_an_unknown_level_counts_as_information(line):
    assert parse_error_object(line, json.dumps(line)) is None


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (f"2026-11-21T10:00:00.123Z\t{REQUEST}\tfail\tcard refused", "error"),
        (f"2026-11-21T10:00:00.123Z\t{REQUEST}\tcrit\tcard refused", "fatal"),
        (f"2026-11-21 10:00:00 {REQUEST} ERROR Orders - card refused", "error"),
        ("2026-11-21 10:00:00,123 [main] FATAL shop.Orders - gone", "fatal"),
        ("2026-11-21T10:00:00.123456Z ERROR shop::orders: gone", "error"),
        ("E, [2026-11-21T10:00:00.123456 #8] ERROR -- : gone", "error"),
        ('time="2026-11-21T10:00:00Z" level=error msg="gone"', "error"),
        ("time=2026-11-21T10:00:00Z level=ERROR msg=gone", "error"),
    ],
)
def test_reads_the_layouts_of_logging_libraries(line, level):
    assert parse_error_line(line).level == level


@pytest.mark.parametrize(
    "line",
    [
        f"2026-11-21T10:00:00.123Z\t{REQUEST}\tinfo\tno ERROR",
        f"2026-11-21 10:00:00 {REQUEST} INFO Orders - no ERROR, no KeyException",
        'time="2026-11-21T10:00:00Z" level=info msg="ERROR"',
        "I, [2026-11-21T10:00:00.123456 #8]  INFO -- : no ERROR",
    ],
)
def test_leaves_lower_levels_of_those_layouts(line):
    assert parse_error_line(line) is None


@pytest.mark.parametrize(
    "line",
    [
        {"level": "error", "msg": "no", "stack": "TypeError: no\n    at f (/var/task/a.js:1:2)"},
        {"level": 50, "msg": "no", "err": {"type": "TypeError", "stack": "T\n    at f (/var/task/a.js:1:2)"}},
        {
            "errorType": "TypeError",
            "errorMessage": "no",
            "stackTrace": ["T", "    at f (/var/task/a.js:1:2)"],
        },
        {"level": "ERROR", "message": "no", "error": {"stack_trace": "T\n    at f (/var/task/a.js:1:2)"}},
    ],
)
def test_the_trace_of_a_structured_error_is_found(line):
    assert "at f (/var/task/a.js:1:2)" in parse_error_object(line, json.dumps(line)).stack


def test_the_trace_of_an_uncaught_error_of_node_is_found():
    line = (
        '2026-11-21T10:00:00.123Z\tx\tERROR\tInvoke Error \t{"errorType":"TypeError","stack":["T","  at f"]}'
    )

    assert parse_error_line(line).stack == "T\n  at f"


@given(st.binary())
def test_any_bytes_read_as_text_can_be_looked_at(data):
    text = data.decode("utf-8", errors="replace")

    parse_error_line(text)
    parse_error_line("level=" + text)
