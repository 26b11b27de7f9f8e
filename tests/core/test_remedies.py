"""What would help against cold starts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.remedies import NOTHING, UNKNOWN, Starts, can_snap_start, remedy


def starts(**about):
    plain = {"records": 10_000.0, "cold_starts": 500.0, "waited_ms": 1_200.0, "hours": 3.0}
    return Starts(**{**plain, "runtime": "nodejs22.x", "package_type": "Zip", "package_mb": 3.0, **about})


@pytest.mark.parametrize(
    ("about", "what"),
    [
        ({}, "Provisioned concurrency"),
        ({"runtime": "java21"}, "SnapStart"),
        ({"runtime": "java21", "snap_start": True, "waited_ms": 300.0}, NOTHING),
        ({"runtime": "java21", "waited_ms": 600.0}, "Provisioned concurrency"),
        ({"package_mb": 120.0}, "Smaller package"),
        ({"runtime": None, "package_type": "Image"}, "Provisioned concurrency"),
        ({"crashes": 260.0}, "Stop the crashes"),
        ({"crashes": 3.0}, "Provisioned concurrency"),
        ({"units": 3}, "Look at its units"),
        ({"units": 10, "orphan": "no alias or trigger reaches version 17"}, "Move its units"),
        ({"records": 12.0, "cold_starts": 9.0}, "One unit, or let them wait"),
        ({"cold_starts": 0.0}, NOTHING),
        ({"cold_starts": 20.0, "waited_ms": 200.0}, NOTHING),
        ({"cold_starts": 500.0, "waited_ms": 200.0}, NOTHING),
    ],
)
def test_the_remedy_fits_how_the_function_starts(about, what):
    assert remedy(starts(**about)).what == what


@pytest.mark.parametrize("about", [{"records": None}, {"cold_starts": None}, {"records": 0.0}])
def test_without_records_no_remedy_is_guessed(about):
    assert remedy(starts(**about)) == UNKNOWN


@pytest.mark.parametrize(
    ("about", "offered"),
    [
        ({"runtime": "java11"}, True),
        ({"runtime": "java8.al2"}, False),
        ({"runtime": "python3.9"}, False),
        ({"runtime": "python3.12"}, True),
        ({"runtime": "dotnet8"}, True),
        ({"runtime": "dotnet6"}, False),
        ({"runtime": "nodejs22.x"}, False),
        ({"runtime": "java21", "package_type": "Image"}, False),
        ({"runtime": "java21", "ephemeral_mb": 1024.0}, False),
        ({"runtime": "java21", "has_file_system": True}, False),
        ({"runtime": None}, False),
    ],
)
def test_snap_start_is_offered_where_aws_has_it(about, offered):
    assert can_snap_start(starts(**about)) is offered


counts = st.none() | st.floats(0, 1e6)


@given(counts, counts, st.none() | st.floats(0, 1e5), st.floats(0, 1e6), st.integers(0, 100))
def test_every_function_has_a_remedy_with_a_reason(records, cold, waited_ms, crashes, units):
    found = remedy(
        starts(records=records, cold_starts=cold, waited_ms=waited_ms, crashes=crashes, units=units)
    )

    assert found.what
    assert found.why
