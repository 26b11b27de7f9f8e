"""Functions on Managed Instances and durable ones are known by their configuration, and how full they are."""

import pytest

from core.telemetry import CapacitySample
from store.readers.nature import Load, Nature, load, nature

POOL = "arn:aws:lambda:eu-west-1:111111111111:capacity-provider:pool"


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({}, Nature()),
        ({"capacity_provider_arn": POOL}, Nature(provider_arn=POOL)),
        ({"durable_execution_timeout_s": 3600}, Nature(durable_timeout_s=3600)),
    ],
)
def test_a_function_is_known_by_its_configuration(world, about, told):
    world.run("inventory", [world.function(**about), world.function("other", capacity_provider_arn="other")])

    assert nature(world.store, world.target, "orders") == told


def test_a_function_that_is_not_known_runs_the_usual_way_as_far_as_is_told(world):
    assert nature(world.store, world.target, "gone") == Nature()


def sample(world, minutes_ago, **told):
    return CapacitySample(provider="pool", ts=world.at(minutes_ago), period_s=300, **told)


def test_instances_were_as_full_as_their_fullest_and_other_functions_environments_are_left_out(world):
    own = [
        sample(
            world, ago, function="orders", environments_max=used, environments_limit_max=48.0,
            environment_cpu_utilization_max=cpu, environment_memory_utilization_max=40.0,
        )
        for ago, used, cpu in ((50, 7.0, 61.0), (20, 9.0, 30.0))
    ]  # fmt: skip
    others = sample(world, 30, function="other", environments_max=44.0, environment_cpu_utilization_max=99.0)
    instances = [
        sample(world, 40, instance_type=kind, cpu_utilization_max=cpu, memory_utilization_max=12.0)
        for kind, cpu in (("m8g.xlarge", 70.0), ("c7g.large", 74.0))
    ]
    world.run("metrics", [world.function(), *own, others, *instances])

    found = load(world.store, world.target, "orders", POOL, world.window(60), now=world.now)

    assert (found.at_once, found.at_once_limit) == (9.0, 48.0)
    assert (found.cpu_percent, found.memory_percent) == (61.0, 40.0)
    assert (found.instance_cpu_percent, found.instance_memory_percent) == (74.0, 12.0)


def test_instances_of_which_nothing_is_told_are_not_empty_ones(world):
    found = load(world.store, world.target, "orders", POOL, world.window(60), now=world.now)

    assert found == Load(None, None, None, None, None, None, state=found.state)
    assert found.state
