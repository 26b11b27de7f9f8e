"""Cards, boards and tables of pages against plain sums over the facts that were committed, seeded."""

import json
import math
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from core.entities import AccountLimits, EventSourceMapping, Function, Queue
from core.facts import Covered, Listed, Usage
from core.telemetry import InvocationRecord, MetricPoint, QueueSample, TraceRecord
from core.windows import MINUTE, Window
from dashboard import numbers
from quarterdeck.notes import write_note
from store.readers.budget import PACE_KEY
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import charts, table

DAY = timedelta(days=1)
TIMES = {"from": WINDOW.start.isoformat(), "to": WINDOW.end.isoformat()}
MEMORY_MB = {"api": 512, "job": 1024}
REQUEST, GB_SECOND, LOG_GIB = Decimal("0.0000002"), Decimal("0.0000166667"), Decimal("0.57")
"""Prices of eu-west-1, x86."""
HERE = f"arn:aws:sqs:{PROD.region}:{PROD.account}:"
INBOX, LETTERS = HERE + "in", HERE + "in-dlq"


@dataclass
class Told:
    """What was committed of one window."""

    points: list[MetricPoint] = field(default_factory=list)
    records: list[InvocationRecord] = field(default_factory=list)

    def of(self, name):
        """The same of one function."""
        return Told(
            [point for point in self.points if point.function == name],
            [record for record in self.records if record.function == name],
        )

    def sum(self, name):
        return sum(getattr(point, name) or 0 for point in self.points if point.scope == "function")

    def p95_ms(self):
        return percentile([record.duration_ms for record in self.records], 0.95)

    def usd(self):
        """Requests, GB-seconds and log bytes at their prices."""
        gib = Decimal(self.sum("log_bytes")) / 1024**3
        return Decimal(self.sum("invocations")) * REQUEST + self.gb_s() * GB_SECOND + gib * LOG_GIB

    def gb_s(self):
        billed = [Decimal(record.billed_ms) * Decimal(record.memory_mb) for record in self.records]
        return sum(billed, Decimal(0)) / 1024 / 1000

    def init_gb_s(self):
        """What was billed beyond the handlers' own time of cold invocations."""
        beyond = [
            Decimal(record.billed_ms - math.ceil(record.duration_ms)) * Decimal(record.memory_mb)
            for record in self.records
            if record.init_ms is not None
        ]
        return sum(beyond, Decimal(0)) / 1024 / 1000


def percentile(values, share):
    """Between the two values around the place."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low, high = ordered[math.floor(at)], ordered[math.ceil(at)]
    return low + (high - low) * (at - math.floor(at))


def minute_of(chance, name, start, told):
    """A minute of a function: some invocations, each with its record."""
    invocations = chance.randint(0, 4)
    told.points.append(
        MetricPoint(
            scope="function", function=name, ts=start, period_s=60,
            invocations=float(invocations), errors=float(chance.randint(0, invocations) // 2),
            throttles=float(chance.randint(0, 2)), concurrent_max=float(invocations),
            log_bytes=float(chance.randint(0, 9_000_000)),
        )
    )  # fmt: skip
    for nth in range(invocations):
        duration, init = chance.uniform(3, 900), chance.uniform(100, 700) if chance.random() < 0.2 else None
        told.records.append(
            InvocationRecord(
                function=name, ts=start + timedelta(seconds=chance.uniform(0, 59)), version="1", stream="s",
                event_id=f"{name}{start:%d%H%M}{nth}", request_id=f"{name}{start:%d%H%M}{nth}",
                duration_ms=round(duration, 2), billed_ms=float(math.ceil(duration + (init or 0)) + 1),
                memory_mb=float(MEMORY_MB[name]), max_memory_mb=100.0, init_ms=init,
            )
        )  # fmt: skip


@pytest.fixture
def fleet(store):
    """Two functions in the last three hours and in the same hours yesterday: what was told of each window."""
    chance, windows = random.Random(11), (WINDOW, Window(WINDOW.start - DAY, WINDOW.end - DAY))
    store.remember_target(PROD, "shop", now=NOW)
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:"
    functions = [
        Function(name=name, arn=arn + name, memory_mb=size, runtime="python3.13", tags={"team": f"of-{name}"})
        for name, size in MEMORY_MB.items()
    ]
    commit(store, "inventory", [*functions, AccountLimits(concurrent_limit=100, unreserved_limit=100)])
    for collector in ("details", "triggers", "queues", "traces", "changes"):
        commit(store, collector, [Listed("provisioned", name) for name in MEMORY_MB])
    told = []
    for window in windows:
        told.append(Told())
        for minute in range(180):
            start = window.start + minute * MINUTE
            for name in MEMORY_MB:
                minute_of(chance, name, start, told[-1])
            told[-1].points.append(
                MetricPoint(scope="account", ts=start, period_s=60, claimed_max=float(chance.randint(2, 40)))
            )
        commit(store, "metrics", told[-1].points, window=window)
        read = [Covered(name, window) for name in MEMORY_MB]
        commit(store, "logs", [*told[-1].records, *read], window=window)
    return told


def cards(app):
    return {metric.label.split(" :")[0]: (metric.value, metric.delta) for metric in app.metric}


def board(app):
    """What a board's chart is drawn from: column to values."""
    sent = app.get("echarts_chart")[0].proto.datasets[0].data.data
    return pa.ipc.open_stream(sent).read_all().to_pydict()


