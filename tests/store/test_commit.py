"""One run in one transaction: telemetry by key, usage, the run's row, and what happens when it fails."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from core.entities import Function
from core.errors import StoreError
from core.facts import Target, Usage
from core.telemetry import InvocationRecord, LogEvent, QueueSample, TraceRecord
from core.windows import Window
from store import schema
from store.store import Store


def dump(store, *, without=("run", "usage", "hot", "alembic_version")):
    """Every row of the state tables, ids left out."""
    with store.engine.connect() as connection:
        return {
            table.name: sorted(
                repr({k: v for k, v in row._mapping.items() if k != "id"})
                for row in connection.execute(sa.select(table))
            )
            for table in schema.metadata.sorted_tables
            if table.name not in without
        }


def one_of_each(noon):
    ts = noon - timedelta(minutes=5)
    return {
        "invocations": InvocationRecord(
            function="checkout",
            ts=ts,
            event_id="e1",
            request_id="r1",
            stream="s",
            version="7",
            duration_ms=12.34,
            out_of_memory=True,
        ),
        "log_events": LogEvent(
            function="checkout",
            ts=ts,
            event_id="e2",
            stream="s",
            request_id=None,
            level="ERROR",
            message="<b>'; DROP TABLE hot;--\x00\U0001f4a5",
            signature="x",
        ),
        "traces": TraceRecord(
            trace_id="1-a",
            ts=ts,
            duration_ms=None,
            response_ms=1.5,
            has_error=True,
            has_fault=False,
            has_throttle=False,
            root=None,
            functions=("checkout", "pay"),
            document="{}",
        ),
        "queue_samples": QueueSample(queue="arn:q", ts=ts, period_s=60, visible_max=4.0),
    }


@pytest.mark.parametrize("kind", ["invocations", "log_events", "traces", "queue_samples"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_comes_back_as_it_went_in(store, a_run, read, noon, kind, packed):
    fact = one_of_each(noon)[kind]

    store.commit(a_run(), [fact], now=noon)
    if packed:
        store.pack(now=noon + timedelta(days=2))

    (row,) = read(store, kind)
    for name in type(fact).__slots__:
        expected, found = getattr(fact, name), row[name]
        if isinstance(expected, tuple):
            assert tuple(found) == expected
        else:
            assert found == expected or (expected is None and found != found) or found is expected


def test_a_later_fact_replaces_the_one_with_its_key(store, a_run, a_point, read, noon):
    store.commit(a_run(), [a_point(invocations=1.0), a_point("pay", invocations=5.0)], now=noon)
    store.commit(a_run(), [a_point(invocations=2.0)], now=noon)

    assert sorted((row["function"], row["invocations"]) for row in read(store)) == [
        ("checkout", 2.0),
        ("pay", 5.0),
    ]


def test_within_a_run_the_last_of_two_facts_with_one_key_stays(store, a_run, a_point, read, noon):
    store.commit(a_run(), [a_point(invocations=1.0), a_point(invocations=2.0)], now=noon)

    assert [row["invocations"] for row in read(store)] == [2.0]


def test_the_same_run_twice_leaves_the_same_store(store, a_run, a_point, read, noon):
    facts = [a_point(invocations=1.0), Function(name="checkout", arn="arn:c", memory_mb=128)]
    store.commit(a_run(), facts, now=noon)
    before = dump(store), repr(read(store))

    store.commit(a_run(), facts, now=noon)

    assert (dump(store), repr(read(store))) == before


def test_two_targets_keep_their_rows_apart(store, a_run, a_point, read, noon):
    other = Target("222222222222", "us-east-1")
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    store.commit(a_run(target=other), [a_point(invocations=9.0)], now=noon)
    store.pack(now=noon + timedelta(days=2))
    store.commit(a_run(target=other), [a_point(invocations=8.0)], now=noon)

    found = sorted((row["account"], row["invocations"]) for row in read(store))
    assert found == [("111111111111", 1.0), ("222222222222", 8.0)]


def test_unknown_stays_unknown_and_zero_stays_zero(store, a_run, a_point, read, noon):
    store.commit(a_run(), [a_point(invocations=0.0, errors=None, throttles=float("nan"))], now=noon)

    with store.snapshot(Window(noon - timedelta(days=1), noon), ("metrics",)) as snapshot:
        frame = snapshot.frame("SELECT sum(invocations) i, sum(errors) e, sum(throttles) t FROM metrics")

    assert frame.i[0] == 0
    assert frame[["e", "t"]].isna().all(axis=None)


def test_a_source_that_fails_midway_leaves_no_trace(store, a_run, a_point, read, noon):
    def facts():
        yield a_point(invocations=1.0)
        raise RuntimeError("the network went away")

    before = dump(store, without=())
    with pytest.raises(RuntimeError, match="went away"):
        store.commit(a_run(), facts(), now=noon)

    assert dump(store, without=()) == before
    assert read(store) == []


def test_a_naive_time_is_refused_and_nothing_is_kept(store, a_run, a_point, read, noon):
    naive = datetime(2026, 7, 1, 11)  # noqa: DTZ001

    with pytest.raises(ValueError, match="naive"):
        store.commit(a_run(), [a_point(), a_point("pay", ts=naive)], now=noon)

    assert read(store) == []


def test_a_run_keeps_its_outcome_and_counts(store, a_run, a_point, noon):
    usage = Usage(service="monitoring", operation="GetMetricData", calls=2, units=700, cost_usd="0.007")

    store.commit(
        a_run(outcome="partial", error="throttled", permission="lambda:X", usage=(usage,)),
        [a_point()],
        now=noon,
    )

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(schema.run)).one()
    assert (row.outcome, row.error, row.permission, row.calls, row.facts) == (
        "partial",
        "throttled",
        "lambda:X",
        2,
        1,
    )
    assert (row.window_end, row.finished_at) == (noon, noon)


def test_usage_adds_up_per_hour_exactly(store, a_run, prod, noon):
    usage = Usage(service="monitoring", operation="GetMetricData", calls=1, units=500, cost_usd="0.1")
    for _ in range(3):
        store.commit(a_run(usage=(usage,)), [], now=noon)
    store.count(prod, "metrics", (usage,), now=noon + timedelta(hours=1))

    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(schema.usage).order_by(schema.usage.c.hour)).all()

    assert [(row.calls, row.units, row.cost_usd) for row in rows] == [(3, 1500, "0.3"), (1, 500, "0.1")]


def test_usage_of_an_unknown_price_is_unknown(store, prod, noon):
    known = Usage(service="logs", operation="FilterLogEvents", calls=1, units=1, cost_usd="0.1")
    unknown = Usage(service="logs", operation="FilterLogEvents", calls=1, units=1, cost_usd=None)
    store.count(prod, "logs", (known, unknown, known), now=noon)

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(schema.usage)).one()

    assert (row.calls, row.cost_usd) == (3, None)


def test_a_target_keeps_its_alias_when_runs_go_on(store, a_run, prod, noon):
    store.remember_target(prod, "shop-prod", noon)
    store.commit(a_run(), [], now=noon + timedelta(minutes=5))

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(schema.target)).one()

    assert (row.account, row.alias, row.last_seen) == (prod.account, "shop-prod", noon + timedelta(minutes=5))


def test_below_the_free_space_floor_nothing_is_kept_and_readers_go_on(settings, a_run, a_point, read, noon):
    store = Store.open(settings)
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    tight = Store.open(settings.model_copy(update={"free_space_floor_mb": 10**9}))

    with pytest.raises(StoreError, match=r"MB left, below store\.free_space_floor_mb"):
        tight.commit(a_run(), [a_point("pay")], now=noon)

    assert [row["function"] for row in read(tight)] == ["checkout"]
    store.close()
    tight.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_full_disk_loses_only_the_run_that_met_it(store, a_run, a_point, read, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def fill(connection, *_):
        connection.execute(f"PRAGMA max_page_count={pages}")

    sa.event.listen(store.engine, "checkout", fill)
    many = [a_point(f"f{n}", invocations=n / 7) for n in range(20_000)]
    with pytest.raises(
        StoreError, match=r"the disk is full; free some space \(nothing already kept is lost\)"
    ):
        store.commit(a_run(), many, now=noon)

    assert [row["function"] for row in read(store)] == ["checkout"]


def test_text_that_is_no_unicode_is_kept_with_marks_in_place_of_the_broken_parts(store, a_run, read, noon):
    fact = replace(one_of_each(noon)["log_events"], message="half a pair: \ud83d!")

    store.commit(a_run(), [fact], now=noon)

    assert [row["message"] for row in read(store, "log_events")] == ["half a pair: ?!"]


def test_writers_at_the_same_time_wait_for_each_other(settings, store, a_run, a_point, read, noon):
    other, failures = Store.open(settings), []

    def write(mine, name):
        try:
            for n in range(25):
                mine.commit(a_run(), [a_point(f"{name}{n}", invocations=1.0)], now=noon)
        except StoreError as failure:
            failures.append(failure)

    threads = [
        threading.Thread(target=write, args=given) for given in ((store, "a"), (other, "b"), (store, "c"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(read(store)) == 75
    other.close()


def test_a_large_run_is_kept_whole(store, a_run, a_point, read, noon, monkeypatch):
    monkeypatch.setattr("store.commit.CHUNK", 7)
    facts = [a_point(f"f{n}", noon - timedelta(minutes=n), invocations=float(n)) for n in range(100)]

    store.commit(a_run(), iter([*facts, facts[0]]), now=noon)

    assert sorted(row["invocations"] for row in read(store)) == [float(n) for n in range(100)]
