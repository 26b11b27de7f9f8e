from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.log_modes import AGGREGATED, EVERY, OFF, choose, due, reading, scan_usd
from core.entities import Function, LogGroup, LogMode
from core.facts import Inventory
from core.settings import LogSettings

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
MB = 10**6


def known(
    *names: str, groups: tuple[LogGroup, ...] = (), before: tuple[LogMode, ...] = (), **fields
) -> Inventory:
    functions = tuple(Function(name=name, arn=name, **fields) for name in names)
    return Inventory(functions=functions, log_groups=groups, log_modes=before)


def modes(inventory: Inventory, volumes=None, **settings) -> dict[str, str]:
    chosen = choose(inventory, LogSettings(**settings), volumes or {}, now=NOW)
    return {name: mode.mode for name, mode in chosen.items()}


def test_a_small_log_is_read_in_full():
    chosen = choose(known("a"), LogSettings(), {"a": 5 * MB}, now=NOW)["a"]

    assert (chosen.mode, chosen.bytes_a_day, chosen.usd_a_month) == (EVERY, 5 * MB, 0)
    assert chosen.why == "logs 5 MB a day; up to 2,000 MB every invocation is read"


def test_a_large_log_is_aggregated_at_a_price():
    chosen = choose(known("a"), LogSettings(), {"a": 3000 * MB}, now=NOW)["a"]

    assert chosen.mode == AGGREGATED
    assert chosen.usd_a_month == pytest.approx(3 * 30.4375 * 0.005 * 2)
    assert "more than 2,000 MB; Insights costs 0.91 USD a month" in chosen.why


def test_what_the_budget_does_not_cover_is_off_with_its_price():
    volumes = {"small": 3000 * MB, "big": 30_000 * MB}

    chosen = choose(known("big", "small"), LogSettings(insights_usd_per_month=5), volumes, now=NOW)

    assert {name: mode.mode for name, mode in chosen.items()} == {"small": AGGREGATED, "big": OFF}
    assert "Insights would cost 9.13 USD a month, and 4.09 of" in chosen["big"].why
    assert chosen["big"].usd_a_month == 0


def test_a_log_of_unknown_volume_is_read_in_full():
    assert modes(known("a")) == {"a": EVERY}


@pytest.mark.parametrize(
    ("retention_days", "mode"), [(None, EVERY), (7, AGGREGATED)], ids=["over its age", "over its retention"]
)
def test_without_metrics_the_volume_is_what_the_group_came_to_hold(retention_days, mode):
    group = LogGroup(
        name="/aws/lambda/a",
        stored_bytes=21_000 * MB,
        retention_days=retention_days,
        created=NOW - timedelta(days=100),
    )

    assert modes(known("a", groups=(group,))) == {"a": mode}


def test_functions_that_share_a_group_share_its_volume():
    group = LogGroup(name="/shop", stored_bytes=30_000 * MB, created=NOW - timedelta(days=10))
    chosen = choose(known("a", "b", groups=(group,), log_group="/shop"), LogSettings(), {}, now=NOW)

    assert {mode.bytes_a_day for mode in chosen.values()} == {1500 * MB}


def test_a_group_younger_than_a_day_says_nothing():
    group = LogGroup(name="/aws/lambda/a", stored_bytes=10**12, created=NOW - timedelta(hours=3))

    assert modes(known("a", groups=(group,))) == {"a": EVERY}


def test_the_first_pattern_that_fits_wins():
    settings = LogSettings(functions={"etl-*": "off", "etl-big": "every"}, mode="aggregated")

    assert reading("etl-big", settings) == ("off", "set for `etl-*` in collect.logs.functions")
    assert reading("api", settings) == ("aggregated", "set in collect.logs.mode")


def test_what_the_settings_name_is_done_and_leaves_less_for_the_rest():
    volumes = {"named": 15_000 * MB, "other": 3000 * MB}

    chosen = modes(
        known("named", "other"), volumes, functions={"named": "aggregated"}, insights_usd_per_month=5
    )

    assert chosen == {"named": AGGREGATED, "other": OFF}


@pytest.mark.parametrize(("before", "mode"), [(EVERY, EVERY), (AGGREGATED, AGGREGATED), (None, EVERY)])
def test_a_volume_about_the_limit_does_not_change_the_mode_to_and_fro(before, mode):
    was = (LogMode(name="a", mode=before, why=""),) if before else ()

    assert modes(known("a", before=was), {"a": 1900 * MB}) == {"a": mode}


def test_one_that_was_aggregated_stays_so_before_others():
    was = (LogMode(name="b", mode=AGGREGATED, why=""),)
    volumes = {"a": 10_000 * MB, "b": 11_000 * MB}

    assert modes(known("a", "b", before=was), volumes) == {"a": OFF, "b": AGGREGATED}


@pytest.mark.parametrize(
    ("size", "asked", "mode"),
    [(5 * MB, "auto", AGGREGATED), (None, "auto", OFF), (5 * MB, "every", OFF), (10**12, "auto", OFF)],
)
def test_a_group_for_infrequent_access_can_only_be_aggregated(size, asked, mode):
    group = LogGroup(name="/aws/lambda/a", log_class="INFREQUENT_ACCESS")
    volumes = {} if size is None else {"a": size}

    chosen = choose(known("a", groups=(group,)), LogSettings(mode=asked), volumes, now=NOW)["a"]

    assert chosen.mode == mode
    assert "INFREQUENT_ACCESS" in chosen.why


def test_modes_are_told_when_they_change_and_once_a_day():
    chosen = [LogMode(name="a", mode=EVERY, why=""), LogMode(name="b", mode=OFF, why="")]
    inventory = known("a", "b", before=(LogMode(name="a", mode=EVERY, why=""),))
    midnight = NOW.replace(hour=0, minute=2)

    assert due(chosen, inventory, since=NOW - timedelta(minutes=5), until=NOW) == [chosen[1]]
    assert due(chosen, inventory, since=midnight - timedelta(minutes=5), until=midnight) == chosen


def test_a_scan_costs_twice_what_its_bytes_do():
    assert scan_usd(10**9) == Decimal("0.01")


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 10**13)),
    st.floats(0, 100),
    st.sets(st.sampled_from("abcdef")),
)
def test_what_is_aggregated_never_costs_more_than_allowed(volumes, budget, aggregated):
    before = tuple(LogMode(name=name, mode=AGGREGATED, why="") for name in sorted(aggregated))
    settings = LogSettings(insights_usd_per_month=budget)

    chosen = choose(known(*"abcdef", before=before), settings, volumes, now=NOW)

    assert chosen.keys() == set("abcdef")
    assert sum(mode.usd_a_month or 0 for mode in chosen.values()) <= budget + 1e-9
