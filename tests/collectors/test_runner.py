from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from collectors.collector import CLOUDWATCH_LAG, Ask, Collector, Expected, Reach
from collectors.runner import collect_due, due, judge, run_once
from core.entities import Function, LogGroup
from core.errors import AccessDeniedError, AwsError
from core.facts import ACCOUNT, Covered, Gap, Listed
from core.settings import AwsSettings, CollectSettings
from core.telemetry import MetricPoint, Rows
from core.windows import MINUTE, Window
from store.readers import collection
from store.schema import coverage, gap, run, usage

HOUR = timedelta(hours=1)
NOW = datetime(2026, 11, 21, 10, 30, 20, tzinfo=UTC)
WINDOW = Window.last(HOUR, now=NOW)
SETTINGS = CollectSettings(backfill=6 * HOUR, backfill_coarse=6 * HOUR)


def a_collector(collect, *, reach=None, name="probe", cost=Decimal(0), calls=None) -> Collector:
    return Collector(
        name=name,
        what="A probe.",
        every="metrics_every",
        permissions=(),
        collect=collect,
        reach=reach,
        estimate_usd=lambda ask: cost,
        estimate_calls=None if calls is None else lambda ask: calls,
    )


def nothing(aws, ask):
    yield from ()


def inventory_of(*names):
    def collect(aws, ask):
        yield from (Function(name=name, arn=f"arn:{name}") for name in names)
        yield Listed("function")

    return a_collector(collect, name="inventory")


def rows(store, table):
    with store.engine.connect() as connection:
        return connection.execute(sa.select(table)).all()


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def aws(answered):
    return answered()


@pytest.fixture
def known(store, aws, now):
    """A store that knows functions a, b and c."""
    run_once(inventory_of("a", "b", "c"), aws, store, Window.last(HOUR, now=now), now=now)
    return store


def test_a_run_is_kept_with_its_outcome(store, aws, now):
    window = Window.last(HOUR, now=now)

    kept = run_once(a_collector(nothing, name="inventory"), aws, store, window, now=now)

    (row,) = rows(store, run)
    assert (kept.outcome, row.outcome, row.window_start) == ("ok", "ok", window.start)


def test_facts_are_kept_and_counted(store, aws, now):
    def collect(aws, ask):
        yield LogGroup(name="/aws/lambda/a", retention_days=7)

    kept = run_once(a_collector(collect, name="inventory"), aws, store, Window.last(HOUR, now=now), now=now)

    assert kept.facts == 1


def test_a_denied_run_names_the_permission(store, aws, now):
    def collect(aws, ask):
        yield LogGroup(name="x")
        raise AccessDeniedError("the role lacks it", permission="logs:FilterLogEvents")

    kept = run_once(a_collector(collect, name="inventory"), aws, store, Window.last(HOUR, now=now), now=now)

    assert (kept.outcome, kept.permission) == ("denied", "logs:FilterLogEvents")
    assert rows(store, gap)[0].permission == "logs:FilterLogEvents"
    assert store.covered("inventory", aws.target) == []


@pytest.mark.parametrize("error", [AwsError("AWS is down"), KeyError("Functions"), RuntimeError("bug")])
def test_a_failed_run_is_recorded_and_raises_nothing(store, aws, now, error):
    def collect(aws, ask):
        yield LogGroup(name="x")
        raise error

    kept = run_once(a_collector(collect, name="inventory"), aws, store, Window.last(HOUR, now=now), now=now)

    assert kept.outcome == "failed"
    assert rows(store, run)[0].error == kept.error


def test_calls_of_a_failed_run_are_on_the_bill(store, moto, now):
    from collectors.aws import connect

    (real,), _ = connect([], AwsSettings())

    def collect(aws, ask):
        aws.client("lambda").list_functions()
        raise AwsError("later")
        yield

    run_once(a_collector(collect, name="inventory"), real, store, Window.last(HOUR, now=now), now=now)

    assert [(row.operation, row.calls) for row in rows(store, usage)] == [("ListFunctions", 1)]


