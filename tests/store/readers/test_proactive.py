"""Cold starts that nobody waited for, on a real store: each reader's waiting is without theirs."""

from __future__ import annotations

import pytest

from core.facts import Covered
from store.readers.cold import cold_starts
from store.readers.cold_groups import cold_groups
from store.readers.proactive import proactive_starts
from store.readers.slow import slow_invocations
from store.readers.starts import recorded_arrivals
from store.store import Filter

SECOND = 1 / 60


@pytest.fixture
def logged(world):
    def logged(*facts):
        wide = world.window(600)
        world.run("logs", [*facts, Covered("orders", wide), Covered("bills", wide)], window=wide)

    return logged


def found(world, minutes=180, **about):
    return proactive_starts(world.store, world.window(minutes), **about)["stream"].tolist()


@pytest.mark.parametrize(("ready_s", "streams"), [(9.9, []), (10.1, ["one"])])
def test_an_environment_is_proactive_that_was_ready_for_more_than_ten_seconds(
    ready_s, streams, world, begin, logged
):
    """Initialized in three seconds, worked for half a second."""
    logged(
        begin(60 + (3 + 0.5 + ready_s) * SECOND, "one"), world.record(60, 500, stream="one", init_ms=3000.0)
    )

    assert found(world) == streams


def test_one_that_began_before_the_window_counts_where_it_is_first_used(world, begin, logged):
    logged(begin(100, "one"), world.record(50, stream="one", init_ms=9.0), world.record(49, stream="one"))

    assert found(world, minutes=60) == ["one"]
    assert found(world, minutes=45) == []


def test_an_environment_that_had_worked_was_made_anew_for_the_request(world, begin, logged):
    logged(begin(90, "one"), world.record(70, stream="one"), world.record(50, stream="one", init_ms=9.0))

    assert found(world) == []


def test_an_environment_that_starts_over_is_judged_by_its_last_attempt(world, begin, logged):
    logged(begin(90, "one"), begin(50 + SECOND, "one"), world.record(50, stream="one", init_ms=9.0))

    assert found(world) == []


def test_a_later_start_in_the_same_stream_changes_nothing_of_the_first(world, begin, logged):
    logged(begin(90, "one"), world.record(50, stream="one", init_ms=9.0), begin(20, "one"))

    assert found(world) == ["one"]


@pytest.mark.parametrize(
    "about", [{"restore_ms": 300.0}, {"init_ms": 9.0, "init_type": "provisioned-concurrency"}, {}]
)
def test_restored_provisioned_and_warm_ones_are_no_proactive_cold_starts(about, world, begin, logged):
    logged(begin(90, "one"), world.record(50, stream="one", **about))

    assert found(world) == []


def test_a_cold_start_without_a_first_line_is_taken_for_one_that_was_waited_for(world, begin, logged):
    logged(begin(90, "other"), world.record(50, stream="one", init_ms=9.0))

    assert found(world) == []


def test_those_of_one_function_are_asked_for_alone(world, begin, logged):
    theirs = {"function": "bills"}
    logged(
        *(begin(90, "one"), world.record(50, stream="one", init_ms=9.0)),
        *(begin(90, "two", **theirs), world.record(50, stream="two", init_ms=9.0, **theirs)),
    )

    place = (world.target.account, world.target.region, "bills")
    assert sorted(found(world)) == ["one", "two"]
    assert found(world, where=Filter(*place), place=place) == ["two"]


@pytest.fixture
def mixed(world, begin, logged):
    """Of three cold starts of version 1 one was proactive, and the only one of version 2."""
    logged(
        begin(90, "ahead"),
        world.record(50, 100, stream="ahead", init_ms=800.3, version="1"),
        begin(91, "alone"),
        world.record(51, 100, stream="alone", init_ms=0.1, version="2", memory_mb=512.0),
        world.record(40, 100, stream="met", init_ms=200.2, version="1"),
        world.record(41, 100, stream="met too", init_ms=300.3, version="1"),
        world.record(42, 100, stream="met too", version="1"),
    )
    return world


def test_functions_waited_without_them_and_started_cold_with_them(mixed):
    (row,) = cold_starts(mixed.store, mixed.window(180), now=mixed.now).to_dict("records")

    assert (row["cold_starts"], row["proactive"], row["on_demand"]) == (4, 2, 4)
    assert row["cold_start_rate"] == 4 / 5
    assert row["waited_s"] == pytest.approx((200.2 + 300.3) / 1000)
    assert row["init_max_ms"] == 800.3


@pytest.mark.parametrize("by", ["version", "memory_mb", "told", "start"])
def test_groups_waited_without_them_whatever_they_are_by(by, mixed):
    told = cold_groups(mixed.store, mixed.window(180), now=mixed.now, by=(by,))

    assert told["proactive"].sum() == 2
    assert told["waited_s"].sum() == pytest.approx((200.2 + 300.3) / 1000)
    if by in ("version", "memory_mb"):
        rows = told.set_index(by)
        alone = rows.loc["2" if by == "version" else 512.0]
        assert (alone["cold_starts"], alone["proactive"], alone["waited_s"]) == (1, 1, 0)


def test_an_arrival_that_did_not_wait_came_when_its_handler_began(mixed):
    told = recorded_arrivals(mixed.store, mixed.target, "orders", mixed.window(180), now=mixed.now).frame

    waits = told["waited_ms"].dropna()
    assert sorted(waits) == [200.2, 300.3]
    spans = told["end_ms"] - told["start_ms"]
    assert spans.tolist() == pytest.approx(
        (told["duration_ms"] + told["waited_ms"].fillna(0)).tolist(), abs=1
    )
    assert told["init_billed_ms"].notna().sum() == 2


def test_single_invocations_that_did_not_wait_say_so_and_come_last_of_the_cold_ones(mixed):
    told = slow_invocations(mixed.store, mixed.window(180), order="cold")

    assert told["stream"].tolist() == ["met too", "met", "ahead", "alone"]
    assert told["waited_ms"].tolist()[:2] == [300.3, 200.2]
    assert told["waited_ms"].isna().tolist() == [False, False, True, True]
    assert told["waited_for"].tolist() == ["initialization", "initialization", None, None]
    assert told["init_ms"].tolist() == [300.3, 200.2, 800.3, 0.1]
