"""How full pools of provisioned concurrency were, against plain sums over the points."""

from __future__ import annotations

import pytest

from core.entities import Alias, Provisioned, Version
from core.facts import Covered, Listed
from core.prices import prices
from store.readers.provisioned_use import provisioned_use

MINUTES = 60
HELD = {"busy": 4, "idle": 2, "7": 10}


@pytest.fixture
def pools(world):
    """Of `orders`, alias `busy` holds 4 and was full for two minutes, `idle` served nobody, and nothing names
    version 7."""
    world.run("inventory", [world.function(memory_mb=512, architecture="x86_64")])
    world.run(
        "details",
        [
            Version(name="orders:7", function="orders", version="7", memory_mb=2048),
            Version(name="orders:8", function="orders", version="8"),
            *(
                Alias(name=f"orders:{name}", function="orders", alias=name, version="8")
                for name in ("busy", "idle")
            ),
            *(
                Provisioned(name=f"orders:{on}", function="orders", qualifier=on, requested=n, allocated=n)
                for on, n in HELD.items()
            ),
            Listed("version"),
            Listed("alias", "orders"),
        ],
    )
    world.points = [
        world.point(
            i + 1,
            10.0,
            scope="resource",
            resource="busy",
            duration_sum_ms=600.0 * (i + 1),
            provisioned_max=4.0 if i < 2 else 1.0,
            provisioned_invocations=8.0 if i < 2 else 10.0,
            provisioned_spillover=2.0 if i < 2 else 0.0,
        )
        for i in range(30)
    ]
    world.run("metrics", [*world.points, Covered("", world.window(MINUTES))], window=world.window(MINUTES))
    return world


def asked(world, minutes=MINUTES):
    found = provisioned_use(world.store, world.window(minutes), now=world.now)
    return found, found.set_index("qualifier")


def test_the_pool_with_least_room_comes_first(pools):
    found, _ = asked(pools)

    assert found["qualifier"].tolist() == ["busy", "idle", "7"]
    assert found["headroom"].tolist() == [HELD["busy"] - 4, HELD["idle"], HELD["7"]]


def test_a_pool_is_as_full_as_its_fullest_minute_and_what_it_could_not_serve_spilled_over(pools):
    busy = asked(pools)[1].loc["busy"]

    assert (busy["used_max"], busy["utilization"]) == (4, 1)
    assert busy["invocations"] == sum(p.provisioned_invocations for p in pools.points)
    assert busy["spillover"] == sum(p.provisioned_spillover for p in pools.points)


def test_a_pool_works_for_its_share_of_the_durations_and_has_to_for_the_break_even(pools):
    busy = asked(pools)[1].loc["busy"]

    on_pool = sum(p.provisioned_invocations for p in pools.points) / sum(p.invocations for p in pools.points)
    took_s = sum(p.duration_sum_ms for p in pools.points) / 1000
    assert busy["worked_share"] == pytest.approx(took_s * on_pool / (4 * MINUTES * 60))
    price = prices("eu-west-1", "x86_64")
    spared = price.duration - price.provisioned_duration
    assert busy["break_even"] == pytest.approx(float(price.provisioned_capacity / spared))


def test_a_pool_costs_what_it_holds_at_the_memory_of_its_version(pools):
    found = asked(pools)[1]

    per_gb = float(prices("eu-west-1", "x86_64").provisioned_capacity) * 30 * 86_400
    assert found["usd_month"].to_dict() == pytest.approx(
        {"busy": 4 * 0.5 * per_gb, "idle": 2 * 0.5 * per_gb, "7": 10 * 2 * per_gb}
    )
    assert found["orphan"].dropna().to_dict() == {"7": "no alias or trigger reaches version 7"}


def test_a_pool_of_which_nothing_is_told_is_idle_only_where_all_was_read(pools):
    read, unread = asked(pools)[1].loc["idle"], asked(pools, minutes=2 * MINUTES)[1].loc["idle"]

    names = ["used_max", "utilization", "invocations", "spillover", "worked_share"]
    assert read[names].tolist() == [0, 0, 0, 0, 0]
    assert unread[names].isna().all()
    assert unread["held"] == 2


def test_utilization_tells_how_many_were_in_use_where_nothing_else_does(pools):
    told = pools.point(5, scope="resource", resource="idle", provisioned_utilization_max=0.5)
    pools.run("metrics", [told], window=pools.window(MINUTES))

    assert asked(pools)[1].loc["idle", "used_max"] == 0.5 * HELD["idle"]


def test_a_store_without_pools_has_none(world):
    assert provisioned_use(world.store, world.window(60), now=world.now).empty
