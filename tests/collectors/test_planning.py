from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import metrics
from collectors.collector import CLOUDWATCH_LAG, Reach
from collectors.planning import by_scope, cut_back, horizon, plan
from core.windows import MINUTE, Window, floor, merge, settled_until, subtract, total
from store.tiers import Keeps

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 21, 10, 30, 20, tzinfo=UTC)
METRICS = replace(metrics.COLLECTOR.reach, lag=timedelta())


def at(hour: float, *, day: int = 21) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


def planned(settled=(), read=None, *, now=NOW, reach=METRICS, backfill=DAY, coarse=14 * DAY, since=None):
    wanted = horizon(reach, now=now, backfill=backfill, coarse=coarse, since=since)
    return plan(reach, wanted, settled, settled if read is None else read)


def test_an_empty_store_is_filled_with_the_last_three_hours_first():
    window, period_s = planned()[0]

    assert (window, period_s) == (Window(at(7.5) - CLOUDWATCH_LAG, at(10.5)), 60)


def test_minutes_that_cloudwatch_may_not_have_published_are_left_for_the_next_pass():
    newest, _ = planned(reach=metrics.COLLECTOR.reach)[0]

    assert newest.end == at(10.5) - CLOUDWATCH_LAG


def test_the_one_minute_history_begins_on_a_whole_hour_and_the_coarse_one_ends_there():
    pieces = planned()
    fine = merge(w for w, period_s in pieces if period_s == 60)
    coarse = merge(w for w, period_s in pieces if period_s == 300)

    assert fine == [Window(at(10, day=20), at(10.5))]
    assert coarse == [Window(at(10, day=7), at(10, day=20))]


def test_pieces_come_newest_first():
    ends = [window.end for window, _ in planned()]

    assert ends == sorted(ends, reverse=True)


def test_a_first_pass_asks_each_query_a_few_times_only():
    """CloudWatch bills a query by the call, whatever its window."""
    assert len(planned()) <= 8


def test_settled_minutes_are_not_read_again_but_provisional_ones_are():
    settled = [(Window(at(10, day=7), at(10, day=20)), 300), (Window(at(10, day=20), at(10.2)), 60)]
    read = [*settled, (Window(at(10.2), at(10.5)), 60)]

    assert planned(settled, read) == [(Window(at(10.2), at(10.5)), 60)]


def test_a_gap_of_an_outage_is_filled_at_the_period_of_the_hours_around_it():
    settled = [(Window(at(10, day=7), at(10, day=18)), 300), (Window(at(10, day=18), at(10.25, day=19)), 60)]

    pieces = planned(settled)
    assert (Window(at(10.25, day=19), at(11, day=19)), 60) in pieces
    assert merge(w for w, s in pieces if s == 300) == [Window(at(11, day=19), at(10, day=20))]


def test_hours_read_at_five_minutes_stay_so_when_the_fine_history_is_lengthened():
    settled = [(Window(at(10, day=7), at(10, day=20)), 300), (Window(at(10, day=20), at(10.2)), 60)]

    pieces = planned(settled, backfill=7 * DAY)
    assert pieces == [(Window(at(10.2), at(10.5)), 60)]


def test_a_history_shorter_than_cloudwatch_is_late_begins_with_the_hour_even_when_that_is_young():
    now = at(10) + MINUTE

    pieces = planned(now=now, reach=metrics.COLLECTOR.reach, backfill=MINUTE, coarse=MINUTE)

    assert pieces == [(Window(at(9), now - CLOUDWATCH_LAG), 60)]


def test_since_reads_less_far_back():
    assert planned(since=3 * HOUR) == [(Window(at(7.5) - CLOUDWATCH_LAG, at(10.5)), 60)]


def test_a_window_of_since_that_ends_where_metrics_do_is_read_by_every_source():
    (of_metrics,), (of_logs,) = (planned(reach=r, since=3 * HOUR) for r in (metrics.COLLECTOR.reach, METRICS))

    assert of_metrics[0].duration == 3 * HOUR
    assert of_logs[0].start == of_metrics[0].start


def test_since_never_reads_further_back_than_the_settings():
    assert planned(since=400 * DAY) == planned()


def test_history_older_than_63_days_is_read_by_the_hour():
    pieces = planned(coarse=100 * DAY)
    hourly = merge(w for w, s in pieces if s == 3600)
    five = merge(w for w, s in pieces if s == 300)

    assert hourly[0].start == at(10) - 100 * DAY
    assert hourly[-1].end == five[0].start
    assert NOW - five[0].start < 63 * DAY


def test_one_minute_points_are_not_asked_for_after_15_days():
    pieces = planned(backfill=30 * DAY, coarse=30 * DAY)

    assert all(NOW - window.start < 15 * DAY for window, period_s in pieces if period_s == 60)
    assert total(w for w, _ in pieces) == 30 * DAY + HOUR / 2


def test_a_collector_without_coarse_history_reads_its_backfill_only():
    pieces = planned(reach=Reach())

    assert merge(w for w, _ in pieces) == [Window(at(10, day=20), at(10.5))]


