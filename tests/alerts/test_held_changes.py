"""Changes that we hold in AWS: begun, verified, restored; through kills, other hands and failures."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from alerts.actions.undoing import extend, keep
from core.errors import ActionError, NotAllowedError
from core.people import Person
from tests.alerts.remedied import NOW

ADA, EVE = Person("ada", "operator"), Person("eve", "viewer")
FUNCTION = "inventory-reserve"
MINUTE = timedelta(minutes=1)


# --- leases -----------------------------------------------------------------------------------------------


def test_a_lease_ends_and_the_value_before_is_restored(room):
    room.says()
    room.opens()
    room.acts()
    assert room.reserved() == 40

    room.acts(29 * MINUTE)
    assert room.reserved() == 40

    room.acts(2 * MINUTE)
    assert room.reserved() == 8
    assert room.change().state == "restored"
    assert ("undo set-reserved-concurrency", "applied") in room.audited()


def test_a_lease_ends_though_actions_were_switched_off_and_the_rule_is_gone(room, settings):
    room.says()
    room.opens()
    room.acts()
    room.rules, room.chosen = [], settings(actions={"enabled": False})
    room.acts(31 * MINUTE)

    assert room.reserved() == 8


def test_what_somebody_else_set_meanwhile_is_left_alone_and_told(room, table):
    room.says()
    room.opens()
    room.acts()
    room.somebody_sets(25)
    room.acts(31 * MINUTE)

    assert room.reserved() == 25
    assert room.change().state == "kept"
    assert any("somebody else set" in row["notice"]["text"] for row in table("outbox"))


def test_a_restoration_that_fails_is_told_once_and_tried_until_it_is_done(room, table):
    room.says()
    room.opens()
    room.acts()
    room.aws.server.demo.faults.deny(["lambda:PutFunctionConcurrency"])
    for _ in range(5):
        room.acts(31 * MINUTE)
    assert room.reserved() == 40
    assert room.change().state == "restoring"
    assert len([row for row in table("outbox") if "cannot restore" in row["notice"]["text"]]) == 1
    assert table("incident")[0]["severity"] == "critical"

    room.aws.server.demo.faults.allow_all()
    room.acts(2 * MINUTE)

    assert room.reserved() == 8
    assert room.change().state == "restored"


def test_without_a_lease_it_stays(room):
    room.says(lease=None)
    room.opens()
    room.acts()
    room.acts(timedelta(days=40))

    assert room.reserved() == 40
    assert room.change().state == "held"


def test_a_person_may_keep_it_or_let_it_last(room, store):
    room.says()
    room.opens()
    room.acts()
    extend(store, room.change().id, timedelta(hours=2), by=ADA, now=room.now)
    room.acts(60 * MINUTE)
    assert room.reserved() == 40

    keep(store, room.change().id, by=ADA, now=room.now)
    room.acts(timedelta(hours=5))

    assert room.reserved() == 40
    assert ("keep set-reserved-concurrency", "applied") in room.audited()


@pytest.mark.parametrize("verb", [lambda s, id: keep(s, id, by=EVE, now=NOW),
                                  lambda s, id: extend(s, id, MINUTE, by=EVE, now=NOW)])  # fmt: skip
def test_a_viewer_may_not(room, store, verb):
    room.says()
    room.opens()
    room.acts()
    with pytest.raises(NotAllowedError):
        verb(store, room.change().id)


def test_what_is_over_cannot_be_kept(room, store):
    room.says()
    room.opens()
    room.acts()
    room.acts(31 * MINUTE)
    with pytest.raises(ActionError, match="is held now"):
        keep(store, room.change().id, by=ADA, now=room.now)


# --- kills ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["GetFunctionConcurrency", "PutFunctionConcurrency"])
@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
def test_a_kill_at_any_call_is_found_out_and_the_change_is_made_once(room, operation, when):
    room.says()
    room.opens()
    setattr(room.aws, when, operation)
    with pytest.raises(KeyboardInterrupt):
        room.acts()
    setattr(room.aws, when, None)
    room.acts(MINUTE)
    room.acts(MINUTE)
    assert room.reserved() == 40
    assert room.change().state == "held"
    assert room.aws.writes().count("PutFunctionConcurrency") == 1

    room.acts(40 * MINUTE)

    assert room.reserved() == 8


@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
def test_a_kill_while_restoring_is_found_out_and_it_is_restored(room, when):
    room.says()
    room.opens()
    room.acts()
    setattr(room.aws, when, "PutFunctionConcurrency")
    with pytest.raises(KeyboardInterrupt):
        room.acts(31 * MINUTE)
    setattr(room.aws, when, None)
    room.acts(MINUTE)

    assert room.reserved() == 8
    assert room.change().state == "restored"
    assert room.aws.writes().count("PutFunctionConcurrency") == 2


def test_what_somebody_set_while_we_were_dead_is_not_overwritten(room):
    room.says()
    room.opens()
    room.aws.dies_after = "PutFunctionConcurrency"
    with pytest.raises(KeyboardInterrupt):
        room.acts()
    room.aws.dies_after = None
    room.somebody_sets(17)
    for _ in range(3):
        room.acts(20 * MINUTE)

    assert room.reserved() == 17
    assert room.change().state == "failed"


def test_an_answer_that_was_lost_is_found_out_at_once(room):
    room.says()
    room.opens()
    room.aws.client("lambda")
    sent = room.aws.client("lambda").put_function_concurrency

    def lost(**params):
        sent(**params)
        raise ConnectionResetError("the answer was lost")

    room.aws.client("lambda").put_function_concurrency = lost
    [done] = room.acts()

    assert done.outcome == "applied"
    assert "as AWS says after" in done.answer
    assert room.change().state == "held"


KILLS = st.lists(
    st.tuples(
        st.sampled_from(["dies_before", "dies_after"]),
        st.sampled_from(["GetFunctionConcurrency", "PutFunctionConcurrency", "GetAccountSettings", "none"]),
        st.integers(0, 12),
    ),
    max_size=8,
)


@budget(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(kills=[("dies_after", "PutFunctionConcurrency", 0)])
@example(kills=[("dies_before", "PutFunctionConcurrency", 0), ("dies_after", "PutFunctionConcurrency", 12)])
@given(kills=KILLS)
def test_whatever_is_killed_when_the_value_before_comes_back_and_nothing_is_set_in_vain(room, kills):
    room.rules.clear()
    room.somebody_sets(8)
    room.aws.server.demo.calls.clear()
    room.says()
    room.now += timedelta(days=1)
    id = f"i{room.now:%s}"
    room.opens(id)
    for when, operation, minutes in kills:
        setattr(room.aws, when, operation)
        try:
            room.acts(minutes * MINUTE)
        except KeyboardInterrupt:
            pass
        finally:
            setattr(room.aws, when, None)
    room.acts(MINUTE)
    room.acts(MINUTE)
    assert room.aws.writes().count("PutFunctionConcurrency") >= 1
    room.resolves(id)
    for _ in range(3):
        room.acts(31 * MINUTE)

    assert room.reserved() == 8
    assert room.change().state in ("restored", "failed")
    assert room.aws.writes().count("PutFunctionConcurrency") == 2


# --- the loop guard ---------------------------------------------------------------------------------------


def test_another_rule_does_not_touch_what_is_held(room):
    room.says()
    room.says("more", limit=60)
    room.opens("i1")
    room.acts()
    room.opens("i2", rule="more", at=NOW - MINUTE)
    room.acts(MINUTE)

    assert room.reserved() == 40
    assert any("is held by another change" in (why or "") for why in room.why())


def test_what_our_own_change_may_have_caused_waits_for_a_person(room):
    room.says()
    room.says("timeouts", do="update-configuration", memory_mb=512)
    room.opens("i1")
    room.acts()
    room.opens("i2", rule="timeouts", at=room.now + MINUTE)
    room.acts(2 * MINUTE)

    assert room.aws.writes() == ["PutFunctionConcurrency"]
    assert any("because of our own change" in (why or "") for why in room.why())


def test_once_on_an_incident_unless_it_may_again(room):
    room.says(lease="10m", cooldown="15m")
    room.opens()
    for _ in range(6):
        room.acts(10 * MINUTE)
    assert room.aws.writes().count("PutFunctionConcurrency") == 2

    room.rules.clear()
    room.says(lease="10m", cooldown="15m", again=True)
    room.acts(10 * MINUTE)

    assert room.reserved() == 40


# --- verify -----------------------------------------------------------------------------------------------


def test_what_did_not_help_is_undone_and_escalated(room, table):
    room.says(verify={"within": "10m"})
    room.opens()
    room.acts()
    room.acts(11 * MINUTE)
    assert room.reserved() == 40  # nothing was collected yet: not known

    room.acts(15 * MINUTE)

    assert room.reserved() == 8
    assert table("incident")[0]["severity"] == "critical"
    assert any("whether it helped is not known" in row["notice"]["text"] for row in table("outbox"))


def test_an_incident_that_is_over_verifies_the_change(room):
    room.says(verify={"within": "10m"})
    room.opens()
    room.acts()
    room.resolves()
    room.acts(11 * MINUTE)

    assert room.change().verified_at == room.now
    assert room.reserved() == 40
