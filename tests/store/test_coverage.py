"""Which minutes count as read, which of them may still change, and which gaps remain."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from core.facts import ACCOUNT, Covered, Gap
from core.windows import Window, merge, subtract
from store import schema
from store.coverage import Spans

MINUTE = timedelta(minutes=1)


@pytest.fixture
def gaps(store):
    def rows():
        with store.engine.connect() as connection:
            found = connection.execute(
                sa.select(schema.gap).order_by(schema.gap.c.scope, schema.gap.c.start)
            ).all()
        return [(row.scope, Window(row.start, row.end), row.why, row.permission) for row in found]

    return rows


def windows(store, target, scope="", **asked):
    return [window for window, _ in store.covered("metrics", target, scope, **asked)]


def test_a_run_that_says_nothing_covers_its_own_window(store, a_run, prod, noon):
    store.commit(a_run(), [], now=noon)

    assert store.covered("metrics", prod) == [(Window(noon - timedelta(hours=1), noon), 60)]


def test_the_last_eighteen_minutes_are_provisional(store, a_run, prod, noon):
    store.commit(a_run(), [], now=noon)
    edge = noon - timedelta(minutes=18)

    assert windows(store, prod, settled=True) == [Window(noon - timedelta(hours=1), edge)]
    assert windows(store, prod, settled=False) == [Window(edge, noon)]


def test_a_later_run_settles_what_was_provisional(store, a_run, prod, noon):
    store.commit(a_run(), [], now=noon)
    later = noon + timedelta(hours=1)
    store.commit(a_run(noon - timedelta(minutes=18), later), [], now=later)

    assert windows(store, prod, settled=True) == [
        Window(noon - timedelta(hours=1), later - timedelta(minutes=18))
    ]
    assert windows(store, prod, settled=False) == [Window(later - timedelta(minutes=18), later)]


def test_provisional_minutes_that_no_run_read_again_stay_provisional(store, a_run, prod, noon):
    store.commit(a_run(), [], now=noon)
    later = noon + timedelta(hours=1)
    store.commit(a_run(noon, later), [], now=later)

    assert windows(store, prod, settled=False) == [
        Window(noon - timedelta(minutes=18), noon),
        Window(later - timedelta(minutes=18), later),
    ]


def test_what_settles_is_decided_by_when_the_run_began(store, a_run, prod, noon):
    slow = a_run(at=noon, finished_at=noon + timedelta(minutes=30))

    store.commit(slow, [], now=noon + timedelta(minutes=30))

    assert windows(store, prod, settled=True)[0].end == noon - timedelta(minutes=18)


def test_an_unsettled_window_is_read_again(store, a_run, prod, noon):
    old = Window(noon - timedelta(hours=5), noon - timedelta(hours=4))
    store.commit(a_run(), [Covered("checkout", old, settled=False)], now=noon)

    assert windows(store, prod, "checkout", settled=True) == []
    assert windows(store, prod, "checkout", settled=False) == [old]


def test_periods_are_kept_apart(store, a_run, prod, noon):
    old = Window(noon - timedelta(days=9), noon - timedelta(days=8))
    store.commit(a_run(), [Covered("", old, 300), Covered("", Window(old.end, noon), 60)], now=noon)

    assert store.covered("metrics", prod) == [(Window(old.end, noon), 60), (old, 300)]


@pytest.mark.parametrize("outcome", ["failed", "denied", "skipped", "partial"])
def test_a_run_that_did_not_go_well_covers_nothing_by_itself(store, a_run, prod, noon, outcome):
    store.commit(a_run(outcome=outcome), [], now=noon)

    assert store.covered("metrics", prod) == []


def test_a_failed_run_keeps_the_scopes_that_it_read(store, a_run, prod, noon):
    store.commit(a_run(outcome="failed"), [Covered("checkout", a_run().window)], now=noon)

    assert windows(store, prod, "checkout") == [a_run().window]


def test_a_gap_is_no_coverage(store, a_run, prod, noon, gaps):
    window = a_run().window
    store.commit(a_run(), [Gap("checkout", window, "no log group", "logs:FilterLogEvents")], now=noon)

    assert store.covered("metrics", prod) == []
    assert gaps() == [("checkout", window, "no log group", "logs:FilterLogEvents")]


def test_a_gap_in_the_middle_of_what_was_read_is_cut_out(store, a_run, prod, noon):
    window = a_run().window
    hole = Window(window.start + 10 * MINUTE, window.start + 20 * MINUTE)
    store.commit(a_run(), [Covered("", window), Gap("", hole, "throttled")], now=noon)

    assert windows(store, prod) == subtract(window, [hole])


def test_a_gap_ends_where_its_scope_is_read_later(store, a_run, noon, gaps):
    window = a_run().window
    half = Window(window.start, window.start + 30 * MINUTE)
    store.commit(a_run(), [Gap("checkout", window, "throttled")], now=noon)
    store.commit(a_run(), [Covered("checkout", half)], now=noon + MINUTE)

    assert gaps() == [("checkout", Window(half.end, window.end), "throttled", None)]


def test_reading_the_whole_target_ends_the_gaps_of_its_scopes(store, a_run, noon, gaps):
    store.commit(a_run(), [Gap("checkout", a_run().window, "throttled")], now=noon)
    store.commit(a_run(), [], now=noon + MINUTE)

    assert gaps() == []


def test_reading_one_scope_leaves_the_gap_of_the_whole_target(store, a_run, noon, gaps):
    store.commit(a_run(), [Gap("", a_run().window, "throttled")], now=noon)
    store.commit(a_run(), [Covered("checkout", a_run().window)], now=noon + MINUTE)

    assert gaps() == [("", a_run().window, "throttled", None)]


def test_a_gap_of_one_scope_stays_beside_the_coverage_that_came_with_it(store, a_run, noon, gaps):
    facts = [Covered("", a_run().window), Gap("checkout", a_run().window, "no log group")]
    for _ in range(2):
        store.commit(a_run(), facts, now=noon)

    assert gaps() == [("checkout", a_run().window, "no log group", None)]


def test_what_was_read_before_is_no_gap_when_reading_it_again_fails(store, a_run, prod, noon, gaps):
    store.commit(a_run(), [], now=noon)
    later = Window(noon - timedelta(minutes=18), noon + timedelta(minutes=5))
    store.commit(a_run(later.start, later.end, outcome="denied"), [Gap("", later, "denied")], now=later.end)

    assert gaps() == [("", Window(noon, later.end), "denied", None)]
    assert windows(store, prod) == [a_run().window]


def test_an_outage_is_one_gap_however_many_runs_met_it(store, a_run, noon, gaps):
    for n in range(1, 6):
        end = noon + 5 * n * MINUTE
        run = a_run(noon, end, outcome="denied")
        store.commit(run, [Gap("", run.window, "denied", "cloudwatch:GetMetricData")], now=end)

    assert gaps() == [("", Window(noon, noon + 25 * MINUTE), "denied", "cloudwatch:GetMetricData")]


def test_the_newest_reason_of_a_gap_counts(store, a_run, noon, gaps):
    whole = a_run().window
    young = Window(whole.start + 30 * MINUTE, whole.end)
    store.commit(a_run(), [Gap("", whole, "throttled")], now=noon)
    store.commit(a_run(), [Gap("", young, "denied")], now=noon + MINUTE)

    assert [(window, why) for _, window, why, _ in gaps()] == [
        (Window(whole.start, young.start), "throttled"),
        (young, "denied"),
    ]


def minutes(spans):
    return {w.start + n * MINUTE for w in spans for n in range(int(w.duration / MINUTE))}


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 30), st.integers(-10, 90)), max_size=12))
def test_spans_agree_with_a_set_of_minutes(reads):
    zero = datetime(2026, 7, 1, tzinfo=UTC)
    spans, settled, young = Spans(), set(), set()
    for start, length, edge in reads:
        window = Window(zero + start * MINUTE, zero + (start + length) * MINUTE)
        spans = spans.read(window, settled_to=zero + edge * MINUTE)
        read = minutes([window])
        settled |= {ts for ts in read if ts < zero + edge * MINUTE}
        young = (young | read) - settled

    assert minutes(spans.settled) == settled
    assert minutes(spans.provisional) == young
    assert list(spans.settled) == merge(spans.settled)


def test_reading_the_account_ends_the_gaps_of_the_target_and_of_what_is_never_read_itself(
    store, a_run, noon, gaps
):
    window = a_run().window
    missing = [
        Gap("", window, "denied"),
        Gap("Duration p99", window, "refused"),
        Gap("orders", window, "late"),
    ]
    long_ago = Window(window.start - timedelta(days=3), window.start - timedelta(days=2))
    store.commit(a_run(), [Covered("orders", long_ago), *missing], now=noon)
    store.commit(a_run(), [Covered(ACCOUNT, window)], now=noon + MINUTE)

    assert gaps() == [("orders", window, "late", None)]


def test_readings_of_scopes_agree_with_what_is_told_of_each(store, a_run, prod, noon):
    old = Window(noon - timedelta(days=9), noon - timedelta(days=8))
    facts = [Covered("a", old, 300), Covered("a", a_run().window), Covered("b", a_run().window)]
    store.commit(a_run(), facts, now=noon)

    found = store.readings("metrics", prod, since=noon - timedelta(days=30))

    for scope in ("a", "b"):
        assert list(found[scope].read) == store.covered("metrics", prod, scope)
        assert list(found[scope].settled) == store.covered("metrics", prod, scope, settled=True)
    assert store.readings("metrics", prod, since=noon - timedelta(days=1))["a"].read == found["b"].read


def test_what_lies_elsewhere_is_left_as_it_is(store, a_run, prod, noon):
    """A commit reads only what its windows touch."""
    early = Window(noon - timedelta(days=3), noon - timedelta(days=2))
    store.commit(a_run(), [Covered("a", early)], now=noon)
    store.commit(a_run(), [Covered("a", a_run().window)], now=noon)
    touching = Window(early.end, early.end + timedelta(hours=1))
    store.commit(a_run(), [Covered("a", touching)], now=noon)

    assert windows(store, prod, "a") == [Window(early.start, touching.end), a_run().window]
