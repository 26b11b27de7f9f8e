"""Every action on a demo account that answers as AWS does: what is planned happens, and comes back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from alerts.actions import held
from alerts.actions.auditing import APPLY, DRY_RUN
from alerts.actions.occasions import by_hand
from alerts.actions.queue import QueueAction
from alerts.actions.registry import ACTIONS, keep_action, read_action
from alerts.actions.runner import apply_action, plan_action
from alerts.actions.setting import Setting
from alerts.actions.undoing import restore
from core.people import Person
from quarterdeck.demo.services.remedies import STATE_MACHINES
from tests.alerts.remedied import EU, NOW, US, DemoAws

ADA = Person("ada", "admin")
TOPIC = "arn:aws:sns:eu-west-1:111122223333:ops-remediation"
MACHINE = f"arn:aws:states:eu-west-1:111122223333:stateMachine:{STATE_MACHINES[0]}"

SETTINGS = {
    "set-reserved-concurrency": ("inventory-reserve", {"limit": 40}, 8, 40),
    "clear-reserved-concurrency": ("inventory-reserve", {}, 8, None),
    "set-provisioned-concurrency": ("session-auth", {"qualifier": "prod", "count": 3}, 1, 3),
    "set-mapping": ("order-worker", {"on": False}, {"on": True}, {"on": False}),
    "move-alias": ("checkout-api", {"alias": "prod", "version": "previous"}, None, None),
    "update-configuration": (
        "cart-api",
        {"memory_mb": 512, "timeout_s": 20},
        {"memory_mb": 256, "timeout_s": 10},
        {"memory_mb": 512, "timeout_s": 20},
    ),
}
DEEDS = {
    "invoke-function": ("cart-api", {"function": "ops-remediator", "wait": True}),
    "read-messages": ("email-async-dlq", {}),
    "redrive-queue": ("orders-dlq", {}),
    "replay-messages": ("email-async-dlq", {"function": "email-sender", "most": 1, "per_second": 50}),
    "publish-sns": ("cart-api", {"topic": TOPIC}),
    "start-execution": ("cart-api", {"state_machine": MACHINE}),
}


def made(do, **values):
    return read_action({"do": do, **values})


@pytest.fixture
def planned(store, demo):
    def go(do, subject, values, *, mode=APPLY, aws=demo):
        kind = "queue" if isinstance(made(do, **values), QueueAction) else "function"
        occasion = by_hand(made(do, **values), aws.target, subject, by=ADA, now=NOW, kind=kind)
        return plan_action(store, made(do, **values), occasion, lambda _: aws, mode=mode, now=NOW)

    return go


@pytest.fixture
def applied(store, planned, demo):
    def go(do, subject, values):
        return apply_action(store, planned(do, subject, values), lambda _: demo, now=NOW)

    return go


def test_every_action_is_tried_here():
    assert {*SETTINGS, *DEEDS} == {action.model_fields["do"].default for action in ACTIONS}


@pytest.mark.parametrize("do", SETTINGS)
def test_a_setting_is_planned_set_and_put_back(do, store, applied, demo, settings):
    subject, values, before, after = SETTINGS[do]
    done = applied(do, subject, values)
    with store.engine.connect() as connection:
        change = held.find(connection, done.id)

    assert done.outcome == "applied", done.answer
    assert all([done.plan.effect, done.plan.touches, done.plan.cost, done.plan.undo])
    assert (change.state, change.before, change.after) == ("held", done.plan.before, done.plan.after)
    if do != "move-alias":
        assert (change.before, change.after) == (before, after)
    assert change.action.read(change.thing, demo) == change.after != change.before

    restore(store, change, settings(), lambda _: demo, by=ADA, why="it is over", now=NOW)

    assert change.action.read(change.thing, demo) == change.before


@pytest.mark.parametrize("do", [*SETTINGS, *DEEDS])
def test_a_plan_and_a_dry_run_change_nothing(do, planned, demo):
    subject, values = (SETTINGS | DEEDS)[do][:2]
    found = planned(do, subject, values, mode=DRY_RUN)

    assert found.plan is not None, found.answer
    assert demo.writes() == []


@pytest.mark.parametrize("do", DEEDS)
def test_a_deed_is_done_once_and_answered(do, applied, demo):
    done = applied(do, *DEEDS[do])

    assert done.outcome == "applied", done.answer
    assert all([done.request_id, done.answer])
    assert len(demo.writes()) == (3 if do == "replay-messages" else 1)  # it receives, invokes and deletes


@pytest.mark.parametrize("action", ACTIONS)
def test_only_what_has_no_way_back_takes_an_admin(action):
    assert action.needs == ("operator" if issubclass(action, Setting) else "admin")


@pytest.mark.parametrize("do", [*SETTINGS, *DEEDS])
def test_an_action_reads_back_as_it_was_kept(do):
    action = made(do, **(SETTINGS | DEEDS)[do][1], cooldown="45m", mode="ask")

    assert read_action(json.loads(json.dumps(keep_action(action)))) == action


@pytest.mark.parametrize("do", SETTINGS)
def test_what_is_so_already_is_not_done(do, applied, planned):
    subject, values = SETTINGS[do][:2]
    first = applied(do, subject, values)
    again = values | ({"version": first.plan.after["version"]} if do == "move-alias" else {})
    second = planned(do, subject, again)

    assert second.outcome == "nothing to do"
    assert "already" in second.answer


# --- what a plan says -------------------------------------------------------------------------------------


def test_reserving_says_what_is_left_for_the_others(planned):
    plan = planned("set-reserved-concurrency", "inventory-reserve", {"limit": 40}).plan

    assert plan.sentence == (
        "Change reserved concurrency of inventory-reserve from 8 to 40 in eu-west-1 of 111122223333"
    )
    assert any("share 935 instead of 967 of 1000" in line for line in plan.touches)


def test_reserving_below_the_floor_of_aws_is_refused_before_aws_does(store, planned, demo):
    found = planned(
        "set-reserved-concurrency", "media-transcode", {"limit": 50}, aws=DemoAws(demo.server, US)
    )

    assert found.outcome == "failed"
    assert "AWS keeps 25 of 100 unreserved" in found.answer


def test_reserving_nothing_warns_of_lost_events(planned):
    plan = planned("set-reserved-concurrency", "inventory-reserve", {"limit": 0}).plan

    assert "asynchronous events go to the dead-letter queue" in plan.warnings[0]


def test_a_queue_that_lambda_fills_is_not_redriven(planned):
    found = planned("redrive-queue", "email-async-dlq", {})

    assert found.outcome == "failed"
    assert "Lambda or SNS fills it" in found.answer


def test_messages_are_counted_by_error_and_none_of_them_is_kept(applied):
    done = applied("read-messages", "email-async-dlq", {"most": 12})

    counts = [int(part.split(" × ")[0]) for part in done.answer.split(": ", 1)[1].split("; ")]
    assert done.answer.startswith(f"{sum(counts)} messages read: ")
    assert sum(counts) == int(done.plan.sentence.split()[1])
    assert "not-for-your-eyes" not in json.dumps([done.answer, dict(done.plan.request)])
    assert "hidden from other readers for 30 s" in done.plan.effect
    assert "$0.40 a million" in done.plan.cost


def test_events_are_given_again_and_their_messages_deleted(applied, planned, demo):
    subject, values = "invoice-failures", {"function": "invoice-pdf", "most": 3, "per_second": 50}
    before = planned("replay-messages", subject, values).plan.before["messages"]

    done = applied("replay-messages", subject, values)

    assert done.answer == "3 messages replayed into invoice-pdf"
    assert demo.writes().count("Invoke") == demo.writes().count("DeleteMessage") == 3
    assert planned("replay-messages", subject, values).plan.before["messages"] == before - 3
    assert "not-for-your-eyes" not in json.dumps([done.answer, dict(done.plan.request)])


def test_messages_of_other_errors_stay(applied, demo):
    subject, values = DEEDS["replay-messages"]

    done = applied("replay-messages", subject, values | {"only": "no such error"})

    assert done.answer == "email-async-dlq gave no message that fits"
    assert not {"Invoke", "DeleteMessage"} & {*demo.writes()}


def test_an_edit_is_told_before_it_is_approved(planned):
    subject, values = DEEDS["replay-messages"]

    found = planned("replay-messages", subject, values | {"edit": {"/retry": False}})

    assert found.plan.effect.startswith("of each event, /retry becomes false; ")


def test_an_event_that_lambda_did_not_take_keeps_its_message(applied, demo):
    demo.dies_before = "DeleteMessage"
    subject, values = DEEDS["replay-messages"]

    with pytest.raises(KeyboardInterrupt):
        applied("replay-messages", subject, values)

    assert "Invoke" in demo.writes()
    assert "DeleteMessage" not in demo.writes()


def test_what_sqs_redrives_itself_is_not_replayed(planned):
    found = planned("replay-messages", "orders-dlq", {"function": "order-worker"})

    assert found.outcome == "failed"
    assert "use redrive-queue" in found.answer


def test_messages_that_sqs_moved_aside_are_read_in_turns(applied, demo):
    done = applied("read-messages", "orders-dlq", {})

    assert "no error is told" in done.answer
    assert done.answer.startswith(f"{done.plan.sentence.split()[1]} messages read")


def test_provisioned_concurrency_says_what_it_costs_an_hour(planned):
    plan = planned("set-provisioned-concurrency", "session-auth", {"qualifier": "prod", "count": 3}).plan

    assert plan.cost.startswith("+$0.006 an hour")


def test_previous_is_the_version_published_before(planned):
    plan = planned("move-alias", "checkout-api", {"alias": "prod", "version": "previous"}).plan

    assert int(plan.after["version"]) < int(plan.before["version"])


def test_the_answer_of_a_function_is_kept_without_its_secrets(applied):
    done = applied(
        "invoke-function", "cart-api", DEEDS["invoke-function"][1] | {"input": {"password": "hunter2"}}
    )

    assert "received" in done.answer
    assert "hunter2" not in done.answer
    assert len(done.answer) < 1200


# --- rules ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"enabled": True}, "automatic"),
        ({"enabled": False}, "dry-run"),
        ({}, "dry-run"),
        ({"mode": False}, "off"),
    ],
)
def test_the_mode_is_read_as_it_was_written_before(given, mode):
    assert made("invoke-function", function="mend", **given).mode == mode


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"mode": "ask", "enabled": True}, "says more than `enabled`"),
        ({"lease": "10s"}, "from 1m to 30d"),
        ({"lease": "5m", "verify": {"within": "10m"}}, "shorter than the lease"),
        ({"verify": {"signal": "no-such-signal", "above": 1}}, "there is no signal"),
        ({"verify": {"above": 1}}, "is needed beside"),
        ({"limit": -1}, "greater than or equal to 0"),
    ],
)
def test_a_mistake_is_told(values, said):
    with pytest.raises(ValidationError, match=said):
        made("set-reserved-concurrency", **({"limit": 5} | values))


def test_a_lease_is_part_of_the_plan(planned):
    plan = planned("set-reserved-concurrency", "inventory-reserve", {"limit": 40, "lease": "90m"}).plan

    assert plan.sentence.endswith("for 1 h 30 min")
    assert plan.undo == "8 is restored after 1 h 30 min, or at any time before"


def test_a_change_that_somebody_made_since_the_plan_stops_it(store, planned, demo):
    found = planned("set-reserved-concurrency", "inventory-reserve", {"limit": 40})
    demo.client("lambda").put_function_concurrency(
        FunctionName="inventory-reserve", ReservedConcurrentExecutions=12
    )
    done = apply_action(store, found, lambda _: demo, now=NOW + timedelta(minutes=1))

    assert done.outcome == "failed"
    assert "is 12 now, not 8" in done.answer
    assert demo.writes() == ["PutFunctionConcurrency"]


def test_a_plan_of_another_account_is_made_there(planned):
    assert planned("set-reserved-concurrency", "inventory-reserve", {"limit": 9}).plan.target == EU
