"""Queues, Logs and Traces against plain sums over the facts that were committed, seeded."""

import json
import random
from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from core.entities import EventSourceMapping, Function, InvokeConfig, Queue
from core.facts import Covered, Listed
from core.graph import FUNCTION
from core.telemetry import LogEvent, MappingSample, MetricPoint, QueueSample, TraceRecord
from core.windows import MINUTE
from dashboard import numbers
from store.readers.log_search import LEVELS, SPARK_POINTS
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import charts, table, words

TIMES = {"from": WINDOW.start.isoformat(), "to": WINDOW.end.isoformat()}
MINUTES = [WINDOW.start + at * MINUTE for at in range(180)]
HERE = f"arn:aws:sqs:{PROD.region}:{PROD.account}:"
INBOX, MOVED, CAUGHT, HELD = (HERE + name for name in ("in", "in-dlq", "failures", "waiting"))
CLICKS = f"arn:aws:kinesis:{PROD.region}:{PROD.account}:stream/clicks"
KEPT_S = 345_600


class Line:
    """A queue that was simulated: what came and was taken in each minute, and how many were there then."""

    def __init__(self, chance, arn, *, came, taken, start):
        self.arn, self.start, self.depth = arn, start, []
        self.came, self.taken = [0, *(came(chance) for _ in MINUTES[1:])], [0]
        there = start
        for at, some in enumerate(self.came):
            there += some
            if at:
                self.taken.append(min(there, taken(chance)))
                there -= self.taken[at]
            self.depth.append(there)

    def samples(self, *, told_as_sent):
        """What SQS tells of it: messages that SQS moves itself are not counted as sent."""
        for at, ts in enumerate(MINUTES):
            yield QueueSample(
                queue=self.arn, ts=ts, period_s=60, visible_max=float(self.depth[at]), not_visible_max=0.0,
                delayed_max=0.0, oldest_age_max_s=60.0 * at, received=float(self.taken[at]),
                sent=float(self.came[at]) if told_as_sent else 0.0, deleted=float(self.taken[at]),
            )  # fmt: skip

    def entity(self, **fields):
        return Queue(
            name=self.arn, visible=self.depth[-1], not_visible=0, delayed=0, retention_s=KEPT_S, **fields
        )


@pytest.fixture
def fleet(store):
    """`job` reads a queue, `api` is invoked asynchronously, `feed` reads a stream and a queue that is off."""
    store.remember_target(PROD, "shop", now=NOW)
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:"
    functions = [
        Function(name="job", arn=arn + "job", timeout_s=30),
        Function(name="api", arn=arn + "api", dead_letter_arn=CAUGHT),
        Function(name="feed", arn=arn + "feed"),
    ]
    commit(store, "inventory", functions)
    for collector in ("details", "triggers", "queues", "traces", "changes", "logs", "metrics"):
        commit(store, collector, [Listed("provisioned", function.name) for function in functions])
    return store


# --- Queues -------------------------------------------------------------------------------------------------


@pytest.fixture
def queues(fleet):
    chance = random.Random(8)
    lines = {
        "in": Line(chance, INBOX, came=lambda c: c.randint(0, 6), taken=lambda c: c.randint(1, 7), start=500),
        "in-dlq": Line(chance, MOVED, came=lambda c: c.random() < 0.2, taken=lambda c: 0, start=3),
        "failures": Line(
            chance, CAUGHT, came=lambda c: c.randint(0, 2), taken=lambda c: c.randint(0, 2), start=90
        ),
        "waiting": Line(chance, HELD, came=lambda c: c.randint(0, 1), taken=lambda c: 0, start=5),
    }
    facts = [sample for line in lines.values() for sample in line.samples(told_as_sent=line.arn != MOVED)]
    redrive = {"redrive_target": MOVED, "max_receive_count": 3, "visibility_timeout_s": 180}
    entities = [lines["in"].entity(**redrive), *(lines[name].entity() for name in [*lines][1:])]
    commit(fleet, "queues", [*entities, *facts, *(Covered(line.arn, WINDOW) for line in lines.values())])
    read = {"state": "Enabled", "batch_size": 10, "metrics": ("EventCount",)}
    mappings = [
        EventSourceMapping(name="m1", function="job", source_arn=INBOX, **read),
        EventSourceMapping(name="m2", function="feed", source_arn=CLICKS, **read),
        EventSourceMapping(name="m3", function="feed", source_arn=HELD, state="Disabled", batch_size=10),
    ]
    config = InvokeConfig(name="api:$LATEST", function="api", qualifier="$LATEST", max_age_s=3600)
    commit(fleet, "details", [*mappings, config])
    points, polled = list(told(chance)), list(pollers(chance))
    commit(fleet, "metrics", [*points, *polled])
    return lines, points, polled


