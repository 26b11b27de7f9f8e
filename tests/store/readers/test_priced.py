"""Exact amounts as whole grains of money."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.readers.priced import settled

GRAIN = Decimal("1e-15")
HALVES = st.integers(0, 10**6).map(lambda n: n * GRAIN / 4)


@given(st.lists(HALVES, min_size=1, max_size=20), st.integers(1, 20))
def test_any_grouping_of_amounts_adds_up_to_the_same_grains(amounts, groups):
    alone = {str(at): usd for at, usd in enumerate(amounts)}
    together = {}
    for at, usd in enumerate(amounts):
        together[str(at % groups)] = together.get(str(at % groups), Decimal(0)) + usd

    assert sum(settled(alone, GRAIN).values()) == sum(settled(together, GRAIN).values())


@pytest.mark.parametrize("whole", [1, 2])
def test_half_a_grain_goes_up_whatever_stands_before_it(whole):
    assert sum(settled({"a": (whole + Decimal("0.5")) * GRAIN}, GRAIN).values()) == (whole + 1) * GRAIN
