from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from collectors import logs
from collectors.aws import connect
from collectors.collector import Ask, Expected
from collectors.logs import pattern
from collectors.runner import collect_due
from collectors.streams import Stream, parse_stream
from core.entities import Function, LogMode
from core.errors import EndpointError
from core.facts import Covered, Gap, Inventory, Run, Target
from core.settings import AwsSettings, CollectSettings, LogSettings
from core.telemetry import KEPT, BatchFailure, EnvironmentStart, InvocationRecord, LogEvent, MetricPoint
from core.windows import Window
from store import schema

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=3), NOW)
TARGET = Target("111122223333", "eu-west-1")
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


@pytest.mark.parametrize("keep", [[], ["x" * 89, "x" * 89, "x" * 90], ['"' * 68, '"' * 68]])
def test_the_filter_keeps_to_aws_limits(keep):
    made = pattern(LogSettings(keep=keep).keep)

    assert len(made) <= 1024
    assert all(term.startswith('?"') for term in made.replace('" ?', '"\n?').splitlines())


@pytest.mark.parametrize(
    ("keep", "told"), [(["x" * 99] * 3, "has room for 280"), (["a\\b!"], "keep"), (["ab"], "keep")]
)
def test_texts_to_keep_that_no_filter_can_hold_are_refused(keep, told):
    with pytest.raises(ValidationError, match=told):
        LogSettings(keep=keep)


@pytest.mark.parametrize(
    "line", ["order 7: Payment declined\n", '{"level": "INFO", "message": "Payment declined"}']
)
def test_lines_that_settings_name_a_part_of_are_kept_and_are_no_errors(answered, line):
    found = [event(line), event("Payment accepted\n", ago_s=59), event(report(), ago_s=58)]
    aws = answered(FilterLogEvents=answering({"/aws/lambda/a": found}))
    settings = CollectSettings(logs=LogSettings(keep=["Payment declined"]))
    ask = Ask(window=WINDOW, known=Inventory(functions=(a_function("a"),)), settings=settings)

    facts = list(logs.collect(aws, ask))

    assert [(e.level, e.request_id, e.message.strip()) for e in of(LogEvent, facts)] == [
        (KEPT, A, line.strip())
    ]
    assert [r.status for r in of(InvocationRecord, facts)] == ["success"]


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

    (fact,) = of(Expected, collected(aws, a_function("a")))

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


# --- modes --------------------------------------------------------------------------------------------------


def asking(
    mode: str = "auto", *, before: tuple[LogMode, ...] = (), newest: bool = True, **functions: str
) -> Ask:
    known = Inventory(functions=(a_function("a"), a_function("b")), log_modes=before)
    settings = CollectSettings(logs=LogSettings(mode=mode, functions=functions))
    return Ask(window=WINDOW, known=known, settings=settings, newest=newest)


def test_the_mode_of_each_function_is_told_with_its_reason(answered):
    aws = answered(FilterLogEvents=answering({"/aws/lambda/a": [], "/aws/lambda/b": []}))

    found = of(LogMode, logs.collect(aws, asking()))

    assert [(m.name, m.mode, m.why) for m in found] == [
        ("a", "every", "its volume is not known yet"),
        ("b", "every", "its volume is not known yet"),
    ]


def test_a_mode_that_is_known_is_not_told_again(answered):
    aws = answered(FilterLogEvents=answering({"/aws/lambda/a": [], "/aws/lambda/b": []}))
    before = (LogMode(name="a", mode="every", why="x"), LogMode(name="b", mode="off", why="x"))

    assert [m.name for m in of(LogMode, logs.collect(aws, asking(before=before)))] == ["b"]


def test_a_log_that_is_off_is_not_read_and_says_so(answered):
    aws = answered(FilterLogEvents=answering({"/aws/lambda/b": []}))

    facts = list(logs.collect(aws, asking(a="off")))

    (gap,) = [f.gap for f in of(Expected, facts)]
    assert (gap.scope, gap.window) == ("a", WINDOW)
    assert gap.why == "its log is not read: set for `a` in collect.logs.functions"
    assert of(Covered, facts) == [Covered("b", WINDOW)]


def test_history_is_read_in_the_mode_that_was_chosen_last(answered):
    aws = answered()
    before = (LogMode(name="a", mode="off", why="x"), LogMode(name="b", mode="off", why="x"))

    facts = list(logs.collect(aws, asking(before=before, newest=False)))

    assert [f.gap.scope for f in of(Expected, facts)] == ["a", "b"]
    assert aws.asked.total() == 0


def test_records_take_the_place_of_a_sum_from_the_start_of_its_bin(answered):
    window = Window(NOW - timedelta(minutes=33), NOW)
    before = (LogMode(name="a", mode="aggregated", why="x"),)
    ask = Ask(window=window, known=Inventory(functions=(a_function("a"),), log_modes=before))
    found = [event(report("within"), ago_s=34 * 60), event(report("before"), ago_s=36 * 60)]

    facts = list(logs.collect(answered(FilterLogEvents=answering({"/aws/lambda/a": found})), ask))

    assert of(Covered, facts) == [Covered("a", Window(NOW - timedelta(minutes=35), NOW))]
    assert [r.request_id for r in of(InvocationRecord, facts)] == ["within"]