def told(chance):
    """What CloudWatch tells of `api`'s asynchronous events and of how far `feed` is behind."""
    for ts in MINUTES:
        yield MetricPoint(
            scope="function", function="api", ts=ts, period_s=60, async_received=float(chance.randint(0, 9)),
            async_dropped=float(chance.randint(0, 1)), async_age_max_ms=float(chance.randint(1, 90_000)),
            dead_letter_errors=float(chance.random() < 0.1), destination_failures=0.0,
        )  # fmt: skip
        yield MetricPoint(
            scope="function", function="feed", ts=ts, period_s=60,
            iterator_age_max_ms=float(chance.randint(0, 50_000)),
        )  # fmt: skip


def pollers(chance):
    for ts in MINUTES[::7]:
        for mapping, function in (("m1", "job"), ("m2", "feed")):
            yield MappingSample(
                mapping=mapping, function=function, ts=ts, period_s=60, polled=float(chance.randint(20, 40)),
                filtered_out=float(chance.randint(0, 5)), invoked=float(chance.randint(5, 20)),
                failed_invoke=float(chance.randint(0, 3)), dropped=float(chance.randint(0, 2)),
            )  # fmt: skip


def test_the_tables_of_queues_are_sums_over_their_minutes(open_page, queues):
    lines, points, polled = queues

    app = open_page("views/queues.py", **TIMES)

    rows = table(app, "drains").set_index("queue")
    for name, line in lines.items():
        row = rows.loc[name]
        assert row["depth"] == line.start + sum(line.came) - sum(line.taken)
        assert row["deleted"] == sum(line.taken)
        assert row["age"] == numbers.age(179 * 60)
        assert row["expires"] == numbers.age(KEPT_S - 179 * 60)
        assert row["sent"] == (0 if line.arn == MOVED else sum(line.came))
        assert row["drains"] == outlook(line)
    assert rows.loc["in-dlq", "arrivals"] == sum(lines["in-dlq"].came)
    assert rows.loc["failures", "arrivals"] == sum(lines["failures"].came)

    letters = table(app, "goes_to").set_index("function")
    assert letters.loc["job", ["goes_to", "arrived", "depth"]].tolist() == [
        "in-dlq", sum(lines["in-dlq"].came), lines["in-dlq"].depth[-1],
    ]  # fmt: skip
    mine = [point for point in points if point.function == "api"]
    assert letters.loc["api", ["goes_to", "arrived", "lost"]].tolist() == [
        "failures", sum(lines["failures"].came), sum(point.dead_letter_errors for point in mine),
    ]  # fmt: skip

    lost = sum(point.dead_letter_errors for point in mine)
    assert f"{lost:.0f} events lost for good" in words(app)

    [event] = table(app, "received").to_dict("records")
    assert event["received"] == sum(point.async_received for point in mine)
    assert event["dropped"] == sum(point.async_dropped for point in mine)
    assert event["age"] == numbers.age(max(point.async_age_max_ms for point in mine) / 1000)
    assert event["kept_for"] == "1 h"

    ages = [point.iterator_age_max_ms / 1000 for point in points if point.function == "feed"]
    [stream] = table(app, "age_max").to_dict("records")
    assert (stream["age"], stream["age_max"]) == (numbers.age(ages[-1]), numbers.age(max(ages)))

    [off] = table(app, "standing").to_dict("records")
    assert (off["source"], off["waiting"]) == ("waiting", lines["waiting"].depth[-1])

    counted = table(app, "polled").set_index("function")
    for function in ("job", "feed"):
        mine = [sample for sample in polled if sample.function == function]
        for name in ("polled", "filtered_out", "invoked", "failed_invoke", "dropped"):
            assert counted.loc[function, name] == sum(getattr(sample, name) for sample in mine)


