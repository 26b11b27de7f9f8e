"""Channels that take nothing: seen, reported through another, revived."""

import pytest

from alerts import health, ledger
from alerts.outbox import Ways
from alerts.postman import Postman
from core.errors import NotAllowedError, QuarterdeckError
from core.people import Person
from tests.alerts.kinds import given
from tests.alerts.test_digest import incident

ADA, OLA, VIC = Person("ada", "admin"), Person("ola", "operator"), Person("vic", "viewer")


@pytest.fixture
def two(settings, receiver):
    """Settings with `bad`, which meets whatever the receiver answers, and `good`, where nobody listens."""

    def make(**more):
        channels = {
            "bad": {"kind": "slack", "url": receiver.url},
            "good": {"kind": "slack", "url": receiver.url},
        }
        return settings(channels=channels | more)

    return make


def state_of(table, name="bad"):
    return next(row["state"] for row in table("channel_state") if row["channel"] == name)


@pytest.mark.parametrize("status", [404, 410])
def test_a_channel_whose_target_is_gone_is_dead_and_the_rest_waits(
    queue, deliver, receiver, two, table, status
):
    receiver.then(status).then(200)
    queue([(f"i{n}", "firing") for n in range(3)], "bad")
    deliver(0, settings=two())

    assert state_of(table) == "dead"
    assert sorted(row["state"] for row in table("outbox") if row["channel"] == "bad") == [
        "dead",
        "queued",
        "queued",
    ]


def test_it_is_reported_once_through_a_channel_that_works(queue, deliver, receiver, two, table):
    receiver.then(404).then(200)
    queue([("i1", "firing")], "bad")
    for second in (0, 5, 10, 300):
        deliver(second, settings=two())

    told = [row for row in table("outbox") if row["reason"] == "trouble"]
    assert [(row["channel"], row["state"]) for row in told] == [("good", "delivered")]
    assert "Channel bad takes no messages any more" in str(receiver.bodies[-1])


def test_when_no_other_works_it_is_reported_as_soon_as_one_does(
    queue, deliver, receiver, two, table, settings
):
    receiver.then(404)
    queue([("i1", "firing")], "bad")
    queue([("i1", "firing")], "good")
    deliver(0, settings=two())
    deliver(5, settings=two())
    assert {state_of(table), state_of(table, "good")} == {"dead"}
    assert not [row for row in table("outbox") if row["reason"] == "trouble"]
    receiver.answers.clear()
    receiver.then(200)
    third = two(third={"kind": "slack", "url": receiver.url})
    deliver(10, settings=third)
    deliver(15, settings=third)

    assert [row["channel"] for row in table("outbox") if row["reason"] == "trouble"] == ["third", "third"]


def test_two_refusals_are_trouble_and_the_third_is_the_end(queue, deliver, receiver, two, table):
    receiver.then(403)
    queue([(f"i{n}", "firing") for n in range(3)], "bad")
    states = []
    for second in (0, 5, 10):
        deliver(second, settings=two())
        states.append(state_of(table))

    assert states == ["failing", "failing", "dead"]


def test_an_outage_of_minutes_kills_no_channel_however_much_waits(queue, deliver, receiver, two, table):
    receiver.then(503)
    queue([(f"i{n}", "firing") for n in range(9)], "bad")
    for second in range(0, 300, 5):
        deliver(second, settings=two())
    assert state_of(table) == "failing"
    receiver.answers.clear()
    receiver.then(200)
    for second in range(300, 900, 30):
        deliver(second, settings=two())

    assert state_of(table) == "working"
    assert {row["state"] for row in table("outbox") if row["channel"] == "bad"} <= {"delivered", "folded"}


def test_a_target_that_takes_nothing_for_all_attempts_of_a_notice_is_dead(
    queue, deliver, receiver, two, table, settings
):
    receiver.then(503)
    queue([("i1", "firing")], "bad")
    for second in range(0, 7200, 300):
        deliver(second, settings=two())

    assert state_of(table) == "dead"