def test_failed_batch_items_that_a_function_logs_become_facts(answered):
    defined = '{"CloudWatchMetrics":[{"Metrics":[{"Name":"BatchItemFailures"}]}]}'
    found = [event(f'{{"_aws":{defined},"BatchItemFailures":2}}'), event(report(), ago_s=59)]

    facts = collected(answered(FilterLogEvents=answering({"/aws/lambda/a": found})), a_function("a"))

    assert [(b.function, b.failed, b.request_id) for b in of(BatchFailure, facts)] == [("a", 2, A)]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("INIT_START Runtime Version: python:3.13.v5\tRuntime Version ARN: arn:r\n", (None, "arn:r")),
        ("RESTORE_START Runtime Version: java:21.v5\tRuntime Version ARN: arn:r\n", ("snap-start", "arn:r")),
        (
            '{"time":"t","type":"platform.initStart","record":'
            '{"initializationType":"on-demand","runtimeVersionArn":"arn:r"}}',
            ("on-demand", "arn:r"),
        ),
        ('{"time":"t","type":"platform.restoreStart","record":{}}', ("snap-start", None)),
    ],
)
def test_starts_of_environments_become_facts_once(answered, line, told):
    found = [event(line, ago_s=-30), event(line, ago_s=90), event(line, ago_s=60, stream="2026/11/21/[8]b")]

    facts = collected(answered(FilterLogEvents=answering({"/aws/lambda/a": found})), a_function("a"))

    starts = of(EnvironmentStart, facts)
    assert [(s.function, s.stream, s.version) for s in starts] == [
        ("a", "2026/11/21/[7]aa", "7"),
        ("a", "2026/11/21/[8]b", "8"),
    ]
    assert {(s.init_type, s.runtime_arn) for s in starts} == {told}
    assert not of(InvocationRecord, facts)
    assert not of(LogEvent, facts)


def test_the_filter_asks_for_the_lines_that_environments_begin_with():
    assert {'?"INIT_START"', '?"RESTORE_START"', '?"platform.initStart"'} <= set(pattern([]).split())


def test_what_functions_log_a_day_is_recalled_from_their_metrics(store):
    hours = Window(NOW - timedelta(hours=6), NOW)
    run = Run(
        collector="metrics",
        target=TARGET,
        window=hours,
        period_s=60,
        started_at=NOW,
        finished_at=NOW,
        outcome="ok",
    )
    points = [
        MetricPoint(scope="function", function="a", ts=NOW - timedelta(hours=h), period_s=60, log_bytes=1000)
        for h in (1, 2, 30)
    ]
    points.append(MetricPoint(scope="function", function="b", ts=NOW - timedelta(hours=1), period_s=60))
    store.commit(run, points, now=NOW)

    assert logs.recall(store, TARGET, WINDOW) == {"a": 8000}


def test_nothing_is_recalled_before_an_hour_of_metrics_was_read(store):
    assert logs.recall(store, TARGET, WINDOW) == {}


@pytest.mark.parametrize("lacking", ["level", "dropped", "nameless"])
def test_what_a_log_itself_lacks_is_not_asked_for_again(store, answered, lacking):
    """Only minutes that are young are read again; what was lost stays unknown."""
    about = {"log_format": "JSON", "system_log_level": "WARN"} if lacking == "level" else {}
    functions = [a_function("a", log_group="shared", **about)]
    functions += [a_function("b", log_group="shared")] if lacking == "nameless" else []
    lines = {
        "level": [],
        "dropped": [
            event('{"time":"t","type":"platform.logsDropped","record":{"reason":"slow"}}', ago_s=7200)
        ],
        "nameless": [event(report(), ago_s=7200, stream="whose?")],
    }
    asked = []

    def answer(params):
        asked.append((params["startTime"], params["endTime"]))
        return {"events": lines[lacking]}

    aws, settings = answered(FilterLogEvents=answer), CollectSettings(logs=LogSettings(mode="every"))
    run = Run(
        collector="inventory",
        target=aws.target,
        window=WINDOW,
        period_s=0,
        started_at=NOW,
        finished_at=NOW,
        outcome="ok",
    )
    store.commit(run, functions, now=NOW)
    collect_due(logs.COLLECTOR, aws, store, settings, now=NOW, since=timedelta(hours=3))
    asked.clear()

    later = NOW + timedelta(minutes=5)
    collect_due(logs.COLLECTOR, aws, store, settings, now=later, since=timedelta(hours=3))

    oldest = min(start for start, _ in asked)
    assert oldest >= (NOW - timedelta(minutes=20)).timestamp() * 1000
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(schema.gap.c.scope)).scalars().all()
