"""Whatever costs money follows a price file of one's own: a reader that does not is found here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.reading import read_grid
from core.entities import LogGroup, Provisioned
from core.facts import Covered, Listed
from core.price_book import Tier
from core.prices import packaged
from core.settings import CostSettings, StoreSettings
from store.readers.avoidable import avoidable
from store.readers.budgets import forecast
from store.readers.caps import idle_provisioned
from store.readers.chargeback import chargeback
from store.readers.cold import cold_starts
from store.readers.cost import cost_now, cost_series, costs
from store.readers.fleet import fleet, fleet_series
from store.readers.rightsizing import savings
from store.readers.whatif import Asked, whatif
from store.store import Store
from tests.store.readers.conftest import World

ROOT = Path(__file__).parents[3]
TEN = 10
COLD = {"status": "error", "init_ms": 200.0, "billed_ms": 300.0}
BILLED = CostSettings(free_tier=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A function that ran, failed, started cold and logs for ever, with units that serve nobody."""
    world = World(Store.open(StoreSettings(path=tmp_path_factory.mktemp("own"), free_space_floor_mb=0)))
    records = [
        world.record(
            n / 2 + 1,
            100,
            status="error" if n % 9 == 0 else "success",
            init_ms=200.0 if n % 9 == 0 else None,
            billed_ms=300.0 if n % 9 == 0 else 100.0,
        )
        for n in range(120)
    ]
    group = LogGroup(name="/aws/lambda/orders", retention_days=None, stored_bytes=2**40)
    pool = Provisioned(name="orders:gone", function="orders", qualifier="gone", requested=3)
    world.run("inventory", [world.function(memory_mb=2048), Listed("function")])
    world.run("details", [group, pool, Listed("provisioned"), Listed("version"), Listed("alias", "orders")])
    points = [world.point(n + 1, 2, duration_sum_ms=200.0, log_bytes=1000) for n in range(60)]
    world.run("metrics", points)
    world.run("logs", [*records, Covered("orders", world.window())])
    yield world
    world.store.close()


def at_list_price(frame, column="cost_usd"):
    return float(sum(value for value in frame[column] if value is not None and value == value))


def proposed(w):
    return savings(w.store, w.window(), now=w.now)


def replayed(w):
    return whatif(w.store, w.target, "orders", w.window(), Asked(memory_mb=1024), now=w.now)


SPEND: dict[str, Callable[..., float]] = {
    "costs": lambda w: at_list_price(costs(w.store, w.window(), now=w.now)),
    "costs, net": lambda w: at_list_price(costs(w.store, w.window(), now=w.now, settings=BILLED), "net_usd"),
    "cost_series": lambda w: at_list_price(cost_series(w.store, w.window(), now=w.now)),
    "cost_series by the hour": lambda w: at_list_price(
        cost_series(w.store, w.window(60 * 24), now=w.now, by="component")
    ),
    "cost_now": lambda w: sum(usd or 0 for usd in cost_now(w.store, w.window(), now=w.now).values()),
    "forecast": lambda w: float(forecast(w.store, BILLED, now=w.now)[0]),
    "chargeback": lambda w: float(
        chargeback(
            w.store, w.now.replace(day=1, hour=0), now=w.now, by="account", settings=BILLED
        ).statement.total_usd
    ),
    "fleet": lambda w: at_list_price(fleet(w.store, w.window(), now=w.now)),
    "fleet_series": lambda w: at_list_price(fleet_series(w.store, w.window(), now=w.now)),
    "cold_starts": lambda w: at_list_price(cold_starts(w.store, w.window(), now=w.now), "init_cost_usd"),
    "avoidable": lambda w: at_list_price(avoidable(w.store, w.window(), now=w.now)),
    "idle_provisioned": lambda w: at_list_price(
        idle_provisioned(w.store, w.window(), now=w.now), "usd_month"
    ),
    "savings": lambda w: float(
        sum(one.proposal.saves.middle for one in proposed(w) if one.proposal.saves)
    ),
    "whatif": lambda w: float(
        replayed(w).found.then.middle.usd
    ),
    "rules": lambda w: float(
        read_grid(
            w.store, "function", w.window(60, until=30), now=w.now, columns=frozenset({"cost_usd"})
        ).values["cost_usd"].sum()
    ),
}  # fmt: skip


DEARER = tuple(
    replace(price, tiers=tuple(Tier(tier.above, TEN * tier.usd) for tier in price.tiers))
    for price in packaged()
)


@pytest.mark.parametrize("name", SPEND)
def test_it_follows_the_file(world, name):
    world.store.prices = ()
    before = SPEND[name](world)

    world.store.prices = DEARER
    after = SPEND[name](world)

    assert before > 0
    assert after == pytest.approx(TEN * before, rel=1e-9)


def test_nothing_that_runs_asks_the_release_for_its_prices():
    asks = re.compile(r"packaged_book|from core\.prices import [^\n]*\bprices\b")
    rooms = ("alerts", "collectors", "core", "dashboard", "quarterdeck", "store")
    files = [file for room in rooms for file in (ROOT / room).rglob("*.py")]

    found = {str(file.relative_to(ROOT)) for file in files if asks.search(file.read_text("utf-8"))}

    assert found == {"core/prices.py", "quarterdeck/demo/services/prices.py"}
