"""What became of throttled work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.throttled_work import DELAYED, FATES, LETTERS, LOST, REFUSED, Feed, Work, fate

IN = Feed("orders", returned=40, letters_in="orders-dlq", letters=3, max_receives=1)


@pytest.mark.parametrize(
    ("work", "fed_by", "kind", "says"),
    [
        (Work(received=10, dropped=3), (), LOST, "3 asynchronous events were dropped"),
        (Work(received=10, async_age_ms=61_000), (), DELAYED, "waited up to 61 s"),
        (Work(iterator_age_ms=9_000), ("kinesis",), DELAYED, "up to 9 s behind"),
        (Work(), ("sqs",), DELAYED, "went back to their queue"),
        (Work(), (), REFUSED, "callers got an error (429)"),
    ],
)
def test_says_what_became_of_the_work(work, fed_by, kind, says):
    found = fate([work], fed_by)

    assert found.kind == kind
    assert says in found.says


def test_dropped_events_that_are_kept_somewhere_are_not_lost():
    found = fate([Work(received=10, dropped=3)], (), kept_in=["orders-dlq"])

    assert found.kind == LETTERS
    assert found.says.endswith("into orders-dlq")


def test_receives_that_came_to_nothing_are_counted_with_the_letters_of_the_same_minutes():
    found = fate([Work()], ("sqs",), [IN])

    assert found.kind == LETTERS
    assert found.says == (
        "40 receives from orders came to nothing (of 1 that a message has);"
        " 3 messages arrived in orders-dlq meanwhile"
    )


def test_without_letters_messages_are_only_late():
    found = fate([Work()], ("sqs",), [Feed("orders", returned=0, letters=0, letters_in="orders-dlq")])

    assert found.kind == DELAYED
    assert "arrived" not in found.says


numbers = st.none() | st.floats(0, 1e6)


@given(
    work=st.lists(st.builds(Work, numbers, numbers, numbers, numbers)),
    fed_by=st.sets(st.sampled_from(["sqs", "kinesis", "s3"])),
    feeds=st.lists(st.builds(Feed, st.just("q"), returned=numbers, letters=numbers), max_size=3),
    kept_in=st.lists(st.just("dlq"), max_size=1),
)
def test_nothing_is_called_lost_that_was_not_dropped(work, fed_by, feeds, kept_in):
    found = fate(work, fed_by, feeds, kept_in)

    dropped = sum(w.dropped or 0 for w in work)
    assert found.kind in FATES
    assert (found.kind == LOST) == (dropped > 0 and not kept_in)
    assert found.kind != REFUSED or not feeds
