"""Changes of functions are told by what costs are grouped by."""

from datetime import timedelta

from core.entities import Version
from core.facts import Listed
from core.windows import Window
from store.readers.cost_causes import changes_by
from store.store import Filter
from tests.store.readers.conftest import NOW, PROD

HOUR = timedelta(hours=1)
WINDOW = Window(NOW - 3 * HOUR, NOW)


def version(function, number, hours_ago):
    published = NOW - hours_ago * HOUR
    return Version(name=f"{function}:{number}", function=function, version=number, published=published)


def test_changes_are_of_the_group_of_their_function_the_newest_first(world):
    functions = [world.function("orders", tags={"team": "shop"}), world.function("bills")]
    versions = [version("orders", "1", 9), version("orders", "2", 2), version("bills", "7", 1)]
    world.run("inventory", [*functions, *versions, Listed("function"), Listed("version")])
    resized = [world.function("orders", tags={"team": "shop"}, memory_mb=2048), functions[1]]
    world.run("inventory", [*resized, *versions, Listed("function"), Listed("version")])

    by_function = changes_by(world.store, Window(WINDOW.start, NOW + HOUR), by="function")
    by_team = changes_by(world.store, WINDOW, by="tag:team")

    assert [(one.kind, one.ts) for one in by_function["orders"]][-1] == ("deploy", NOW - 2 * HOUR)
    assert any("2,048" in one.what or "2048" in one.what for one in by_function["orders"])
    assert [one.function for one in by_team[""] if one.kind == "deploy"] == ["bills"]
    assert [one.what for one in by_team["shop"] if one.kind == "deploy"] == ["Deploy v1 → v2"]
    assert changes_by(world.store, WINDOW, by="function", where=Filter(PROD.account, "us-east-1")) == {}