def test_cutting_gives_back_the_whole():
    window = Window(at(1), at(9.3))

    assert merge(cut_back(window, 3 * HOUR, first=HOUR)) == [window]
    assert next(iter(cut_back(window, 3 * HOUR, first=HOUR))).duration == HOUR


def test_scopes_that_miss_the_same_window_share_a_run():
    now, older = (Window(at(9), at(10)), 0), (Window(at(3), at(9)), 0)

    pieces = by_scope({"a": [now], "b": [now, older], "c": [now]}, end=at(10), per_run=2)

    assert [(p.window, p.scopes, p.newest) for p in pieces] == [
        (now[0], ("a", "b"), True),
        (now[0], ("c",), True),
        (older[0], ("b",), False),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3000), st.booleans(), st.integers(0, 40)), max_size=12))
def test_passes_with_outages_never_read_an_hour_at_two_periods_and_leave_no_gap(passes):
    """Each pass comes some minutes after the last and does all (or some) of what is due."""
    now, settled, read = NOW, [], []
    for minutes, complete, most in [*passes, (1, True, 0)]:
        now += minutes * MINUTE
        todo = planned(settled, read, now=now, backfill=6 * HOUR, coarse=2 * DAY)
        for window, period_s in todo if complete else todo[:most]:
            edge = min(max(settled_until(now), window.start), window.end)
            settled.append((Window(window.start, edge), period_s))
            read.append((window, period_s))

    fine = [w for w, s in read if s == 60]
    for window in (w for w, s in read if s == 300):
        assert all(window.overlap(w) is None for w in fine)
        assert window == Window(floor(window.start, HOUR), floor(window.end, HOUR))
    everything = [w for w, _ in read]
    assert subtract(Window(now - 6 * HOUR, floor(now, MINUTE)), everything) == []
    assert subtract(Window(floor(now - 2 * DAY, HOUR), floor(now, MINUTE)), everything) == []


# --- what the store keeps ----------------------------------------------------------------------------------

KEEPS = Keeps(since=at(0, day=1), fine=at(0, day=18), five=at(0, day=10))


def kept(*, settled=(), read=None, backfill=14 * DAY, coarse=90 * DAY, now=NOW):
    wanted = horizon(METRICS, now=now, backfill=backfill, coarse=coarse, keeps=KEEPS)
    return plan(METRICS, wanted, settled, settled if read is None else read)


def test_nothing_is_asked_for_that_the_store_keeps_at_a_longer_period_or_not_at_all():
    spans = {s: merge(w for w, of in kept() if of == s) for s in (60, 300, 3600)}

    assert spans == {
        60: [Window(at(0, day=18), at(10.5))],
        300: [Window(at(0, day=10), at(0, day=18))],
        3600: [Window(at(0, day=1), at(0, day=10))],
    }


def test_what_was_rolled_up_is_not_asked_for_again():
    settled = [
        (Window(at(0, day=1), at(0, day=10)), 3600),
        (Window(at(0, day=10), at(0, day=18)), 300),
        (Window(at(0, day=18), at(10.5)), 60),
    ]

    assert kept(settled=settled) == []


def test_an_hour_that_was_rolled_up_from_a_part_is_asked_for_whole_at_the_period_it_is_kept_at():
    settled = [
        (Window(at(0, day=1), at(0, day=10)), 3600),
        (Window(at(0, day=10), at(7.25, day=12)), 300),
        (Window(at(7.5, day=12), at(0, day=18)), 300),
        (Window(at(0, day=18), at(10.5)), 60),
    ]

    assert kept(settled=settled) == [(Window(at(7, day=12), at(8, day=12)), 300)]


def test_a_day_that_packing_has_yet_to_roll_up_is_left_until_it_has():
    hole = [(Window(at(0, day=16), at(7.25, day=16)), 60), (Window(at(7.5, day=16), at(10.5)), 60)]

    asked = [w for w, _ in kept(settled=hole, coarse=6 * DAY) if w.end > at(0, day=16)]

    assert asked == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 4)), max_size=10))
def test_collecting_and_rolling_up_come_to_an_end(passes):
    """Passes do some of what is due while days come of age; after one that does all nothing is left to do."""
    now, settled = NOW, []
    for minutes, most in [*passes, (1, None)]:
        now += minutes * MINUTE
        keeps = Keeps(
            since=floor(now - 20 * DAY, DAY), fine=floor(now - 2 * DAY, DAY), five=floor(now - 6 * DAY, DAY)
        )
        settled = rolled(settled, keeps)
        wanted = horizon(METRICS, now=now, backfill=5 * DAY, coarse=60 * DAY, keeps=keeps)
        settled += plan(METRICS, wanted, settled, settled)[:most]

    assert plan(METRICS, wanted, settled, settled) == []
    assert merge(w for w, _ in settled)[-1] == Window(keeps.since, floor(now, MINUTE))


def rolled(spans, keeps):
    """What the store makes of what was read: coarser with age, then forgotten."""
    tiers = ((keeps.since, keeps.five, 3600), (keeps.five, keeps.fine, 300), (keeps.fine, NOW + 99 * DAY, 60))
    return [
        (part, max(period_s, tier_s))
        for window, period_s in spans
        for start, end, tier_s in tiers
        if (part := window.overlap(Window(start, end)))
    ]
