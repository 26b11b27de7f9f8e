"""What environments were started for, on a real store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.entities import Provisioned, Version
from core.facts import Covered
from core.telemetry import InvocationSummary
from core.windows import Window
from store.readers.environments import AROUND, environments
from store.store import Filter

SECOND = 1 / 60


@pytest.fixture
def logged(world):
    """Commit facts of a log that was read for all of ten hours, or for `read`."""

    def logged(*facts, read=None, **about):
        read = read or [world.window(600)]
        covered = [Covered("orders", window) for window in read]
        world.run("logs", [*facts, *covered], window=world.window(600), **about)

    return logged


def asked(world, minutes=180, until=0.0, **about):
    return environments(world.store, world.window(minutes, until=until), now=world.now, **about)


def uses(world, **about):
    return sorted(asked(world, **about).frame["use"])


def test_each_environment_is_judged_by_its_first_invocation(world, begin, logged):
    logged(
        begin(100, "asked"),
        world.record(100 - 2 * SECOND, 500, stream="asked", init_ms=1500.0, billed_ms=2000.0),
        begin(90, "ahead"),
        world.record(60, 100, stream="ahead", init_ms=800.0, billed_ms=900.0),
        world.record(59, 100, stream="ahead"),
        begin(80, "never"),
        begin(20, "young"),
    )

    frame = asked(world).frame.set_index("use")

    assert sorted(frame.index) == ["not known yet", "proactive", "requested", "unused"]
    assert frame.loc["proactive", "init_ms"] == 800
    assert frame.loc["proactive", "init_gb_s"] == pytest.approx(0.8)
    assert frame.loc[["unused", "not known yet"], "init_ms"].isna().all()


def test_a_window_has_the_environments_that_began_in_it_whenever_they_were_used(world, begin, logged):
    logged(
        begin(200, "before"),
        world.record(150, stream="before", init_ms=1.0),
        begin(130, "within"),
        world.record(90, stream="within", init_ms=1.0),
        begin(100, "after"),
        world.record(99, stream="after", init_ms=1.0),
    )

    assert uses(world, minutes=60, until=120) == ["proactive"]


def test_an_environment_that_starts_over_is_one_and_is_judged_by_its_last_attempt(world, begin, logged):
    logged(
        begin(90, "again"),
        begin(80, "again"),
        world.record(80 - SECOND, 100, stream="again", init_ms=300.0),
        begin(70, "twice, unused"),
        begin(69, "twice, unused"),
    )

    assert uses(world) == ["requested", "unused"]


@pytest.mark.parametrize("earlier", [AROUND / 2, timedelta(minutes=170)])
def test_a_start_after_a_report_is_no_new_environment(earlier, world, begin, logged):
    ago = earlier / timedelta(minutes=1)
    logged(world.record(ago, stream="one"), begin(50, "one"), world.record(20, stream="one", init_ms=9.0))

    assert uses(world, minutes=60) == []


def test_an_environment_is_not_unused_while_its_log_has_a_gap_after_its_start(world, begin, logged):
    hole = [world.window(500, until=100), world.window(60)]

    logged(begin(110, "before the gap"), begin(59, "after it"), read=hole)

    assert uses(world) == ["not known yet", "unused"]


def test_an_invocation_after_a_gap_may_not_have_been_the_first(world, begin, logged):
    hole = [world.window(500, until=100), world.window(60)]

    logged(begin(110, "one"), world.record(30, stream="one"), read=hole)

    assert uses(world) == ["not known yet"]


@pytest.mark.parametrize("init_type", ["provisioned-concurrency", "snap-start", "ec2-capacity-provider"])
def test_what_is_there_before_a_request_by_intention_is_left_out(init_type, world, begin, logged):
    logged(begin(100, "one", init_type=init_type), begin(90, "two", init_type="on-demand"))

    found = asked(world)

    assert (found.frame["use"].tolist(), found.prepared) == (["unused"], 1)


@pytest.mark.parametrize(
    "ahead",
    [
        Provisioned(name="orders:live", function="orders", qualifier="live", requested=2),
        Version(name="orders:3", function="orders", version="3", snap_start="PublishedVersions"),
    ],
)
def test_text_does_not_tell_which_starts_of_a_prepared_version_are_on_demand(ahead, world, begin, logged):
    world.run("details", [ahead])
    logged(begin(100, "published", version="3"), begin(90, "latest"))

    found = asked(world)

    assert (found.frame["use"].tolist(), found.prepared) == (["unused"], 1)


def test_cold_starts_whose_first_line_was_not_read_are_counted(world, begin, logged):
    logged(
        world.record(100, stream="old", init_ms=5.0),
        world.record(99, stream="old"),
        world.record(98, stream="restored", restore_ms=5.0),
        begin(90, "new"),
        world.record(90, stream="new", init_ms=5.0),
    )

    assert asked(world).startless == 1


def test_a_store_without_first_lines_tells_of_no_environment(world, logged):
    logged(world.record(100, stream="old", init_ms=5.0))

    found = asked(world)

    assert not found.is_known
    assert found.startless == 1


def test_an_aggregated_log_leaves_what_became_of_an_environment_open(world, begin, logged):
    sums = InvocationSummary(function="orders", ts=world.at(80), period_s=300, reports=3)
    logged(begin(101, "one"), read=[world.window(500, until=100)])
    world.run("logs", [sums, Covered("orders", world.window(100))], window=world.window(100), period_s=300)

    assert uses(world) == ["not known yet"]


def test_only_what_is_asked_for_is_judged(world, begin, logged):
    logged(begin(100, "one"))

    assert uses(world, where=Filter(region="us-east-1")) == []
    assert asked(world, where=Filter(region=world.target.region)).is_known


def test_the_log_of_a_window_of_the_future_does_not_end_before_it_begins(world):
    window = Window(world.now, world.now + timedelta(hours=1))

    assert not environments(world.store, window, now=world.now).is_known