def outlook(line):
    """From the last half hour: what is there over what goes out more than comes in."""
    came, taken = sum(line.came[-30:]), sum(line.taken[-30:])
    if taken > came:
        return numbers.age(line.depth[-1] / (taken - came) * 1800)
    return "held" if not came and not taken else "grows"


@pytest.mark.parametrize("name", ["in", "in-dlq"])
def test_the_board_of_a_queue_draws_each_of_its_minutes(open_page, queues, name):
    line = queues[0][name]

    app = open_page("views/queues.py", queue=line.arn, **TIMES)

    [drawn] = [rows for alt, rows in charts(app) if alt.startswith("Backlog")]
    assert drawn["visible_max"].tolist() == line.depth
    assert drawn["deleted"].tolist() == line.taken
    assert drawn["age_min"].tolist() == [float(at) for at in range(180)]
    if name == "in-dlq":
        assert drawn["arrivals"].tolist() == line.came
    else:
        assert drawn["sent"].tolist() == line.came
        assert drawn["received"].tolist() == line.taken


# --- Logs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def lines(fleet):
    chance = random.Random(9)
    found = []
    for number in range(260):
        kind, function = chance.choice("aaabbc"), chance.choice(["job", "api"])
        found.append(
            LogEvent(
                ts=WINDOW.start + chance.randrange(180 * 60_000) * timedelta(milliseconds=1),
                event_id=f"e{number:04}", function=function, stream="s", request_id=f"r{number}",
                level=chance.choice([*LEVELS, "warn"]), message=f"Boom {kind} {number}",
                signature=f"Boom {kind}",
            )
        )  # fmt: skip
    old = LogEvent(
        ts=WINDOW.start - timedelta(days=3), event_id="old", function="api", stream="s", request_id="r",
        level="error", message="Boom c", signature="Boom c",
    )  # fmt: skip
    commit(fleet, "logs", [*found, *(Covered(name, WINDOW) for name in ("job", "api", "feed"))])
    commit(fleet, "logs", [old], window=type(WINDOW)(old.ts - MINUTE, old.ts + MINUTE))
    return found, old


