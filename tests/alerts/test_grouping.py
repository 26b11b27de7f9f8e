from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.causes import Calls, Errors, Evidence, Pool, explanations
from alerts.grouping import Cause, Explanation, regroup
from alerts.incident import Incident
from core.preceding import Change

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)
HERE = ("111122223333", "eu-west-1")

SIGNALS = {
    "error-rate": "error_rate",
    "throttles": "throttles",
    "many-throttles": "throttles",
    "slow": "duration_p95",
    "headroom": "concurrency_headroom",
    "dead-letters": "dead_letter_arrivals",
    "blind": "collection_failing",
    "silent": "silent_stop",
}
KINDS = {"headroom": "account", "dead-letters": "queue", "blind": "collector"}


def made(id, rule="error-rate", subject="checkout", minute=0, **given):
    usual = {
        "severity": "warning", "title": f"{subject}: {rule}", "text": "",
        "account": HERE[0], "region": HERE[1],
        "subject_kind": KINDS.get(rule, "function"), "opened_at": NOW + timedelta(minutes=minute),
    }  # fmt: skip
    return Incident(id=id, rule=rule, subject=subject, **(usual | given))


def anything(leader, member):
    return True


def groups(incidents, covers=anything, **evidence):
    """Who is moved under whom, and what is said to be the cause."""
    found = explanations(incidents, Evidence(signals=SIGNALS, **evidence))
    return {move.id: (move.leader, move.cause) for move in regroup(incidents, found, covers)}


def leaders(incidents, **given):
    return {id: leader for id, (leader, _) in groups(incidents, **given).items()}


DEPLOY = Change(
    ts=NOW - timedelta(minutes=5), kind="deploy", function="checkout", what="Deploy v7 → v8", by="by ci"
)


def test_several_rules_of_a_function_after_its_deploy_are_one():
    found = groups([made("a", severity="critical"), made("b", "slow", minute=3)], changes={HERE: [DEPLOY]})

    assert found == {
        "b": (
            "a",
            {
                "kind": "deploy",
                "text": "checkout was changed: Deploy v7 → v8",
                "evidence": [
                    "Deploy v7 → v8 by ci at 02:55 UTC",
                    "error-rate began 5 min after",
                    "slow began 8 min after",
                ],
            },
        )
    }


@pytest.mark.parametrize(
    "change",
    [
        dataclasses.replace(DEPLOY, function="search"),
        dataclasses.replace(DEPLOY, ts=NOW - timedelta(minutes=90)),
        dataclasses.replace(DEPLOY, ts=NOW + timedelta(minutes=30)),
        dataclasses.replace(DEPLOY, kind="configuration", field="description"),
    ],
)
def test_another_functions_an_old_a_later_or_a_harmless_change_groups_nothing(change):
    assert leaders([made("a"), made("b", "slow", minute=3)], changes={HERE: [change]}) == {}


def test_without_evidence_nothing_is_grouped():
    assert (
        leaders([made("a"), made("b", "slow"), made("c", "throttles", "search"), made("d", "headroom")]) == {}
    )


def full(claimed=950.0, reserving=()):
    return {HERE: Pool(claimed, 1000.0, frozenset(reserving))}


def test_functions_throttled_by_a_full_account_stand_under_it():
    throttled = [made(name, "throttles", name, minute=2) for name in ("checkout", "search")]
    found = groups([*throttled, made("pool", "headroom", "account", severity="critical")], pools=full())

    assert {id: leader for id, (leader, _) in found.items()} == {"checkout": "pool", "search": "pool"}
    assert found["search"][1]["evidence"] == [
        "950 of the account's 1,000 concurrent executions were claimed",
        "search reserves none of its own",
    ]


def test_a_function_with_its_own_reservation_is_not_the_accounts_fault():
    ones = [made("a", "throttles"), made("pool", "headroom", "account")]

    assert leaders(ones, pools=full(reserving=["checkout"])) == {}


def test_an_account_with_room_explains_no_throttles():
    ones = [made("a", "throttles"), made("pool", "headroom", "account")]

    assert leaders(ones, pools=full(claimed=400.0)) == {}


def test_throttled_functions_of_a_full_account_are_one_though_no_rule_watches_it():
    ones = [made("a", "throttles", "one"), made("b", "throttles", "two", minute=1)]

    assert leaders(ones, pools=full()) == {"b": "a"}


def test_a_queue_stands_under_the_function_that_works_it_off():
    ones = [made("f"), made("q", "dead-letters", "arn:aws:sqs:eu-west-1:111122223333:dead", minute=6)]
    feeds = {(*HERE, ones[1].subject): ["checkout"]}
    found = groups(ones, feeds=feeds)

    assert found["q"][0] == "f"
    assert found["q"][1]["evidence"][0] == "dead is worked off by checkout"
    assert leaders(ones, feeds={(*HERE, ones[1].subject): ["search"]}) == {}


def test_a_queue_of_a_throttled_function_stands_under_the_account():
    queue = made("q", "dead-letters", "arn:q", minute=6)
    ones = [made("t", "throttles", minute=2), queue, made("pool", "headroom", "account")]

    assert leaders(ones, pools=full(), feeds={(*HERE, "arn:q"): ["checkout"]}) == {"t": "pool", "q": "pool"}


def calls(*names, failed=10):
    return {(*HERE, name): {"orders-table": Calls(20, failed)} for name in names}


def test_functions_whose_calls_to_the_same_service_fail_are_one():
    found = groups([made("a"), made("b", subject="search", minute=2)], calls=calls("checkout", "search"))

    assert found["b"][0] == "a"
    assert found["b"][1]["text"] == "calls to orders-table fail"
    assert found["b"][1]["evidence"] == [
        "checkout: 10 of 20 traced calls failed",
        "search: 10 of 20 traced calls failed",
    ]