def test_calls_outside_a_run_are_not_on_its_bill(store, moto, now):
    from collectors.aws import connect

    (real,), _ = connect([], AwsSettings())
    real.client("lambda").list_functions()

    kept = run_once(a_collector(nothing, name="inventory"), real, store, Window.last(HOUR, now=now), now=now)

    assert kept.usage == ()


@pytest.mark.parametrize(
    ("learned", "outcome", "permission"),
    [
        ([], "ok", None),
        ([Covered("", WINDOW)], "ok", None),
        ([Covered("a", WINDOW), Gap("b", WINDOW, "no", "x:Y")], "partial", "x:Y"),
        ([Gap("a", WINDOW, "no", "x:Y"), Gap("b", WINDOW, "no", "x:Y")], "denied", "x:Y"),
        ([Gap("a", WINDOW, "throttled")], "partial", None),
        ([Expected(Gap("a", WINDOW, "never logged"))], "ok", None),
    ],
)
def test_gaps_tell_how_a_run_went(learned, outcome, permission):
    judged = judge(learned)

    assert (judged.outcome, judged.permission) == (outcome, permission)


def test_an_expected_gap_is_kept_all_the_same(store, aws, now):
    def collect(aws, ask):
        yield Expected(Gap("a", ask.window, "never logged"))

    run_once(a_collector(collect, name="inventory"), aws, store, Window.last(HOUR, now=now), now=now)

    assert [row.why for row in rows(store, gap)] == ["never logged"]


def test_a_collector_of_things_as_they_are_is_always_due(store, aws, now):
    (piece,) = due(a_collector(nothing, name="inventory"), aws.target, store, SETTINGS, now=now)

    assert piece.newest
    assert piece.window.end == now.replace(second=0)


def test_looks_at_things_as_they_are_leave_one_stretch_of_coverage(store, aws, now):
    probe = a_collector(nothing, name="inventory")

    for minutes in range(0, 60, 5):
        collect_due(probe, aws, store, SETTINGS, now=now + timedelta(minutes=minutes))

    ((window, _),) = store.covered("inventory", aws.target)
    assert window.end == now.replace(hour=11, minute=25, second=0)


def test_runs_of_a_pass_follow_each_other(known, aws, now):
    runs = collect_due(a_collector(nothing, reach=Reach()), aws, known, SETTINGS, now=now)

    assert len(runs) == 3
    assert all(one.finished_at <= next_.started_at for one, next_ in itertools.pairwise(runs))


def test_a_first_pass_reads_the_newest_piece_first_and_then_history(known, aws, now):
    asked: list[Ask] = []

    def collect(aws, ask):
        asked.append(ask)
        yield Covered("", ask.window, ask.period_s)

    runs = collect_due(a_collector(collect, reach=Reach(period_s=60)), aws, known, SETTINGS, now=now)

    assert [run.outcome for run in runs] == ["ok", "ok", "ok"]
    assert [ask.newest for ask in asked] == [True, False, False]
    assert asked[0].window == Window.last(3 * HOUR + CLOUDWATCH_LAG, now=now)
    assert asked[-1].window.start == now.replace(hour=4, minute=0, second=0)


def test_the_next_pass_reads_only_what_may_have_changed(known, aws, now):
    def collect(aws, ask):
        yield Covered("", ask.window, ask.period_s)

    probe = a_collector(collect, reach=Reach(period_s=60))
    collect_due(probe, aws, known, SETTINGS, now=now)

    (again,) = collect_due(probe, aws, known, SETTINGS, now=now + timedelta(minutes=5))

    assert again.window.start == now.replace(minute=12, second=0)
    assert again.window.end == now.replace(minute=35, second=0)


def test_a_killed_pass_goes_on_where_it_was(known, aws, now):
    def collect(aws, ask):
        yield Covered("", ask.window, ask.period_s)

    probe = a_collector(collect, reach=Reach(period_s=60))
    collect_due(probe, aws, known, SETTINGS, now=now, within=timedelta(0))

    runs = collect_due(probe, aws, known, SETTINGS, now=now)

    assert runs[0].window.duration == timedelta(minutes=18)
    assert len(runs) == 3


