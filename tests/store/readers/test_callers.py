"""Who called for a change: CloudTrail's calls beside the changes that we saw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.entities import Alias, Cadence, Layer, LogMode, Reserved, Trigger, Version
from core.facts import Listed
from core.telemetry import ApiCall
from store.readers.callers import calls
from store.readers.changes import changes

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def call(world, action, minutes_ago=0.0, function="orders", **fields):
    values = {"who": "jane", "via": "console"}
    return ApiCall(
        event_id=f"{action}-{minutes_ago}-{fields.get('who')}",
        ts=world.at(minutes_ago),
        action=action,
        function=function,
        **{**values, **fields},
    )


def later(world, *facts, minutes=1):
    at = NOW + timedelta(minutes=minutes)
    world.run("inventory", facts, started_at=at, finished_at=at)


def told(world, **about):
    frame = changes(world.store, world.window(120, until=-60), **about)
    return [(row["what"], row["who"], row["via"]) for row in frame.to_dict("records")]


def dated(world, minutes_ago, **fields):
    return world.function(last_modified=world.at(minutes_ago), **fields)


def changed_timeout(world, minutes_ago=30):
    at = world.at(100)
    before = [dated(world, 110, timeout_s=15), Listed("function")]
    world.run("inventory", before, started_at=at, finished_at=at)
    later(world, dated(world, minutes_ago, timeout_s=30))


def test_a_change_says_who_made_it_and_through_what(world):
    changed_timeout(world)
    world.run("changes", [call(world, "UpdateFunctionConfiguration", 29, via="Terraform")])

    assert told(world) == [("Timeout 15 s → 30 s", "jane", "Terraform")]


def test_of_several_calls_the_nearest_is_told(world):
    changed_timeout(world)
    near = call(world, "UpdateFunctionConfiguration", 31, who="ann")
    far = call(world, "UpdateFunctionConfiguration", 24, who="bob")
    earlier = call(world, "UpdateFunctionConfiguration", 38, who="eve")
    world.run("changes", [near, far, earlier])

    assert told(world) == [("Timeout 15 s → 30 s", "ann", "console")]


@pytest.mark.parametrize(
    ("action", "minutes_ago", "fields"),
    [
        ("UpdateFunctionConfiguration", 41, {}),
        ("UpdateFunctionConfiguration", 19, {}),
        ("UpdateAlias", 30, {}),
        ("TagResource", 30, {}),
        ("UpdateFunctionConfiguration", 30, {"function": "billing"}),
        ("UpdateFunctionConfiguration", 30, {"error": "AccessDenied"}),
    ],
)
def test_a_call_for_something_else_is_not_told(world, action, minutes_ago, fields):
    changed_timeout(world)
    world.run("changes", [call(world, action, minutes_ago, **fields)])

    assert told(world) == [("Timeout 15 s → 30 s", None, None)]


def test_a_change_that_aws_does_not_date_was_called_for_before_it_was_seen(world):
    world.run("details", [Reserved(name="orders", reserved=None), Listed("reserved")])
    later(world, Reserved(name="orders", reserved=40))
    world.run("changes", [call(world, "PutFunctionConcurrency", 50)])

    assert told(world) == [("Reserved concurrency none → 40", "jane", "console")]


def test_a_deploy_says_who_published_it(world):
    world.run("details", [Version(name="orders:2", function="orders", version="2", published=world.at(20))])
    world.run("changes", [call(world, "PublishVersion", 20)])

    assert told(world) == [("Deploy v2", "jane", "console")]


def test_tags_are_changed_by_their_own_calls(world):
    world.run("inventory", [world.function(tags={}), Listed("function")])
    later(world, world.function(tags={"team": "shop"}))
    tag = call(world, "TagResource", 5, who="ann")
    update = call(world, "UpdateFunctionConfiguration", 0, who="bob")
    world.run("changes", [tag, update])

    assert [(who, via) for _, who, via in told(world)] == [("ann", "console")]


def test_an_alias_says_who_moved_it(world):
    about = {"name": "orders:prod", "function": "orders", "alias": "prod"}
    world.run("details", [Alias(**about, version="7"), Listed("alias", "orders")])
    later(world, Alias(**about, version="8"))
    world.run("changes", [call(world, "UpdateAlias", 3)])

    assert told(world) == [("Alias prod v7 → v8", "jane", "console")]


def test_a_new_grant_is_a_change_that_says_who_made_it(world):
    bucket = Trigger(
        name="orders::sid",
        function="orders",
        kind="s3",
        principal="s3.amazonaws.com",
        source_arn="arn:aws:s3:::uploads",
    )
    world.run("triggers", [Listed("trigger", "orders")])
    later(world, bucket, Listed("trigger", "orders"))
    world.run("changes", [call(world, "AddPermission", 5)])

    assert told(world) == [("Trigger S3 uploads appeared", "jane", "console")]


def test_a_rule_that_is_disabled_is_a_change_of_the_trigger(world):
    about = {
        "name": "orders::sid",
        "function": "orders",
        "kind": "eventbridge-rule",
        "source_arn": "arn:aws:events:eu-west-1:111111111111:rule/nightly",
    }
    world.run("triggers", [Trigger(**about, state="ENABLED")])
    later(world, Trigger(**about, state="DISABLED"))

    frame = changes(world.store, world.window(120, until=-60))

    assert list(frame["what"]) == ["Trigger EventBridge rule nightly: State ENABLED → DISABLED"]
    assert list(frame["kind"]) == ["mapping"]


def test_a_change_of_what_is_not_kept_is_told_without_it(world):
    world.run("inventory", [dated(world, 90, config_sha256="a"), Listed("function")])
    later(world, dated(world, 30, config_sha256="b"))

    assert [what for what, _, _ in told(world)] == [
        "Settings that are not kept here (such as environment variables) changed"
    ]


def test_the_checksum_says_nothing_beside_a_change_that_is_told(world):
    world.run("inventory", [dated(world, 90, config_sha256="a", timeout_s=15), Listed("function")])
    later(world, dated(world, 30, config_sha256="b", timeout_s=30))

    assert [what for what, _, _ in told(world)] == ["Timeout 15 s → 30 s"]


def test_new_code_alone_does_not_say_that_settings_changed(world):
    world.run("inventory", [dated(world, 90, config_sha256="a", code_sha256="x"), Listed("function")])
    later(world, dated(world, 30, config_sha256="b", code_sha256="y"))

    assert [what for what, _, _ in told(world)] == ["New code in $LATEST"]


def test_how_we_watch_and_what_is_told_elsewhere_is_no_change(world):
    layer = {"layer": "arn:aws:lambda:eu-west-1:111111111111:layer:common", "version": 4}
    world.run("logs", [LogMode(name="orders", mode="every", why="small"), Listed("layer")])
    later(
        world,
        LogMode(name="orders", mode="aggregated", why="large"),
        Layer(name="l:4", **layer),
        Cadence(name="orders", every_s=60, why="firing"),
    )

    assert told(world) == []


def test_calls_are_listed_newest_first_failed_ones_too(world):
    world.run(
        "changes",
        [
            call(world, "UpdateAlias", 20, resource="prod"),
            call(world, "UpdateFunctionCode", 10, error="AccessDenied"),
            call(world, "UpdateAlias", 5, function="billing"),
        ],
    )

    frame = calls(world.store, world.window(), target=world.target, function="orders")

    assert frame[["action", "who"]].values.tolist() == [
        ["UpdateFunctionCode", "jane"],
        ["UpdateAlias", "jane"],
    ]
    assert frame["error"][0] == "AccessDenied"
    assert len(calls(world.store, world.window())) == 3


def watched(world, *facts):
    world.run("inventory", [world.function(), Listed("function"), *facts])


def test_what_was_changed_before_we_watched_is_told_by_its_call(world):
    watched(world)
    alias = call(world, "UpdateAlias", 40, resource="prod", via="CDK")
    world.run("changes", [call(world, "UpdateFunctionConfiguration", 50), alias])

    assert told(world) == [
        ("Alias prod was changed", "jane", "CDK"),
        ("Configuration was changed", "jane", "console"),
    ]


def test_a_call_since_we_watch_is_no_change_of_its_own(world):
    watched(world)
    world.run("changes", [call(world, "UpdateFunctionConfiguration", -20)])

    assert told(world) == []


@pytest.mark.parametrize(
    "fields", [{"error": "AccessDenied"}, {"function": ""}, {"action": "Sleep"}, {"minutes_ago": 200}]
)
def test_what_did_not_change_a_function_in_the_window_is_not_told(world, fields):
    watched(world)
    values = {"action": "UpdateFunctionConfiguration", "minutes_ago": 50} | fields
    world.run("changes", [call(world, values.pop("action"), values.pop("minutes_ago"), **values)])

    assert told(world) == []


def test_a_call_that_made_a_change_we_saw_is_told_once(world):
    world.run("details", [Version(name="orders:2", function="orders", version="2", published=world.at(50))])
    watched(world, Alias(name="orders:prod", function="orders", alias="prod", version="1"))
    later(world, Alias(name="orders:prod", function="orders", alias="prod", version="2"))
    world.run("changes", [call(world, "UpdateAlias", 40, resource="prod")])

    assert [what for what, _, _ in told(world)] == ["Alias prod v1 → v2", "Deploy v2"]


def test_new_code_before_we_watched_is_a_deploy_unless_a_version_tells(world):
    watched(world)
    version = Version(name="orders:2", function="orders", version="2", published=world.at(50))
    world.run("details", [version])
    world.run("changes", [call(world, "UpdateFunctionCode", 51), call(world, "UpdateFunctionCode", 20)])

    assert [what for what, _, _ in told(world)] == ["New code in $LATEST", "Deploy v2"]
