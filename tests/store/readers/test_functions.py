"""One function's errors, invocations, versions, wiring and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.entities import AccountLimits, Alias, EventSourceMapping, Provisioned, Reserved, Version
from core.facts import Covered, Listed
from core.telemetry import KEPT, LogEvent, TraceRecord
from store.readers.functions import (
    changes,
    errors_by_signature,
    invocations,
    log_lines,
    traces,
    triggers,
    versions,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def event(world, minutes_ago, signature="timeout", **fields):
    world.events += 1
    values = {"event_id": f"line-{world.events}", "stream": "s", "request_id": "request", "level": "ERROR"}
    ts = world.at(minutes_ago)
    return LogEvent(
        function="orders", ts=ts, message=f"{signature} happened", signature=signature, **{**values, **fields}
    )


def test_errors_are_grouped_and_the_most_frequent_comes_first(world):
    lines = [
        event(world, 50, version="7"),
        event(world, 40, "no such table", request_id="other", version="8"),
        event(world, 30, version="8", request_id="newest"),
    ]
    world.run("logs", lines)

    frame = errors_by_signature(world.store, world.target, "orders", world.window())

    assert list(frame["signature"]) == ["timeout", "no such table"]
    top = frame.iloc[0]
    assert (top["count"], top["request_id"], list(top["versions"])) == (2, "newest", ["7", "8"])
    assert (top["first_seen"], top["last_seen"]) == (world.at(50), world.at(30))


def test_lines_that_are_kept_on_request_are_no_errors(world):
    world.run("logs", [event(world, 50), event(world, 40, "declined", level=KEPT)])

    frame = errors_by_signature(world.store, world.target, "orders", world.window())

    assert list(frame["signature"]) == ["timeout"]


def test_the_lines_of_a_request_are_in_order(world):
    world.run(
        "logs", [event(world, 30, "b"), event(world, 31, "a"), event(world, 30, "c", request_id="other")]
    )

    frame = log_lines(world.store, world.target, "orders", "request", world.window())

    assert list(frame["signature"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [("slowest", [900, 500, 100]), ("newest", [100, 900, 500]), ("failed", [100]), ("cold", [500])],
)
def test_invocations_in_the_order_asked_for(world, order, expected):
    records = [
        world.record(30, 500, init_ms=80.0),
        world.record(20, 900),
        world.record(10, 100, status="timeout"),
        world.record(10, 10_000, function="another"),
    ]
    world.run("logs", records)

    frame = invocations(world.store, world.target, "orders", world.window(), order=order)

    assert list(frame["duration_ms"]) == expected


def test_versions_show_their_share_their_errors_and_who_points_at_them(world):
    published = datetime(2026, 11, 20, 11, tzinfo=UTC)
    things = [
        Version(name="orders:7", function="orders", version="7", published=published - timedelta(days=1)),
        Version(name="orders:8", function="orders", version="8", published=published),
        Alias(name="orders:prod", function="orders", alias="prod", version="7", weights={"8": 0.1}),
    ]
    records = [world.record(30, 100, version="7")] * 1 + [
        world.record(29, 100, version="7"),
        world.record(28, 100, version="7"),
        world.record(27, 400, version="8", status="error", init_ms=9.0),
    ]
    world.run("details", things)
    world.run("logs", records)

    frame = versions(world.store, world.target, "orders", world.window(), now=world.now).set_index("version")

    assert list(frame.index) == ["8", "7"]
    assert (frame.loc["8", "share"], frame.loc["8", "error_rate"], frame.loc["8", "cold_start_rate"]) == (
        0.25,
        1,
        1,
    )
    assert (frame.loc["7", "share"], frame.loc["7", "errors"]) == (0.75, 0)
    assert (frame.loc["7", "aliases"], frame.loc["8", "aliases"]) == (["prod"], ["prod"])
    assert frame.loc["8", "published"] == published


@pytest.mark.parametrize(("is_read", "ran"), [(True, 0.0), (False, None)])
def test_that_a_version_did_not_run_is_known_only_where_the_log_was_read_in_full(world, is_read, ran):
    things = [Version(name=f"orders:{v}", function="orders", version=v) for v in ("7", "8")]
    read = Covered("orders", world.window(180 if is_read else 90))
    world.run("details", [world.function(), *things])
    world.run("logs", [world.record(30, version="7"), read])

    found = versions(world.store, world.target, "orders", world.window(), now=world.now).set_index("version")

    assert found.loc["7", "invocations"] == 1
    told = found.loc["8", ["invocations", "errors"]].astype(float)
    assert told.isna().all() if ran is None else (told == ran).all()


def test_triggers_say_what_feeds_the_function_and_whether_it_does(world):
    queue = EventSourceMapping(
        name="u1",
        function="orders",
        source_arn="arn:aws:sqs:eu-west-1:111111111111:orders-in",
        state="Enabled",
        batch_size=10,
        maximum_concurrency=5,
    )
    stream = EventSourceMapping(
        name="u2",
        function="orders",
        source_arn="arn:aws:dynamodb:eu-west-1:111111111111:table/orders/stream/2026-01-01T00:00:00.000",
        state="Disabled",
    )
    world.run("inventory", [queue, stream])

    frame = triggers(world.store, world.target, "orders")

    assert frame[["kind", "source", "enabled"]].values.tolist() == [
        ["sqs", "orders-in", True],
        ["dynamodb", "orders", False],
    ]
    assert frame["detail"][0] == "at most 5 at once"


def test_traces_of_a_function_newest_first(world):
    values = {
        "duration_ms": 5.0,
        "response_ms": 5.0,
        "has_error": False,
        "has_fault": True,
        "has_throttle": False,
    }
    made = [
        TraceRecord(trace_id=f"1-{i}", ts=world.at(30 - i), root="orders", functions=names, **values)
        for i, names in enumerate([("orders",), ("orders", "billing"), ("billing",)])
    ]
    world.run("traces", made)

    assert list(traces(world.store, world.target, world.window(), function="orders")["trace_id"]) == [
        "1-1",
        "1-0",
    ]
    assert len(traces(world.store, world.target, world.window())) == 3
    assert len(traces(world.store, world.target, world.window(), limit=1)) == 1


def sentences(world, **about):
    return list(changes(world.store, world.window(60, until=-60), **about)["what"])


def later(world, *facts):
    """A second listing, a minute after the first."""
    at = NOW + timedelta(minutes=1)
    world.run("inventory", facts, started_at=at, finished_at=at)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ({"timeout_s": 15}, {"timeout_s": 30}, "Timeout 15 s → 30 s"),
        ({"memory_mb": 512}, {"memory_mb": 1024}, "Memory 512 MB → 1,024 MB"),
        ({"runtime": "python3.12"}, {"runtime": "python3.13"}, "Runtime python3.12 → python3.13"),
        ({"tracing_mode": None}, {"tracing_mode": "Active"}, "Tracing mode none → Active"),
        (
            {"dead_letter_arn": None},
            {"dead_letter_arn": "arn:aws:sqs:eu-west-1:111111111111:dlq"},
            "Dead-letter target none → dlq",
        ),
    ],
)
def test_configuration_changes_are_sentences(world, before, after, sentence):
    world.run("inventory", [world.function(**before), Listed("function")])
    later(world, world.function(**after))

    frame = changes(world.store, world.window(60, until=-60))

    assert list(frame["what"]) == [sentence]
    assert frame["kind"][0] == "configuration"
    assert frame["function"][0] == "orders"


def test_a_published_version_is_a_deploy_at_the_time_it_was_published(world):
    published = world.at(20)
    old = Version(name="orders:214", function="orders", version="214", published=world.at(90))
    new = Version(name="orders:215", function="orders", version="215", published=published)
    world.run("details", [old, new])

    frame = changes(world.store, world.window(60))

    assert list(frame["what"]) == ["Deploy v214 → v215"]
    assert (frame["ts"][0], frame["kind"][0], frame["version"][0]) == (published, "deploy", "215")


def test_new_code_without_a_version_is_a_deploy_of_latest(world):
    world.run("inventory", [world.function(code_sha256="a"), Listed("function")])
    later(world, world.function(code_sha256="b"))

    assert sentences(world) == ["New code in $LATEST"]


def test_new_code_and_the_version_made_of_it_are_one_deploy(world):
    world.run("inventory", [world.function(code_sha256="a"), Listed("function")])
    later(world, world.function(code_sha256="b"))
    world.run("details", [Version(name="orders:2", function="orders", version="2", published=NOW)])

    assert sentences(world) == ["Deploy v2"]


def test_aliases_move_and_share(world):
    alias = {"name": "orders:prod", "function": "orders", "alias": "prod"}
    world.run("details", [Alias(**alias, version="7"), Listed("alias", "orders")])
    later(world, Alias(**alias, version="8", weights={"9": 0.1}))

    assert sorted(sentences(world)) == ["Alias prod sends 10% to v9", "Alias prod v7 → v8"]


def test_concurrency_changes_are_told_with_their_numbers(world):
    pool = {"name": "orders:prod", "function": "orders", "qualifier": "prod"}
    limits = {"unreserved_limit": 900}
    world.run("details", [Reserved(name="orders", reserved=None), Provisioned(**pool, requested=5)])
    world.run("inventory", [AccountLimits(concurrent_limit=1000, **limits)])
    later(
        world,
        Reserved(name="orders", reserved=40),
        Provisioned(**pool, requested=10),
        AccountLimits(concurrent_limit=2000, **limits),
    )

    frame = changes(world.store, world.window(60, until=-60))

    assert sorted(frame["what"]) == [
        "Concurrency limit 1,000 → 2,000",
        "Provisioned concurrency of prod: Provisioned concurrency 5 → 10",
        "Reserved concurrency none → 40",
    ]
    assert set(frame["kind"]) == {"concurrency"}


def test_a_trigger_that_is_disabled_is_news_and_its_last_result_is_not(world):
    mapping = {"name": "uuid", "function": "orders", "source_arn": "arn:aws:sqs:eu-west-1:111111111111:in"}
    world.run("inventory", [EventSourceMapping(**mapping, state="Enabled", last_result="OK")])
    later(world, EventSourceMapping(**mapping, state="Disabled", last_result="PROBLEM"))

    assert sentences(world) == ["Trigger in: State Enabled → Disabled"]


def test_functions_appear_and_go(world):
    world.run("inventory", [world.function(), Listed("function")])
    later(world, world.function("billing"), Listed("function"))

    frame = changes(world.store, world.window(60, until=-60)).set_index("function")

    assert frame.loc["billing", "what"] == "Function billing appeared"
    assert frame.loc["orders", "kind"] == "gone"


def test_only_the_function_asked_for(world):
    world.run("inventory", [world.function(), world.function("billing"), Listed("function")])
    later(world, world.function(timeout_s=60), world.function("billing", timeout_s=90))

    assert sentences(world, target=world.target, function="billing") == ["Timeout 30 s → 90 s"]


def test_nothing_known_is_an_empty_frame_with_columns(world):
    world.run("logs", [Covered("orders", world.window())])

    assert "what" in changes(world.store, world.window())
    assert versions(world.store, world.target, "orders", world.window(), now=world.now).empty
    assert triggers(world.store, world.target, "orders").empty
    assert errors_by_signature(world.store, world.target, "orders", world.window()).empty
