"""A simulated day obeys Lambda's rules, and is the same whenever it is asked for."""

import itertools
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.demo.company import FUNCTIONS, MERIDIAN
from quarterdeck.demo.environments import simulate
from quarterdeck.demo.loglines import lines, stream_name
from quarterdeck.demo.logsizes import EVENT_OVERHEAD_BYTES, log_bytes, log_events
from quarterdeck.demo.metrics import most_at_once
from quarterdeck.demo.model import DAY_MS, HOUR_MS, Plan, all_begin_beside
from quarterdeck.demo.statistics import Buckets
from quarterdeck.demo.stories import to_ms
from quarterdeck.demo.world import World

from .conftest import NOW, PROD

PLAN = Plan(7, (NOW,))
TODAY = to_ms(NOW) // DAY_MS


def spec(name, region="eu-west-1"):
    return MERIDIAN.find(PROD, region, name)


def same(one, other):
    return all(
        np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one) if f.name != "spec"
    )


def test_the_same_seed_and_start_give_the_same_day():
    assert same(simulate(spec("cart-api"), TODAY, PLAN), simulate(spec("cart-api"), TODAY, PLAN))


def test_another_seed_gives_another_day():
    assert not same(
        simulate(spec("cart-api"), TODAY, PLAN), simulate(spec("cart-api"), TODAY, Plan(8, (NOW,)))
    )


def test_a_restart_leaves_the_past_as_it_was():
    again = Plan(7, (NOW, NOW + timedelta(hours=5)))
    before, after = simulate(spec("promo-engine"), TODAY, PLAN), simulate(spec("promo-engine"), TODAY, again)
    past = before.start_ms < to_ms(NOW + timedelta(hours=5))

    assert np.array_equal(before.start_ms[past], after.start_ms[: past.sum()])
    assert np.array_equal(before.failure[past], after.failure[: past.sum()])
    assert after.failed.sum() > before.failed.sum()


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda s: "/".join(s.key))
def test_every_day_obeys_the_rules(function):
    day = simulate(function, TODAY, PLAN)
    limit_ms = function.timeout_s * 1000

    assert np.all(np.diff(day.start_ms) >= 0)
    assert np.all(day.duration_ms <= limit_ms)
    assert np.all(day.used_mb <= day.memory_mb)
    assert np.all((day.init_ms > 0) == day.cold)
    assert np.all(day.billed_ms >= day.duration_ms)
    if not function.snap_start:
        assert np.array_equal(day.billed_ms, np.ceil(np.round(day.duration_ms + day.init_ms, 2)))


@pytest.mark.parametrize("name", ["inventory-reserve", "invoice-pdf", "clickstream-enricher", "order-worker"])
def test_an_environment_serves_one_invocation_at_a_time(name):
    day = simulate(spec(name), TODAY, PLAN)
    order = np.lexsort((day.start_ms, day.environment))
    start, end, environment = day.start_ms[order], day.end_ms[order], day.environment[order]
    same_environment = environment[1:] == environment[:-1]

    assert np.all(start[1:][same_environment] >= end[:-1][same_environment] - 1)


@pytest.mark.parametrize("name", ["inventory-reserve", "payment-capture"])
def test_reserved_concurrency_is_never_passed(name):
    day = simulate(spec(name), TODAY, PLAN)

    assert most_at_once(day.start_ms, day.end_ms - 1, TODAY).max() <= spec(name).reserved


def test_a_warm_environment_outlives_midnight():
    day = simulate(spec("cart-api"), TODAY, PLAN)
    first_hour = day.start_ms < TODAY * DAY_MS + HOUR_MS // 6

    assert first_hour.sum() > 30
    assert day.cold[first_hour].mean() < 0.1


def test_an_asynchronous_retry_has_the_request_id_of_its_event():
    day = simulate(spec("invoice-pdf"), TODAY, PLAN)
    ids = [tuple(pair) for pair in day.ids.tolist()]
    first_failures = {ids[i] for i in np.flatnonzero((day.attempt == 1) & day.failed)}
    seconds = [ids[i] for i in np.flatnonzero(day.attempt == 2)]

    assert len(seconds) > 50
    assert sum(identity in first_failures for identity in seconds) >= len(seconds) - 3  # or failed yesterday


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda s: "/".join(s.key))
def test_sizes_of_logs_are_known_without_writing_them(function):
    day = simulate(function, TODAY, PLAN)
    sizes, counts = log_bytes(day), log_events(day)
    beside = np.flatnonzero(all_begin_beside(day))[:5].tolist()
    for index in [*range(0, len(day), max(1, len(day) // 150)), *beside]:
        written = list(lines(day, index))
        assert sizes[index] == sum(len(line.message.encode()) + EVENT_OVERHEAD_BYTES for line in written)
        assert counts[index] == len(written)


def test_some_environments_begin_ahead_of_their_request_and_some_for_none():
    function = spec("media-thumbs", region="us-east-1")
    day = simulate(function, TODAY, PLAN)
    starts = [
        (line.ts_ms - int(day.start_ms[i]), line.stream == stream_name(day, int(i)))
        for i in np.flatnonzero(day.cold)
        for line in lines(day, int(i))
        if line.message.startswith("INIT_START")
    ]

    ahead = [after_ms for after_ms, is_its_own in starts if is_its_own]
    assert set(ahead) == {0, -function.ahead_s * 1000}
    assert 0 < sum(not is_its_own for _, is_its_own in starts) < ahead.count(0)


def test_event_ids_are_unique_and_sort_like_time():
    day = simulate(spec("search-suggest"), TODAY, PLAN)
    written = sorted(itertools.chain.from_iterable(lines(day, index) for index in range(2000)))

    assert len({line.event_id for line in written}) == len(written)
    assert [line.event_id for line in written] == sorted(line.event_id for line in written)


samples = st.lists(st.floats(0, 1e6).map(lambda x: round(x, 2)), min_size=1, max_size=40)


@given(
    st.dictionaries(st.integers(0, 20), samples, min_size=1, max_size=6),
    st.sampled_from([0, 50, 95, 99.9, 100]),
)
def test_percentiles_are_those_of_numpy(buckets, rank):
    bucket = np.concatenate([np.full(len(v), k) for k, v in buckets.items()]).astype(np.int64)
    value = np.concatenate([np.array(v) for v in buckets.values()])
    found = Buckets.of(bucket, value)

    assert found.filled.tolist() == sorted(buckets)
    expected = [np.percentile(buckets[k], rank) for k in sorted(buckets)]
    assert found.statistic(f"p{rank}") == pytest.approx(expected)


intervals = st.lists(st.tuples(st.integers(0, DAY_MS - 1), st.integers(1, 300_000)), max_size=30)


@given(intervals)
def test_concurrency_of_a_minute_is_the_most_that_overlapped_in_it(drawn):
    start = np.array([begin for begin, _ in drawn], dtype=np.int64)
    end = np.array([begin + length for begin, length in drawn], dtype=np.int64)
    most = most_at_once(start, end, 0)

    for minute in {begin // 60_000 for begin, _ in drawn}:
        moments = [minute * 60_000] + [b for b, _ in drawn if b // 60_000 == minute]
        assert most[minute] == max(int(((start <= at) & (end > at)).sum()) for at in moments)


def test_worlds_with_another_clock_agree_on_the_past():
    early, late = World(PLAN, lambda: NOW), World(PLAN, lambda: NOW + timedelta(days=3))

    assert same(early.day(spec("order-worker"), TODAY), late.day(spec("order-worker"), TODAY))
