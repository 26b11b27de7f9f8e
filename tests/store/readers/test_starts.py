"""How functions start, and their arrivals one by one, against plain sums over the records."""

from datetime import timedelta

import pytest

from core.entities import Alias, Provisioned, Version
from core.facts import Covered, Listed
from store.readers.cold_groups import cold_groups
from store.readers.starts import recorded_arrivals, start_settings

MINUTE_MS = 60_000


@pytest.fixture
def ran(world):
    """Two hours of `orders`: every tenth record cold, some of them provisioned or restored."""
    kinds = [
        {"init_ms": 400.0, "billed_ms": 501.0},
        {"restore_ms": 300.0, "billed_ms": 401.0},
        {"init_ms": 900.0, "init_type": "provisioned-concurrency"},
    ]
    world.facts = [
        world.record(
            i + 0.5,
            100.2,
            stream=f"s{i // 40}",
            version="3" if i < 30 else "2",
            **(kinds[i // 10 % 3] if i % 10 == 0 else {}),
        )
        for i in range(120)
    ]
    world.run("logs", [*world.facts, Covered("orders", world.window(120))], window=world.window(120))
    return world


def asked(world, minutes=60, **about):
    return recorded_arrivals(
        world.store, world.target, "orders", world.window(minutes), now=world.now, **about
    )


def epoch_ms(record):
    return record.ts.timestamp() * 1000


def test_an_arrival_is_the_end_less_the_duration_and_the_wait(ran):
    found = asked(ran).frame.sort_values("end_ms", ascending=False)

    waits = [
        0.0 if r.init_type == "provisioned-concurrency" else (r.init_ms or 0) + (r.restore_ms or 0)
        for r in ran.facts
    ]
    begun = [epoch_ms(r) - r.duration_ms - wait for r, wait in zip(ran.facts, waits, strict=True)]
    assert found["start_ms"].tolist() == pytest.approx(begun, abs=1)
    assert found["waited_ms"].fillna(0).tolist() == waits
    assert found["version"].tolist() == [r.version for r in ran.facts]


def test_only_what_ended_in_the_window_counts_and_the_hour_before_leads_to_it(ran):
    found = asked(ran)

    assert len(found.frame) == 120
    assert len(found.counted) == 60
    assert found.has_lead
    assert found.state in {None, "provisional"}


def test_a_lead_that_was_not_read_is_said(ran):
    assert not asked(ran, minutes=120).has_lead


def test_what_initializations_were_billed_is_beyond_the_rounded_up_duration(ran):
    billed = asked(ran).frame["init_billed_ms"].dropna()

    cold = [r for r in ran.facts if r.init_type is None and (r.init_ms or r.restore_ms)]
    assert billed.sum() == sum(r.billed_ms - 101 for r in cold)


def test_the_longest_life_of_an_environment_is_from_its_first_to_its_last_record(ran):
    assert asked(ran).oldest == timedelta(minutes=39)


def test_of_too_many_the_newest_are_kept_and_the_window_says_so(ran):
    found = asked(ran, minutes=110, most=40)

    assert found.is_cut
    assert len(found.frame) == 40
    assert found.window.end == ran.now
    assert timedelta(minutes=15) < found.window.duration < timedelta(minutes=40)
    assert len(found.counted) == sum(r.ts >= found.window.start for r in ran.facts)


def test_a_function_without_records_has_no_arrivals(world):
    found = asked(world)

    assert found.frame.empty
    assert found.state.startswith("not collected")
    assert found.oldest is None


# --- settings -----------------------------------------------------------------------------------------------


def test_how_a_function_starts_is_told(world):
    crashes = [
        world.record(3, status="timeout"),
        world.record(4, status="error", error_type="Runtime.ExitError"),
        world.record(5, out_of_memory=True, status="error"),
        world.record(6, status="error", error_type="KeyError"),
    ]
    pool = Provisioned(name="orders:2", function="orders", qualifier="2", requested=4)
    published = Version(name="orders:2", function="orders", version="2")
    live = Alias(name="orders:live", function="orders", alias="live", version="3")
    world.run("inventory", [world.function(code_size_bytes=3 * 2**20, snap_start="PublishedVersions")])
    world.run("inventory", [world.function("stock", file_system_arn="arn")])
    listed = [Listed("version"), Listed("alias", "orders"), Listed("provisioned", "orders")]
    world.run("details", [pool, published, live, *listed])
    world.run("logs", [*crashes, Covered("orders", world.window())])

    found = start_settings(world.store, world.window(), now=world.now).set_index("function")

    orders, stock = found.loc["orders"], found.loc["stock"]
    assert (orders["crashes"], orders["units"], orders["package_mb"]) == (3, 4, 3)
    assert orders["orphan"] == "no alias or trigger reaches version 2"
    assert orders["snap_start"]
    assert stock["has_file_system"]
    assert (stock["units"], stock["orphan"]) == (0, None)


def test_ways_to_start_that_the_log_does_not_tell_are_a_group_of_their_own(ran):
    found = cold_groups(ran.store, ran.window(120), now=ran.now, by=["told"]).set_index("told")

    unsaid = found[found.index.isna()].iloc[0]
    assert unsaid["cold_starts"] == sum(r.init_ms is not None and r.init_type is None for r in ran.facts)
    assert found.loc["snap-start", "cold_starts"] == sum(r.restore_ms is not None for r in ran.facts)
    assert found.loc["provisioned-concurrency", "provisioned_inits"] == 4
