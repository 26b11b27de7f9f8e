"""Logs Insights: the demo answers queries from the very events that FilterLogEvents shows."""

import contextlib
import json
import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from collectors.insights import LINES, SUMS
from quarterdeck.demo.insightsfields import Row
from quarterdeck.demo.insightsquery import QueryError, parse
from quarterdeck.demo.insightsrun import run

from .conftest import HOUR, NOW, floor_minute, ms

END = floor_minute(NOW) - timedelta(minutes=5)
START = END - HOUR
MESSAGES = [
    "REPORT RequestId: a\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB"
    "\tMax Memory Used: 64 MB\t",
    "REPORT RequestId: b\tDuration: 7.00 ms\tBilled Duration: 400 ms\tMemory Size: 128 MB"
    "\tMax Memory Used: 70 MB\tInit Duration: 392.10 ms\t",
    '{"level": "error", "code": 7, "tags": ["x", "y"], "deep": {"er": "z"}}',
    "[ERROR] KeyError: 'a'",
]


def answer(text, messages=MESSAGES, limit=100):
    rows = [
        Row({"@message": m, "@ts_ms": 60_000 * n, "@timestamp": str(n), "@ptr": str(n)})
        for n, m in enumerate(messages)
    ]
    found, _ = run(parse(text), rows, limit=limit)
    return [{name: row.get(name) for name in row.shown} for row in found]


def ask(aws, text, groups, *, start=START, end=END, region="eu-west-1", **more):
    client = aws("logs", region)
    identity = client.start_query(
        logGroupNames=groups,
        startTime=int(start.timestamp()),
        endTime=int(end.timestamp()),
        queryString=text,
        **more,
    )["queryId"]
    assert client.get_query_results(queryId=identity)["status"] == "Running"
    return client.get_query_results(queryId=identity)


def rows(found):
    return [{field["field"]: field["value"] for field in row} for row in found["results"]]


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


# --- the language ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fields @duration | filter @type = 'REPORT' | sort @duration", [7.0, 12.5]),
        ("fields @requestId | filter @duration > 10 and @duration < 20", ["a"]),
        ("fields @maxMemoryUsed / 1000000 as mb | filter ispresent(@initDuration)", [70.0]),
        ('fields level | filter @message like /"level": ?"error"/', ["error"]),
        ('fields deep.er | filter code in [7, 8] and not (level = "info")', ["z"]),
        ('fields tags.1 | filter level not like "warn" and ispresent(level)', ["y"]),
        ("fields coalesce(missing, code * 2 + 1) as twice | filter code = 7", [15.0]),
        ("stats count(*) as n", [4.0]),
        ("stats sum(@duration) / count(@duration) as mean", [9.75]),
        ("stats pct(@duration, 50) as median", [9.75]),
        ("stats count_distinct(@type) as kinds", [1.0]),
        ("filter @type = 'REPORT' | stats max(@initDuration) as worst # the coldest", [392.1]),
        ("fields @requestId | filter @type = 'REPORT' | sort @billedDuration desc | limit 1", ["b"]),
        ("parse @message /\\] (?<kind>\\w+):/ | filter ispresent(kind) | display kind", ["KeyError"]),
        ("parse @message '[*] *:' as level, kind | filter kind = 'KeyError' | display level", ["ERROR"]),
    ],
)
def test_a_query_means_what_insights_means(text, expected):
    assert [next(iter(row.values())) for row in answer(text)] == expected


def test_bins_come_newest_first_with_the_groups_beside_them():
    found = answer("stats count(*) as n by bin(2m) as at, @type")

    assert [row["at"][11:16] for row in found] == ["00:02", "00:00"]
    assert found[1] == {"at": "1970-01-01 00:00:00.000", "@type": "REPORT", "n": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "filter",
        "fields @message |",
        "stats count( by x",
        "filter a like b",
        "nonsense x",
        "fields 'a",
        "limit x",
    ],
)
def test_what_is_no_query_is_refused(text):
    with pytest.raises(QueryError):
        parse(text)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(QueryError):
        assert parse(text)


@given(st.lists(st.text(max_size=80), max_size=8))
def test_any_messages_are_answered(messages):
    assert len(answer("fields @duration, level | filter ispresent(@message)", messages)) == len(messages)


# --- the API -----------------------------------------------------------------------------------------------


