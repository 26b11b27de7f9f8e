"""Dead letters as they arrive, whose queues are whose, streams, async events, and the lint."""

from __future__ import annotations

import numpy as np
import pytest

from core.entities import EventSourceMapping, InvokeConfig, Queue
from core.facts import Covered
from core.telemetry import MappingSample
from store.readers.arrivals import arrivals
from store.readers.async_events import async_events
from store.readers.lint import lint
from store.readers.queues import queues, unread
from store.readers.streams import mappings, source_name
from store.store import Filter

SQS = "arn:aws:sqs:eu-west-1:111111111111:"
DEAD, SOURCE = SQS + "orders-dlq", SQS + "orders-in"
STREAM = "arn:aws:kinesis:eu-west-1:111111111111:stream/clicks"


@pytest.fixture
def wired(world):
    """A function with an async dead-letter queue that its source queue redrives to as well."""
    world.run(
        "inventory",
        [
            world.function(dead_letter_arn=DEAD),
            EventSourceMapping(name="uuid", function="orders", source_arn=SOURCE, batch_size=10),
        ],
    )
    world.run("metrics", [Covered("", world.window())])
    return world


def counted(world, *samples, **dead):
    queues_now = [
        Queue(name=SOURCE, redrive_target=DEAD, visibility_timeout_s=180, visible=0, retention_s=345_600),
        Queue(name=DEAD, **{"visible": 3, "retention_s": 1_209_600} | dead),
    ]
    world.run("queues", [*queues_now, *samples, Covered("", world.window())])


def row_of(world, **wanted):
    frame = arrivals(world.store, world.window(60, until=60), now=world.now)
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    return frame.iloc[0]


def test_letters_that_lambda_sends_are_counted_as_sent(wired):
    depths = [(130, 0), (100, 2), (99, 3)]
    sent = {100: 2.0, 99: 1.0}
    counted(wired, *(wired.sample(m, DEAD, n, sent=sent.get(m, 0.0), deleted=0.0) for m, n in depths))

    row = row_of(wired, via="dead-letter queue of asynchronous events")

    assert (row["arrived"], row["sent"], row["method"], row["state"]) == (3, 3, "sent", None)
    assert "NumberOfMessagesSent" in row["caveat"]


def test_letters_that_sqs_moves_are_counted_by_the_change_of_depth(wired):
    depths = [(130, 0, 0), (100, 4, 0), (99, 4, 4), (98, 0, 0), (97, 1, 0)]
    counted(wired, *(wired.sample(m, DEAD, n, sent=0.0, deleted=float(d)) for m, n, d in depths))

    row = row_of(wired, via="redrive of orders-in")

    assert (row["arrived"], row["sent"], row["method"]) == (5, 0, "depth change")


def test_letters_of_both_kinds_are_counted_once(wired):
    depths = [(130, 0, 0.0), (100, 2, 2.0), (90, 5, 0.0)]
    counted(wired, *(wired.sample(m, DEAD, n, sent=s, deleted=0.0) for m, n, s in depths))

    rows = arrivals(wired.store, wired.window(60, until=60), now=wired.now)

    assert rows["via"].tolist() == ["dead-letter queue of asynchronous events", "redrive of orders-in"]
    assert rows["arrived"].tolist() == [5, 5]
    assert rows["method"].tolist() == ["both", "both"]


def test_letters_that_were_lost_are_told_of_the_way_that_lost_them(wired):
    wired.run("metrics", [wired.point(90, 1, dead_letter_errors=7.0, destination_failures=9.0)])
    counted(wired)

    by_via = arrivals(wired.store, wired.window(60, until=60), now=wired.now).set_index("via")

    assert by_via.loc["dead-letter queue of asynchronous events", "lost"] == 7
    assert np.isnan(by_via.loc["redrive of orders-in", "lost"])
    assert by_via["destination_failures"].isna().all()


def test_no_letters_in_a_window_that_was_not_read_is_unknown(wired):
    wired.run("queues", [Queue(name=DEAD), Covered("", wired.window(60))], window=wired.window(60))

    row = row_of(wired, via="dead-letter queue of asynchronous events")

    assert np.isnan(row["arrived"])
    assert row["state"].startswith("not collected")


