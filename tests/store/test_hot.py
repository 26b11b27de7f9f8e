"""The hot tail: which batches a commit writes anew."""

from datetime import timedelta

import sqlalchemy as sa

from core.facts import Target
from store import columns, schema

MINUTE = timedelta(minutes=1)


def batches(store):
    query = sa.select(schema.hot.c.seq, schema.hot.c.start, schema.hot.c.rows).order_by(schema.hot.c.start)
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_a_commit_writes_only_the_batches_of_its_minutes_anew(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(ts=noon - n * MINUTE) for n in range(1, 41)], now=noon)
    before = batches(store)

    store.commit(a_run(), [a_point("pay", noon - 3 * MINUTE)], now=noon)

    assert [rows for _, _, rows in before] == [10, 10, 10, 10]
    assert batches(store)[:3] == before[:3]
    assert [rows for _, _, rows in batches(store)] == [10, 10, 10, 11]


def test_an_hour_of_history_is_one_batch(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(ts=noon - n * MINUTE) for n in range(1, 61)], now=noon + 48 * MINUTE)

    assert [rows for _, _, rows in batches(store)] == [60]


def test_history_that_is_read_again_replaces_its_rows(store, a_run, a_point, read, noon):
    points = [a_point(ts=noon - n * MINUTE, invocations=1.0) for n in range(1, 61)]
    store.commit(a_run(), points, now=noon)

    store.commit(a_run(), points[:30], now=noon + 48 * MINUTE)

    assert [rows for _, _, rows in batches(store)] == [60]
    assert sum(row["invocations"] for row in read(store)) == 60.0


def test_an_hour_that_an_older_release_kept_is_cut_and_loses_nothing(store, a_run, a_point, read, noon, prod):
    start = noon - 60 * MINUTE
    points = [a_point(ts=noon - n * MINUTE, invocations=1.0) for n in range(1, 61)]
    payload = columns.encode(columns.to_table("metrics", points, Target(prod.account, prod.region)))
    own = {"kind": "metrics", "account": prod.account, "region": prod.region, "start": start, "end": noon}
    with store.transaction() as connection:
        connection.execute(sa.insert(schema.hot).values(**own, rows=60, payload=payload))

    store.commit(a_run(), [a_point(ts=noon - 3 * MINUTE, invocations=2.0)], now=noon)

    assert [rows for _, _, rows in batches(store)] == [10] * 6
    assert sum(row["invocations"] for row in read(store)) == 61.0
