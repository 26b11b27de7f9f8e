"""FilterLogEvents and its patterns; groups and streams."""

import json
import re
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.demo.logfilter import PatternError, parse

from .conftest import HOUR, NOW, ms

CHECKOUT = "/aws/lambda/checkout-api"
REPORT = '{"type":"platform.report","record":{"metrics":{"durationMs":120.5},"status":"error"}}'


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR] KeyError", True),
        ("ERROR", "[error] KeyError", False),
        ("REPORT Init", "REPORT ... Init Duration", True),
        ("REPORT Init", "REPORT ... Duration", False),
        ('"Task timed out"', "x Task timed out after 3.00 seconds", True),
        ("?REPORT ?ERROR", "an ERROR", True),
        ("?REPORT ?ERROR", "nothing", False),
        ("ERROR -Retry", "ERROR Retry", False),
        ("ERROR -Retry", "ERROR once", True),
        ('-"END RequestId"', "END RequestId: 1", False),
        ("%Duration: [0-9]{3}%", "Duration: 123.4 ms", True),
        ('{ $.type = "platform.report" }', REPORT, True),
        ('{ $.type = "platform.*" }', REPORT, True),
        ('{ $.type = "platform.start" }', REPORT, False),
        ('{ $.type != "platform.start" }', REPORT, True),
        ("{ $.record.metrics.durationMs > 100 }", REPORT, True),
        ("{ $.record.metrics.durationMs > 121 }", REPORT, False),
        ('{ ($.record.status = "error") && ($.type = "platform.report") }', REPORT, True),
        ('{ $.type = "x" || $.record.status = "error" }', REPORT, True),
        ('{ $.type = "platform.report" }', "REPORT not JSON", False),
        ('{ $.nothing = "x" }', REPORT, False),
    ],
)
def test_patterns_find_what_they_say(pattern, message, found):
    assert parse(pattern)(message) is found


@pytest.mark.parametrize("pattern", ["platform.report", "{ $.type ", "[a, b]", "{ type = 1 }", 'a "open'])
def test_patterns_that_aws_refuses_are_refused(pattern):
    with pytest.raises(PatternError):
        parse(pattern)


@given(st.text(max_size=40), st.text(max_size=60))
def test_any_pattern_is_a_test_or_a_pattern_error(pattern, message):
    try:
        matches = parse(pattern)
    except (PatternError, re.error):
        return
    assert matches(message) in (True, False)


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


def test_a_bad_pattern_is_an_invalid_parameter(aws):
    code = refused(aws("logs").filter_log_events, logGroupName=CHECKOUT, filterPattern="platform.report")

    assert code == "InvalidParameterException"


def test_an_unknown_group_does_not_exist(aws):
    assert (
        refused(aws("logs").filter_log_events, logGroupName="/aws/lambda/none") == "ResourceNotFoundException"
    )


def test_a_function_that_never_ran_has_no_group(aws):
    client = aws("logs", "us-east-1", account="444455556666")

    assert refused(client.filter_log_events, logGroupName="/aws/lambda/schema-migrator") == (
        "ResourceNotFoundException"
    )


def test_events_are_in_order_inside_the_window_and_unique(aws):
    events = aws.messages(CHECKOUT)

    assert [e["timestamp"] for e in events] == sorted(e["timestamp"] for e in events)
    assert len({e["eventId"] for e in events}) == len(events) > 1500
    assert all(ms(NOW - HOUR) <= e["timestamp"] <= ms(NOW) for e in events)


def test_pages_hold_at_most_the_limit_and_together_everything(aws):
    asked = {
        "logGroupName": CHECKOUT,
        "startTime": ms(NOW - HOUR),
        "endTime": ms(NOW),
        "filterPattern": "REPORT",
    }
    pages = list(aws("logs").get_paginator("filter_log_events").paginate(**asked, limit=100))
    whole = aws("logs").filter_log_events(**asked)["events"]

    assert all(len(page["events"]) == 100 for page in pages[:-1])
    assert [e["eventId"] for p in pages for e in p["events"]] == [e["eventId"] for e in whole]