def percent_more(now, before):
    moved = (float(now) / float(before) - 1) * 100
    return f"{moved:+,.0f} %" if abs(moved) >= 0.5 else "no change"


# --- Overview and Function ----------------------------------------------------------------------------------


def test_the_six_numbers_of_the_fleet_are_sums_over_its_facts(open_page, fleet):
    here, _ = fleet

    shown = cards(open_page(**TIMES))

    assert shown["Invocations / min"][0] == numbers.count(here.sum("invocations") / 180)
    assert shown["Error rate"][0] == numbers.percent(here.sum("errors") / here.sum("invocations"))
    assert shown["p95 duration"][0] == numbers.ms(here.p95_ms())
    assert shown["Throttles"][0] == numbers.count(here.sum("throttles"))
    assert shown["Cost / day"][0] == numbers.usd(here.usd() * 8)
    most = max(point.claimed_max for point in here.points if point.scope == "account")
    assert shown["Concurrency"] == (f"{most:.0f}", f"{most:.0f}% of 100")


def test_numbers_of_the_fleet_move_against_the_same_hours_yesterday(open_page, fleet):
    here, there = fleet

    shown = cards(open_page(**TIMES))

    rates = [told.sum("errors") / told.sum("invocations") for told in fleet]
    assert shown["Invocations / min"][1] == percent_more(here.sum("invocations"), there.sum("invocations"))
    assert shown["Error rate"][1] == f"{(rates[0] - rates[1]) * 100:+.2f} pp"
    assert shown["p95 duration"][1] == percent_more(here.p95_ms(), there.p95_ms())
    assert shown["Throttles"][1] == percent_more(here.sum("throttles"), there.sum("throttles"))
    assert shown["Cost / day"][1] == percent_more(here.usd(), there.usd())


def test_the_board_of_the_fleet_draws_each_minute_of_its_facts(open_page, fleet):
    here, _ = fleet
    traffic, failed, refused = Counter(), Counter(), Counter()
    for point in here.points:
        traffic[point.ts] += point.invocations or 0
        failed[point.ts] += point.errors or 0
        refused[point.ts] += point.throttles or 0
    minutes = [WINDOW.start + at * MINUTE for at in range(180)]

    drawn = board(open_page(**TIMES))

    assert drawn["failed"] == [failed[ts] for ts in minutes]
    assert drawn["succeeded"] == [traffic[ts] - failed[ts] for ts in minutes]
    assert drawn["throttles"] == [refused[ts] for ts in minutes]
    claimed = [point.claimed_max for point in here.points if point.scope == "account"]
    assert drawn["concurrent"] == claimed


def test_a_row_of_the_function_table_is_a_sum_over_its_facts(open_page, fleet):
    rows = table(open_page(**TIMES), "traffic").set_index("function")

    for name in MEMORY_MB:
        here, row = fleet[0].of(name), rows.loc[name]
        assert row["p95_ms"] == pytest.approx(here.p95_ms(), rel=1e-4)
        assert row["throttles"] == here.sum("throttles")
        assert row["cost_per_day_usd"] == pytest.approx(float(here.usd() * 8))


def test_the_six_numbers_of_a_function_are_sums_over_its_facts(open_page, fleet):
    here, there = (told.of("job") for told in fleet)
    cold = [record for record in here.records if record.init_ms is not None]

    shown = cards(open_page("views/function.py", fn="job", **TIMES))

    assert shown["Error rate"][0] == numbers.percent(here.sum("errors") / here.sum("invocations"))
    assert shown["Invocations / min"] == (
        numbers.count(here.sum("invocations") / 180),
        percent_more(here.sum("invocations"), there.sum("invocations")),
    )
    assert shown["p95 duration"][0] == numbers.ms(here.p95_ms())
    assert shown["Cold starts"] == (
        numbers.percent(len(cold) / len(here.records)),
        f"init p95 {numbers.ms(percentile([record.init_ms for record in cold], 0.95))}",
    )
    assert shown["Throttles"] == (numbers.count(here.sum("throttles")), "4 at once")
    assert shown["Cost / day"][0] == numbers.usd(here.usd() * 8)


