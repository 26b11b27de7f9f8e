from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import ledger
from alerts.incident import Incident
from alerts.outbox import LONGEST_WAIT, Ways, backoff
from alerts.postman import Postman
from tests.alerts.kinds import IMPATIENT_S, PATIENT_S

NOTICES = [("i1", "firing"), ("i1", "resolved")]


def told(receiver):
    return [body["text"].split(":")[1] for body in receiver.bodies]


def test_delivers_once_and_in_order(queue, deliver, receiver, table):
    receiver.then(200)
    queue(NOTICES)
    for second in range(5):
        deliver(second)

    assert told(receiver) == ["red_circle", "large_green_circle"]
    assert {row["state"] for row in table("outbox")} == {"delivered"}


def test_a_restart_sends_nothing_twice(queue, deliver, receiver, store, settings, http, world):
    from store.store import Store

    receiver.then(200)
    queue([("i1", "firing")])
    deliver(0)
    store.close()
    again = Store.open(store.settings)
    ways = Ways(store=again, settings=settings(receiver.url), http=http, clock=lambda: world.at(1))
    Postman(ways, patience_s=30).deliver()
    again.close()

    assert len(receiver.bodies) == 1


def test_waits_as_long_as_the_target_asks(queue, deliver, receiver, table):
    receiver.then(429, Retry_After="90").then(200)
    queue([("i1", "firing"), ("i2", "firing")])
    deliver(0)
    assert len(receiver.bodies) == 1
    deliver(89)
    assert len(receiver.bodies) == 1
    deliver(90)

    assert len(receiver.bodies) == 3
    assert {row["state"] for row in table("outbox")} == {"delivered"}


def test_an_unreasonable_wait_is_not_believed(queue, deliver, receiver, table, world):
    receiver.then(429, Retry_After="99999999")
    queue([("i1", "firing")])
    deliver(0)

    assert table("outbox")[0]["next_at"] == world.at(60)


def test_tries_again_after_ever_longer_waits(queue, deliver, receiver, table):
    receiver.then(500)
    queue([("i1", "firing")])
    sent = []
    for second in range(120):
        before = len(receiver.bodies)
        deliver(second)
        if len(receiver.bodies) > before:
            sent.append(second)

    assert sent == [0, 5, 15, 35, 75]


def test_a_later_notice_waits_for_the_one_before_it(queue, deliver, receiver):
    receiver.then(500).then(200)
    queue(NOTICES)
    deliver(0)
    deliver(1)
    assert len(receiver.bodies) == 1
    deliver(5)
    deliver(6)

    assert told(receiver) == ["red_circle", "red_circle", "large_green_circle"]


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_an_answer_that_will_not_change_is_dead_at_once_and_visible(queue, deliver, receiver, table, status):
    receiver.then(status, b"no_service")
    queue([("i1", "firing")])
    deliver(0)
    deliver(600)

    [row] = table("outbox")
    assert (row["state"], len(receiver.bodies)) == ("dead", 1)
    assert row["error"] == f"answered {status}: no_service (attempt 1)"
    assert "delivery failed" in [event["what"] for event in table("incident_event")]


def test_gives_up_after_the_last_attempt(queue, deliver, receiver, table, settings):
    receiver.then(503)
    queue([("i1", "firing")])
    few = settings(receiver.url, delivery={"max_attempts": 3})
    for second in range(0, 3600, 5):
        deliver(second, settings=few)

    assert (table("outbox")[0]["state"], len(receiver.bodies)) == ("dead", 3)


def test_a_dead_notice_does_not_hold_up_the_next(queue, deliver, receiver, table):
    receiver.then(400).then(200)
    queue(NOTICES)
    deliver(0)
    deliver(1)

    assert [row["state"] for row in table("outbox")] == ["dead", "delivered"]


@pytest.mark.parametrize("trouble", ["slow", "cut", "refused", "huge"])
def test_nothing_is_lost_when_the_target_misbehaves(queue, deliver, receiver, table, settings, trouble):
    {
        "slow": receiver.then_hold,
        "cut": receiver.then_cut,
        "refused": lambda: None,
        "huge": lambda: receiver.then(500, b"x" * 5_000_000),
    }[trouble]()
    queue([("i1", "firing")])
    url = "http://127.0.0.1:9/hook" if trouble == "refused" else receiver.url
    deliver(0, settings=settings(url, timeout_s=IMPATIENT_S if trouble == "slow" else PATIENT_S))
    receiver.answers.clear()
    receiver.then(200)
    deliver(60)

    assert table("outbox")[0]["state"] == "delivered"


