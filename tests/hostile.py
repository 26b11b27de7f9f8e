"""A store in which every text that others wrote tries to be more than text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from core.entities import (
    AccountLimits,
    Alarm,
    Alias,
    EventSourceMapping,
    Function,
    InvokeConfig,
    Layer,
    LogMode,
    Provisioned,
    Queue,
    Reserved,
    Trigger,
    Version,
)
from core.facts import Covered, Gap, Run, Target
from core.telemetry import ApiCall, InvocationRecord, LogEvent, MetricPoint, QueueSample, TraceRecord
from core.windows import Window
from store import journal, leases, schema
from store.journal import Entry
from store.leases import Member, Pulse
from store.store import Store

MARK = "zq9"
"""In each piece that could come to life, so that it is found wherever it turns up."""

NAME = f'=1+1<img src={MARK} onerror="window.{MARK}=1">**{MARK}**[{MARK}](/{MARK})$x$`c`{{@ts}}'
"""Where AWS's own separators (`:` `.`) would end a name."""

TEXT = (
    f"{NAME}<script>window.{MARK}=1</script>[{MARK}](javascript:window.{MARK}=1) :red[{MARK}] "
    f":material/home: -> http://{MARK}.example www.{MARK}.example a@{MARK}.example @everyone <!channel> "
    f"<@U123> &copy; {{{{{MARK}}}}} {{a|{MARK}}} "
    f"\x1b[31m\x1b]0;{MARK}\x07\x9b31m \u202e{MARK}\u2066 | a | b |"
)
STOPPED = f"{NAME}-nightly"
"""A function whose schedule is switched off."""

PROD = Target("111111111111", "eu-west-1")
ORDERS = f"{PROD.account}.{PROD.region}.{NAME}"
LINE_ID, TRACE_MINUTES = "line-1", 5


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{PROD.region}:{PROD.account}:{name}"


def trace_id(now: datetime) -> str:
    return f"1-{round((now - timedelta(minutes=TRACE_MINUTES)).timestamp()):x}-0123456789abcdef01234567"


def fill(store: Store, *, now: datetime) -> Store:
    """Three hours of one function, with all that belongs to it; `now` is the end."""
    window = Window(now - timedelta(hours=3), now)
    store.remember_target(PROD, TEXT, now=now)
    times = {"started_at": now, "finished_at": now, "outcome": "ok"}
    for collector, facts in _facts(now, window).items():
        run = Run(collector=collector, target=PROD, window=window, period_s=60, **times)
        store.commit(run, facts, now=now)
    told = {"outcome": "denied", "error": TEXT, "permission": TEXT, "started_at": now}
    later = now + timedelta(seconds=1)
    run = Run(collector="changes", target=PROD, window=window, period_s=60, finished_at=later, **told)
    store.commit(run, [Gap("", window, TEXT, TEXT)], now=now)
    _operate(store, now)
    return store


def _facts(now: datetime, window: Window) -> dict[str, list[object]]:
    at = now - timedelta(minutes=TRACE_MINUTES)
    dlq, source = arn("sqs", f"{NAME}-dlq"), arn("sqs", NAME)
    function = Function(
        name=NAME,
        arn=arn("lambda", f"function:{NAME}"),
        runtime=TEXT,
        memory_mb=512,
        timeout_s=15,
        description=TEXT,
        handler=TEXT,
        role=TEXT,
        layers=(arn("lambda", f"layer:{NAME}:1"),),
        tracing_mode="Active",
        dead_letter_arn=dlq,
        tags={"team": TEXT, TEXT: TEXT},
    )
    own = {"function": NAME, "version": "1", "request_id": TEXT, "stream": TEXT}
    return {
        "inventory": [
            function,
            replace(function, name=STOPPED),
            AccountLimits(concurrent_limit=100, unreserved_limit=90),
        ],
        "details": [
            Version(name=f"{NAME}:1", function=NAME, version="1", published=at, description=TEXT),
            Alias(name=f"{NAME}:{NAME}", function=NAME, alias=NAME, version="1"),
            Reserved(name=NAME, reserved=5),
            Provisioned(name=f"{NAME}:{NAME}", function=NAME, qualifier=NAME, requested=2, status=TEXT),
            Layer(name=arn("lambda", f"layer:{NAME}:1"), layer=NAME, version=1),
            InvokeConfig(name=NAME, function=NAME, qualifier="$LATEST", on_failure=dlq, on_success=TEXT),
        ],
        "alarms": [
            Alarm(
                name=TEXT,
                kind="metric",
                state="ALARM",
                reason=TEXT,
                description=TEXT,
                function=NAME,
                namespace=TEXT,
                metric=TEXT,
                statistic=TEXT,
                dimensions={TEXT: TEXT},
                comparison=TEXT,
            )
        ],
        "triggers": [
            EventSourceMapping(
                name=NAME,
                function=NAME,
                source_arn=source,
                state="Disabled",
                state_reason=TEXT,
                last_result=TEXT,
                failure_destination=dlq,
            ),
            Trigger(
                name=NAME,
                function=NAME,
                kind="events",
                source_arn=arn("events", f"rule/{NAME}"),
                state="DISABLED",
                schedule=TEXT,
                principal=TEXT,
                is_public=True,
            ),
            Trigger(
                name=STOPPED,
                function=STOPPED,
                kind="eventbridge-rule",
                source_arn=arn("events", f"rule/{NAME}"),
                state="DISABLED",
                schedule="rate(5 minutes)",
                targets_function=True,
            ),
        ],
        "metrics": [_point(now, minute) for minute in range(180)],
        "logs": [
            *(_record(now, minute, own) for minute in range(180)),
            LogEvent(ts=at, event_id=LINE_ID, level="error", message=TEXT, signature=TEXT, **own),
            LogEvent(
                ts=now - timedelta(minutes=4),
                event_id="line-2",
                level=TEXT,
                message=TEXT,
                signature=TEXT,
                **own,
            ),
            LogMode(name=NAME, mode="aggregated", why=TEXT, usd_a_month=0.6),
            Covered(NAME, window),
            Covered(STOPPED, window),
        ],
        "queues": [
            Queue(name=dlq, visible=4, url=TEXT),
            Queue(name=source, visible=9, redrive_target=dlq, max_receive_count=1, visibility_timeout_s=5),
            *(_sample(now, minute, queue) for minute in range(60) for queue in (dlq, source)),
        ],
        "traces": [_trace(now)],
        "changes": [
            ApiCall(
                event_id="c", ts=at, action=TEXT, function=NAME, resource=TEXT, who=TEXT, via=TEXT, error=TEXT
            )
        ],
    }


