"""What aliases send where, and what a version changed."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.entities import Alias, Version
from store.readers.aliases import aliases
from store.readers.version_diff import version_diff

from .conftest import PROD


def version(world, number, **about):
    published = world.at(1000) + timedelta(minutes=number)
    fields = {"memory_mb": 512, "code_sha256": f"sha-{number}", "runtime": "python3.13"} | about
    return Version(
        name=f"orders:{number}", function="orders", version=str(number), published=published, **fields
    )


def test_an_alias_of_one_version_sends_all_there(world):
    world.run("details", [Alias(name="orders:live", function="orders", alias="live", version="7")])

    found = aliases(world.store, PROD, "orders")

    assert found.to_dict("records") == [
        {"alias": "live", "version": "7", "asked_share": 1.0, "resource": "live"}
    ]


def test_a_weighted_alias_sends_what_its_weights_leave_to_its_version_and_is_counted_per_version(world):
    world.run(
        "details",
        [
            Alias(name="orders:live", function="orders", alias="live", version="7", weights={"8": 0.25}),
            Alias(name="other:live", function="other", alias="live", version="1"),
        ],
    )

    found = aliases(world.store, PROD, "orders")

    assert list(found["resource"]) == ["live@7", "live@8"]
    assert list(found["asked_share"]) == [0.75, 0.25]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weight=st.floats(0.01, 0.99))
def test_the_shares_of_an_alias_are_one_together(world, weight):
    world.run(
        "details",
        [Alias(name="orders:live", function="orders", alias="live", version="7", weights={"8": weight})],
    )

    assert aliases(world.store, PROD, "orders")["asked_share"].sum() == pytest.approx(1)


def test_a_version_differs_from_the_one_published_before_it_in_what_it_keeps(world):
    world.run("details", [version(world, 3), version(world, 5), version(world, 12, memory_mb=1024)])

    found = version_diff(world.store, PROD, "orders", "12")

    told = {row["field"]: (row["old"], row["new"]) for row in found.to_dict("records")}
    assert set(told) == {"memory_mb", "code_sha256"}
    assert told["memory_mb"] == ("512 MB", "1,024 MB")
    assert set(found["title"]) == {"Version 5 → 12"}


@pytest.mark.parametrize("asked", ["3", "4", "$LATEST"])
def test_the_first_version_an_unknown_one_and_latest_differ_from_nothing_known(world, asked):
    world.run("details", [version(world, 3), version(world, 5)])

    assert version_diff(world.store, PROD, "orders", asked).empty