def test_a_few_failed_calls_prove_nothing():
    ones = [made("a"), made("b", subject="search", minute=2)]

    assert leaders(ones, calls=calls("checkout", "search", failed=2)) == {}


def test_a_function_that_others_call_leads_them():
    ones = [made("caller"), made("called", subject="orders-table", minute=3)]

    assert leaders(ones, calls=calls("checkout")) == {"caller": "called"}


def test_functions_with_the_same_error_are_one_when_it_is_most_of_their_errors():
    ones = [made("a"), made("b", subject="search", minute=2)]
    errors = {(*HERE, one.subject): Errors("KeyError: <str>", 9, 10) for one in ones}

    assert leaders(ones, errors=errors) == {"b": "a"}
    errors[(*HERE, "search")] = Errors("KeyError: <str>", 4, 10)
    assert leaders(ones, errors=errors) == {}


def test_rules_of_one_signal_stand_under_the_worst_that_fires_whenever_it_began():
    found = groups(
        [made("a", "throttles", minute=-90), made("b", "many-throttles", severity="critical"),
         made("c", "throttles", "search")]
    )  # fmt: skip

    assert found == {
        "a": (
            "b",
            {
                "kind": "tiers",
                "text": "throttles of checkout, by several rules",
                "evidence": ["many-throttles fires since 03:00 UTC", "throttles fires since 01:30 UTC"],
            },
        )
    }


def test_what_began_far_apart_has_no_one_cause():
    ones = [made("a"), made("b", subject="search", minute=90)]

    assert leaders(ones, calls=calls("checkout", "search")) == {}


def test_collectors_that_fail_alike_and_what_is_silent_for_it_are_one():
    ones = [
        made("m", "blind", "metrics"),
        made("l", "blind", "logs", minute=1),
        made("s", "silent", minute=9),
    ]
    said = {(*HERE, name): "the token has expired" for name in ("metrics", "logs")}

    assert leaders(ones, said=said) == {"l": "m", "s": "m"}


def test_collectors_that_fail_differently_are_two():
    ones = [made("m", "blind", "metrics"), made("l", "blind", "logs", minute=1)]
    said = {(*HERE, "metrics"): "throttled", (*HERE, "logs"): "no permission"}

    assert leaders(ones, said=said) == {}


def test_nothing_is_grouped_across_accounts_or_regions():
    ones = [made("a"), made("b", subject="search", account="999999999999"), made("c", region="us-east-1")]
    places = {(one.account, one.region, one.subject): {"orders-table": Calls(20, 20)} for one in ones}

    assert leaders(ones, calls=places) == {}


# --- who leads, and for how long ----------------------------------------------------------------------------


def because(leader, member, text="same"):
    return Explanation(leader, member, Cause("dependency", text))


def test_who_is_told_more_than_the_leader_stands_alone():
    ones = [made("a"), made("b", severity="critical")]

    assert regroup(ones, [because("a", "b")], lambda leader, member: leader.severity == "critical") == []


def under(id, leader, **given):
    return made(id, grouped_under=leader, cause={"kind": "pool", "text": "x", "evidence": []}, **given)


def test_a_member_stays_though_its_evidence_fades():
    assert regroup([made("a"), under("b", "a")], [], anything) == []


def test_when_the_leader_is_over_the_worst_that_still_fires_leads():
    over = made("a", resolved_at=NOW)
    ones = [over, under("b", "a"), under("c", "a", severity="critical"), under("d", "a")]
    moves = {move.id: move.leader for move in regroup(ones, [], anything)}

    assert moves == {"c": None, "b": "c", "d": "c"}


def test_a_leader_that_finds_its_own_takes_its_members_along():
    ones = [made("pool", "headroom", "account"), made("a"), under("b", "a")]
    moves = {move.id: move.leader for move in regroup(ones, [because("pool", "a")], anything)}

    assert moves == {"a": "pool", "b": "pool"}


def test_two_that_explain_each_other_have_one_leader():
    moves = regroup([made("a"), made("b")], [because("a", "b"), because("b", "a")], anything)

    assert [(move.id, move.leader) for move in moves] == [("b", "a")]


@given(st.data())
def test_however_evidence_comes_everybody_is_told_by_one_that_is_open_and_told(data):
    ids = [f"i{n}" for n in range(data.draw(st.integers(1, 7)))]
    state = {id: made(id) for id in ids}
    for _ in range(data.draw(st.integers(1, 6), label="evaluations")):
        over = data.draw(st.sets(st.sampled_from(ids)), label="over")
        barred = data.draw(st.sets(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=4))
        pairs = data.draw(st.lists(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=8))
        state = {
            id: dataclasses.replace(one, resolved_at=one.resolved_at or (NOW if id in over else None))
            for id, one in state.items()
        }
        found = [because(*pair) for pair in pairs]
        covers = lambda leader, member, barred=barred: (leader.id, member.id) not in barred  # noqa: E731
        for move in regroup(list(state.values()), found, covers):
            state[move.id] = dataclasses.replace(state[move.id], grouped_under=move.leader, cause=move.cause)
        open = {id: one for id, one in state.items() if one.resolved_at is None}
        for id, one in open.items():
            if one.grouped_under is not None:
                leader = open.get(one.grouped_under)
                assert leader is not None
                assert leader.grouped_under is None
                assert (leader.id, id) not in barred
        assert regroup(list(state.values()), found, covers) == [], "asked again, nothing changes"
