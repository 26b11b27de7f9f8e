"""How much a function logs a day: what CloudWatch counted, over as much of the day as was read."""

from datetime import timedelta

import pytest

from core.facts import Covered
from core.windows import Window
from store.readers.log_volume import log_bytes_a_day


def volumes(world):
    return log_bytes_a_day(world.store, world.target, until=world.window().end)


@pytest.mark.parametrize("scope", ["orders", ""])
def test_what_was_read_of_the_day_stands_for_all_of_it(world, scope):
    end = world.window().end
    points = [world.point(30, 1, log_bytes=600.0), world.point(90, 1, log_bytes=400.0)]
    world.run("metrics", [*points, Covered(scope, Window(end - timedelta(hours=2), end), 60)])

    assert volumes(world) == {"orders": 12_000.0}


def test_each_function_is_scaled_by_its_own_reading(world):
    end = world.window().end
    points = [world.point(30, 1, function=name, log_bytes=100.0) for name in ("old", "new")]
    read = {"old": timedelta(hours=12), "new": timedelta(hours=1)}
    spans = [Covered(name, Window(end - length, end), 60) for name, length in read.items()]
    world.run("metrics", [*points, *spans])

    assert volumes(world) == {"old": 200.0, "new": 2_400.0}


def test_less_than_an_hour_says_nothing_about_a_day(world):
    end = world.window().end
    half = Covered("orders", Window(end - timedelta(minutes=30), end), 60)
    world.run("metrics", [world.point(10, 1, log_bytes=600.0), half])

    assert volumes(world) == {}


def test_a_function_without_a_count_of_bytes_is_not_known(world):
    world.run("metrics", [world.point(30, 1), Covered("orders", world.window(), 60)])

    assert volumes(world) == {}
