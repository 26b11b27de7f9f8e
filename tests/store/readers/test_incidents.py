"""What pages and the command line read about incidents."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.settings import StoreSettings
from store import schema
from store.readers import incidents
from store.store import Filter, Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path))
    yield store
    store.close()


def keep(store, table, *rows):
    with store.transaction() as connection:
        connection.execute(sa.insert(table), list(rows))


def incident(id, *, severity="warning", minutes_ago=10, resolved=False, **more):
    row = {
        "id": id, "rule": "error-rate", "account": "1", "region": "eu-west-1", "subject_kind": "function",
        "subject": "orders", "severity": severity, "title": "t", "text": "x",
        "opened_at": NOW - timedelta(minutes=minutes_ago), "resolved_at": NOW if resolved else None,
        "acked_at": None, "acked_by": None, "value": 0.1, "threshold": 0.05,
    }  # fmt: skip
    return row | more


def event(incident, what, text, minutes_ago=5):
    return {
        "incident": incident,
        "ts": NOW - timedelta(minutes=minutes_ago),
        "what": what,
        "who": None,
        "text": text,
    }


def notice(id, incident="a", state="queued", **more):
    row = {
        "id": id, "seq": 0, "incident": incident, "channel": "chat", "reason": "firing",
        "notice": {"title": "orders fails", "signal": "error_rate"}, "state": state, "attempts": 1,
        "created_at": NOW, "next_at": NOW, "delivered_at": None, "error": None,
    }  # fmt: skip
    return row | more


def test_open_incidents_come_first_and_the_worst_of_them_before_newer_ones(store):
    keep(
        store,
        schema.incident,
        incident("gone", severity="critical", minutes_ago=1, resolved=True),
        incident("small", severity="info", minutes_ago=1),
        incident("big", severity="critical", minutes_ago=60),
    )

    assert list(incidents.incidents(store)["id"]) == ["big", "small", "gone"]
    assert list(incidents.incidents(store, open_only=True)["id"]) == ["big", "small"]


def test_an_incident_is_held_back_until_a_notice_follows(store):
    keep(store, schema.incident, incident("a"), incident("b"))
    keep(
        store,
        schema.incident_event,
        event("a", "held back", "silenced by maria"),
        event("b", "held back", "silenced by maria"),
        event("b", "notice", "firing, queued for chat"),
        event("b", "acknowledged", "by joe"),
    )

    held = incidents.incidents(store).set_index("id")["held_back"]

    assert held["a"] == "silenced by maria"
    assert held.isna()["b"]


def test_a_resolved_incident_is_found_by_its_id(store):
    keep(store, schema.incident, incident("a", resolved=True))

    assert incidents.incident(store, "a")["resolved_at"][0] == NOW
    assert incidents.incident(store, "nothing").empty


def test_the_timeline_runs_from_the_oldest_event(store):
    keep(store, schema.incident_event, event("a", "resolved", "over", 1), event("a", "opened", "bad", 9))

    assert list(incidents.timeline(store, "a")["what"]) == ["opened", "resolved"]


def test_deliveries_carry_the_title_and_signal_but_not_the_whole_notice(store):
    keep(store, schema.outbox, notice("1"), notice("2", incident="b", state="dead", error="404"))

    dead = incidents.deliveries(store, state="dead")

    assert list(dead["id"]) == ["2"]
    assert dead[["title", "signal", "error"]].iloc[0].tolist() == ["orders fails", "error_rate", "404"]
    assert "notice" not in dead
    assert list(incidents.deliveries(store, incident="a")["id"]) == ["1"]


def test_silences_that_ended_are_left_out(store):
    row = {"rule": None, "account": None, "region": None, "subject": None, "start": NOW - timedelta(hours=2),
           "reason": "load test", "author": "maria"}  # fmt: skip
    keep(store, schema.silence, row | {"end": NOW}, row | {"end": NOW + timedelta(hours=1)})

    assert list(incidents.silences(store, now=NOW)["end"]) == [NOW + timedelta(hours=1)]


def test_an_empty_store_has_no_incidents_and_all_columns(store):
    frame = incidents.incidents(store)

    assert frame.empty
    assert {"id", "rule", "held_back"} <= set(frame.columns)


def test_the_incident_that_was_over_last_is_known_per_account_and_region(store):
    over = {"resolved": True, "title": "older"}
    keep(store, schema.incident, incident("a", **over) | {"resolved_at": NOW - timedelta(hours=2)})
    keep(store, schema.incident, incident("b", title="newer", resolved=True), incident("open"))

    assert incidents.last_resolved(store) == ("newer", NOW)
    assert incidents.last_resolved(store, where=Filter(account="1", region="eu-west-1")) == ("newer", NOW)
    assert incidents.last_resolved(store, where=Filter(account="2")) is None
