"""Entities are parsed once per change, and never shown as they were before it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.entities import Alias, Function
from core.facts import Listed, Target
from core.windows import Window
from store.readers.things import Things, once
from store.store import Filter, Store

OTHER = Target("222222222222", "eu-west-1")
INSTANT = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))


@pytest.fixture
def told(world):
    world.run("inventory", [world.function(), world.function("payments"), Listed("function")])
    return world


def functions(store, where=None, *, gone=False):
    """Per function: its entity."""
    with store.snapshot(INSTANT, ()) as snapshot:
        found = Things.read(snapshot, "function", where=where).of("function", gone=gone)
        return {thing.name: thing for thing in found}


def test_an_inventory_that_found_nothing_new_is_not_parsed_again(told):
    before = functions(told.store)

    told.run("inventory", [told.function(), told.function("payments"), Listed("function")])

    assert functions(told.store)["orders"] is before["orders"]


def test_a_change_that_another_process_wrote_is_seen_at_once(told):
    functions(told.store)
    other = Store.open(told.store.settings)
    told.store, mine = other, told.store
    told.run("inventory", [told.function(memory_mb=2048), told.function("payments"), Listed("function")])
    other.close()

    assert functions(mine)["orders"].body["memory_mb"] == 2048


def test_a_function_that_went_is_seen_to_be_gone(told):
    functions(told.store)

    told.run("inventory", [told.function(), Listed("function")])

    assert functions(told.store).keys() == {"orders"}
    assert functions(told.store, gone=True)["payments"].gone_at == told.now


def test_what_goes_with_a_function_is_seen_to_be_gone(told):
    told.run("details", [Alias(name="payments:live", function="payments", alias="live", version="1")])
    with told.store.snapshot(INSTANT) as snapshot:
        assert list(Things.read(snapshot, "alias").of("alias"))

    told.run("inventory", [told.function(), Listed("function")])

    with told.store.snapshot(INSTANT) as snapshot:
        assert not list(Things.read(snapshot, "alias").of("alias"))


def test_a_function_that_came_back_is_there_again(told):
    told.run("inventory", [told.function(), Listed("function")])
    functions(told.store)

    told.run("inventory", [told.function(), told.function("payments"), Listed("function")])

    assert functions(told.store).keys() == {"orders", "payments"}


def test_a_filter_leaves_other_accounts_out(told):
    told.run("inventory", [Function(name="orders", arn="arn")], target=OTHER)
    functions(told.store)

    found = functions(told.store, Filter(account=OTHER.account))

    assert [thing.account for thing in found.values()] == [OTHER.account]


def test_a_snapshot_shows_the_entities_of_its_own_instant(told):
    with told.store.snapshot(INSTANT) as snapshot:
        assert Things.read(snapshot, "function")
        told.run("inventory", [told.function(memory_mb=2048), Listed("function")])
        newer = functions(told.store)

        older = {thing.name: thing for thing in Things.read(snapshot, "function").of("function")}

    assert (older["orders"].body["memory_mb"], newer["orders"].body["memory_mb"]) == (1024, 2048)


def test_what_follows_from_things_is_worked_out_once_until_they_change(told):
    @once
    def names(things):
        return [thing.name for thing in things.of("function")]

    def asked():
        with told.store.snapshot(INSTANT) as snapshot:
            return names(Things.read(snapshot, "function"))

    first, again = asked(), asked()
    told.run("inventory", [told.function(name="refunds")])
    later = asked()

    assert first is again
    assert "refunds" not in first
    assert "refunds" in later