def test_a_denied_run_ends_the_pass(known, aws, now):
    def collect(aws, ask):
        raise AccessDeniedError("no", permission="x:Y")
        yield

    assert len(collect_due(a_collector(collect, reach=Reach()), aws, known, SETTINGS, now=now)) == 1


def test_one_failed_piece_does_not_keep_older_ones_from_being_read(known, aws, now):
    def collect(aws, ask):
        if ask.newest:
            raise AwsError("odd")
        yield Covered("", ask.window)

    runs = collect_due(a_collector(collect, reach=Reach()), aws, known, SETTINGS, now=now)

    assert [run.outcome for run in runs] == ["failed", "ok", "ok"]


def test_nothing_is_asked_about_a_fleet_that_is_not_known_yet(store, aws, now):
    (skipped,) = collect_due(a_collector(nothing, reach=Reach()), aws, store, SETTINGS, now=now)

    assert skipped.outcome == "skipped"
    assert "inventory" in skipped.error
    assert store.covered("probe", aws.target) == []


def test_an_empty_fleet_is_known_too(store, aws, now):
    run_once(inventory_of(), aws, store, Window.last(HOUR, now=now), now=now)

    runs = collect_due(a_collector(nothing, reach=Reach()), aws, store, SETTINGS, now=now)

    assert {run.outcome for run in runs} == {"ok"}


def test_each_scope_reads_what_it_lacks(known, aws, now):
    asked = []

    def collect(aws, ask):
        asked.append(ask.scopes)
        yield from (Covered(scope, ask.window) for scope in ask.scopes if scope != "b")
        yield from (Gap(scope, ask.window, "refused") for scope in ask.scopes if scope == "b")

    reach = Reach(first=3 * HOUR, piece=12 * HOUR, scopes=lambda known: [f.name for f in known.functions])
    collect_due(a_collector(collect, reach=reach), aws, known, SETTINGS, now=now)

    assert asked == [("a", "b", "c"), ("a", "c")]


# --- coverage of single things ---


def reading(asked=None, refused=()):
    """A collector of functions whose coverage is kept for each; `asked` gets every question."""

    def collect(aws, ask):
        if asked is not None:
            asked.append(ask)
        yield from (Covered(scope, ask.window, ask.period_s) for scope in ask.scopes if scope not in refused)
        yield from (Gap(scope, ask.window, "refused") for scope in ask.scopes if scope in refused)

    return collect


def of_functions(known):
    return [ACCOUNT, *(function.name for function in known.functions)]


def paced(collect, paces=None, **about):
    reach = Reach(period_s=60, lag=CLOUDWATCH_LAG, scopes=of_functions, paces=lambda known: paces or {})
    return a_collector(collect, reach=reach, **about)


def test_a_function_met_later_gets_its_history_and_the_others_are_left_alone(known, aws, now):
    asked: list[Ask] = []
    collect_due(paced(reading()), aws, known, SETTINGS, now=now)
    later = now + timedelta(minutes=5)
    run_once(inventory_of("a", "b", "c", "new"), aws, known, Window.last(HOUR, now=later), now=later)

    collect_due(paced(reading(asked)), aws, known, SETTINGS, now=later)

    old = [ask for ask in asked if "a" in ask.scopes]
    assert [ask.scopes for ask in old] == [(ACCOUNT, "a", "b", "c")]
    assert {ask.scopes for ask in asked if ask not in old} == {("new",)}
    assert sum((ask.window.duration for ask in asked if ask not in old), timedelta()) > 6 * HOUR - HOUR
    assert asked[0] is old[0] or asked[0].window.end == old[0].window.end


def test_nothing_is_asked_again_before_its_time(known, aws, now):
    probe = paced(reading())
    collect_due(probe, aws, known, SETTINGS, now=now)

    passes = [collect_due(probe, aws, known, SETTINGS, now=now + n * MINUTE) for n in range(1, 6)]

    assert [len(runs) for runs in passes] == [0, 0, 0, 0, 1]