def test_a_channel_that_is_down_is_tried_once_a_pass(queue, deliver, table, settings):
    queue([(f"i{n}", "firing") for n in range(4)])

    outcomes = deliver(0, settings=settings("http://127.0.0.1:9/hook"))

    assert len(outcomes) == 1


def test_a_channel_that_is_down_does_not_hold_up_another(queue, deliver, receiver, settings):
    receiver.then(200)
    queue([("i1", "firing")], "down")
    queue([("i1", "firing")], "chat")
    hooks = {"down": "http://127.0.0.1:9/hook", "chat": receiver.url}
    channels = {name: {"kind": "slack", "url": url} for name, url in hooks.items()}
    deliver(0, settings=settings(channels=channels))

    assert len(receiver.bodies) == 1


def test_sends_no_more_in_a_minute_than_the_target_takes(queue, deliver, receiver, settings):
    receiver.then(200)
    queue([(f"i{n}", "resolved") for n in range(7)])
    slow = settings(channels={"chat": {"kind": "slack", "url": receiver.url, "per_minute": 3}})

    assert [len(deliver(second, settings=slow)) for second in (0, 5, 59, 60, 119, 120)] == [3, 0, 0, 3, 0, 1]


def test_leaves_the_gap_between_two_messages_that_the_target_asks_for(queue, deliver, receiver):
    receiver.then(200)
    queue([(f"i{n}", "firing") for n in range(3)])
    gaps = []
    deliver(0, pause=gaps.append)

    assert gaps == [1.0, 1.0]


def test_sends_no_more_than_the_hour_allows(queue, deliver, receiver, settings):
    receiver.then(200)
    queue([(f"i{n}", "firing") for n in range(5)])
    few = settings(receiver.url, delivery={"per_hour": 3})

    assert [len(deliver(second, settings=few)) for second in (0, 1, 3599, 3601)] == [3, 0, 0, 2]


def test_a_channel_that_is_gone_from_the_settings_is_said_so(queue, deliver, table, settings):
    queue([("i1", "firing")], "old")
    deliver(0)

    assert table("outbox")[0]["error"] == "there is no such channel in alerts.channels"


def test_secret_is_nowhere_in_the_store_or_the_log(queue, deliver, receiver, table, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.then(500, b"failed for /services/T000/B000/verysecretpart")
    queue([("i1", "firing")])
    deliver(0)

    kept = str([table(name) for name in ("outbox", "incident_event")])
    assert "answered 500: failed for ***" in kept
    assert "verysecretpart" not in kept + caplog.text


def test_a_kill_between_answer_and_mark_sends_again_rather_than_losing(
    queue, deliver, receiver, killed_after_answer, table
):
    receiver.then(200)
    queue([("i1", "firing")])
    killed_after_answer()

    with pytest.raises(KeyboardInterrupt):
        deliver(0)
    deliver(1)

    assert len(receiver.bodies) == 2
    assert table("outbox")[0]["state"] == "delivered"


def test_the_timeline_tells_the_delivery(queue, deliver, receiver, table):
    receiver.then(200)
    queue([("i1", "firing")])
    deliver(0)

    assert [(e["what"], e["text"]) for e in table("incident_event")] == [
        ("notice", "firing, queued for chat"),
        ("delivered", "firing to chat"),
    ]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_a_limit_and_spread(attempts, chance):
    wait = backoff(attempts, chance)

    assert timedelta(seconds=2.5) <= wait <= LONGEST_WAIT
    assert wait <= backoff(attempts + 1, 0)


def test_an_incident_is_what_the_store_keeps_of_it(store, world):
    incident = Incident(
        id="i9", rule="r", account="1", region="r", subject_kind="function", subject="f", severity="info",
        title="t",        text="x", opened_at=world.at(0), value=1.0, threshold=0.5,
    )  # fmt: skip
    with store.transaction() as connection:
        ledger.open_incident(connection, incident)
        assert ledger.incident(connection, "i9") == incident
