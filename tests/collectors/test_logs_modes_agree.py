"""The same logs read in both modes tell the same: records that we add up, and sums of Logs Insights."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from collectors import inventory, logs
from collectors.aws import Aws
from collectors.collector import Ask
from collectors.parse import parse_log_group
from collectors.unwritten import as_written
from core.entities import Function
from core.facts import Covered, Gap, Inventory, Target
from core.formulas import is_cold_start
from core.settings import AwsSettings, CollectSettings, LogSettings
from core.telemetry import InvocationRecord, InvocationSummary, LogEvent
from core.windows import Window, floor
from quarterdeck.demo.server import DemoServer, FrozenClock

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
BIN = timedelta(minutes=5)
WINDOW = Window(datetime(2026, 11, 18, 9, 0, tzinfo=UTC), datetime(2026, 11, 18, 9, 25, tzinfo=UTC))
TARGET = Target("111122223333", "eu-west-1")


@pytest.fixture(scope="module")
def aws():
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        session = boto3.Session(f"ASIADEMO{TARGET.account}", "demo", region_name=TARGET.region)
        settings = AwsSettings(endpoint_url=server.endpoint, calls_per_s={})
        yield Aws(session, TARGET, settings, attempts=1)


@pytest.fixture(scope="module")
def known(aws) -> Inventory:
    found = inventory.collect(aws, Ask(window=WINDOW))
    functions = tuple(fact for fact in found if isinstance(fact, Function))
    pages = aws.pages("logs", "describe_log_groups")
    groups = tuple(parse_log_group(answer) for page in pages for answer in page["logGroups"])
    return Inventory(functions=functions, log_groups=groups)


def read(aws, known, mode: str, window: Window = WINDOW) -> list:
    settings = CollectSettings(logs=LogSettings(mode=mode))
    ask = Ask(window=window, known=known, settings=settings, newest=False)
    return list(logs.collect(aws, ask, pause=lambda seconds: None))


@pytest.fixture(scope="module")
def told(aws, known):
    every = read(aws, known, "every")
    aws.take_usage()
    return every, read(aws, known, "aggregated")


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


def bins_of(records) -> dict[tuple[str, datetime], list[InvocationRecord]]:
    found = defaultdict(list)
    for record in records:
        found[record.function, floor(record.ts, BIN)].append(record)
    return found


def test_both_modes_read_every_log(told):
    every, aggregated = told

    assert of(Gap, every) == of(Gap, aggregated) == []
    beside = as_written("gift-cards")  # its level keeps reports of successes from being written
    assert {c.scope for c in of(Covered, every)} - {beside} == {c.scope for c in of(Covered, aggregated)}


def test_sums_are_those_of_the_records_of_their_bin(told):
    every, aggregated = told
    records = bins_of(of(InvocationRecord, every))
    sums = {(s.function, s.ts): s for s in of(InvocationSummary, aggregated) if s.reports}

    assert len(sums) > 50
    assert sums.keys() == records.keys()
    for key, found in sums.items():
        mine = records[key]
        cold = [is_cold_start(init_ms=r.init_ms, restore_ms=r.restore_ms, init_type=None) for r in mine]
        assert (found.reports, found.cold_starts) == (len(mine), sum(cold)), key
        assert found.duration_sum_ms == pytest.approx(sum(r.duration_ms for r in mine), rel=1e-6)
        assert found.duration_max_ms == pytest.approx(max(r.duration_ms for r in mine), rel=1e-6)
        assert found.timeouts == sum(r.status == "timeout" for r in mine), key
        assert found.out_of_memory == sum(r.out_of_memory for r in mine), key
        memory = [r.max_memory_mb for r in mine if r.max_memory_mb is not None]
        assert found.max_memory_mb == (pytest.approx(max(memory)) if memory else None)


def test_the_newest_error_lines_are_lines_that_every_reading_keeps(told):
    every, aggregated = told
    known = {(e.function, e.ts, e.signature) for e in of(LogEvent, every)}

    found = of(LogEvent, aggregated)

    assert found
    assert {(e.function, e.ts, e.signature) for e in found} <= known


def test_what_was_scanned_is_paid_for(aws, told):
    (usage,) = [u for u in aws.take_usage() if u.operation == "StartQuery"]

    assert usage.calls == 2
    assert usage.units > 1_000_000
    assert float(usage.cost_usd) == pytest.approx(usage.units * 5e-12)


def test_a_kill_with_the_memory_used_up_counts_in_both_modes(aws, known):
    killed = Inventory(functions=tuple(f for f in known.functions if f.name == "image-resizer"))
    window = Window(WINDOW.start - timedelta(hours=1), WINDOW.start)

    records = bins_of(r for r in of(InvocationRecord, read(aws, killed, "every", window)) if r.out_of_memory)
    sums = of(InvocationSummary, read(aws, killed, "aggregated", window))

    assert {r.error_type for mine in records.values() for r in mine} == {"Runtime.ExitError"}
    assert {s.ts: s.out_of_memory for s in sums if s.out_of_memory} == {
        ts: len(mine) for (_, ts), mine in records.items()
    }