def test_a_late_pass_does_not_make_the_next_one_miss_its_turn(known, aws, now):
    probe = paced(reading())
    collect_due(probe, aws, known, SETTINGS, now=now + timedelta(seconds=1))

    assert len(collect_due(probe, aws, known, SETTINGS, now=now + 5 * MINUTE)) == 1


def test_each_function_is_asked_at_its_pace(known, aws, now):
    asked: list[Ask] = []
    collect_due(paced(reading()), aws, known, SETTINGS, now=now)
    probe = paced(reading(asked), {"a": 60, "b": 3600})

    for minutes in range(1, 61):
        collect_due(probe, aws, known, SETTINGS, now=now + minutes * MINUTE)

    times = {name: sum(name in ask.scopes for ask in asked) for name in ("a", "b", "c", ACCOUNT)}
    assert times == {"a": 60, "b": 1, "c": 12, ACCOUNT: 12}


def test_a_function_with_a_slow_pace_misses_nothing(known, aws, now):
    probe = paced(reading(), {"b": 3600})

    for minutes in range(0, 125, 5):
        collect_due(probe, aws, known, SETTINGS, now=now + minutes * MINUTE)

    ((window, _),) = known.covered("probe", aws.target, "b")
    assert window.end == now.replace(hour=12, minute=28, second=0)


def test_a_hole_is_filled_although_its_function_is_not_due(known, aws, now):
    """The hole ends before the newest minutes, which are left for their turn."""
    probe = paced(reading(), {"b": 3600})
    collect_due(probe, aws, known, SETTINGS, now=now)
    with known.transaction() as connection:
        hole = Window(now - 3 * HOUR, now - 2 * HOUR)
        settled = coverage.c.settled & (coverage.c.scope == "b") & (coverage.c.end > hole.end)
        connection.execute(sa.update(coverage).where(settled).values(start=hole.end))
    asked: list[Ask] = []

    collect_due(paced(reading(asked), {"b": 3600}), aws, known, SETTINGS, now=now + 6 * MINUTE)

    of_b = [ask for ask in asked if "b" in ask.scopes]
    assert of_b
    assert all(ask.window.end <= hole.end for ask in of_b)


def test_a_failed_run_of_the_whole_target_is_one_gap(known, aws, now):
    def collect(aws, ask):
        raise AwsError("AWS is down")
        yield

    collect_due(paced(collect), aws, known, SETTINGS, now=now)

    assert {row.scope for row in rows(known, gap)} == {""}


def test_a_gap_of_the_whole_target_ends_when_the_account_is_read(known, aws, now):
    def collect(aws, ask):
        raise AwsError("AWS is down")
        yield

    collect_due(paced(collect), aws, known, SETTINGS, now=now)
    collect_due(paced(reading()), aws, known, SETTINGS, now=now + 5 * MINUTE)

    assert rows(known, gap) == []