@pytest.mark.parametrize(
    ("arn", "place", "said"),
    [
        ("arn:aws:sns:eu-west-1:111111111111:alarm", "SNS topic", "alarm is an SNS topic"),
        ("arn:aws:events:eu-west-1:111111111111:event-bus/b", "EventBridge bus", "an EventBridge bus"),
        ("arn:aws:s3:::bucket", "S3 bucket", "bucket is an S3 bucket"),
        ("arn:aws:sqs:eu-west-1:999999999999:theirs", "queue", "in account 999999999999, eu-west-1"),
        (SQS + "gone", "queue", "was not found"),
    ],
)
def test_a_place_that_cannot_be_read_is_named_as_such(world, arn, place, said):
    config = InvokeConfig(name="orders:prod", function="orders", qualifier="prod", on_failure=arn)
    world.run("inventory", [world.function(), config])

    row = arrivals(world.store, world.window(), now=world.now).iloc[0]
    other = unread(world.store, now=world.now).iloc[0]

    assert (row["place"], row["via"]) == (place, "on-failure destination of prod")
    assert np.isnan(row["arrived"])
    assert said in row["state"]
    assert said in other["why"]


def test_functions_that_share_a_queue_are_named(wired):
    wired.run("inventory", [wired.function("stock", dead_letter_arn=DEAD)])
    counted(wired)

    assert row_of(wired, function="stock")["shared_with"] == ["orders"]


def test_arrivals_of_one_function_are_found(wired):
    wired.run("inventory", [wired.function("stock", dead_letter_arn=DEAD)])

    frame = arrivals(wired.store, wired.window(), now=wired.now, where=Filter(function="stock"))

    assert set(frame["function"]) == {"stock"}


def test_a_queue_tells_whose_letters_it_holds_who_reads_it_and_how_long_it_keeps_them(wired):
    wired.run("inventory", [EventSourceMapping(name="uuid2", function="replay", source_arn=DEAD)])
    counted(wired, wired.sample(90, DEAD, 3, oldest_age_max_s=3600.0, empty_receives=4.0, sent_bytes=9.0))

    row = queues(wired.store, wired.window(), now=wired.now).set_index("arn").loc[DEAD]

    assert row["catches"] == [
        "dead-letter queue of asynchronous events, orders",
        "redrive of orders-in, orders",
    ]
    assert row["consumers"] == ["replay"]
    assert (row["retention_left_s"], row["empty_receives"], row["sent_bytes"]) == (1_206_000, 4, 9)
    assert not row["is_fifo"]


def test_an_empty_queue_has_nothing_to_delete(wired):
    counted(wired, wired.sample(90, DEAD, 3, oldest_age_max_s=3600.0), visible=0)

    row = queues(wired.store, wired.window(), now=wired.now).set_index("arn").loc[DEAD]

    assert np.isnan(row["retention_left_s"])


# --- streams ------------------------------------------------------------------------------------------------


def streamed(world, *points, **fields):
    mapping = EventSourceMapping(
        **{"name": "uuid", "function": "orders", "source_arn": STREAM, "state": "Enabled"} | fields
    )
    world.run("inventory", [world.function(), mapping])
    world.run("metrics", [*points, Covered("", world.window())])


def test_a_stream_whose_age_grows_while_errors_stay_names_the_poison_pill(world):
    streamed(
        world,
        *(world.point(30 - n, 3.0, errors=3.0, iterator_age_max_ms=n * 60_000.0) for n in range(28)),
    )

    row = mappings(world.store, world.window(), now=world.now).iloc[0]

    assert "poison pill" in row["hint"]
    assert (row["source"], row["kind"], row["iterator_age_s"]) == ("clicks", "kinesis", 27 * 60)
    assert row["stuck_since"] == world.at(30)


def test_a_mapping_is_off_since_it_was_seen_to_change_and_else_since_aws_says_so(world):
    def put(at, **fields):
        mapping = EventSourceMapping(name="u", function="orders", source_arn=STREAM, **fields)
        world.run("inventory", [mapping], started_at=at, finished_at=at)

    put(world.at(90), state="Enabled", last_modified=world.at(500))
    before = mappings(world.store, world.window(), now=world.now).iloc[0]
    put(world.at(20), state="Disabled")
    after = mappings(world.store, world.window(), now=world.now).iloc[0]

    assert (before["state_since"], after["state_since"]) == (world.at(500), world.at(20))


def test_a_calm_stream_has_no_hint(world):
    streamed(world, *(world.point(30 - n, 3.0, iterator_age_max_ms=500.0) for n in range(28)))

    row = mappings(world.store, world.window(), now=world.now).iloc[0]

    assert (row["hint"], row["iterator_age_max_s"], row["state"]) == ("", 0.5, "provisional")


def test_a_silent_stream_is_silent_and_an_unread_one_is_not_collected(world):
    streamed(world)
    assert mappings(world.store, world.window(), now=world.now)["state"].tolist() == ["silent"]

    other = mappings(world.store, world.window(400), now=world.now)["state"].iloc[0]
    assert other.startswith("not collected")


