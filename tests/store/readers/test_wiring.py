"""What invokes functions: mappings, grants and URLs in one frame."""

from __future__ import annotations

import pytest

from core.entities import EventSourceMapping, Trigger
from core.facts import Listed
from store.readers.triggers import all_triggers, triggers
from store.readers.wiring import source_name
from store.store import Filter

RULE = "arn:aws:events:eu-west-1:111111111111:rule/shop/nightly"


def trigger(sid="sid", function="orders", kind="s3", **fields):
    values = {"principal": f"{kind}.amazonaws.com"}
    return Trigger(name=f"{function}::{sid}", function=function, kind=kind, **{**values, **fields})


def rows(world, *facts, function="orders"):
    world.run("triggers", facts)
    return triggers(world.store, world.target, function).to_dict("records")


def test_mappings_grants_and_urls_are_one_table(world):
    mapping = EventSourceMapping(
        name="u1",
        function="orders",
        source_arn="arn:aws:sqs:eu-west-1:111111111111:orders-in",
        source_kind="sqs",
        state="Enabled",
        last_result="OK",
    )
    bucket = trigger(source_arn="arn:aws:s3:::uploads", source_account="111111111111")

    found = rows(world, bucket, mapping)

    assert [(row["title"], row["source"], row["state"], row["enabled"]) for row in found] == [
        ("SQS", "orders-in", "Enabled", True),
        ("S3", "uploads", None, True),
    ]
    assert [row["last_result"] for row in found] == ["OK", None]


def test_a_rule_with_a_schedule_is_a_schedule(world):
    about = {"kind": "eventbridge-rule", "source_arn": RULE, "schedule": "rate(1 day)"}

    (row,) = rows(world, trigger(**about, state="ENABLED", targets_function=True))

    assert (row["title"], row["source"], row["schedule"]) == (
        "EventBridge schedule",
        "nightly",
        "rate(1 day)",
    )
    assert row["enabled"]


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"state": "DISABLED"}, ""),
        ({"state": "NOT_FOUND", "targets_function": False}, "its source is gone, the grant is left"),
        ({"targets_function": False}, "its source does not target the function any more"),
    ],
)
def test_a_source_that_does_not_invoke_is_not_enabled(world, fields, detail):
    (row,) = rows(world, trigger(kind="eventbridge-rule", source_arn=RULE, **fields))

    assert (row["enabled"], row["detail"]) == (False, detail)


def test_a_url_is_told_once_with_its_grants(world):
    url = Trigger(
        name="orders::url", function="orders", kind="function-url", is_public=True, auth_type="NONE"
    )
    grant = trigger("public", kind="function-url", principal="*", is_public=True, auth_type="NONE")

    (row,) = rows(world, url, grant)

    assert (row["name"], row["is_public"], row["enabled"]) == ("orders::url", True, True)
    assert row["detail"] == "anyone may invoke it, auth NONE"


def test_a_grant_for_a_url_that_does_not_exist_is_not_enabled(world):
    (row,) = rows(world, trigger("public", kind="function-url", principal="*", is_public=True))

    assert (row["enabled"], row["detail"]) == (False, "a grant for a URL that does not exist")


def test_a_self_managed_kafka_is_named_by_its_servers(world):
    (row,) = rows(
        world,
        EventSourceMapping(
            name="u1",
            function="orders",
            source_kind="self-managed-kafka",
            servers=("b1:9092",),
            topics=("paid",),
            state="Enabled",
            filters=2,
            minimum_pollers=1,
        ),
    )

    assert (row["title"], row["source"]) == ("Self-managed Kafka", "b1:9092")
    assert row["detail"] == "reads paid, 1 to ? pollers, 2 filters"


def test_what_was_not_read_is_none(world):
    (row,) = rows(world, trigger())

    nothing = ("state", "schedule", "targets_function", "qualifier", "batch_size", "source_arn")
    assert [row[name] for name in nothing] == [None] * 6


def test_the_fleet_is_one_frame_with_places(world):
    world.run("triggers", [trigger(), trigger(function="billing", kind="sns")])

    everything = all_triggers(world.store)

    assert everything[["function", "kind"]].values.tolist() == [["billing", "sns"], ["orders", "s3"]]
    assert list(all_triggers(world.store, where=Filter(function="orders"))["function"]) == ["orders"]
    assert all_triggers(world.store, where=Filter(region="us-east-1")).empty


def test_a_trigger_that_went_is_left_out(world):
    world.run("triggers", [trigger(), Listed("trigger", "orders")])

    world.run("triggers", [Listed("trigger", "orders")])

    assert triggers(world.store, world.target, "orders").empty


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        ("arn:aws:sqs:eu-west-1:1:orders", "orders"),
        ("arn:aws:s3:::bucket", "bucket"),
        ("arn:aws:dynamodb:eu-west-1:1:table/orders/stream/2026", "orders"),
        ("arn:aws:events:eu-west-1:1:rule/nightly", "nightly"),
        ("arn:aws:events:eu-west-1:1:rule/bus/nightly", "nightly"),
        ("arn:aws:execute-api:eu-west-1:1:abc/*/GET/orders", "abc/*/GET/orders"),
        ("arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/1a", "web"),
        ("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/f:*", "/aws/lambda/f"),
        ("arn:aws:states:eu-west-1:1:stateMachine:flow", "flow"),
        ("arn:aws:iam::1:role/path/worker", "worker"),
        ("arn:aws:cognito-idp:eu-west-1:1:userpool/pool-1", "pool-1"),
        ("", ""),
    ],
)
def test_a_source_is_called_by_what_a_person_knows_it_by(arn, name):
    assert source_name(arn) == name


@pytest.mark.parametrize(
    ("principal", "called"),
    [
        ("arn:aws:iam::999988887777:root", "999988887777"),
        ("999988887777", "999988887777"),
        ("arn:aws:iam::999988887777:role/worker", "worker of 999988887777"),
    ],
)
def test_another_account_is_called_by_its_number(world, principal, called):
    (row,) = rows(world, trigger(kind="another-account", principal=principal, source_account="999988887777"))

    assert row["source"] == called
