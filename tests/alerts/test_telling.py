"""What is told, and when: acknowledgements, routes, and one message for a group."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from alerts.context import Context
from alerts.incident import Incident, Sent
from alerts.notices import facts, notice, reason_to_send
from alerts.rule import Subject
from alerts.signals import SubjectKind
from alerts.telling import channels_of


@pytest.fixture
def incident(start):
    return Incident(
        id="i1", rule="error-rate", account="111122223333", region="eu-west-1", subject_kind="function",
        subject="checkout", severity="critical", title="checkout: error rate 34 %", text="Error rate 34 %.",
        opened_at=start, tags={"team": "payments"},
    )  # fmt: skip


@pytest.fixture
def acked(incident, start):
    return replace(incident, acked_at=start + timedelta(minutes=5), acked_by="maria")


@pytest.mark.parametrize(("edits", "told"), [(True, "acknowledged"), (False, None)])
def test_only_a_channel_that_edits_is_told_who_has_it(acked, start, edits, told):
    sent, now = Sent("firing", start, 1), start + timedelta(minutes=6)

    assert reason_to_send(acked, sent, now=now, repeat=timedelta(minutes=1), says_who_has_it=edits) == told


def test_who_has_it_is_told_once(acked, start):
    sent, now = Sent("acknowledged", start + timedelta(minutes=6), 2), start + timedelta(hours=9)

    assert reason_to_send(acked, sent, now=now, repeat=timedelta(minutes=1), says_who_has_it=True) is None


def test_what_was_acknowledged_is_resolved_all_the_same(acked, start):
    over = replace(acked, resolved_at=start + timedelta(minutes=9))
    sent = Sent("acknowledged", start + timedelta(minutes=6), 2)

    assert reason_to_send(over, sent, now=start + timedelta(minutes=30), repeat=None) == "resolved"


def test_an_acknowledgement_names_who_has_it(acked, rule, start):
    said = notice(
        acked, rule(), "acknowledged", id="x", facts=(), alias="prod", base_url="http://x", now=start
    )  # fmt: skip

    assert said.title == "Acknowledged: checkout: error rate 34 %"
    assert said.text.startswith("maria has it since 2026-03-02 12:05 UTC.")


def test_routes_say_who_is_told_and_a_resolution_goes_where_it_was_told(settings, rule, incident, start):
    hooks = {name: {"kind": "slack", "url": "https://hooks.example.com/x"} for name in ("chat", "pager")}
    chosen = settings(channels=hooks, routes=[{"tag": {"team": "payments"}, "channels": ["pager"]}])
    over = replace(incident, resolved_at=start + timedelta(minutes=9))

    assert channels_of(incident, rule(), chosen, [], alias="prod", now=start) == ["pager"]
    assert channels_of(over, rule(), chosen, ["chat"], alias="prod", now=start) == ["chat"]


def test_a_leader_tells_its_group_and_why(incident, rule):
    cause = {"kind": "deploy", "text": "version 7 of checkout was deployed 2 min before", "evidence": []}
    member = replace(incident, id="i2", title="search: timeouts 3", grouped_under="i1", cause=cause)
    subject = Subject("function", "111122223333", "eu-west-1", "checkout", alias="prod")
    context = Context(headroom="the account: 963 of 1,000 are left")

    said = dict(facts(rule(), subject, incident, context, [member]))

    assert said["Cause"] == cause["text"]
    assert said["Told with it"] == "search: timeouts 3"
    assert said["Account"] == "prod (111122223333)"
    assert said["Headroom"] == "the account: 963 of 1,000 are left"


@pytest.mark.parametrize("kind", get_args(SubjectKind))
def test_every_kind_of_thing_is_named_in_a_message(kind, incident, rule):
    subject = Subject(kind, "111122223333", "eu-west-1", "steady")

    said = facts(rule(), subject, incident, Context(because="82% are spent"))

    assert subject.short in {value for label, value in said if label not in ("Account", "Region")}
    assert dict(said)["Because"] == "82% are spent"
