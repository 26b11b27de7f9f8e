"""Movements are told apart into traffic and components, and add up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.spend_moves import Spent, moves

USD = st.decimals(min_value=0, max_value=1_000, places=15, allow_nan=False, allow_infinity=False)
PARTS = st.dictionaries(st.sampled_from(["duration", "logs", "provisioned"]), USD, max_size=3)
SPENT = st.builds(Spent, PARTS, st.integers(0, 10_000).map(float))
WINDOWS = st.dictionaries(st.sampled_from("abc"), SPENT, max_size=3)


@given(WINDOWS, WINDOWS)
def test_causes_add_up_to_the_move_and_moves_to_the_whole(before, after):
    found = moves(before, after)

    for move in found:
        assert move.traffic_usd + sum(move.parts.values(), Decimal(0)) == move.usd
    whole = sum((s.usd for s in after.values()), Decimal(0)) - sum(
        (s.usd for s in before.values()), Decimal(0)
    )
    assert sum((move.usd for move in found), Decimal(0)) == whole


def one(before, after):
    return moves({"f": before}, {"f": after})[0]


def test_twice_the_traffic_at_the_same_price_is_traffic():
    move = one(Spent({"duration": Decimal(4)}, 100), Spent({"duration": Decimal(8)}, 200))

    assert (move.largest, move.traffic) == (("traffic", Decimal(4)), 1.0)
    assert move.parts == {"duration": 0}


def test_the_same_traffic_with_more_logs_is_logs():
    before = Spent({"duration": Decimal(4), "logs": Decimal(1)}, 100)

    assert one(before, Spent({"duration": Decimal(4), "logs": Decimal(6)}, 100)).largest == (
        "logs",
        Decimal(5),
    )


def test_what_is_kept_ready_does_not_grow_with_traffic():
    before = Spent({"provisioned": Decimal(4)}, 100)

    move = one(before, Spent({"provisioned": Decimal(4)}, 300))

    assert (move.usd, move.traffic_usd, move.parts["provisioned"]) == (0, 0, 0)


def test_what_is_new_or_gone_is_said():
    found = moves({"old": Spent({"duration": Decimal(1)}, 5)}, {"young": Spent({"duration": Decimal(3)}, 5)})

    assert [(move.group, move.kind) for move in found] == [("young", "new"), ("old", "gone")]
