"""Functions of one size are billed from the fleet's own sums, others by what their records say: alike."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.entities import Version
from core.facts import Covered, Listed, Target
from core.prices import cost, gb_seconds, prices
from store.readers.cost import cost_series, costs
from store.readers.fleet import fleet

OTHER = Target("111111111111", "us-east-1")


@pytest.fixture
def both(world):
    """The same name in two regions: `PROD`'s changed its size in the window, `OTHER`'s did not."""
    for target, second_mb in ((world.target, 2048.0), (OTHER, 1024.0)):
        records = [world.record(100, 200), world.record(90, 300, memory_mb=second_mb)]
        world.run("inventory", [world.function()], target=target)
        world.run("details", [], target=target)
        world.run("metrics", [world.point(100, 2, log_bytes=0)], target=target)
        world.run("logs", [*records, Covered("orders", world.window())], target=target)
    return world


def compute_usd(region: str, second_mb: float) -> Decimal:
    price = prices(region, "x86_64")
    used = gb_seconds(200, 1024) + gb_seconds(300, second_mb)
    return (cost(used, price.duration) or Decimal(0)) + (cost(2, price.request) or Decimal(0))


def test_each_region_pays_for_the_sizes_its_own_records_had(both):
    frame = fleet(both.store, both.window(), now=both.now)

    paid = {row.region: row.cost_usd for row in frame.itertuples()}

    assert paid["eu-west-1"] == pytest.approx(compute_usd("eu-west-1", 2048), abs=Decimal("1e-14"))
    assert paid["us-east-1"] == pytest.approx(compute_usd("us-east-1", 1024), abs=Decimal("1e-14"))


def test_the_fleet_table_and_the_cost_table_say_the_same(both):
    table = fleet(both.store, both.window(), now=both.now)

    told = costs(both.store, both.window(), now=both.now, by=("region", "function"))

    assert dict(zip(told["region"], told["cost_usd"], strict=True)) == {
        row.region: row.cost_usd for row in table.itertuples()
    }


def test_bars_of_cost_bill_each_version_at_the_price_of_its_architecture(both):
    arm = Version(name="orders:2", function="orders", version="2", architecture="arm64")
    both.run("inventory", [both.function(), arm, Listed("function"), Listed("version")])
    both.run("logs", [both.record(95, 400, version="2"), Covered("orders", both.window())])

    bars = cost_series(both.store, both.window(), now=both.now, by="region").groupby("group")["cost_usd"]

    on_arm = cost(gb_seconds(400, 1024), prices("eu-west-1", "arm64").duration) or Decimal(0)
    paid = {
        "eu-west-1": compute_usd("eu-west-1", 2048) + on_arm,
        "us-east-1": compute_usd("us-east-1", 1024),
    }
    assert dict(bars.sum()) == pytest.approx({region: float(usd) for region, usd in paid.items()})


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("region", {"eu-west-1"}),
        ("function", {"orders", "not listed"}),
        ("account", {"111111111111", "not listed"}),
        ("tag:team", {""}),
    ],
)
def test_bars_name_and_count_what_functions_cost_that_are_not_listed(world, by, groups):
    world.run("inventory", [world.function()])
    points = [world.point(100, 2), world.point(100, 3, function="gone")]
    records = [world.record(100, 200), world.record(95, 200, function="gone", memory_mb=512.0)]
    world.run("metrics", points)
    world.run("logs", [*records, Covered("orders", world.window()), Covered("gone", world.window())])

    bars = cost_series(world.store, world.window(), now=world.now, by=by).groupby("group")["cost_usd"].sum()

    whole = costs(world.store, world.window(), now=world.now, by=("function",))["cost_usd"].sum()
    assert set(bars.index) == groups
    assert bars.sum() == pytest.approx(float(whole))
