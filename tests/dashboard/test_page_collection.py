"""Collection health on stores where something is wrong: each trouble is said in the first sentence."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from collectors.registry import EVERY
from core.facts import Gap, Run
from store import leases, schema
from store.leases import Member, Pulse
from store.readers import room
from store.telemetry import SCHEMAS
from tests.dashboard.conftest import NOW, PROD, WINDOW
from tests.dashboard.every_page import table

COLLECTORS = [each.name for each in EVERY]
"""Those that run only on request too."""


def words(app, *kinds):
    kinds = kinds or ("markdown", "caption", "info", "warning", "error")
    return "\n".join(element.value for kind in kinds for element in app.get(kind)).replace("\\", "")


def answer(app):
    return next(each.value for each in app.markdown if "collectors" in each.value).replace("\\", "")


def deny(store, collector, permission):
    why = f"cannot read {collector}: the role lacks {permission}"
    later = NOW + timedelta(seconds=1)
    run = Run(
        collector=collector,
        target=PROD,
        window=WINDOW,
        period_s=60,
        outcome="denied",
        error=why,
        permission=permission,
        started_at=later,
        finished_at=later,
    )
    store.commit(run, [Gap("", WINDOW, why, permission)], now=NOW)


@pytest.mark.parametrize("collector", COLLECTORS)
def test_a_denied_collector_is_in_the_first_sentence_and_its_policy_on_the_page(open_page, filled, collector):
    deny(filled, collector, "some:Action")

    app = open_page("views/collection.py")

    assert not app.exception
    assert "Critical" in answer(app)
    assert f"cannot read {collector}: the role lacks some:Action" in answer(app)
    assert "The role in shop lacks `some:Action`." in words(app, "warning")
    assert '"some:Action"' in app.code[0].value


def test_a_store_where_all_is_allowed_shows_no_policy(open_page, filled):
    app = open_page("views/collection.py")

    assert not app.code
    assert "Healthy" in answer(app)


def test_a_lost_file_is_in_the_first_sentence_and_its_time_in_a_table(open_page, filled):
    filled.pack(now=NOW + timedelta(hours=2))
    here = (schema.file.c.kind == "traces") | (schema.file.c.kind == "metrics")
    with filled.engine.connect() as connection:
        path = connection.execute(sa.select(schema.file.c.path).where(here)).scalars().first()
    (filled.path / "telemetry" / path).unlink()
    filled.pack(now=NOW + timedelta(hours=2))

    app = open_page("views/collection.py")

    assert "All 8 collectors are on time, but 1 file of the store cannot be read" in answer(app)
    assert table(app, "start")[["kind", "why"]].values.tolist() == [["metrics", "it is gone"]]


def test_a_dead_service_is_in_the_first_sentence(open_page, filled):
    with filled.transaction() as connection:
        member = Member("service-1", "host-a", frozenset([PROD]))
        leases.beat(connection, member, Pulse(), now=NOW - timedelta(minutes=10), at_s=0.0)

    app = open_page("views/collection.py")

    assert "Critical" in answer(app)
    assert "1 target is watched by no service" in answer(app)


def test_a_store_that_nobody_runs_says_so(open_page, filled):
    assert "No service shares this store now" in words(open_page("views/collection.py"))


def test_what_the_size_cap_removed_is_said(open_page, filled):
    row = {"kind": "traces", "account": PROD.account, "region": PROD.region, "bytes": 10**9}
    with filled.transaction() as connection:
        connection.execute(sa.insert(schema.trimmed).values(until=WINDOW.start, at=NOW, **row))

    said = words(open_page("views/collection.py"))

    assert "Removed to stay below it: traces before 2026-11-20 09:00 UTC (1.00 GB)" in said


def test_the_table_of_what_is_stored_agrees_with_the_catalogue(open_page, filled):
    filled.pack(now=NOW)
    with filled.engine.connect() as connection:
        files = connection.execute(sa.select(schema.file)).all()
        tail = connection.execute(sa.select(schema.hot)).all()
    counted = {kind: [0, 0, 0] for kind in {row.kind for row in (*files, *tail)}}
    for row in files:
        if row.replaced_at is None:
            counted[row.kind][0] += row.rows
            counted[row.kind][1] += 1
            counted[row.kind][2] += row.bytes
    for row in tail:
        counted[row.kind][0] += row.rows
        counted[row.kind][2] += len(row.payload)

    kept = room.kept(filled)
    shown = table(open_page("views/collection.py"), "fine_since")

    found = {
        row["kind"]: [row["rows"] + row["waiting_rows"], row["files"], row["bytes"] + row["waiting_bytes"]]
        for row in kept.to_dict("records")
    }
    assert found == counted
    assert len(files) > 0
    assert set(found) <= set(SCHEMAS)
    assert shown["rows"].sum() == sum(rows for rows, _, _ in counted.values())


def test_what_is_kept_begins_with_the_oldest_row_and_is_fine_where_it_came_so(filled):
    with filled.transaction() as connection:
        coarse = {"period_s": 300, "start": NOW - timedelta(days=90), "end": NOW - timedelta(days=89)}
        about = {"kind": "metrics", "account": PROD.account, "region": PROD.region, "path": "old"}
        connection.execute(sa.insert(schema.file).values(rows=1, bytes=1, created_at=NOW, **about, **coarse))

    kept = room.kept(filled).set_index("kind")

    assert kept.loc["metrics", "since"] == NOW - timedelta(days=90)
    assert kept.loc["metrics", "fine_since"] >= WINDOW.start - timedelta(hours=1)