def test_a_page_is_at_most_one_megabyte(aws):
    asked = {"logGroupName": "/aws/lambda/order-audit", "startTime": ms(NOW - 3 * HOUR), "endTime": ms(NOW)}
    page = aws("logs").filter_log_events(**asked)

    assert "nextToken" in page
    assert 900_000 < sum(len(e["message"]) + 26 for e in page["events"]) <= 1_048_576


def test_pages_do_not_move_while_events_arrive(fresh):
    aws, clock = fresh
    asked = {"logGroupName": CHECKOUT, "startTime": ms(NOW - HOUR), "endTime": ms(NOW + HOUR)}
    first = aws("logs").filter_log_events(**asked, limit=1000)
    clock.now = NOW + timedelta(minutes=10)
    rest = aws("logs").filter_log_events(**asked, nextToken=first["nextToken"])["events"]

    assert rest[0]["eventId"] > first["events"][-1]["eventId"]
    assert rest[-1]["timestamp"] <= ms(NOW)


def test_newest_first_is_the_same_events_backwards(aws):
    asked = {"logGroupName": CHECKOUT, "startTime": ms(NOW - HOUR), "endTime": ms(NOW)}
    pages = aws("logs").get_paginator("filter_log_events").paginate(**asked, startFromHead=False, limit=300)
    backwards = [e["eventId"] for page in pages for e in page["events"]]

    assert backwards == [e["eventId"] for e in aws.messages(CHECKOUT)][::-1]


def test_nothing_is_older_than_the_retention_of_its_group(aws):
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix=CHECKOUT)["logGroups"]
    old = aws.messages(CHECKOUT, since=HOUR, until=NOW - timedelta(days=group["retentionInDays"]))

    assert old == []


def test_environments_write_to_their_own_stream(aws):
    events = aws.messages(CHECKOUT)
    stream = events[0]["logStreamName"]
    own = aws.messages(CHECKOUT, logStreamNames=[stream])

    assert [e["eventId"] for e in own] == [e["eventId"] for e in events if e["logStreamName"] == stream]
    assert re.fullmatch(r"2026/11/18/\[\d+\][0-9a-f]{32}", stream)


def test_a_stream_can_be_read_alone(aws):
    stream = aws.messages(CHECKOUT)[0]["logStreamName"]
    answer = aws("logs").get_log_events(
        logGroupName=CHECKOUT, logStreamName=stream, startTime=ms(NOW - HOUR), startFromHead=True
    )

    expected = [e["message"] for e in aws.messages(CHECKOUT, logStreamNames=[stream])]
    assert [e["message"] for e in answer["events"]] == expected


def test_two_functions_share_a_group_and_name_themselves_in_its_streams(aws):
    events = aws.messages("/meridian/backoffice", since=3 * HOUR)
    names = {re.match(r"\d+/\d+/\d+/([\w-]+)\[", e["logStreamName"])[1] for e in events}

    assert names == {"loyalty-points", "returns-portal"}


def test_json_functions_write_platform_records(aws):
    (record, *_) = aws.messages("/aws/lambda/cart-api", '{ $.type = "platform.report" }')
    report = json.loads(record["message"])["record"]

    assert report["status"] == "success"
    assert set(report["metrics"]) >= {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB"}


def test_groups_are_listed_in_pages(aws):
    pages = list(aws("logs").get_paginator("describe_log_groups").paginate(limit=5))
    names = [g["logGroupName"] for p in pages for g in p["logGroups"]]

    assert names == sorted(set(names))
    assert "/meridian/backoffice" in names
    assert len(pages[0]["logGroups"]) == 5


def test_streams_are_listed_newest_first_when_asked(aws):
    streams = aws("logs").describe_log_streams(
        logGroupName=CHECKOUT, orderBy="LastEventTime", descending=True
    )["logStreams"]

    last = [s["lastEventTimestamp"] for s in streams]
    assert last == sorted(last, reverse=True)
    assert last[0] > ms(NOW - HOUR)
