"""Kept lines: searched, counted, grouped and read around, each against a computation over the same facts."""

import random
import re
from collections import Counter
from datetime import timedelta

import pytest

from core.errors import StoreError
from core.facts import Covered, Gap, Target
from core.telemetry import LogEvent
from store.readers.log_search import (
    LEVELS,
    Search,
    lines_around,
    log_counts,
    log_event,
    log_events,
    log_groups,
    record_of,
    unread_logs,
)
from store.store import Filter

WORDS = ("KeyError: 'iban'", "Timeout of 50% reached", "panic: nil_map [x]", "IBAN is wrong")


def line(world, number, minutes_ago, **fields):
    text = WORDS[number % len(WORDS)]
    values = {
        "function": "orders" if number % 3 else "stock",
        "stream": f"stream-{number % 2}",
        "request_id": f"r{number}",
        "level": LEVELS[number % len(LEVELS)],
        "message": f"{text} #{number}",
        "signature": text,
        "version": "7",
    }
    ts = world.at(minutes_ago)
    ts = ts.replace(microsecond=ts.microsecond // 1000 * 1000)  # AWS tells milliseconds
    return LogEvent(ts=ts, event_id=f"e{number:03}", **(values | fields))


@pytest.fixture
def kept(world):
    """Sixty lines of two functions over three hours, and their facts."""
    chance = random.Random(7)
    facts = [line(world, number, chance.uniform(0.1, 179)) for number in range(60)]
    world.run("inventory", [world.function("orders"), world.function("stock")])
    world.run("logs", [*facts, *(Covered(name, world.window()) for name in ("orders", "stock"))])
    return world, sorted(facts, key=lambda fact: (fact.ts, fact.event_id), reverse=True)


@pytest.mark.parametrize(
    ("search", "fits"),
    [
        (Search(), lambda fact: True),
        (Search(text="iban"), lambda fact: "iban" in fact.message.lower()),
        (Search(text="50%"), lambda fact: "50%" in fact.message),
        (Search(text="nil_map [x]"), lambda fact: "nil_map [x]" in fact.message),
        (Search(text=r"#\d$", is_regex=True), lambda fact: re.search(r"#\d$", fact.message)),
        (Search(levels=("crash", "timeout")), lambda fact: fact.level in ("crash", "timeout")),
        (Search(signature=WORDS[1]), lambda fact: fact.signature == WORDS[1]),
        (Search(request_id="r7"), lambda fact: fact.request_id == "r7"),
        (Search(where=Filter(region="us-east-1")), lambda fact: False),
        (Search(places=(("111111111111", "eu-west-1", "stock"),)), lambda fact: fact.function == "stock"),
    ],
)
def test_lines_that_fit_come_newest_first_and_are_counted_and_grouped_alike(kept, search, fits):
    world, facts = kept
    wanted = [fact for fact in facts if fits(fact)]
    window = world.window()

    found = log_events(world.store, window, search)
    counts = log_counts(world.store, window, search, now=world.now)
    groups = log_groups(world.store, window, search, since=world.at(1000))

    assert found["event_id"].tolist() == [fact.event_id for fact in wanted]
    assert counts["lines"].sum() == len(wanted)
    assert {level: counts[level].sum() for level in LEVELS} == {
        level: sum(fact.level == level for fact in wanted) for level in LEVELS
    }
    assert dict(zip(groups["signature"], groups["count"], strict=True)) == Counter(
        f.signature for f in wanted
    )
    assert [sum(points) for points in groups["spark"]] == groups["count"].tolist()


def test_pages_follow_each_other_without_a_line_twice_or_missing(kept):
    world, facts = kept

    pages = [log_events(world.store, world.window(), Search(), limit=25, offset=at) for at in (0, 25, 50)]

    assert [id for page in pages for id in page["event_id"]] == [fact.event_id for fact in facts]


def test_counts_lie_in_the_minute_of_their_lines(kept):
    world, facts = kept
    minutes = Counter(fact.ts.replace(second=0, microsecond=0) for fact in facts)

    counts = log_counts(world.store, world.window(), Search(), now=world.now)

    assert {ts: n for ts, n in zip(counts["ts"], counts["lines"], strict=True) if n} == minutes


def test_a_group_tells_its_newest_line_and_when_its_message_was_first_stored(kept):
    world, facts = kept
    window = world.window(60)
    inside = [fact for fact in facts if fact.ts in window and fact.signature == WORDS[0]]
    all_ = [fact for fact in facts if fact.signature == WORDS[0]]

    groups = log_groups(world.store, window, Search(), since=world.at(1000)).set_index("signature")

    row = groups.loc[WORDS[0]]
    assert (row["event_id"], row["message"]) == (inside[0].event_id, inside[0].message)
    assert (row["first_seen"], row["last_seen"]) == (inside[-1].ts, inside[0].ts)
    assert row["first_ever"] == all_[-1].ts < row["first_seen"]
    assert row["functions"].tolist() == sorted({fact.function for fact in inside})


def test_what_is_no_regular_expression_is_said_and_one_that_would_hang_others_does_not(kept):
    world, _ = kept

    with pytest.raises(StoreError, match="no regular expression"):
        log_events(world.store, world.window(), Search(text="(", is_regex=True))
    assert log_events(world.store, world.window(), Search(text="(a+)+$" * 20, is_regex=True)).empty


def test_a_text_is_no_pattern_and_no_sql(kept):
    world, _ = kept

    for text in ("%", "_%", "' OR true --", "$text", ".*"):
        found = log_events(world.store, world.window(), Search(text=text))
        assert all(text in message for message in found["message"])


def test_steps_that_were_not_read_are_unknown_not_zero(world):
    world.run("inventory", [world.function("orders")])
    world.run("logs", [line(world, 1, 100), Covered("orders", world.window(60, until=60))])

    counts = log_counts(world.store, world.window(), Search(), now=world.now).set_index("ts")

    assert counts.loc[world.at(90), "lines"] == 0
    assert counts.loc[world.at(100), "lines"] == 1
    assert counts.loc[world.at(170) : world.at(130), "lines"].isna().all()


def test_functions_whose_log_was_not_read_are_named_with_the_reason(world):
    world.run("inventory", [world.function("orders"), world.function("stock")])
    gap = Gap("stock", world.window(), "log group /aws/lambda/stock does not exist")
    world.run("logs", [Covered("orders", world.window()), gap])

    unread = unread_logs(world.store, world.window(), Search(), now=world.now)

    assert unread["function"].tolist() == ["stock"]
    assert unread["state"].iloc[0].endswith("does not exist")
    only = Search(places=(("111111111111", "eu-west-1", "orders"),))
    assert unread_logs(world.store, world.window(), only, now=world.now).empty


def test_lines_around_one_are_of_its_stream_oldest_first_and_no_more_than_asked(kept):
    world, facts = kept
    one = next(fact for fact in facts if fact.function == "orders")
    near = [
        fact
        for fact in facts
        if (fact.function, fact.stream) == (one.function, one.stream)
        and abs(fact.ts - one.ts) < timedelta(minutes=15)
    ]

    around = lines_around(world.store, world.target, "orders", one.stream, one.ts)
    least = lines_around(world.store, world.target, "orders", one.stream, one.ts, most=1)

    assert around["event_id"].tolist() == [fact.event_id for fact in near][::-1]
    assert one.event_id in least["event_id"].tolist()
    assert len(least) <= 2


def test_one_line_is_found_by_its_event_and_time(kept):
    world, facts = kept

    found = log_event(world.store, world.target, facts[5].function, facts[5].event_id, facts[5].ts)

    assert found["message"] == facts[5].message
    assert found["ts"] == facts[5].ts
    assert log_event(world.store, world.target, "orders", "never", facts[5].ts) is None
    assert (
        log_event(world.store, Target("2", "eu-west-1"), facts[5].function, facts[5].event_id, facts[5].ts)
        is None
    )


def test_the_record_of_a_request_is_the_one_nearest_its_line(world):
    world.run("logs", [world.record(10, 100, request_id="r"), world.record(4, 200, request_id="r")])

    found = record_of(world.store, world.target, "orders", "r", world.at(5))

    assert found["duration_ms"] == 200
    assert found["trace_id"] is None
    assert record_of(world.store, world.target, "orders", "other", world.at(5)) is None