def test_a_message_that_a_target_cannot_take_is_no_fault_of_the_channel(queue, deliver, receiver, two, table):
    receiver.then(400).then(200)
    queue([("i1", "firing"), ("i2", "firing")], "bad")
    deliver(0, settings=two())
    deliver(5, settings=two())

    assert state_of(table) == "working"
    assert [row["state"] for row in table("outbox")] == ["dead", "delivered"]


def test_revived_it_gets_what_waited(queue, deliver, receiver, two, table, store, world):
    receiver.then(404).then(200)
    queue([(f"i{n}", "firing") for n in range(3)], "bad")
    deliver(0, settings=two())
    waiting = health.revive(store, "bad", by=ADA, now=world.at(10))
    again = health.send_again(store, channel="bad", by=OLA, now=world.at(10))
    deliver(601, settings=two())

    assert (waiting, again) == (2, 1)
    assert {row["state"] for row in table("outbox") if row["channel"] == "bad"} == {"delivered"}


def test_a_test_that_arrives_revives(queue, deliver, receiver, two, table, store, world):
    receiver.then(404).then(200)
    queue([("i1", "firing")], "bad")
    deliver(0, settings=two())
    health.ask_for_test(store, "bad", by=OLA, now=world.at(1))
    deliver(61, settings=two())

    assert state_of(table) == "working"
    assert "Test of channel bad" in str(receiver.bodies[-1]) + str(receiver.bodies[-2])


def test_settings_that_changed_are_a_new_chance(queue, deliver, receiver, two, table):
    receiver.then(404).then(200)
    queue([("i1", "firing"), ("i2", "firing")], "bad")
    deliver(0, settings=two())
    mended = two(bad={"kind": "slack", "url": f"{receiver.url}/mended"})
    deliver(5, settings=mended)

    assert state_of(table) == "working"


def test_what_is_kept_of_the_settings_tells_no_secret(deliver, two, table, receiver):
    receiver.then(200)
    deliver(0, settings=two(pager=given("pagerduty", receiver.url)))

    assert {len(row["target"]) for row in table("channel_state")} == {6}
    assert "verysecretpart" not in str(table("channel_state"))


@pytest.mark.parametrize("who", [VIC, OLA])
def test_only_an_admin_revives(store, who, world):
    with pytest.raises(NotAllowedError):
        health.revive(store, "bad", by=who, now=world.at(0))


def test_a_viewer_sends_nothing(store, world):
    with pytest.raises(NotAllowedError):
        health.send_again(store, channel="bad", by=VIC, now=world.at(0))
    with pytest.raises(NotAllowedError):
        health.ask_for_test(store, "bad", by=VIC, now=world.at(0))


def test_what_does_not_exist_is_said_so(store, world):
    with pytest.raises(QuarterdeckError, match="there is no channel nowhere"):
        health.revive(store, "nowhere", by=ADA, now=world.at(0))
    with pytest.raises(QuarterdeckError, match="there is no dead notice x"):
        health.send_again(store, notice="x", by=ADA, now=world.at(0))


def test_a_channel_that_forgets_is_told_again_what_still_fires(queue, http, receiver, settings, store, world):
    receiver.then(200)
    with store.transaction() as connection:
        ledger.open_incident(connection, incident("i1", "critical", world))
    queue([("i1", "firing")])
    clock = [world.at(0)]
    chosen = settings(channels={"chat": given("alertmanager", receiver.url)})
    ways = Ways(store=store, settings=chosen, http=http, clock=lambda: clock[0])
    postman = Postman(ways, patience_s=30)
    for minute in (0, 1, 2, 3, 4):
        clock[0] = world.at(minute)
        postman.deliver()
    with store.transaction() as connection:
        ledger.close_incident(connection, "i1", world.at(5), "over")
    clock[0] = world.at(7)
    postman.deliver()

    ends = [body[0]["endsAt"][11:16] for body in receiver.bodies]
    assert ends == ["12:10", "12:10", "12:12", "12:14"]
