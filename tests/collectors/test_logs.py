from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from collectors import logs
from collectors.aws import connect
from collectors.collector import Ask, Expected
from collectors.logs import PATTERN, Stream, parse_stream
from core.errors import EndpointError
from core.facts import Covered, Function, Gap, Inventory, InvocationRecord, LogEvent
from core.settings import AwsSettings
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
A = "0b1c2d3e-0000-4000-8000-00000000000a"


def a_function(name: str, **fields) -> Function:
    return Function(name=name, arn=f"arn:{name}", **{"log_group": f"/aws/lambda/{name}"} | fields)


def report(request_id: str = A) -> str:
    return f"REPORT RequestId: {request_id}\tDuration: 3.50 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB"


def event(message: str, *, ago_s: float = 60, stream: str = "2026/11/21/[7]aa", now: datetime = NOW, **more):
    ts = round((now - timedelta(seconds=ago_s)).timestamp() * 1000)
    return {
        "timestamp": ts,
        "message": message,
        "logStreamName": stream,
        "eventId": f"{stream}{ts}{message[:40]}",
    } | more


def answering(groups: Mapping[str, list]):
    def answer(params):
        return {"events": groups[params["logGroupName"]]}

    return answer


def collected(aws, *functions: Function, scopes=(), window=WINDOW):
    return list(logs.collect(aws, Ask(window=window, known=Inventory(functions=functions), scopes=scopes)))


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


@pytest.mark.parametrize(
    ("name", "stream"),
    [
        ("2026/11/21/[$LATEST]0a1b", Stream(None, "$LATEST")),
        ("2026/11/21/[12]0a1b", Stream(None, "12")),
        ("2026/11/21/orders-api[12]0a1b", Stream("orders-api", "12")),
        ("orders[7]0a", Stream("orders", "7")),
        ("my-stream", Stream(None, None)),
        ("", Stream(None, None)),
    ],
)
def test_a_stream_names_its_version_and_in_shared_groups_its_function(name, stream):
    assert parse_stream(name) == stream


def test_records_and_lines_of_a_function_are_read(answered):
    found = [event("[ERROR] KeyError: 'x'\n"), event(report())]

    facts = collected(answered(FilterLogEvents=answering({"/aws/lambda/a": found})), a_function("a"))

    assert [(r.function, r.version, r.status) for r in of(InvocationRecord, facts)] == [("a", "7", "error")]
    assert [(e.function, e.request_id) for e in of(LogEvent, facts)] == [("a", A)]
    assert of(Covered, facts) == [Covered("a", WINDOW)]


def test_each_log_group_is_read_with_one_call_a_page(answered):
    def answer(params):
        token = int(params.get("nextToken", 0))
        found = [] if token == 1 else [event(report(f"r{token}"))]  # a page may be empty
        return {"events": found} | ({"nextToken": str(token + 1)} if token < 2 else {})

    aws = answered(FilterLogEvents=answer)

    facts = collected(aws, *(a_function(f"f{n}") for n in range(10)))

    assert len(of(InvocationRecord, facts)) == 20
    assert aws.asked["FilterLogEvents"] == 30


def test_the_filter_keeps_to_aws_limits():
    assert len(PATTERN) <= 1024
    assert all(term.startswith('?"') for term in PATTERN.replace('" ?', '"\n?').splitlines())


def test_lines_just_outside_the_window_tell_of_outcomes_but_are_not_kept(answered):
    before = WINDOW.start.timestamp() - NOW.timestamp()
    found = [
        event("[ERROR] KeyError: 'x'\n", ago_s=-before + 0.1),
        event(report(), ago_s=-before - 0.1),
        event(report("later"), ago_s=-0.5),
    ]

    facts = collected(answered(FilterLogEvents=answering({"/aws/lambda/a": found})), a_function("a"))

    assert [(r.request_id, r.status) for r in of(InvocationRecord, facts)] == [(A, "error")]
    assert of(LogEvent, facts) == []


def test_functions_of_a_shared_group_are_told_apart_by_stream(answered):
    found = [event(report("1"), stream="2026/11/21/a[1]x"), event(report("2"), stream="2026/11/21/b[1]x")]
    found += [event(report("3"), stream="2026/11/21/stranger[1]x")]
    aws = answered(FilterLogEvents=answering({"/shop": found}))

    facts = collected(aws, a_function("a", log_group="/shop"), a_function("b", log_group="/shop"))

    assert [(r.function, r.request_id) for r in of(InvocationRecord, facts)] == [("a", "1"), ("b", "2")]
    assert aws.asked["FilterLogEvents"] == 1


