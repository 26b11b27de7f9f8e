"""The size cap: what goes first, what never goes, and that everyone is told."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.facts import Target
from core.settings import RetentionSettings
from core.telemetry import InvocationRecord, LogEvent
from core.windows import Window
from store import schema
from store.cap import GB, Sized, removed, untouchable
from store.files import Kept
from store.readers.coverage import Coverage
from store.readers.room import room, sentences
from store.store import Store

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MIDNIGHT = NOW.replace(hour=0)
PROD = Target("111111111111", "eu-west-1")
KEPT = RetentionSettings()


def a_file(kind, days_ago, size=1, target=PROD, length=DAY):
    start = MIDNIGHT - days_ago * DAY
    return Sized(
        Kept(f"{kind}-{days_ago}-{target.account[0]}", kind, target, Window(start, start + length)), size
    )


def gone(files, over, now=NOW):
    return [item.kept.path for part in removed(files, over, KEPT, now=now) for item in part.files]


def test_the_oldest_day_goes_first_and_no_more_than_needed():
    files = [a_file("metrics", n) for n in range(10)]

    assert gone(files, 2) == ["metrics-9-1", "metrics-8-1"]


def test_what_is_furthest_into_its_own_retention_goes_first():
    """Or 14 months of small hourly points would go before the first of a month's large records."""
    files = [a_file("metrics", 200), a_file("invocations", 20), a_file("invocations", 5)]

    assert gone(files, 2) == ["invocations-20-1", "metrics-200-1"]


def test_kinds_that_are_read_together_go_together():
    files = [a_file(kind, 20) for kind in ("invocations", "log_events", "batch_failures")]

    assert len(gone(files, 1)) == 3


def test_details_go_before_metrics_where_nothing_else_tells():
    same = RetentionSettings(metrics=30 * DAY)
    files = [a_file("metrics", 9), a_file("invocations", 9)]

    first = next(removed(files, 1, same, now=NOW))

    assert first.group.collector == "logs"


def test_today_and_yesterday_never_go():
    files = [a_file("metrics", 0), a_file("metrics", 1), a_file("metrics", 2)]

    assert gone(files, 99) == ["metrics-2-1"]


def test_days_within_a_month_that_goes_go_with_it():
    files = [
        a_file("metrics", 100, length=30 * DAY),
        a_file("queue_samples", 0),
        a_file("mapping_samples", 80),
    ]

    assert len(gone(files, 1)) == 2


sized = st.builds(
    a_file,
    st.sampled_from(["metrics", "invocations", "log_events", "traces", "queue_samples"]),
    st.integers(0, 40),
    st.integers(1, 9),
    st.sampled_from([PROD, Target("222222222222", "eu-west-1")]),
)


@given(st.lists(sized, unique_by=lambda f: (f.kept.path, f.kept.target)), st.integers(0, 99))
def test_enough_goes_or_all_that_may(files, over):
    parts = list(removed(files, over, KEPT, now=NOW))

    taken = [item for part in parts for item in part.files]
    left = [item for item in files if item not in taken]
    assert sum(item.bytes for item in taken) >= over or not any(
        item.kept.window.end <= untouchable(NOW) for item in left
    )
    assert all(item.kept.window.end <= untouchable(NOW) for item in taken)
    assert sum(part.bytes for part in parts[:-1]) < max(over, 1)


# --- in a store --------------------------------------------------------------------------------------------


@pytest.fixture
def capped(settings, a_run, a_point):
    """A store with eight days of metrics and records, to be opened with a cap."""
    store = Store.open(settings)
    for day in range(8):
        at = MIDNIGHT - day * DAY
        record = InvocationRecord(
            function="checkout",
            ts=at,
            event_id=f"{day}",
            request_id="r",
            stream="s",
            version=None,
            duration_ms=1.0,
        )
        line = LogEvent(
            function="checkout",
            ts=at,
            event_id=f"{day}",
            stream="s",
            request_id=None,
            level="ERROR",
            message="m",
            signature="m",
        )
        store.commit(a_run(at, at + HOUR, at=NOW), [a_point(ts=at, invocations=1.0)], now=NOW)
        store.commit(a_run(at, at + HOUR, at=NOW, collector="logs", period_s=0), [record, line], now=NOW)
    store.pack(now=NOW)
    size = room(store, now=NOW).bytes
    store.close()
    opened = []

    def with_cap(share):
        gb = size * share / GB
        opened.append(Store.open(settings.model_copy(update={"max_size_gb": gb})))
        return opened[-1]

    yield with_cap
    for each in opened:
        each.close()


def test_the_store_stays_below_its_cap_and_says_what_went(capped, read):
    store = capped(0.9)

    store.pack(now=NOW)

    found = room(store, now=NOW)
    assert found.bytes <= found.cap_bytes
    assert set(found.removed["kind"]) == {"invocations", "log_events", "batch_failures", "environment_starts"}
    assert not found.is_over
    assert (
        "Removed to stay below it: batch_failures, environment_starts, invocations, log_events before"
        in " ".join(sentences(found))
    )
    until = found.removed["until"].iloc[0]
    assert min(row["ts"] for row in read(store, "invocations")) >= until
    assert min(row["ts"] for row in read(store, "metrics")) < until


def test_pages_say_why_what_went_is_missing(capped, a_run):
    store = capped(0.9)
    store.pack(now=NOW)

    window = Window(MIDNIGHT - 7 * DAY, MIDNIGHT - 7 * DAY + HOUR)
    with store.snapshot(window, ()) as snapshot:
        seen = Coverage.read(snapshot, window, now=NOW).seen("logs", PROD.account, PROD.region, "checkout")

    assert seen.nothing
    assert seen.why.startswith("removed to keep the store below store.max_size_gb")


def test_what_went_is_not_read_again(capped):
    store = capped(0.9)
    before = store.keeps("logs", PROD, now=NOW).since

    store.pack(now=NOW)

    until = room(store, now=NOW).removed["until"].max().to_pydatetime()
    assert before < until == store.keeps("logs", PROD, now=NOW).since


def test_a_cap_that_cannot_be_kept_is_said(capped, read):
    store = capped(0.0001)

    store.pack(now=NOW)

    found = room(store, now=NOW)
    assert found.is_over
    assert "cannot be kept below that" in " ".join(sentences(found))
    assert [row["ts"] for row in read(store)] == [MIDNIGHT - DAY, MIDNIGHT]


def test_what_went_in_several_turns_is_one_gap(capped):
    for share in (0.9, 0.5):
        store = capped(share)
        store.pack(now=NOW)

    gap = schema.gap.c
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(gap.start, gap.end).where(gap.collector == "logs")).all()
    assert len(rows) == 1
    assert rows[0].start == MIDNIGHT - 7 * DAY


def test_without_a_cap_nothing_goes(capped, read):
    store = capped(2)

    store.pack(now=NOW)

    assert len(read(store)) == 8
    assert room(store, now=NOW).removed.empty
