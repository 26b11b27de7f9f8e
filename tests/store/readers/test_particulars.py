"""What only some functions have: sums over the points and records that tell of it, None where none does."""

import pytest

from core.facts import Covered
from core.telemetry import BatchFailure
from store.readers.particulars import Batches, Durable, Extensions, particulars


def asked(world, **about):
    return particulars(world.store, world.target, "orders", world.window(60), now=world.now, **about)


def handed_back(world, minutes_ago, failed, items):
    name = f"b{minutes_ago}"
    return BatchFailure(
        function="orders",
        ts=world.at(minutes_ago),
        event_id=name,
        request_id=None,
        failed=failed,
        items=items,
    )


def test_extensions_are_weighed_over_the_minutes_that_tell_of_them(world):
    told = [
        world.point(m, 10, duration_sum_ms=1_000.0, extensions_sum_ms=s, extensions_max_ms=most)
        for m, s, most in ((50, 100.0, 30.0), (40, 300.0, 90.0))
    ]
    untold = world.point(30, 1_000, duration_sum_ms=99_000.0)
    world.run("metrics", [world.function(), *told, untold])

    assert asked(world).extensions == Extensions(mean_ms=20.0, max_ms=90.0, share=0.2)


def test_durable_executions_are_counted_as_they_ended(world):
    world.run(
        "metrics",
        [
            world.point(50, 9, durable_started=3.0, durable_succeeded=1.0, durable_duration_max_ms=5_000.0),
            world.point(40, 9, durable_started=1.0, durable_failed=2.0, durable_duration_max_ms=9_000.0),
        ],
    )

    assert asked(world).durable == Durable(4, 1, 2, 0, 0, longest_ms=9_000.0)


def test_what_managed_instances_refused_is_told_by_what_they_lacked(world):
    world.run("metrics", [world.point(50, 9, cpu_throttles=2.0), world.point(40, 9, memory_throttles=1.0)])

    assert asked(world).refused == {"cpu": 2.0, "memory": 1.0, "disk": 0.0, "concurrency": 0.0}


@pytest.mark.parametrize(("second", "of"), [(10.0, 20.0), (None, None)])
def test_items_of_batches_are_known_only_if_each_batch_tells_them(world, second, of):
    world.run("logs", [handed_back(world, 50, 1.0, 10.0), handed_back(world, 40, 2.0, second)])

    assert asked(world).batches == Batches(2, 3.0, of)


def test_a_plain_function_has_none_of_it(world):
    world.run("metrics", [world.point(m, 5, duration_sum_ms=100.0) for m in range(60)])

    found = asked(world)

    assert (found.extensions, found.durable, found.refused, found.batches) == (None, None, None, None)


def test_it_says_what_was_not_read(world):
    world.run("logs", [Covered("orders", world.window(180))])

    found = asked(world)

    assert found.state is not None
    assert found.state.startswith("not collected")
    assert found.log_state == "provisional"