def test_a_shared_stream_that_names_nobody_is_a_gap_of_all(answered):
    aws = answered(FilterLogEvents=answering({"/shop": [event(report(), stream="main")]}))

    facts = collected(aws, a_function("a", log_group="/shop"), a_function("b", log_group="/shop"))

    assert of(InvocationRecord, facts) == []
    assert [f.gap.scope for f in of(Expected, facts)] == ["a", "b"]


def test_only_the_scopes_asked_for_are_read(answered):
    aws = answered(FilterLogEvents=answering({"/aws/lambda/b": []}))

    facts = collected(aws, a_function("a"), a_function("b"), scopes=("b",))

    assert of(Covered, facts) == [Covered("b", WINDOW)]


def test_a_missing_log_group_is_a_gap_with_the_reason(answered, refusing):
    aws = answered(FilterLogEvents=refusing("ResourceNotFoundException"))

    (fact,) = collected(aws, a_function("a"))

    assert isinstance(fact, Expected)
    assert "/aws/lambda/a does not exist" in fact.gap.why


def test_a_log_group_that_is_closed_to_us_leaves_the_others(answered, refusing):
    def answer(params):
        if params["logGroupName"] == "/aws/lambda/a":
            return refusing("AccessDeniedException")(params)
        return {"events": [event(report())]}

    facts = collected(answered(FilterLogEvents=answer), a_function("a"), a_function("b"))

    assert [(g.scope, g.permission) for g in of(Gap, facts)] == [("a", "logs:FilterLogEvents")]
    assert of(Covered, facts) == [Covered("b", WINDOW)]


def test_a_role_without_the_right_is_not_asked_for_every_group(answered, refusing):
    aws = answered(FilterLogEvents=refusing("AccessDeniedException"))

    facts = collected(aws, *(a_function(f"f{n}") for n in range(50)))

    assert len(of(Gap, facts)) == 50
    assert aws.asked["FilterLogEvents"] == logs.DENIED_IS_ENOUGH


def test_an_endpoint_that_is_gone_ends_the_run(answered):
    def answer(params):
        raise EndpointError("gone")

    with pytest.raises(EndpointError):
        collected(answered(FilterLogEvents=answer), a_function("a"))


def test_reports_that_the_log_level_suppresses_are_a_gap(answered):
    quiet = a_function("a", log_format="JSON", system_log_level="WARN")

    facts = collected(answered(FilterLogEvents=answering({"/aws/lambda/a": []})), quiet)

    assert [(f.gap.scope, f.gap.window) for f in of(Expected, facts)] == [("a", WINDOW)]


def test_minutes_in_which_lambda_dropped_logs_are_gaps(answered):
    dropped = '{"time":"t","type":"platform.logsDropped","record":{"reason":"too slow"}}'

    facts = collected(
        answered(FilterLogEvents=answering({"/aws/lambda/a": [event(dropped, ago_s=90)]})), a_function("a")
    )

    (gap,) = [f.gap for f in of(Expected, facts)]
    assert gap.window == Window(NOW - timedelta(minutes=2), NOW - timedelta(minutes=1))


def test_logs_are_read_over_http(moto):
    now = datetime.now(UTC).replace(microsecond=0)
    client = boto3.client("logs")
    client.create_log_group(logGroupName="/aws/lambda/a")
    client.create_log_stream(logGroupName="/aws/lambda/a", logStreamName="2026/11/21/[7]aa")
    ts = round((now - timedelta(minutes=2)).timestamp() * 1000)
    lines = [report(), "just a line"]
    client.put_log_events(
        logGroupName="/aws/lambda/a",
        logStreamName="2026/11/21/[7]aa",
        logEvents=[{"timestamp": ts + n, "message": line} for n, line in enumerate(lines)],
    )
    (aws,), _ = connect([], AwsSettings())

    facts = collected(aws, a_function("a"), a_function("b"), window=Window(now - timedelta(hours=1), now))

    assert [r.request_id for r in of(InvocationRecord, facts)] == [A]
    assert of(LogEvent, facts) == []
    assert [f.gap.scope for f in of(Expected, facts)] == ["b"]