def test_lines_messages_and_bars_are_counts_of_the_lines(open_page, lines):
    found, old = lines
    by_kind = defaultdict(list)
    for line in found:
        by_kind[line.signature].append(line)
    most = sorted(by_kind, key=lambda kind: -len(by_kind[kind]))

    app = open_page("views/logs.py", **TIMES)

    said = words(app)
    assert f"**{len(found)} error lines, {len(by_kind)} messages**; **2 not seen before**" in said
    assert f"1 to 100 of {len(found)}" in said
    groups = table(app, "new")
    assert groups["signature"].tolist() == most
    for row in groups.to_dict("records"):
        mine = by_kind[row["signature"]]
        times = sorted(line.ts for line in mine)
        part = WINDOW.duration / SPARK_POINTS
        assert row["count"] == len(mine)
        assert row["last_seen"] == times[-1]
        assert row["first_ever"] == (old.ts if row["signature"] == "Boom c" else times[0])
        steps = Counter((ts - WINDOW.start) // part for ts in times)
        assert [*row["spark"]] == [steps[at] for at in range(SPARK_POINTS)]

    [bars] = [rows for alt, rows in charts(app) if alt.startswith("Kept lines")]
    names = {**{level: level for level in LEVELS}, "warn": "other"}
    minutes = Counter((names[line.level], line.ts.replace(second=0, microsecond=0)) for line in found)
    for name in names.values():
        assert bars[name].tolist() == [minutes[name, ts] for ts in MINUTES]

    newest = sorted(found, key=lambda line: line.ts, reverse=True)[:100]
    assert table(app, "shown")["shown"].tolist() == [line.message for line in newest]


# --- Traces -------------------------------------------------------------------------------------------------


def segment(number, took_s, *, fault, waited_s):
    """`shop` calls `api`, which asks a table as long as it works."""
    table_ = {
        "id": f"t{number}", "name": "DynamoDB", "namespace": "aws", "aws": {"table_name": "carts"},
        "start_time": 0.0, "end_time": took_s / 2,
    }  # fmt: skip
    own = {
        "id": f"f{number}", "name": "api", "origin": FUNCTION, "start_time": 0.0, "end_time": took_s,
        "fault": fault, "parent_id": f"c{number}", "subsegments": [table_],
    }  # fmt: skip
    call = {"id": f"c{number}", "name": "api", "namespace": "remote", "start_time": 0.0, "end_time": waited_s}
    caller = {
        "id": f"s{number}", "name": "shop", "origin": "AWS::ApiGateway::Stage", "start_time": 0.0,
        "end_time": waited_s, "subsegments": [call],
    }  # fmt: skip
    return json.dumps([caller, own])


@pytest.fixture
def traced(fleet):
    chance, found = random.Random(10), []
    for number in range(1, 81):
        took, fault = chance.randint(10, 900), chance.random() < 0.2
        ts = WINDOW.start + chance.randrange(180 * 60) * timedelta(seconds=1)
        found.append(
            TraceRecord(
                trace_id=f"1-{int(ts.timestamp()):08x}-{number:024x}", ts=ts, duration_ms=took + 50.0,
                response_ms=took + 20.0 if number % 9 else None, has_fault=fault, has_error=False,
                has_throttle=False, root="shop", functions=("api",),
                document=segment(number, took / 1000, fault=fault, waited_s=(took + 20) / 1000),
            )
        )  # fmt: skip
    commit(fleet, "traces", [*found, Covered("", WINDOW)])
    return found


def test_dots_rows_and_calls_are_those_of_the_traces(open_page, traced):
    waits = {each.trace_id: each.response_ms or each.duration_ms for each in traced}
    listed = sorted(traced, key=lambda each: (not each.has_fault, -waits[each.trace_id]))

    app = open_page("views/traces.py", **TIMES)

    rows = table(app, "took")
    assert rows["took"].tolist() == [waits[each.trace_id] for each in listed]
    assert [[*word] for word in rows["outcome"]] == [
        ["fault"] if each.has_fault else ["ok"] for each in listed
    ]
    [dots] = [frame for alt, frame in charts(app) if alt.startswith("Duration of each trace")]
    for outcome, is_fault in (("ok", False), ("fault", True)):
        drawn = sorted(dots[outcome].dropna())
        assert drawn == sorted(waits[each.trace_id] for each in traced if each.has_fault == is_fault)

    calls = table(app, "callee").set_index("callee")
    works = [json.loads(each.document)[1]["end_time"] * 1000 for each in traced]
    faults = sum(each.has_fault for each in traced)
    assert calls.loc["api", ["calls", "failed", "faults"]].tolist() == [len(traced), faults, faults]
    assert calls.loc["api", "failed_rate"] == pytest.approx(faults / len(traced))
    assert calls.loc["carts", ["calls", "failed"]].tolist() == [len(traced), 0]
    assert calls.loc["carts", "mean_ms"] == pytest.approx(sum(works) / 2 / len(works))
    assert calls.loc["carts", "max_ms"] == pytest.approx(max(works) / 2)
