"""What a function's page says of what waits for it."""

import pandas as pd
import pytest

from dashboard.figures_waits import event_words, waits
from store.readers.particulars import Durable

NAN = float("nan")
EVENT = {
    "received": 10.0,
    "dropped": 0.0,
    "age_max_s": 4.0,
    "drops_go_to": [],
    "max_retries": 2,
    "max_age_s": 21600,
    "note": "",
    "state": None,
}
STREAM = {"source": "clicks", "iterator_age_s": 5.0, "hint": ""}
QUEUE = {"queue": "orders", "role": "source", "depth": 3.0, "oldest_age_s": 90.0, "state": None}


def said(events=(), mappings=(), queues=(), durable=None):
    frames = (pd.DataFrame(list(rows)) for rows in (events, mappings, queues))
    return waits(*frames, durable)


def test_nothing_is_said_of_a_function_that_nothing_can_wait_for():
    assert said() == []


def test_losses_come_before_what_only_waits():
    dead = QUEUE | {"queue": "orders-dlq", "role": "dead-letter", "depth": 2.0}

    lines = said([EVENT], [STREAM], [QUEUE, dead])

    assert "orders\\-dlq holds 2 dead letters" in lines[0]
    assert lines[1:] == [
        "orders: 3 waiting, the oldest 1 min old",
        "10 async events, the longest wait 4 s",
        "clicks is 5 s behind",
    ]


@pytest.mark.parametrize(
    ("arns", "where"), [([], "nothing catches them"), (["arn:aws:sqs:r:1:late"], "kept in late")]
)
def test_dropped_events_shout_and_say_where_they_went(arns, where):
    [line] = said([EVENT | {"dropped": 3.0, "drops_go_to": arns}])

    assert "**3 async events dropped**" in line
    assert line.endswith(where)
    assert ":red[" in line


def test_durable_executions_that_failed_or_timed_out_come_first_and_stopped_ones_are_no_failures():
    lost = Durable(started=9, succeeded=4, failed=2, timed_out=1, stopped=2, longest_ms=None)
    fine = Durable(started=9, succeeded=7, failed=0, timed_out=0, stopped=2, longest_ms=None)

    assert "**3 durable executions failed or timed out**; 9 started" in said([EVENT], durable=lost)[0]
    assert said(durable=fine) == []


def test_what_was_not_collected_is_said_and_is_no_zero():
    why = {"state": "not collected: access denied"}

    lines = said([EVENT | {"received": NAN, "dropped": NAN} | why], [], [QUEUE | {"depth": NAN} | why])

    assert lines == [
        "orders: messages not collected: access denied",
        "async events not collected: access denied",
    ]


def test_a_stream_that_is_a_minute_behind_shouts_with_its_hint():
    [line] = said([], [STREAM | {"iterator_age_s": 60.0, "hint": "one bad <b>batch</b>"}])

    assert line.startswith(":red[")
    assert "one bad \\<b\\>batch" in line


def test_the_settings_of_asynchronous_events_say_when_drops_go_nowhere():
    counts, settings = event_words(EVENT)

    assert counts == "**10** received, **0** dropped, the longest wait **4 s**."
    assert settings == "Retried 2 times within 6 h; what is dropped goes to nowhere."
