"""A storm is told in one message; what it told is resolved in one."""

import pytest

from alerts import ledger
from alerts.incident import Incident


@pytest.fixture
def opened(store, world):
    """Open incidents of these ids; `end(id, minute)` closes one."""

    def put(ids, severity="warning"):
        with store.transaction() as connection:
            for id in ids:
                ledger.open_incident(connection, incident(id, severity, world))

    return put


@pytest.fixture
def end(store, world):
    def close(ids, minute):
        with store.transaction() as connection:
            for id in ids:
                ledger.close_incident(connection, id, world.at(minute), "over")

    return close


def incident(id, severity, world):
    return Incident(
        id=id, rule="error-rate", account="111122223333", region="eu-west-1", subject_kind="function",
        subject=id, severity=severity, title=f"{id}: error rate 34 %", text="x", opened_at=world.at(0),
    )  # fmt: skip


def names(count, first=0):
    return [f"i{n:02}" for n in range(first, first + count)]


def headers(receiver):
    return [body["blocks"][0]["text"]["text"] for body in receiver.bodies]


@pytest.fixture
def storm(receiver, queue, opened):
    """So many new incidents at once on `chat`."""

    def break_out(count, severity="warning", first=0, at=0):
        receiver.answers or receiver.then(200)
        opened(names(count, first), severity)
        queue([(id, "firing") for id in names(count, first)], severity=severity, at=at)

    return break_out


def test_a_storm_is_one_message(storm, deliver, receiver, table):
    storm(40)
    for second in (0, 5, 10, 100):
        deliver(second)

    assert headers(receiver) == ["40 alerts at once: 40 warning"]
    states = [row["state"] for row in table("outbox")]
    assert (states.count("folded"), states.count("delivered")) == (40, 1)


def test_as_many_as_fit_are_told_one_by_one(storm, deliver, receiver):
    storm(10)
    deliver(0)

    assert len(headers(receiver)) == 10
    assert not any("at once" in header for header in headers(receiver))


def test_a_few_critical_ones_stay_single_and_come_first(storm, deliver, receiver):
    storm(5, "critical")
    storm(20, "warning", first=5)
    deliver(0)

    assert len(receiver.bodies) == 4
    assert headers(receiver)[-1] == "22 alerts at once: 2 critical, 20 warning"


def test_a_digest_lists_the_worst_first_and_says_how_many_more(storm, deliver, receiver):
    storm(30, "info")
    storm(1, "critical", first=50)
    deliver(0)

    single, told = (body["blocks"][1]["text"]["text"] for body in receiver.bodies)
    assert ":red_circle:" in single
    assert told.endswith("and 10 more")
    assert told.count("•") == 20


def test_there_is_one_digest_a_minute(storm, deliver, receiver):
    storm(20)
    deliver(0)
    storm(20, first=20, at=0.2)
    for second in (15, 30, 59):
        deliver(second)
    assert len(receiver.bodies) == 1
    deliver(61)

    assert headers(receiver) == ["20 alerts at once: 20 warning"] * 2


def test_a_digest_is_resolved_by_one_message_when_all_of_it_is_over(storm, deliver, receiver, queue, end):
    storm(20)
    deliver(0)
    end(names(20), 10)
    queue([(id, "resolved") for id in names(20)], at=10)
    deliver(600)
    deliver(605)

    assert headers(receiver) == ["20 alerts at once: 20 warning", "Resolved: 20 alerts at once: 20 warning"]
    assert "All 20 are over" in receiver.bodies[1]["blocks"][1]["text"]["text"]


def test_what_is_over_of_a_digest_waits_for_the_rest_and_is_told_after_ten_minutes(
    storm, deliver, receiver, queue, end
):
    storm(20)
    deliver(0)
    end(names(15), 10)
    queue([(id, "resolved") for id in names(15)], at=10)
    deliver(600)
    assert len(receiver.bodies) == 1
    deliver(1200)
    assert headers(receiver)[-1] == "15 of 20 are over: 20 alerts at once: 20 warning"
    end(names(5, 15), 30)
    queue([(id, "resolved") for id in names(5, 15)], at=30)
    deliver(1800)

    assert headers(receiver)[-1] == "Resolved: 20 alerts at once: 20 warning"
    assert len(receiver.bodies) == 3


def test_a_notice_that_was_tried_is_never_folded(storm, deliver, receiver, table):
    receiver.then(500).then(200)
    storm(1)
    deliver(0)
    storm(20, first=1, at=0.05)
    deliver(5)

    [tried] = [row for row in table("outbox") if row["incident"] == "i00"]
    assert tried["state"] == "delivered"
    assert sorted(headers(receiver)[1:]) == ["20 alerts at once: 20 warning", "checkout: error rate 34.2 %"]


def test_a_kill_while_a_storm_is_told_loses_and_doubles_nothing(
    storm, deliver, receiver, killed_after_answer, table
):
    storm(40)
    killed_after_answer()
    with pytest.raises(KeyboardInterrupt):
        deliver(0)
    deliver(1)

    assert headers(receiver) == ["40 alerts at once: 40 warning"] * 2  # Slack knows no repetition
    assert len([row for row in table("outbox") if row["reason"] == "digest"]) == 1
    assert {row["state"] for row in table("outbox")} == {"folded", "delivered"}


def test_the_timeline_of_each_says_that_a_digest_told_it(storm, deliver, table):
    storm(20)
    deliver(0)

    told = [(e["what"], e["text"]) for e in table("incident_event") if e["incident"] == "i07"]
    assert told[-2:] == [
        ("notice", "firing, in a digest of 20 for chat"),
        ("delivered", "digest to chat"),
    ]


def test_a_receiver_for_machines_gets_every_notice(storm, deliver, receiver, settings):
    own = settings(channels={"chat": {"kind": "webhook", "url": receiver.url}})
    storm(40)
    deliver(0, settings=own)

    assert len({body["data"]["incident"] for body in receiver.bodies}) == 40
