"""Durations against memory: the truth of made-up functions lies in the band that is predicted for them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.cpu_model import AtMemory, ends, fits, slowdown

SIZES = (128.0, 256.0, 512.0, 1024.0, 1769.0)
shares = st.floats(0, 1)


def duration_ms(memory_mb, share, at_512_ms=200.0):
    """Of a function of which `share` is processor time at 512 MB."""
    return at_512_ms * ((1 - share) + share * 512 / memory_mb)


def seen(memory_mb, share, *, seed, records=400, spread=0.4):
    """Records as drawn around the true duration, on a day that is a little slower or faster than others."""
    chance = np.random.default_rng(seed)
    day = chance.normal(0, 0.02)
    logs = math.log(duration_ms(memory_mb, share)) + day + chance.normal(0, spread, records)
    return AtMemory(memory_mb, records, float(logs.mean()), float(logs.std(ddof=1)))


@given(share=shares, before=st.sampled_from(SIZES), after=st.sampled_from(SIZES))
def test_without_history_the_truth_lies_between_the_ends(share, before, after):
    band = ends(before, after)
    truth = duration_ms(after, share) / duration_ms(before, share)

    assert band.low - 1e-9 <= truth <= band.high + 1e-9
    assert (band.likely is None) == (before != after)


def test_the_truth_lies_in_the_fitted_band_nearly_always_and_the_band_is_narrower():
    held, tried = 0, 0
    for seed in range(120):
        share = (seed % 11) / 10
        known = [seen(512.0, share, seed=seed), seen(1024.0, share, seed=seed + 1000)]
        band, physics = slowdown(known, 1024.0, 256.0), ends(1024.0, 256.0)
        truth = duration_ms(256.0, share) / duration_ms(1024.0, share)
        tried += 1
        held += band.low - 1e-9 <= truth <= band.high + 1e-9
        assert physics.low <= band.low <= band.high <= physics.high

    assert held >= 0.9 * tried


def test_more_sizes_tell_more():
    two = [seen(512.0, 0.6, seed=1), seen(1024.0, 0.6, seed=2)]
    four = [*two, seen(256.0, 0.6, seed=3), seen(2048.0, 0.6, seed=4)]

    width = [(b := slowdown(known, 512.0, 384.0)).high - b.low for known in (two, four)]

    assert width[1] < width[0] < ends(512.0, 384.0).high - 1


def test_too_few_records_at_a_second_size_are_no_history():
    known = [seen(512.0, 0.5, seed=1), seen(1024.0, 0.5, seed=2, records=30)]

    assert not fits(known)
    assert slowdown(known, 512.0, 256.0) == ends(512.0, 256.0)


def test_a_fit_says_how_much_of_the_time_is_processor_time():
    known = [seen(mb, 0.7, seed=mb, records=5000, spread=0.1) for mb in (256, 512, 1024)]

    assert fits(known)[0].share(512.0) == pytest.approx(0.7, abs=0.1)


def test_above_one_processor_both_readings_count():
    """What takes as long at 1,769 MB as at 3,008 MB waits, or cannot use a second processor: unknown."""
    known = [seen(1769.0, 0.0, seed=1), seen(3008.0, 0.0, seed=2), seen(1024.0, 0.0, seed=3)]

    assert len(fits(known)) == 2


@settings(max_examples=200)
@given(
    sizes=st.lists(
        st.builds(
            AtMemory,
            st.sampled_from(SIZES),
            st.integers(1, 10_000).map(float),
            st.floats(-4, 13),
            st.floats(0, 4),
        ),
        max_size=5,
    ),
    before=st.sampled_from(SIZES),
    after=st.sampled_from(SIZES),
)
def test_any_history_gives_a_band_within_physics(sizes, before, after):
    band, physics = slowdown(sizes, before, after), ends(before, after)

    assert physics.low - 1e-9 <= band.low <= band.high <= physics.high + 1e-9
    assert band.likely is None or band.low - 1e-9 <= band.likely <= band.high + 1e-9
