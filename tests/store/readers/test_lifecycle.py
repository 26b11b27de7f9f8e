"""Layers, runtimes, provisioned pools and configuration as frames."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from core.entities import (
    Alias,
    EventSourceMapping,
    InvokeConfig,
    Layer,
    LogGroup,
    Provisioned,
    Reserved,
    Version,
)
from core.facts import Listed
from store.readers.configuration import configuration
from store.readers.lifecycle import layers, provisioned, runtimes
from store.store import Filter

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LAYER = "arn:aws:lambda:eu-west-1:111111111111:layer:common"


def test_a_layer_says_how_old_it_is_and_how_far_behind(world):
    layer = Layer(
        name=f"{LAYER}:4",
        layer=LAYER,
        version=4,
        created=NOW - timedelta(days=400, hours=1),
        latest=9,
        latest_created=NOW - timedelta(days=3),
    )
    theirs = "arn:aws:lambda:eu-west-1:999988887777:layer:agent:2"
    world.run("inventory", [world.function(layers=(f"{LAYER}:4", theirs))])
    world.run("triggers", [layer])

    own, foreign = layers(world.store, now=NOW).to_dict("records")

    assert (own["function"], own["layer"], own["age_days"], own["versions_behind"]) == (
        "orders",
        "common",
        400,
        5,
    )
    assert own["latest_created"] == NOW - timedelta(days=3)
    assert (foreign["layer"], foreign["version"], foreign["age_days"], foreign["latest"]) == (
        "agent",
        2,
        None,
        None,
    )
    assert pd.isna(foreign["created"])


def test_runtimes_come_with_the_soonest_end_first(world):
    fleet = {"orders": "python3.14", "old": "python3.9", "image": None, "soon": "nodejs22.x"}
    world.run("inventory", [world.function(name, runtime=runtime) for name, runtime in fleet.items()])

    frame = runtimes(world.store, now=NOW).set_index("function")

    assert list(frame.index) == ["old", "soon", "orders", "image"]
    assert frame["state"].to_dict() == {
        "old": "ended",
        "soon": "ending",
        "orders": "supported",
        "image": "unknown",
    }
    assert frame.loc["soon", "deprecated_on"] == date(2027, 4, 30)
    assert frame.loc["image", "days_left"] is None
    assert list(runtimes(world.store, now=NOW, where=Filter(function="old"))["function"]) == ["old"]


VERSIONS = [Version(name=f"orders:{v}", function="orders", version=v) for v in ("6", "7")]
PROD = Alias(name="orders:prod", function="orders", alias="prod", version="7")
LISTED = [Listed("version"), Listed("alias", "orders")]


def pool(qualifier, **fields):
    return Provisioned(
        name=f"orders:{qualifier}", function="orders", qualifier=qualifier, requested=5, **fields
    )


def test_a_pool_is_told_with_its_use_and_the_version_it_stands_for(world):
    world.run("details", [*VERSIONS, PROD, pool("prod", allocated=5, available=4, status="READY"), *LISTED])
    about = {"scope": "resource", "resource": "prod"}
    points = [
        world.point(20, provisioned_utilization_max=0.25, provisioned_invocations=3, **about),
        world.point(10, provisioned_utilization_max=0.75, provisioned_spillover=2, **about),
    ]
    world.run("metrics", points)

    (row,) = provisioned(world.store, world.window()).to_dict("records")

    assert (row["qualifier"], row["version"], row["requested"], row["available"]) == ("prod", "7", 5, 4)
    assert (row["utilization_max"], row["invocations"], row["spillover"]) == (0.75, 3, 2)
    assert row["orphan"] is None


@pytest.mark.parametrize(
    ("qualifier", "orphan"),
    [
        ("prod", None),
        ("7", None),
        ("6", "no alias or trigger reaches version 6"),
        ("5", "version 5 does not exist"),
        ("live", "alias live does not exist"),
    ],
)
def test_a_pool_that_nothing_reaches_says_why(world, qualifier, orphan):
    world.run("details", [*VERSIONS, PROD, pool(qualifier), *LISTED])

    (row,) = provisioned(world.store, world.window()).to_dict("records")

    assert row["orphan"] == orphan
    assert pd.isna(row["utilization_max"])


def test_a_version_that_a_mapping_names_is_reached(world):
    world.run("details", [*VERSIONS, PROD, pool("6"), *LISTED])
    world.run("inventory", [EventSourceMapping(name="u", function="orders", qualifier="6")])

    assert provisioned(world.store, world.window())["orphan"][0] is None


@pytest.mark.parametrize("missing", LISTED)
def test_without_versions_or_aliases_nothing_is_called_an_orphan(world, missing):
    world.run("details", [pool("6"), *(item for item in LISTED if item != missing)])

    assert provisioned(world.store, world.window())["orphan"][0] is None


def test_a_pool_that_went_is_left_out(world):
    world.run("details", [pool("prod"), Listed("provisioned", "orders")])
    world.run("details", [Listed("provisioned", "orders")])

    assert provisioned(world.store, world.window()).empty


def later(world, collector, *facts):
    at = NOW + timedelta(minutes=1)
    world.run(collector, facts, started_at=at, finished_at=at)


def settings(world, now=NOW):
    return configuration(world.store, world.target, "orders", now=now).set_index("name")


def test_a_configuration_is_told_in_words_with_units(world):
    function = world.function(
        log_group="/shop/all", layers=(f"{LAYER}:4",), tags={"team": "shop"}, vpc_id="vpc-1"
    )
    group = LogGroup(name="/shop/all", retention_days=7, stored_bytes=2_000_000)
    async_settings = InvokeConfig(
        name="orders:$LATEST", function="orders", qualifier="$LATEST", max_retries=1
    )
    world.run("inventory", [function])
    world.run("details", [group, Reserved(name="orders", reserved=40), async_settings])

    value = settings(world)["value"]

    assert (value["Memory"], value["Timeout"], value["Layers"]) == ("1,024 MB", "30 s", "common 4")
    assert (value["team"], value["VPC"], value["Reserved concurrency"]) == ("shop", "vpc-1", "40")
    assert (value["Log group: retention"], value["Log group: stored"]) == ("7 days", "2,000,000 bytes")
    assert (value["Retries of async invocations"], value["Dead-letter target"]) == ("1", "none")
    assert value["Support of the runtime"].endswith("until 2029-06-30")
    assert "Capacity provider" not in value


def test_managed_instances_and_durable_functions_have_groups_of_their_own(world):
    arn = "arn:aws:lambda:eu-west-1:111111111111:capacity-provider:pool"
    world.run(
        "inventory",
        [world.function(capacity_provider_arn=arn, durable_retention_days=14, memory_gib_per_vcpu=4.0)],
    )

    frame = settings(world)

    assert frame.loc["Capacity provider", ["group", "value"]].tolist() == ["Managed Instances", "pool"]
    assert frame.loc["Memory per vCPU", "value"] == "4 GiB"
    assert frame.loc["Durable executions are kept", "value"] == "14 days"


def test_a_setting_knows_when_it_last_changed(world):
    world.run("inventory", [world.function(timeout_s=15), Listed("function")])
    later(world, "inventory", world.function(timeout_s=30))

    changed = settings(world)["changed_at"]

    assert changed["Timeout"] == NOW + timedelta(minutes=1)
    assert pd.isna(changed["Memory"])


def test_other_functions_stay_out_of_a_configuration(world):
    world.run("inventory", [world.function(), world.function("billing")])
    world.run("details", [Reserved(name="billing", reserved=3)])

    assert "Reserved concurrency" not in settings(world).index


def test_nothing_known_is_an_empty_frame_with_columns(world):
    world.run("inventory", [])

    assert list(configuration(world.store, world.target, "orders", now=NOW).columns)[-1] == "changed_at"
    assert layers(world.store, now=NOW).empty
    assert runtimes(world.store, now=NOW).empty
    assert provisioned(world.store, world.window()).empty
