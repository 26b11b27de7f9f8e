"""Predictions for a made-up function whose truth is known: the truth lies in the band, sums are by hand."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from core.backtesting import backtests
from core.prices import prices
from core.whatif import Recorded, Setup, what_if
from core.whatif_words import assumptions

DAY = timedelta(days=1)
US = "us-east-1"
NOW = Setup(memory_mb=1024.0, timeout_s=30.0)


def true_ms(chance, memory_mb, share):
    """Durations of a function of which `share` is processor time at 1,024 MB."""
    base = chance.lognormal(5, 0.4, len(memory_mb))
    return base * ((1 - share) + share * 1024 / memory_mb)


def told(memory_mb, *, share=0.5, seed=1, minutes_apart=0.5, **about):
    """A record every half a minute, at these sizes one after the other; each fiftieth starts cold."""
    memory = np.asarray(memory_mb, dtype=float)
    chance, count = np.random.default_rng(seed), len(memory)
    waited = np.full(count, np.nan)
    waited[::50] = 400.0
    return Recorded(
        start_ms=(np.arange(count) * minutes_apart * 60_000).astype(np.int64),
        duration_ms=true_ms(chance, memory, share),
        waited_ms=waited,
        init_billed_ms=waited,
        memory_mb=memory,
        version=np.zeros(count, dtype=np.int64),
        timed_out=np.zeros(count, dtype=bool),
        counted=np.ones(count, dtype=bool),
        **{"length": DAY} | about,
    )  # fmt: skip


def ask(recorded, then, now=NOW):
    return what_if(recorded, now, then, prices=lambda kind: prices(US, kind))


def sized(memory_mb, **about):
    return Setup(memory_mb=memory_mb, timeout_s=30.0, **about)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("after_mb", [512.0, 2048.0])
def test_the_true_p95_and_cost_lie_in_the_band_of_one_size(share, after_mb):
    found = ask(told([1024] * 2000, share=share), sized(after_mb))
    truth = ask(told([after_mb] * 2000, share=share, seed=2), sized(after_mb), now=sized(after_mb))

    assert found.then.low.p95_ms <= truth.recorded_p95_ms * 1.06
    assert found.then.high.p95_ms >= truth.recorded_p95_ms * 0.94
    assert float(found.then.low.usd) <= float(truth.now.middle.usd) * 1.03
    assert float(found.then.high.usd) >= float(truth.now.middle.usd) * 0.97
    assert not found.then.is_fitted


def test_history_at_several_sizes_narrows_the_band_and_still_holds_the_truth():
    one, both = told([1024] * 2000, share=0.6), told([512] * 1000 + [1024] * 1000, share=0.6)
    blind, fitted = ask(one, sized(256.0)), ask(both, sized(256.0))
    truth = ask(told([256] * 2000, share=0.6, seed=5), sized(256.0), now=sized(256.0)).recorded_p95_ms

    def width(found):
        return found.then.high.p95_ms - found.then.low.p95_ms

    assert fitted.then.is_fitted
    assert width(fitted) < width(blind)
    assert fitted.then.low.p95_ms * 0.94 <= truth <= fitted.then.high.p95_ms * 1.06
    assert any("fitted to typical durations at 512, 1,024 MB" in text for text in assumptions(fitted))


def test_what_it_costs_now_is_the_sum_of_its_records():
    recorded = told([1024] * 2000)
    price = prices(US, "x86_64")
    found = ask(recorded, NOW)

    cold_ms = found.now.middle.cold_starts * 400
    gb_s = Decimal(int(np.ceil(recorded.duration_ms).sum()) + cold_ms) / 1000
    by_hand = (gb_s * price.duration + 2000 * price.request) * 30
    assert found.now.middle.usd == pytest.approx(by_hand)
    assert found.saves_usd == (0, 0)


def test_units_cost_their_capacity_and_spare_cold_starts():
    recorded = told([1024] * 2000)
    price = prices(US, "x86_64")
    found = ask(recorded, sized(1024.0, units=2))

    gb_s = Decimal(int(np.ceil(recorded.duration_ms).sum())) / 1000
    capacity = 2 * Decimal(86_400) * price.provisioned_capacity
    by_hand = (gb_s * price.provisioned_duration + capacity + 2000 * price.request) * 30
    assert found.then.middle.usd == pytest.approx(by_hand)
    assert found.then.high.cold_starts == 0
    assert found.now.middle.cold_starts > 0


def test_arm_is_a_fifth_cheaper_give_or_take_the_time_it_takes():
    found = ask(told([1024] * 2000), sized(1024.0, architecture="arm64"))

    low, high = found.saves_usd
    share = [float(saved) / float(found.now.middle.usd) for saved in (low, high)]
    assert 0.1 < share[0] < 0.2 < share[1] < 0.3


def test_a_shorter_timeout_ends_what_is_longer_and_counts_it():
    recorded = told([1024] * 2000)
    found = ask(recorded, Setup(memory_mb=1024.0, timeout_s=0.2))

    assert found.then.middle.ended == int((recorded.duration_ms > 200).sum())
    assert found.then.middle.p95_ms <= 200


def test_an_unknown_price_is_no_cost_and_no_saving():
    found = what_if(told([1024] * 200), NOW, sized(512.0), prices=lambda kind: prices("mx-central-1", kind))

    assert found.then.middle.usd is None
    assert found.saves_usd is None


def test_nothing_recorded_is_nothing_predicted():
    assert ask(told([]), NOW) is None


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_a_real_change_of_memory_was_predicted_by_what_came_before(share):
    (past,) = backtests(told([1024] * 1500 + [512] * 1500, share=share))

    assert (past.before_mb, past.after_mb) == (1024, 512)
    assert past.held


def test_a_change_that_did_more_than_memory_can_is_told_as_a_miss():
    """It takes five times as long at half the memory: something else changed."""
    recorded = told([1024] * 500 + [512] * 500, share=0.0)
    recorded.duration_ms[500:] *= 5
    (past,) = backtests(recorded)

    assert not past.held


def test_a_size_of_a_few_records_is_no_backtest():
    assert not list(backtests(told([1024] * 500 + [512] * 20)))