def test_what_pollers_did_is_summed_and_unknown_where_it_is_not_metered(world):
    streamed(world, metrics=("EventCount",), topics=("orders", "refunds"))
    samples = [
        MappingSample(
            mapping="uuid",
            function="orders",
            ts=world.at(m),
            period_s=60,
            polled=5.0,
            dropped=1.0,
            max_offset_lag=float(m),
        )
        for m in (10, 20)
    ]
    world.run("metrics", samples)

    row = mappings(world.store, world.window(), now=world.now).iloc[0]

    assert (row["polled"], row["dropped"], row["max_offset_lag"]) == (10, 2, 20)
    assert np.isnan(row["invoked"])
    assert (row["partition"], row["metered"]) == ("orders, refunds", True)


def test_functions_with_several_streams_share_one_age(world):
    streamed(world, world.point(10, 1, iterator_age_max_ms=1000.0))
    world.run("inventory", [EventSourceMapping(name="u2", function="orders", source_arn=STREAM + "2")])

    assert mappings(world.store, world.window(), now=world.now)["shared"].tolist() == [2, 2]


def test_a_queue_is_no_stream(wired):
    all_of, streams = (
        mappings(wired.store, wired.window(), now=wired.now, streams_only=only) for only in (False, True)
    )

    assert all_of["source"].tolist() == ["orders-in"]
    assert streams.empty


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (STREAM, "clicks"),
        ("arn:aws:dynamodb:eu-west-1:1:table/carts/stream/2026-01-01T00:00:00.000", "carts"),
        (SOURCE, "orders-in"),
        (None, ""),
    ],
)
def test_a_source_is_named_as_people_name_it(arn, name):
    assert source_name(arn, ()) == name


# --- asynchronous events ------------------------------------------------------------------------------------


def test_async_events_that_are_kept_nowhere_come_first(world):
    config = InvokeConfig(
        name="stock:$LATEST", function="stock", qualifier="$LATEST", max_retries=0, on_failure=DEAD
    )
    world.run("inventory", [world.function(), world.function("stock"), world.function("idle"), config])
    points = [
        world.point(90, 5, async_received=9.0, async_dropped=2.0, async_age_max_ms=1500.0),
        world.point(90, 5, function="stock", async_received=9.0, async_dropped=4.0),
    ]
    world.run("metrics", [*points, Covered("", world.window())])

    frame = async_events(world.store, world.window(60, until=60), now=world.now)

    assert frame["function"].tolist() == ["orders", "stock"]
    first, second = frame.iloc[0], frame.iloc[1]
    assert (first["dropped"], first["age_max_s"], first["max_retries"], first["max_age_s"]) == (
        2,
        1.5,
        2,
        21600,
    )
    assert first["note"] == "2 events dropped and kept nowhere"
    assert (second["drops_go_to"], second["max_retries"], second["note"]) == ([DEAD], 0, "")


def test_letters_and_records_that_did_not_arrive_are_losses(world):
    world.run("inventory", [world.function(dead_letter_arn=DEAD)])
    point = world.point(90, 1, async_received=1.0, dead_letter_errors=3.0, destination_failures=2.0)
    world.run("metrics", [point, Covered("", world.window())])

    row = async_events(world.store, world.window(60, until=60), now=world.now).iloc[0]

    assert "3 letters lost" in row["note"]
    assert "2 records that did not reach" in row["note"]


def test_no_drops_in_a_window_that_was_not_read_are_unknown(world):
    world.run("inventory", [world.function(dead_letter_arn=DEAD)])

    row = async_events(world.store, world.window(), now=world.now).iloc[0]

    assert np.isnan(row["dropped"])


# --- the lint -----------------------------------------------------------------------------------------------


def test_the_lint_reads_what_is_wired_and_what_happened_lately(wired):
    wired.run("metrics", [wired.point(90, 1, throttles=4.0, async_received=2.0)])
    wired.run(
        "queues", [Queue(name=SOURCE, redrive_target=DEAD, visibility_timeout_s=60, max_receive_count=1)]
    )

    frame = lint(wired.store, now=wired.now)

    assert frame["code"].tolist() == ["receive-count", "batch-item-failures", "visibility-timeout"]
    assert frame["severity"].tolist() == ["critical", "warning", "warning"]
    assert "4 were throttled in 7 days" in frame["why"].iloc[0]
    assert set(frame["account"]) == {"111111111111"}


def test_the_lint_of_one_function_or_region_leaves_the_others_out(wired):
    assert lint(wired.store, now=wired.now, where=Filter(function="stock")).empty
    assert lint(wired.store, now=wired.now, where=Filter(region="us-east-1")).empty


def test_an_empty_store_is_no_error(store, world):
    window = world.window()

    assert arrivals(store, window, now=world.now).empty
    assert async_events(store, window, now=world.now).empty
    assert lint(store, now=world.now).empty
    assert mappings(store, window, now=world.now).empty
    assert unread(store, now=world.now).empty
