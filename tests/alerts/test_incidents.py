from __future__ import annotations

from datetime import timedelta

import pytest

from alerts import incidents, ledger, silences
from alerts.incident import Incident
from core.errors import QuarterdeckError
from core.people import Person

ADA, BOB = Person("ada", "operator"), Person("bob", "operator")


@pytest.fixture
def incident(store, world):
    made = Incident(
        id="i1", rule="error-rate", account="111122223333", region="eu-west-1", subject_kind="function",
        subject="checkout", severity="critical", title="t", text="x", opened_at=world.at(0),
    )  # fmt: skip
    with store.transaction() as connection:
        ledger.open_incident(connection, made)
    return made


@pytest.fixture
def in_force(store, world):
    def read(minute):
        with store.engine.connect() as connection:
            return ledger.silences(connection, now=world.at(minute))

    return read


def test_the_first_to_acknowledge_stays(store, incident, table, world):
    incidents.acknowledge(store, "i1", by=ADA, now=world.at(1))
    incidents.acknowledge(store, "i1", by=BOB, now=world.at(2))

    assert (table("incident")[0]["acked_by"], table("incident")[0]["acked_at"]) == ("ada", world.at(1))
    assert [e["who"] for e in table("incident_event") if e["what"] == "acknowledged"] == ["ada"]


@pytest.mark.parametrize("name", ["acknowledge", "note", "silence_incident"])
def test_says_that_there_is_no_such_incident(store, world, name):
    more = {
        "acknowledge": {"by": ADA},
        "note": {"by": ADA, "text": "x"},
        "silence_incident": {"duration": timedelta(hours=1), "reason": "x", "by": ADA},
    }[name]

    with pytest.raises(QuarterdeckError, match="there is no incident nope"):
        getattr(silences if "silence" in name else incidents, name)(store, "nope", now=world.at(0), **more)


def test_a_note_joins_the_timeline(store, incident, table, world):
    incidents.note(store, "i1", " rolled back ", by=ADA, now=world.at(3))

    assert [(e["who"], e["text"]) for e in table("incident_event") if e["what"] == "note"] == [
        ("ada", "rolled back")
    ]


def test_an_empty_note_is_refused(store, incident, world):
    with pytest.raises(QuarterdeckError, match="needs some text"):
        incidents.note(store, "i1", "  ", by=ADA, now=world.at(3))


def test_a_silence_is_in_force_for_its_time_only(store, in_force, world):
    silences.silence(store, duration=timedelta(minutes=30), reason="x", by=ADA, now=world.at(10))

    assert [len(in_force(minute)) for minute in (9, 10, 39, 40)] == [0, 1, 1, 0]


def test_a_silence_is_ended_early(store, in_force, world):
    id = silences.silence(store, duration=timedelta(hours=9), reason="x", by=ADA, now=world.at(0))
    silences.end_silence(store, id, by=BOB, now=world.at(5))

    assert in_force(5) == []


def test_a_silence_that_is_not_there_cannot_be_ended(store, world):
    with pytest.raises(QuarterdeckError, match="there is no silence 7"):
        silences.end_silence(store, 7, by=BOB, now=world.at(5))


@pytest.mark.parametrize(("reason", "hours"), [("", 1), ("  ", 1), ("x", 0), ("x", -1)])
def test_a_silence_needs_a_reason_and_a_duration(store, world, reason, hours):
    with pytest.raises(QuarterdeckError, match="a silence needs"):
        silences.silence(store, duration=timedelta(hours=hours), reason=reason, by=ADA, now=world.at(0))


@pytest.mark.parametrize(
    ("patterns", "matches"),
    [
        ({}, True),
        ({"rule": "error-*"}, True),
        ({"subject": "check*", "region": "eu-*"}, True),
        ({"subject": "pay*"}, False),
        ({"account": "999999999999"}, False),
    ],
)
def test_a_silence_matches_by_all_its_patterns(store, incident, in_force, world, patterns, matches):
    silences.silence(store, duration=timedelta(hours=1), reason="x", by=ADA, now=world.at(0), **patterns)

    assert in_force(1)[0].matches(incident) is matches


def test_the_timeline_of_open_incidents_tells_the_silence(store, incident, table, world):
    silences.silence(store, duration=timedelta(hours=2), reason="load test", by=ADA, now=world.at(1))

    assert [(e["who"], e["text"]) for e in table("incident_event") if e["what"] == "silenced"] == [
        ("ada", "for 2 h 0 min: load test")
    ]
