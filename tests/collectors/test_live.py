"""Reading the demo account's logs for a person: newest first, bounded, masked, stopped on request."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from collectors import live
from collectors.aws import Aws
from core.facts import Target
from core.live import EVENTS, MOST_LINES, QUERY, TAIL, TAIL_LIMIT, Question
from core.settings import AwsSettings
from core.signatures import keepable
from core.windows import Window
from quarterdeck.demo.server import DemoServer, FrozenClock

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
TARGET = Target("111122223333", "eu-west-1")
GROUP = "/aws/lambda/order-worker"
ASKED = Question(
    target=TARGET,
    functions=("order-worker",),
    text="REPORT",
    window=Window(NOW - timedelta(minutes=20), NOW),
    how=EVENTS,
)


@pytest.fixture(scope="module")
def aws():
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        session = boto3.Session(f"ASIADEMO{TARGET.account}", "demo", region_name=TARGET.region)
        yield Aws(session, TARGET, AwsSettings(endpoint_url=server.endpoint, calls_per_s={}), attempts=1)


@pytest.fixture(scope="module")
def told(aws):
    """What the log says, in AWS's own order."""
    pages = aws.pages(
        "logs",
        "filter_log_events",
        logGroupName=GROUP,
        startTime=int(ASKED.window.start.timestamp() * 1000),
        endTime=int(ASKED.window.end.timestamp() * 1000),
    )
    return [event for page in pages for event in page["events"]]


def read(aws, question, *, wanted=lambda: True, clock=lambda: NOW, owners=None):
    owners = owners or {GROUP: "order-worker"}
    found = live.read(aws, question, owners, now=clock, wanted=wanted, pause=lambda seconds: None)
    return list(found)


def test_lines_that_hold_the_text_come_newest_first(aws, told):
    last = read(aws, ASKED)[-1]

    wanted = sorted(e["timestamp"] for e in told if "REPORT" in e["message"])
    assert wanted
    assert [round(line.ts.timestamp() * 1000) for line in last.lines] == wanted[::-1][:MOST_LINES]
    assert last.read_from == ASKED.window.start or last.said


def test_lines_are_masked_as_kept_ones_are(aws, told):
    lines = read(aws, replace(ASKED, text=""))[-1].lines

    assert {line.message for line in lines} <= {keepable(event["message"]) for event in told}


def test_logs_insights_finds_the_same_lines(aws):
    ways = [
        {(line.ts, line.message) for line in read(aws, replace(ASKED, how=how))[-1].lines}
        for how in (EVENTS, QUERY)
    ]

    assert ways[0] == ways[1] != set()


def test_enough_is_enough_and_it_is_said_how_far_back_was_read(aws, monkeypatch):
    monkeypatch.setattr(live, "MOST_LINES", 7)
    monkeypatch.setattr(live, "PAGE_LINES", 5)

    last = read(aws, replace(ASKED, text=""))[-1]

    assert len(last.lines) == 7
    assert last.lines[-1].ts >= last.read_from > ASKED.window.start
    assert "newest 7 lines" in last.said


def test_reading_stops_when_it_is_no_longer_wanted(aws):
    asked = []

    def wanted():
        asked.append(1)
        return False

    last = read(aws, ASKED, wanted=wanted)[-1]

    assert (last.lines, len(asked)) == ((), 1)


def test_a_tail_shows_what_comes_in_and_ends_by_itself(aws):
    times = iter(NOW - timedelta(minutes=10) + timedelta(seconds=20 * step) for step in range(100))
    start = NOW - timedelta(minutes=10)
    question = replace(ASKED, text="", how=TAIL, window=Window(start, start))

    found = read(aws, question, clock=lambda: next(times))

    assert len(found[0].lines) < len(found[-1].lines)
    assert all(line.ts >= start for line in found[-1].lines)
    assert "ended" in found[-1].said
    assert next(times) >= start + TAIL_LIMIT


def test_in_a_shared_group_a_stream_tells_whose_a_line_is(aws):
    last = read(aws, ASKED, owners={GROUP: None})[-1]

    assert last.lines == ()  # streams of this group name no function


def test_a_group_that_is_not_there_says_nothing(aws):
    assert read(aws, ASKED, owners={"/aws/lambda/never": "order-worker"})[-1].lines == ()