def test_the_board_of_a_function_draws_each_minute_of_its_facts(open_page, fleet):
    points = fleet[0].of("api").points

    drawn = board(open_page("views/function.py", fn="api", **TIMES))

    assert drawn["failed"] == [point.errors for point in points]
    assert drawn["succeeded"] == [point.invocations - point.errors for point in points]
    assert drawn["throttles"] == [point.throttles for point in points]
    assert drawn["concurrent"] == [point.concurrent_max for point in points]


# --- Cold starts --------------------------------------------------------------------------------------------


def test_the_cards_of_cold_starts_are_sums_over_their_records(open_page, fleet):
    here, there = fleet
    cold = [record for record in here.records if record.init_ms is not None]
    was = [record for record in there.records if record.init_ms is not None]

    shown = cards(open_page("views/cold.py", **TIMES))

    slow = [percentile([record.init_ms for record in records], 0.95) for records in (cold, was)]
    assert shown["Cold starts"] == (numbers.count(len(cold)), percent_more(len(cold), len(was)))
    assert shown["Init p95"] == (numbers.ms(slow[0]), percent_more(*slow))
    assert shown["Init cost"][0] == numbers.usd(here.init_gb_s() * GB_SECOND)
    assert shown["SnapStart restores"] == ("0", f"{numbers.count(len(cold))} on demand")


# --- Cost ---------------------------------------------------------------------------------------------------


def test_the_cards_of_cost_are_prices_times_what_was_used(open_page, fleet):
    here, there = fleet

    app = open_page("views/cost.py", **TIMES)

    shown = cards(app)
    gib = Decimal(here.sum("log_bytes")) / 1024**3
    handled = here.gb_s() - here.init_gb_s()
    assert shown["In this window"] == (numbers.usd(here.usd()), percent_more(here.usd(), there.usd()))
    assert shown["A month at this pace"] == (
        numbers.usd(here.usd() * 8 * 30),
        f"{numbers.usd(here.usd() * 8)} a day",
    )
    logs_usd = Decimal(here.sum("log_bytes") + there.sum("log_bytes")) / 1024**3 * LOG_GIB
    assert shown["This month so far"] == (
        numbers.usd(here.usd() + there.usd()),
        f"{numbers.usd(logs_usd)} net",  # the rest is within the free amounts
    )
    assert shown["Forecast"] == (numbers.UNKNOWN, "")
    assert shown["Untagged"] == ("0%", "$0.00")
    assert shown["Quarterdeck itself"][0] == numbers.UNKNOWN
    drawn = " ".join(charts(app)[-1][1]["label"])
    assert f"Duration  {numbers.usd(handled * GB_SECOND)}" in drawn
    assert f"Initialization  {numbers.usd(here.init_gb_s() * GB_SECOND)}" in drawn
    assert f"Log ingestion  {numbers.usd(gib * LOG_GIB)}" in drawn
    assert "Provisioned" not in drawn


def test_the_rows_of_cost_are_prices_times_what_each_group_used(open_page, fleet):
    whole = fleet[0].usd()

    rows = table(open_page("views/cost.py", by="tag:team", **TIMES), "share").set_index("name")

    for name in MEMORY_MB:
        here, row = fleet[0].of(name), rows.loc[f"of-{name}"]
        invocations = here.sum("invocations")
        assert row["cost_usd"] == pytest.approx(float(here.usd()))
        assert row["share"] == pytest.approx(float(here.usd() / whole))
        assert row["per_day_usd"] == pytest.approx(float(here.usd() * 8))
        assert row["requests_usd"] == pytest.approx(float(Decimal(invocations) * REQUEST))
        assert row["invocations"] == invocations
        assert row["per_million_usd"] == pytest.approx(float(here.usd()) / invocations * 1e6)


# --- Queues -------------------------------------------------------------------------------------------------


def sample(queue, minute, **fields):
    zero = {"not_visible_max": 0.0, "delayed_max": 0.0, "received": 0.0, "sent": 0.0, "deleted": 0.0}
    return QueueSample(queue=queue, ts=WINDOW.start + minute * MINUTE, period_s=60, **(zero | fields))


