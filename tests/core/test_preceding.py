"""Which change came before a trouble."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.preceding import HARMLESS, SHORTLY, TOGETHER, WEIGHTS, Change, Trouble, preceding

BEGAN = datetime(2026, 11, 18, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def change(minutes_before=7.0, kind="deploy", function="orders", field="", what="Deploy v1 → v2"):
    ts = BEGAN - timedelta(minutes=minutes_before)
    return Change(ts=ts, kind=kind, function=function, field=field, what=what)


def trouble(*functions, shares_limits=False):
    return Trouble(began=BEGAN, functions=frozenset(functions or ("orders",)), shares_limits=shares_limits)


changes = st.lists(
    st.builds(
        change,
        minutes_before=st.integers(-60, 200),
        kind=st.sampled_from([*WEIGHTS, "something new"]),
        function=st.sampled_from(["orders", "other", ""]),
        field=st.sampled_from(["", "timeout_s", *HARMLESS]),
        what=st.sampled_from(["a", "b"]),
    ),
    max_size=12,
)


def matters(one):
    return one.field not in HARMLESS and (
        one.function == "orders" or (one.function == "" and one.kind == "concurrency")
    )


@given(changes)
def test_what_is_named_was_made_shortly_before_and_could_matter(made):
    found = preceding(trouble(), made)

    near = [one for one in made if timedelta() <= BEGAN - one.ts <= SHORTLY and matters(one)]
    assert (found is None) == (not near)
    if found:
        assert found.change in near
        newest = max(one.ts for one in near)
        assert newest - found.change.ts <= TOGETHER
        assert found.more == sum(newest - one.ts <= TOGETHER for one in near) - 1


@given(changes)
def test_the_order_in_which_changes_are_told_does_not_matter(made):
    assert preceding(trouble(), made) == preceding(trouble(), made[::-1])


@given(changes)
def test_what_changed_after_it_began_is_never_named(made):
    later = [one for one in made if one.ts > BEGAN]

    assert preceding(trouble(), later) is None


def test_a_deploy_is_named_before_the_alias_that_moved_to_it():
    alias = change(5, kind="alias", what="Alias prod v1 → v2")

    found = preceding(trouble(), [alias, change(7)])

    assert (found.change.kind, found.more) == ("deploy", 1)


def test_a_newer_change_is_named_before_a_weightier_one_of_an_hour_ago():
    newer = change(5, kind="configuration", field="timeout_s")

    assert preceding(trouble(), [change(65), newer]).change == newer


@pytest.mark.parametrize("minutes", [-1, SHORTLY / MINUTE + 1])
def test_a_change_too_late_or_too_long_ago_is_not_named(minutes):
    assert preceding(trouble(), [change(minutes)]) is None


@pytest.mark.parametrize("minutes", [0, SHORTLY / MINUTE])
def test_a_change_in_the_minute_it_began_or_just_within_reach_is_named(minutes):
    assert preceding(trouble(), [change(minutes)]) is not None


@pytest.mark.parametrize("field", sorted(HARMLESS))
def test_a_change_of_words_only_is_not_named(field):
    assert preceding(trouble(), [change(kind="configuration", field=field)]) is None


def test_a_changed_quota_concerns_every_function():
    quota = change(kind="concurrency", function="", field="concurrent_limit")

    assert preceding(trouble(), [quota]).change == quota


def test_the_accounts_trouble_is_preceded_by_anybodys_reservation_but_not_by_a_deploy():
    reservation = change(9, kind="concurrency", function="other")

    found = preceding(Trouble(began=BEGAN, shares_limits=True), [reservation, change(5, function="other")])

    assert found.change == reservation
    assert preceding(trouble(), [reservation]) is None
