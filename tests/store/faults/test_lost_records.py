"""Log lines, records and traces in a file that cannot be read: whoever looks for them is told so."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.entities import Function
from core.facts import Covered, Target
from core.telemetry import InvocationRecord, LogEvent, TraceRecord
from core.windows import Window
from store import schema
from store.readers import collection, log_search, lost, no_trace, slow, trace_totals, tracing
from store.readers.log_search import Search
from store.store import Filter

HOUR = timedelta(hours=1)
PROD = Target("111111111111", "eu-west-1")
OTHER = Target("222222222222", "eu-west-1")
WHY = "a file of the store cannot be read"
ORDERS = Filter(PROD.account, PROD.region, "orders")
ARN = "arn:aws:lambda:eu-west-1:111111111111:function:orders"


@pytest.fixture
def window(noon):
    return Window(noon, noon + HOUR)


@pytest.fixture
def now(noon):
    return noon + 6 * HOUR


@pytest.fixture
def trace_id(noon):
    return f"1-{round(noon.timestamp()):x}-0123456789abcdef01234567"


@pytest.fixture
def filed(store, a_run, noon, window, now, trace_id):
    """An hour with a line, its record and its trace, each kind in a file of its own."""
    ts, own = noon + timedelta(minutes=5), {"function": "orders", "request_id": "r1", "stream": "s"}
    line = LogEvent(ts=ts, event_id="l1", level="error", message="Boom", signature="Boom", **own)
    record = InvocationRecord(
        ts=ts,
        event_id="e1",
        duration_ms=5,
        billed_ms=5,
        memory_mb=128,
        version="1",
        sampled=True,
        trace_id=trace_id,
        max_memory_mb=64,
        **own,
    )
    flags = dict.fromkeys(("has_error", "has_fault", "has_throttle"), False)
    about = {"response_ms": 5.0, "root": "orders", "functions": ("orders",)}
    trace = TraceRecord(trace_id=trace_id, ts=ts, duration_ms=5, **flags, **about)
    function = Function(name="orders", arn=ARN, tracing_mode="Active")
    for collector, facts in {
        "inventory": [function],
        "metrics": [],
        "logs": [line, record, Covered("orders", window)],
        "traces": [trace],
    }.items():
        store.commit(a_run(window.start, window.end, at=now, collector=collector), facts, now=now)
    store.pack(now=now)
    return store


def lose(store, kept, kind):
    with store.engine.connect() as connection:
        where = (schema.file.c.kind == kind) & schema.file.c.replaced_at.is_(None)
        for path in connection.execute(sa.select(schema.file.c.path).where(where)).scalars().all():
            kept.remove(path)


@pytest.mark.parametrize("kind", ["log_events", "invocations"])
def test_the_log_of_a_lost_file_is_not_read_in_full(filed, kept, window, now, kind):
    assert slow.reading(filed, window, now=now, where=ORDERS) is None

    lose(filed, kept, kind)

    assert WHY in slow.reading(filed, window, now=now, where=ORDERS)


def test_a_search_names_the_functions_whose_lines_cannot_be_read(filed, kept, window, now):
    assert log_search.unread_logs(filed, window, Search(), now=now).empty

    lose(filed, kept, "log_events")

    found = log_search.unread_logs(filed, window, Search(), now=now)
    assert found["function"].tolist() == ["orders"]
    assert WHY in found["state"][0]
    assert log_search.log_counts(filed, window, Search(), now=now)["lines"].isna().all()


def test_what_is_lacking_is_told_of_the_kinds_and_the_place_asked_about(filed, kept, window):
    lose(filed, kept, "log_events")

    assert WHY in lost.lacking(filed, window, ("log_events",))
    assert lost.lacking(filed, window, ("traces",)) is None
    assert lost.lacking(filed, Window(window.end, window.end + HOUR), ("log_events",)) is None
    assert lost.lacking(filed, window, ("log_events",), where=Filter(account=OTHER.account)) is None


def test_a_trace_that_cannot_be_read_is_told_apart_from_none(filed, kept, now, trace_id):
    assert tracing.trace(filed, PROD, trace_id, now=now).note.startswith("only its summary")

    lose(filed, kept, "traces")

    assert tracing.trace(filed, PROD, trace_id, now=now) is None
    assert WHY in tracing.trace_lacks(filed, PROD, trace_id, now=now)


def test_a_trace_without_its_records_says_that_they_cannot_be_read(filed, kept, now, trace_id):
    lose(filed, kept, "invocations")

    view = tracing.trace(filed, PROD, trace_id, now=now)

    assert view.invocations.empty
    assert WHY in view.note


def test_totals_of_traces_say_what_they_lack(filed, kept, window, now):
    lose(filed, kept, "traces")

    totals, seen = trace_totals.trace_totals(filed, window, where=Filter(), now=now)

    assert totals["traces"] == 0
    assert WHY in seen.state()


@pytest.mark.parametrize(("kind", "code"), [("traces", "not-collected"), ("invocations", "log-not-read")])
def test_why_there_is_no_trace_of_a_request_begins_with_the_lost_file(filed, kept, now, kind, code):
    lose(filed, kept, kind)

    found = no_trace.why_no_trace(filed, PROD, "orders", "r1", now=now)

    reason = next(reason for reason in found.reasons if reason.code == code)
    assert WHY in reason.what


def test_the_time_of_a_lost_file_is_a_gap_of_its_collector(filed, kept, window, now):
    gaps = collection.gaps(filed, window, now=now)
    assert gaps[gaps["collector"] == "logs"].empty

    lose(filed, kept, "log_events")
    filed.pack(now=now)
    lost.lacking(filed, window, ("log_events",))  # in a bucket looking is paid: a reader tells

    gaps = collection.gaps(filed, window, now=now)
    found = gaps[gaps["collector"] == "logs"].iloc[0]
    assert (found["scope"], found["minutes"]) == ("orders", 60)
    assert WHY in found["why"]
