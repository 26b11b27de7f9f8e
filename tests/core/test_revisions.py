"""Configuration at any time, against a record of every state it went through."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.revisions import APPEARED, GONE, Noted, as_of, differences

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
NAMES = [("function", "orders"), ("alias", "orders:live"), ("trigger", "orders:::t")]
STEPS = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(NAMES),
        st.sampled_from(["memory", "timeout", ""]),
        st.integers(0, 4),
    ),
    max_size=30,
)


def play(steps):
    """States in order of time and what was noted, as the store keeps them."""
    now, last, noted = {name: {"memory": 0, "timeout": 0} for name in NAMES}, {}, []
    ts, states = NOON, [(NOON, {name: dict(body) for name, body in now.items()})]
    for minutes, name, field, value in steps:
        ts += timedelta(minutes=minutes)
        if field == "" and name in now:
            last[name] = now.pop(name)
            noted.append(Noted(ts, name, "", None, GONE))
        elif name not in now:
            before = last.pop(name)
            now[name] = {**before, "memory": value}
            noted.append(Noted(ts, name, "", None, APPEARED))
            if before["memory"] != value:
                noted.append(Noted(ts, name, "memory", before["memory"], value))
        elif field and now[name][field] != value:
            noted.append(Noted(ts, name, field, now[name][field], value))
            now[name] = {**now[name], field: value}
        states.append((ts, {key: dict(body) for key, body in now.items()}))
    return now, last, noted, states


@given(STEPS)
def test_every_state_it_went_through_is_found_again(steps):
    now, last, noted, states = play(steps)

    for ts, state in states:
        assert as_of(now, last, noted, ts) == state


@given(STEPS, st.integers(0, 30), st.integers(0, 30))
def test_differences_lead_from_one_state_to_the_other(steps, first, second):
    states = play(steps)[3]
    before, after = states[min(first, len(states) - 1)][1], states[min(second, len(states) - 1)][1]

    made = {name: dict(body) for name, body in before.items()}
    for one in differences(before, after):
        if one.field:
            assert made[one.entity][one.field] == one.old
            made[one.entity][one.field] = one.new
        elif one.new == GONE:
            del made[one.entity]
        else:
            made[one.entity] = dict(after[one.entity])

    assert made == after


def test_nothing_differs_from_itself():
    state = {NAMES[0]: {"memory": 1}}

    assert differences(state, state) == []