def test_sums_of_reports_are_those_of_the_lines_that_filter_log_events_shows(aws):
    group = "/aws/lambda/checkout-api"
    found = rows(ask(aws, SUMS, [group]))
    events = aws.messages(group, "REPORT", since=HOUR, until=END)
    durations = [float(re.search(r"Duration: ([\d.]+) ms", e["message"])[1]) for e in events]
    inits = [m for e in events if (m := re.search(r"Init Duration: ([\d.]+)", e["message"]))]

    assert len(found) in (12, 13)  # the end is included
    assert sum(int(row["reports"]) for row in found) == len(durations) > 300
    assert sum(float(row["duration_sum"]) for row in found) == pytest.approx(sum(durations))
    assert sum(int(row["inits"]) for row in found) == len(inits)
    assert {row["@log"] for row in found} == {f"111122223333:{group}"}
    first = datetime.fromisoformat(found[-1]["bin"]).replace(tzinfo=UTC)
    of_first = [
        d for d, e in zip(durations, events, strict=True) if e["timestamp"] < ms(first + timedelta(minutes=5))
    ]
    assert float(found[-1]["duration_p95"]) == pytest.approx(np.percentile(of_first, 95))


def test_json_reports_are_added_up_and_shared_groups_split_by_function(aws):
    cart, shared = (
        rows(ask(aws, SUMS, [group])) for group in ("/aws/lambda/cart-api", "/meridian/backoffice")
    )
    reports = aws.messages("/aws/lambda/cart-api", '{ $.type = "platform.report" }', since=HOUR, until=END)
    billed = [json.loads(e["message"])["record"]["metrics"]["billedDurationMs"] for e in reports]

    assert sum(float(row["billed_sum"]) for row in cart) == sum(billed)
    assert {row["owner"] for row in shared} == {"loyalty-points", "returns-portal"}


def test_the_newest_error_lines_are_found(aws):
    found = rows(ask(aws, LINES, ["/aws/lambda/checkout-api"]))
    times = [row["@timestamp"] for row in found]

    assert times == sorted(times, reverse=True)
    assert len(found) > 10
    assert all("TypeError" in row["@message"] or "Error" in row["@message"] for row in found)
    assert all(row["@ptr"] for row in found)


def test_an_answer_tells_what_it_scanned(aws):
    group = "/aws/lambda/geo-lookup"
    found = ask(aws, "filter @type = 'REPORT' | limit 5", [group], region="us-east-1")
    events = aws.messages(group, since=HOUR, until=END, region="us-east-1")

    assert len(found["results"]) == 5
    assert found["statistics"]["recordsScanned"] == len(events)
    assert found["statistics"]["bytesScanned"] == sum(len(e["message"].encode()) + 26 for e in events)
    assert found["statistics"]["recordsMatched"] < len(events)


def test_many_rows_come_in_pages(aws):
    client = aws("logs")
    asked = {"logGroupName": "/aws/lambda/order-audit", "queryString": "fields @message"}
    window = {"startTime": int(START.timestamp()), "endTime": int(END.timestamp())}
    identity = client.start_query(**asked, **window)["queryId"]
    client.get_query_results(queryId=identity)
    one = client.get_query_results(queryId=identity, maxItems=1000)
    two = client.get_query_results(queryId=identity, maxItems=1000, nextToken=one["nextToken"])

    assert len(one["results"]) == len(two["results"]) == 1000
    assert one["results"][-1] != two["results"][0]


def test_a_query_must_name_what_exists_and_be_one(aws):
    start = aws("logs").start_query
    asked = {"startTime": 1, "endTime": 2, "queryString": "fields @message"}
    cart = "/aws/lambda/cart-api"

    assert refused(start, logGroupNames=["/aws/lambda/stock-export"], **asked) == "ResourceNotFoundException"
    assert refused(start, logGroupNames=[cart] * 51, **asked) == "InvalidParameterException"
    assert refused(start, **asked) == "InvalidParameterException"
    broken = {**asked, "queryString": "stats by"}
    assert refused(start, logGroupName=cart, **broken) == "MalformedQueryException"
    backwards = {**asked, "startTime": 3}
    assert refused(start, logGroupName=cart, **backwards) == "InvalidParameterException"


def test_a_running_query_is_stopped_and_an_ended_one_not(fresh):
    client = fresh[0]("logs")
    asked = {"startTime": 1, "endTime": 2, "queryString": "fields @message"}
    identity = client.start_query(logGroupName="/aws/lambda/cart-api", **asked)["queryId"]

    assert client.stop_query(queryId=identity)["success"] is True
    assert client.get_query_results(queryId=identity)["status"] == "Cancelled"
    assert refused(client.stop_query, queryId=identity) == "InvalidParameterException"
    assert refused(client.get_query_results, queryId="unknown") == "ResourceNotFoundException"


def test_a_hundred_queries_run_at_once_and_no_more(fresh):
    client = fresh[0]("logs")
    asked = {"logGroupName": "/aws/lambda/cart-api", "startTime": 1, "endTime": 2, "queryString": "limit 1"}
    for _ in range(100):
        client.start_query(**asked)

    assert refused(client.start_query, **asked) == "LimitExceededException"
    assert len(client.describe_queries(status="Running", maxResults=1000)["queries"]) == 100
