"""The arithmetic of Lambda, as tables and properties."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import formulas

NAN = math.nan
BEFORE = datetime(2025, 7, 31, tzinfo=UTC)
SINCE = datetime(2025, 8, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (1, 4, 0.25),
        (0, 4, 0.0),
        (0, 0, None),
        (None, 4, None),
        (1, None, None),
        (NAN, 4, None),
        (1, NAN, None),
    ],
)
def test_a_rate_of_nothing_or_of_the_unknown_is_unknown(part, whole, expected):
    assert formulas.rate(part, whole) == expected


@pytest.mark.parametrize(
    ("limit", "used", "expected"), [(100, 93, 7), (100, 105, -5), (None, 1, None), (9, NAN, None)]
)
def test_headroom_is_what_the_busiest_moment_left(limit, used, expected):
    assert formulas.headroom(limit, used) == expected


def test_a_hundred_executions_always_stay_unreserved():
    assert formulas.reservable(1000, 300) == 600
    assert formulas.reservable(100, 50) == 0


@pytest.mark.parametrize(
    ("init_ms", "restore_ms", "init_type", "expected"),
    [
        (None, None, None, False),
        (180.0, None, None, True),
        (180.0, None, "on-demand", True),
        (None, 306.3, "snap-start", True),
        (180.0, None, "provisioned-concurrency", False),
        (180.0, None, "a-type-of-next-year", True),
    ],
)
def test_a_cold_start_is_an_initialization_somebody_waited_for(init_ms, restore_ms, init_type, expected):
    assert formulas.is_cold_start(init_ms=init_ms, restore_ms=restore_ms, init_type=init_type) is expected


@pytest.mark.parametrize(
    ("error_type", "killed", "memory_mb", "max_memory_mb", "expected"),
    [
        ("Runtime.OutOfMemory", False, 512, 300, True),
        ("Runtime.ExitError", True, 512, 512, True),
        ("Runtime.ExitError", True, 512, 300, False),
        (None, False, 512, 512, False),
        ("Runtime.ExitError", True, None, 512, False),
    ],
)
def test_full_memory_is_proof_only_beside_a_kill(error_type, killed, memory_mb, max_memory_mb, expected):
    found = formulas.is_out_of_memory(
        error_type=error_type, killed=killed, memory_mb=memory_mb, max_memory_mb=max_memory_mb
    )

    assert found is expected


@pytest.mark.parametrize(
    ("duration_ms", "about", "expected"),
    [
        (100.01, {"ts": SINCE}, 101),
        (600000, {"ts": SINCE, "init_ms": 516.31}, 600517),
        (100, {"ts": BEFORE, "init_ms": 50.5}, 100),
        (100, {"ts": BEFORE, "init_ms": 50.5, "managed_runtime": False}, 151),
        (306.34, {"ts": SINCE, "billed_restore_ms": 303}, 610),
    ],
)
def test_initialization_is_billed_since_august_2025(duration_ms, about, expected):
    assert formulas.expected_billed_ms(duration_ms, **about) == expected


def test_initialization_is_what_is_billed_beyond_the_rounded_duration():
    assert formulas.init_billed_ms(99.2, 250, cold=True) == 150
    assert formulas.init_billed_ms(99.2, 100, cold=True) == 0
    assert formulas.init_billed_ms(99.2, 250, cold=False) == 0


@pytest.mark.parametrize(
    ("story", "depth", "sent", "deleted", "expected"),
    [
        ("messages pile up", [0, 3, 5], [0, 0, 0], [0, 0, 0], [NAN, 3, 2]),
        ("sent says more than the depth", [0, 0, 0], [0, 4, 0], [0, 4, 0], [NAN, 4, 0]),
        ("a drain after the maximum", [5, 5, 0, 0], [0] * 4, [0, 5, 0, 0], [NAN, 0, 0, 0]),
        ("a drain before the sample", [5, 0, 0], [0] * 3, [0, 5, 0], [NAN, 0, 0]),
        ("a drain over two periods", [5, 5, 3, 0], [0] * 4, [0, 2, 3, 0], [NAN, 0, 0, 0]),
        ("come and gone within a period", [0, 0, 0], [0] * 3, [0, 2, 0], [NAN, 2, 0]),
        ("a purge", [0, 5, 0, 0], [0] * 4, [0] * 4, [NAN, 5, 0, 0]),
        ("new ones after a drain", [5, 5, 0, 2], [0] * 4, [0, 5, 0, 0], [NAN, 0, 0, 2]),
        ("sent right after a drain", [5, 5, 1, 1], [0, 0, 1, 0], [0, 5, 0, 0], [NAN, 0, 1, 0]),
    ],
)
def test_arrivals_are_not_depth(story, depth, sent, deleted, expected):
    found = formulas.arrivals(depth, sent, deleted, newest_is_open=False)

    assert found[1:] == expected[1:], story


def test_before_the_first_depth_only_what_was_sent_is_known():
    assert formulas.arrivals([7, 8], [2, 0], [0, 0])[0] == 2


def test_a_sample_without_depth_keeps_the_last_known_one():
    found = formulas.arrivals([3, NAN, 5], [0, 1, 0], [0, 0, 0])

    assert found[1:] == [1, 2]


def test_the_newest_deletions_wait_for_the_fall_they_may_explain():
    assert formulas.arrivals([5, 5], [0, 0], [0, 5], newest_is_open=True)[1] == 0


@st.composite
def lives(draw):
    """Arrivals and deletions of a queue per period, with two quiet periods at each end."""
    came = [0, 0, *draw(st.lists(st.integers(0, 20), max_size=30)), 0, 0]
    went, held = [], 0
    for i, new in enumerate(came):
        held += new
        quiet = i >= len(came) - 2
        went.append(0 if quiet else draw(st.integers(0, held)))
        held -= went[-1]
    return came, went


@given(lives(), st.booleans(), st.booleans())
def test_arrivals_add_up_to_what_arrived_whenever_depth_is_sampled(life, sampled_before_deletion, in_sent):
    came, went = life
    held, depth = 0, []
    for new, gone in zip(came, went, strict=True):
        held += new
        depth.append(float(held if sampled_before_deletion else held - gone))
        held -= gone

    sent = [float(n if in_sent else 0) for n in came]
    found = formulas.arrivals(depth, sent, [float(n) for n in went], newest_is_open=False)

    assert sum(found[1:]) == sum(came)
    assert min(found[1:]) >= 0


@given(lives(), st.integers(1, 34), st.booleans())
def test_an_open_end_never_counts_too_many(life, length, in_sent):
    came, went = life
    held, depth = 0, []
    for new, gone in zip(came, went, strict=True):
        held += new
        depth.append(float(held))
        held -= gone

    sent = [float(n if in_sent else 0) for n in came[:length]]
    found = formulas.arrivals(depth[:length], sent, [float(n) for n in went[:length]])

    assert sum(x for x in found if not math.isnan(x)) <= sum(came[:length])
