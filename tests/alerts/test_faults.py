"""Whatever a target does: nothing lost, nothing sent twice beyond what at-least-once allows, no secret."""

import json
import logging
from email.utils import format_datetime
from pathlib import Path

import pytest

from alerts import health
from alerts.outbox import Ways
from alerts.postman import Postman
from core.people import Person
from tests.alerts.kinds import BY_HTTP, IMPATIENT_S, PATIENT_S, SECRET, given, takes_duplicates, well

PASSING = ["429 in seconds", "429 by date", "500", "slow", "cut", "drip", "garbage"]
NEVER_DONE = ["slow", "drip"]
FINAL = ["404", "410", "redirect", "huge 400"]
SAME_ID = [kind for kind in BY_HTTP if not takes_duplicates(kind)]
ADMIN = Person("ada", "admin")


@pytest.fixture
def behaving(receiver, world):
    """`behaving(trouble)`: the receiver answers so once; its date is 30 s after `start` (in s)."""

    def behave(trouble, start=0):
        refused = b"no " + SECRET.encode() + b" here"
        {
            "429 in seconds": lambda: receiver.then(429, refused, Retry_After="30"),
            "429 by date": lambda: receiver.then(
                429, refused, Retry_After=format_datetime(world.at(start / 60 + 0.5), usegmt=True)
            ),
            "500": lambda: receiver.then(500, refused),
            "slow": receiver.then_hold,
            "cut": receiver.then_cut,
            "drip": receiver.then_drip,
            "garbage": lambda: receiver.then(503, bytes(range(256))),
            "404": lambda: receiver.then(404, refused),
            "410": lambda: receiver.then(410, refused),
            "redirect": lambda: receiver.then(302, Location=receiver.url),
            "huge 400": lambda: receiver.then(400, b"x" * 5_000_000),
        }[trouble]()

    return behave


@pytest.fixture
def channel(settings, receiver):
    """`channel(kind)`: settings with one channel, `chat`, that talks to the receiver."""
    return lambda kind, timeout_s=PATIENT_S: settings(
        channels={"chat": given(kind, receiver.url, timeout_s=timeout_s)}
    )


def same_message(one, other):
    """What a receiver recognises a message by, and what it says; times of sending may differ."""
    moving = ("webhook-timestamp", "webhook-signature", "host", "content-length")
    bodies = [json.dumps(body) for body, _ in (one, other)]
    ids = [{k: v for k, v in headers.items() if k not in moving} for _, headers in (one, other)]
    return ids[0] == ids[1] and bodies[0] == bodies[1]


@pytest.mark.parametrize("kind", BY_HTTP)
def test_what_passes_by_itself_loses_nothing_and_repeats_the_same_message(
    kind, behaving, channel, receiver, queue, deliver, table
):
    for at, trouble in enumerate(PASSING):
        start, before = at * 1000, len(receiver.bodies)
        receiver.answers.clear()
        behaving(trouble, start)
        receiver.then(200, well(kind))
        queue([(f"i{at}", "firing")], at=start / 60)

        deliver(start, settings=channel(kind, IMPATIENT_S if trouble in NEVER_DONE else PATIENT_S))
        if trouble.startswith("429"):
            deliver(start + 29, settings=channel(kind))
        assert len(receiver.bodies) == before + 1, trouble
        for later in (31, 500):
            deliver(start + later, settings=channel(kind))

        assert {row["state"] for row in table("outbox")} == {"delivered"}, trouble
        sent = list(zip(receiver.bodies, receiver.headers, strict=True))[before:]
        assert len(sent) == 2, trouble
        if kind != "alertmanager":  # its alert says until when it holds
            assert same_message(*sent), trouble


@pytest.mark.parametrize("kind", BY_HTTP)
def test_what_will_not_change_is_kept_dead_and_sent_when_asked_for(
    kind, behaving, channel, receiver, queue, deliver, table, store, world
):
    for at, trouble in enumerate(FINAL):
        start, before = at * 1000, len(receiver.bodies)
        receiver.answers.clear()
        behaving(trouble)
        receiver.then(200, well(kind))
        queue([(f"i{at}", "firing")], at=start / 60)
        for later in (0, 300):
            deliver(start + later, settings=channel(kind))
        assert (table("outbox")[-1]["state"], table("outbox")[-1]["attempts"]) == ("dead", 1), trouble
        assert len(receiver.bodies) == before + 1, trouble

        now = world.at((start + 400) / 60)
        health.revive(store, "chat", by=ADMIN, now=now)
        health.send_again(store, channel="chat", by=ADMIN, now=now)
        deliver(start + 500, settings=channel(kind))

        assert {row["state"] for row in table("outbox")} == {"delivered"}, trouble
        assert len(receiver.bodies) == before + 2, trouble


@pytest.mark.parametrize("kind", BY_HTTP)
def test_no_secret_is_kept_logged_or_told(kind, channel, receiver, queue, deliver, store, caplog):
    caplog.set_level(logging.DEBUG)
    chosen = channel(kind)
    told = json.dumps([given(kind, receiver.url)]).encode()
    for status in (500, 403, 404):
        receiver.then(status, told)
    queue([(f"i{n}", "firing") for n in range(3)])
    for second in (0, 10, 20, 60):
        deliver(second, settings=chosen)

    kept = b"".join(path.read_bytes() for path in Path(store.settings.path).glob("state.db*"))
    assert b"answered 500" in kept
    assert SECRET not in caplog.text
    assert SECRET.encode() not in kept


@pytest.mark.parametrize("kind", SAME_ID)
def test_a_kill_after_the_answer_sends_the_same_id_again(
    kind, channel, receiver, queue, deliver, killed_after_answer, table
):
    receiver.then(200, well(kind))
    queue([("i1", "firing")])
    killed_after_answer()

    with pytest.raises(KeyboardInterrupt):
        deliver(0, settings=channel(kind))
    deliver(1, settings=channel(kind))

    first, second = receiver.bodies
    assert table("outbox")[0]["state"] == "delivered"
    assert receiver.asked[0] == receiver.asked[1]
    if kind == "alertmanager":  # which knows an alert by its labels
        assert first[0]["labels"] == second[0]["labels"]
    else:
        assert same_message(*zip(receiver.bodies, receiver.headers, strict=True))


def test_a_target_that_is_slow_delays_no_other(queue, receiver, settings, store, http, world):
    answer_now = receiver.then_hold()
    receiver.then(200)
    chosen = settings(channels={name: given("slack", receiver.url) for name in ("a-slow", "quick")})
    queue([("i1", "firing")], "a-slow")
    ways = Ways(store=store, settings=chosen, http=http, clock=lambda: world.at(0))
    postman = Postman(ways, patience_s=0.3)

    assert postman.deliver() == []
    queue([("i2", "firing")], "quick")
    told = next(filter(None, (postman.deliver() for _ in range(60))))

    assert [outcome.row.channel for outcome in told] == ["quick"]
    answer_now.set()
    assert postman.drained(30)
