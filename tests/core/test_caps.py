"""Reservations that may have been forgotten."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.caps import IDLE, LEFT, STOPPED, TIGHT, Made, Reservation, verdict

MONDAY = datetime(2026, 11, 16, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reservation", "kind"),
    [
        (Reservation(0), STOPPED),
        (Reservation(0, 0.0, 12.0), STOPPED),
        (Reservation(5, 2.0, 0.0, Made(MONDAY, "rule errors", 5)), LEFT),
        (Reservation(5, 5.0, 12.0), TIGHT),
        (Reservation(55, 4.0, 0.0, limit=100), IDLE),
        (Reservation(55, 0.0, 0.0), IDLE),
        (Reservation(5, 5.0, 0.0), None),
        (Reservation(5, 1.0, 0.0), None),
        (Reservation(55, None, 0.0), None),
        (Reservation(5, None, 12.0), None),
        (Reservation(40, 20.0, 0.0, Made(MONDAY, "rule errors", 5)), None),
    ],
)
def test_names_the_worst_thing_about_a_reservation(reservation, kind):
    found = verdict(reservation)

    assert (found and found.kind) == kind


def test_a_stop_by_an_action_says_who_and_when():
    says = verdict(Reservation(0, made=Made(MONDAY, "rule errors", 0))).says

    assert says == "nothing of it may run; rule errors set it on 16 Nov 2026 at 03:20 UTC"


@given(
    st.builds(
        Reservation,
        reserved=st.integers(1, 1000),
        used_max=st.none() | st.floats(0, 1000),
        throttles=st.none() | st.floats(0, 100),
    )
)
def test_what_is_not_known_is_no_reason(reservation):
    found = verdict(reservation)

    if found is not None:
        assert reservation.used_max is not None
        assert found.kind == (TIGHT if reservation.throttles else IDLE)
