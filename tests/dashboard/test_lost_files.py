"""Pages about lines, records and traces say that a file cannot be read, never that nothing is there."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.telemetry import LogEvent, TraceRecord
from store import schema
from tests.dashboard.conftest import NOW, PROD, commit

AT = NOW - timedelta(minutes=5, seconds=31)
ORDERS = "111111111111.eu-west-1.orders"
LINE = f"{ORDERS}.{round(AT.timestamp() * 1000)}.l5"
TRACE_ID = f"1-{round(AT.timestamp()):x}-0123456789abcdef01234567"
WHY = "a file of the store cannot be read"


def words(app):
    kinds = ("markdown", "caption", "info", "warning")
    return "\n".join(element.value for kind in kinds for element in app.get(kind)).replace("\\", "")


@pytest.fixture
def lose(filled):
    """`lose(kind)`: all is packed, then the files of a kind are gone."""
    flags = dict.fromkeys(("has_error", "has_fault", "has_throttle"), False)
    about = {"response_ms": 5.0, "root": "orders", "functions": ("orders",), "duration_ms": 5}
    trace = TraceRecord(trace_id=TRACE_ID, ts=AT, **flags, **about)
    commit(filled, "traces", [trace])
    filled.pack(now=NOW + timedelta(hours=2))

    def remove(kind):
        where = (schema.file.c.kind == kind) & schema.file.c.replaced_at.is_(None)
        with filled.engine.connect() as connection:
            paths = connection.execute(sa.select(schema.file.c.path).where(where)).scalars().all()
        assert paths
        for path in paths:
            (filled.path / "telemetry" / path).unlink()

    return remove


def test_logs_say_that_kept_lines_cannot_be_read(open_page, lose):
    lose("log_events")

    assert f"not read in full: orders, {WHY}" in words(open_page("views/logs.py", fn=ORDERS))


def test_a_line_that_cannot_be_read_is_not_called_gone(open_page, lose):
    lose("log_events")

    said = words(open_page("views/logs.py", line=LINE))
    assert "it may be in what cannot be read" in said
    assert f"Some of this time is not collected: {WHY}" in said


def test_a_line_whose_time_can_be_read_says_nothing_of_that(open_page, filled):
    assert "is not collected" not in words(open_page("views/logs.py", line=LINE))


def test_a_line_says_that_its_invocation_cannot_be_read(open_page, lose):
    lose("invocations")

    said = words(open_page("views/logs.py", line=LINE))

    assert "Its invocation record is not found" in said
    assert f"Some of this time is not collected: {WHY}" in said


def test_what_is_new_is_not_sure_when_older_lines_cannot_be_read(open_page, lose, filled):
    lose("log_events")
    own = {
        "function": "orders",
        "request_id": "r9",
        "stream": "s",
        "level": "error",
        "message": "Boom",
        "signature": "Boom",
    }
    commit(filled, "logs", [LogEvent(ts=NOW - timedelta(minutes=1), event_id="n", **own)])

    start = NOW - timedelta(minutes=3)
    said = words(open_page("views/logs.py", **{"from": start.isoformat(), "to": NOW.isoformat()}))

    assert f"new ones may be old: before this window {WHY}" in said


def test_traces_say_that_some_cannot_be_read(open_page, lose):
    lose("traces")

    said = words(open_page("views/traces.py", trace=f"{PROD.account}.{PROD.region}.{TRACE_ID}"))

    assert f"not all of this window was read: {WHY}" in said
    assert f"This trace is not found: not all of its time is read: {WHY}" in said


@pytest.mark.parametrize("tab", ["errors", "invocations", "cold starts", "logs", "versions"])
def test_tabs_that_rest_on_the_log_say_that_part_of_it_cannot_be_read(open_page, lose, tab):
    lose("log_events" if tab in ("errors", "logs") else "invocations")

    assert f"Part of the log was not read: {WHY}" in words(open_page("views/function.py", fn=ORDERS, tab=tab))


def test_the_tab_of_traces_says_that_some_cannot_be_read(open_page, lose):
    lose("traces")

    said = words(open_page("views/function.py", fn=ORDERS, tab="traces"))

    assert f"Part of the traces was not read: {WHY}" in said


def test_collection_health_counts_the_time_of_a_lost_file_as_a_gap(open_page, lose, filled):
    lose("invocations")
    filled.pack(now=NOW + timedelta(hours=2))

    said = words(open_page("views/collection.py"))

    assert "of the store cannot be read (invocation records" in said
    assert f"{WHY} (it is gone)" in said