def test_the_cards_of_queues_are_sums_over_their_samples(open_page, fleet, store):
    chance = random.Random(4)
    sent = [float(chance.randint(0, 9)) for _ in range(180)]
    taken = [float(chance.randint(0, 5)) for _ in range(180)]
    letters = [float(minute // 20) for minute in range(180)]
    inbox = [
        sample(INBOX, at, visible_max=40.0, oldest_age_max_s=60.0 + at, sent=sent[at], deleted=taken[at])
        for at in range(180)
    ]
    dead = [sample(LETTERS, at, visible_max=letters[at], oldest_age_max_s=7200.0) for at in range(180)]
    queues = [
        Queue(name=INBOX, visible=40, not_visible=0, delayed=0, redrive_target=LETTERS, max_receive_count=3),
        Queue(name=LETTERS, visible=int(letters[-1]), not_visible=0, delayed=0),
    ]
    commit(store, "queues", [*queues, *inbox, *dead, Covered(INBOX, WINDOW), Covered(LETTERS, WINDOW)])
    feeds = {"name": "m1", "function": "job", "source_arn": INBOX, "state": "Enabled", "batch_size": 10}
    commit(store, "details", [EventSourceMapping(**feeds)])

    shown = cards(open_page("views/queues.py", **TIMES))

    assert shown["In dead-letter queues"][0] == numbers.count(letters[-1])
    assert shown["Dead-letter arrivals"][0] == numbers.count(letters[-1] - letters[0])
    assert shown["Oldest dead letter"][0] == "2 h"
    assert shown["Waiting in sources"][0] == "40"
    assert shown["Oldest waiting"][0] == numbers.age(60 + 179)
    assert shown["In minus out"][0] == f"{sum(sent) - sum(taken):+,.0f}"


# --- Traces -------------------------------------------------------------------------------------------------


def test_the_cards_of_traces_are_counts_and_times_of_the_traces(open_page, fleet, store):
    chance = random.Random(6)
    traces = [
        TraceRecord(
            trace_id=f"1-{number:08x}-{number:024x}", ts=WINDOW.start + chance.uniform(1, 179) * MINUTE,
            duration_ms=(took := round(chance.uniform(1, 900))) + 5.0, response_ms=float(took),
            has_fault=number % 7 == 0, has_error=number % 8 == 0, has_throttle=False,
            partial=number % 11 == 0, root="api", functions=("api",), document="[]" if number % 3 else None,
        )
        for number in range(1, 60)
    ]  # fmt: skip
    commit(store, "traces", [*traces, Covered("", WINDOW)])
    faults = [trace for trace in traces if trace.has_fault]
    errors = [trace for trace in traces if trace.has_error and not trace.has_fault]
    running = [trace for trace in traces if trace.partial and trace not in (*faults, *errors)]
    waits = [trace.response_ms for trace in traces]

    shown = cards(open_page("views/traces.py", **TIMES))

    full = sum(trace.document is not None for trace in traces)
    assert shown["Traces"] == ("59", f"{full} read in full")
    assert shown["Failed"] == (
        numbers.percent((len(faults) + len(errors)) / 59),
        f"{len(faults)} faults · {len(errors)} errors",
    )
    assert shown["Still running"][0] == str(len(running))
    assert shown["Median"][0] == numbers.ms(percentile(waits, 0.5))
    assert shown["p95"][0] == numbers.ms(percentile(waits, 0.95))
    assert shown["Slowest"][0] == numbers.ms(max(waits))


# --- Collection health --------------------------------------------------------------------------------------


def test_the_cards_of_collection_are_sums_over_runs_and_calls(open_page, fleet, store):
    """Calls of an hour ago and of two days ago; the pace in force goes on until the month's end."""

    def spent(ago, usd, calls):
        usage = Usage(
            service="monitoring", operation="GetMetricData", calls=calls, units=calls * 500, cost_usd=usd
        )
        commit(store, "metrics", [], usage=(usage,), at=NOW - ago)

    spent(timedelta(days=2), "1.25", 40)
    spent(timedelta(hours=1), "0.5", 20)
    commit(store, "changes", [], outcome="failed", error="no", at=NOW - timedelta(hours=2))
    write_note(store, PACE_KEY, json.dumps({"decided_at": NOW.isoformat(), "usd_a_day": "0.4"}))
    left_days = Decimal((datetime(2026, 12, 1, tzinfo=UTC) - NOW) / DAY)

    app = open_page("views/collection.py", **TIMES)

    shown = cards(app)
    assert shown["Collectors on time"] == ("8 of 8", "all of them")
    assert shown["Runs that failed"] == ("1", "of 12 in 24 h")
    assert shown["Gaps in this window"] == ("0", "everything was read")
    assert shown["Spent this month"] == (numbers.usd(Decimal("1.75")), "60 calls")
    assert shown["Projected month"][0] == numbers.usd(Decimal("1.75") + Decimal("0.4") * left_days)
    kept = sum(len(told.points) + len(told.records) for told in fleet)
    assert shown["Store"][1] == f"{kept:,} rows"