def test_rows_count_as_the_facts_they_hold(known, aws, now):
    ts_ms = [int(now.timestamp()) // 60 * 60_000 - n * 60_000 for n in range(3)]
    columns = {"ts": ts_ms, "period_s": [60] * 3, "scope": ["function"] * 3, "function": ["a"] * 3}

    def collect(aws, ask):
        yield Rows(MetricPoint, columns | {"invocations": [1.0, float("nan"), 3.0]})

    kept = run_once(a_collector(collect, name="metrics"), aws, known, Window.last(HOUR, now=now), now=now)

    assert kept.facts == 3
    with known.snapshot(Window.last(HOUR, now=now + MINUTE), ["metrics"]) as snapshot:
        frame = snapshot.frame("SELECT invocations, errors, resource FROM metrics ORDER BY ts")
    assert frame["invocations"].isna().tolist() == [False, True, False]
    assert frame["errors"].isna().all()
    assert frame["resource"].tolist() == [""] * 3


# --- how far the history is read ---


def test_what_is_left_of_the_history_is_noted_as_it_is_read(known, aws, now):
    probe = paced(reading(), cost=Decimal("0.02"), calls=3)
    collect_due(probe, aws, known, SETTINGS, now=now, within=timedelta(0))

    (begun,) = collection.backfill(known, now).to_dict("records")
    collect_due(probe, aws, known, SETTINGS, now=now)
    (ended,) = collection.backfill(known, now).to_dict("records")

    assert (begun["pieces_left"], begun["calls_left"], begun["usd_left"]) == (2, 6.0, Decimal("0.04"))
    assert (begun["things"], begun["why"]) == (4, None)
    assert 0.4 < begun["read_share"] < 0.6
    assert (ended["pieces_left"], ended["usd_left"], ended["read_share"]) == (0, Decimal(0), 1.0)
    assert ended["oldest_read"] == ended["wanted_from"] == now.replace(hour=4, minute=0, second=0)


def test_history_that_the_budget_does_not_allow_is_left_out_with_the_reason(known, answered, now):
    aws = answered()
    aws.settings = AwsSettings(budget_usd_per_month=0.5)
    dear = Collector(
        name="probe",
        what="A probe.",
        every="metrics_every",
        permissions=(),
        collect=reading(),
        reach=Reach(period_s=60, scopes=of_functions),
        estimate_usd=lambda ask: Decimal("0.1") if ask.newest else Decimal("0.6"),
    )

    runs = collect_due(dear, aws, known, SETTINGS, now=now)

    assert [run.outcome for run in runs] == ["ok", "partial"]
    (left_out,) = rows(known, gap)
    assert "budget of 0.5 USD" in left_out.why
    assert (left_out.start, left_out.end) == (now.replace(hour=4, minute=0, second=0), runs[0].window.start)
    (told,) = collection.backfill(known, now).to_dict("records")
    assert "budget of 0.5 USD" in told["why"]
    assert told["pieces_left"] == 2


@pytest.mark.parametrize(("cap", "outcome"), [(0.3, "partial"), (30, "ok")])
def test_history_leaves_live_reading_what_it_needs_until_the_month_ends(known, answered, now, cap, outcome):
    aws = answered()
    aws.settings = AwsSettings(
        budget_usd_per_month=cap
    )  # metrics of three functions: about 1 USD in ten days
    probe = a_collector(reading(), reach=Reach(period_s=60, scopes=of_functions), cost=Decimal("0.001"))

    first, older = collect_due(probe, aws, known, SETTINGS, now=now)[:2]

    assert (first.outcome, older.outcome) == ("ok", outcome)
    (told,) = collection.backfill(known, now).to_dict("records")
    assert ("live reading needs" in (told["why"] or "")) == (outcome == "partial")


def test_a_month_over_budget_is_skipped_with_the_reason(known, answered, now):
    aws = answered()
    aws.settings = AwsSettings(budget_usd_per_month=0.5)
    probe = a_collector(nothing, reach=Reach(), cost=Decimal("0.6"))

    (skipped,) = collect_due(probe, aws, known, SETTINGS, now=now)

    assert skipped.outcome == "skipped"
    assert "budget of 0.5 USD" in skipped.error


def test_what_costs_nothing_goes_on_when_the_budget_is_used_up(known, answered, now):
    aws = answered()
    aws.settings = AwsSettings(budget_usd_per_month=0)

    runs = collect_due(a_collector(nothing, reach=Reach()), aws, known, SETTINGS, now=now)

    assert {run.outcome for run in runs} == {"ok"}


def test_a_value_that_changed_late_leaves_one_row(known, aws, now):
    values = iter([3.0, 5.0])

    def collect(aws, ask):
        point = MetricPoint(
            scope="function",
            function="a",
            ts=ask.window.end - timedelta(minutes=1),
            period_s=60,
            invocations=next(values),
        )
        yield point
        yield Covered("", ask.window, 60)

    probe, window = a_collector(collect, reach=Reach(period_s=60), name="metrics"), Window.last(HOUR, now=now)
    run_once(probe, aws, known, window, now=now)
    run_once(probe, aws, known, window, now=now + timedelta(minutes=5))

    with known.snapshot(window, ["metrics"]) as snapshot:
        assert snapshot.frame("SELECT invocations FROM metrics")["invocations"].tolist() == [5.0]