def _point(now: datetime, minute: int) -> MetricPoint:
    ts = now - timedelta(minutes=minute + 1)
    sums = {
        "invocations": 100,
        "errors": 20,
        "throttles": 3,
        "duration_sum_ms": 20_000,
        "duration_max_ms": 900,
    }
    return MetricPoint(scope="function", function=NAME, ts=ts, period_s=60, concurrent_max=5, **sums)


def _record(now: datetime, minute: int, own: dict[str, str]) -> InvocationRecord:
    return InvocationRecord(
        ts=now - timedelta(minutes=minute, seconds=30),
        event_id=f"e{minute}",
        duration_ms=200 + minute,
        billed_ms=201,
        memory_mb=512,
        max_memory_mb=120,
        init_ms=450 if minute % 10 == 0 else None,
        init_type=TEXT,
        status="error" if minute == TRACE_MINUTES else "success",
        error_type=TEXT,
        trace_id=trace_id(now),
        sampled=True,
        **own,
    )


def _sample(now: datetime, minute: int, queue: str) -> QueueSample:
    ts = now - timedelta(minutes=minute + 1)
    return QueueSample(queue=queue, ts=ts, period_s=60, visible_max=float(60 - minute), sent=1.0)


def _trace(now: datetime) -> TraceRecord:
    began = (now - timedelta(minutes=TRACE_MINUTES)).timestamp()
    own = {"start_time": began, "end_time": began + 1, "trace_id": trace_id(now), "fault": True}
    fault = {"exceptions": [{"id": "1", "message": TEXT, "type": TEXT}], "working_directory": TEXT}
    said = {"annotations": {TEXT: TEXT}, "metadata": {TEXT: {TEXT: TEXT}}, "user": TEXT, "cause": fault}
    part = {"id": "b", "name": TEXT, "namespace": "aws", "http": {"request": {"url": TEXT}}, **own}
    segment = {
        "id": "a",
        "name": NAME,
        "origin": "AWS::Lambda::Function",
        **own,
        **said,
        "subsegments": [part],
    }
    return TraceRecord(
        trace_id=trace_id(now),
        ts=now - timedelta(minutes=TRACE_MINUTES),
        duration_ms=1000.0,
        response_ms=1000.0,
        has_error=False,
        has_fault=True,
        has_throttle=False,
        root=TEXT,
        functions=(NAME,),
        document=json.dumps([segment]),
    )


def _operate(store: Store, now: datetime) -> None:
    """What our own parts keep of it: an alert, a silence, messages, an action, a service with a trouble."""
    place = {"account": PROD.account, "region": PROD.region}
    with store.transaction() as connection:
        connection.execute(
            sa.insert(schema.incident).values(
                id="i1",
                rule=TEXT,
                subject_kind="function",
                subject=NAME,
                severity="critical",
                title=TEXT,
                text=TEXT,
                opened_at=now - timedelta(minutes=30),
                value=0.12,
                threshold=0.05,
                **place,
            )
        )
        connection.execute(
            sa.insert(schema.audit).values(
                id="a",
                ts=now,
                who=TEXT,
                action="invoke-function",
                subject=NAME,
                incident="i1",
                mode="dry run",
                plan={"invoke": TEXT},
                outcome="planned",
                **place,
            )
        )
        connection.execute(
            sa.insert(schema.audit).values(
                id="b",
                ts=now,
                who=TEXT,
                action="read-messages",
                subject=f"{NAME}-dlq",
                mode="apply",
                plan={},
                outcome="applied",
                answer=f"2 messages read: 2 × {TEXT}",
                **place,
            )
        )
        connection.execute(
            sa.insert(schema.silence).values(
                start=now, end=now + timedelta(hours=1), reason=TEXT, author=TEXT, subject="other", **place
            )
        )
        connection.execute(
            sa.insert(schema.outbox).values(
                id="n",
                seq=0,
                incident="i1",
                channel=TEXT,
                reason="firing",
                notice={"title": TEXT},
                state="dead",
                attempts=3,
                created_at=now,
                next_at=now,
                error=TEXT,
            )
        )
        member = Member("service-1", TEXT, frozenset([PROD]))
        leases.beat(connection, member, Pulse(), now=now - timedelta(minutes=10), at_s=0.0)
        journal.write(connection, [Entry(holder="service-1", host=TEXT, what=TEXT, text=TEXT, since=now)])
