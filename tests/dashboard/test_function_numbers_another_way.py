"""Tabs and panels of a function's page against plain sums over the facts that were committed, seeded."""

import math
import random
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from core.entities import AccountLimits, Alias, Function, Version
from core.facts import Covered, Listed
from core.telemetry import InvocationRecord, LogEvent, MetricPoint
from core.windows import MINUTE
from dashboard import numbers
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import charts, table, words
from tests.dashboard.test_numbers_another_way import GB_SECOND, REQUEST, TIMES, board, percentile

JOB = "111111111111.eu-west-1.job"
MEMORY_MB, TIMEOUT_S = 512.0, 2
KINDS = ("KeyError: iban", "ValueError: no price")
WEIGHTS = {"7": 0.25, "6": 0.75}
"""Shares of the alias `live`; version 6 fails more."""


def record(chance, minute, nth):
    start = WINDOW.start + minute * MINUTE
    version = "7" if chance.random() < WEIGHTS["7"] else "6"
    cold = chance.random() < 0.1
    duration = round(chance.uniform(5, 2000 if chance.random() < 0.1 else 600), 2)
    init = round(chance.uniform(100, 900), 2) if cold else None
    failed = chance.random() < (0.3 if version == "6" else 0.05)
    return InvocationRecord(
        function="job", ts=start + timedelta(milliseconds=chance.randint(0, 59_999)), version=version,
        stream=f"s{minute}-{nth}", event_id=f"e{minute}-{nth}", request_id=f"r{minute}-{nth}",
        duration_ms=duration, billed_ms=float(math.ceil(duration + (init or 0))), memory_mb=MEMORY_MB,
        max_memory_mb=float(chance.randint(90, 480)), init_ms=init,
        status="error" if failed else "success", error_type="E" if failed else None,
    )  # fmt: skip


def points(records):
    """What CloudWatch counts of them: as a whole, under the alias, and of each version behind it."""
    for minute in range(180):
        start = WINDOW.start + minute * MINUTE
        mine = [one for one in records if start <= one.ts < start + MINUTE]
        for scope, resource, told in (
            ("function", "", mine),
            ("resource", "live", mine),
            *(("executed", f"live@{v}", [one for one in mine if one.version == v]) for v in WEIGHTS),
        ):
            yield MetricPoint(
                scope=scope, function="job", resource=resource, ts=start, period_s=60,
                invocations=float(len(told)), errors=float(failures(told)), concurrent_max=1.0,
                duration_sum_ms=sum(one.duration_ms for one in told),
                duration_max_ms=max((one.duration_ms for one in told), default=None),
            )  # fmt: skip


def failures(records):
    return sum(one.status != "success" for one in records)


@pytest.fixture
def job(store):
    """A function with a weighted alias: its records, and the kept lines of those that failed."""
    chance = random.Random(5)
    records = [record(chance, minute, nth) for minute in range(180) for nth in range(chance.randint(0, 3))]
    lines = [
        LogEvent(
            function="job", ts=one.ts, event_id=f"l{one.event_id}", stream=one.stream, version=one.version,
            request_id=one.request_id, level="error", message=kind, signature=kind,
        )
        for one in records
        if one.status != "success"
        for kind in [chance.choice(KINDS)]
    ]  # fmt: skip
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:job"
    store.remember_target(PROD, "shop", now=NOW)
    function = Function(name="job", arn=arn, memory_mb=int(MEMORY_MB), timeout_s=TIMEOUT_S)
    commit(store, "inventory", [function, AccountLimits(concurrent_limit=100, unreserved_limit=100)])
    alias = Alias(name="job:live", function="job", alias="live", version="6", weights={"7": WEIGHTS["7"]})
    versions = [
        Version(name=f"job:{v}", function="job", version=v, published=NOW - timedelta(days=9), timeout_s=2)
        for v in WEIGHTS
    ]
    commit(store, "details", [alias, *versions, Listed("provisioned", "job")])
    read = [Covered(scope, WINDOW) for scope in ("job", "job:live")]
    commit(store, "metrics", [*points(records), *read])
    commit(store, "logs", [*records, *lines, Covered("job", WINDOW)])
    for collector in ("triggers", "queues", "traces", "changes"):
        commit(store, collector, [])
    return records, lines


@pytest.fixture
def opened_tab(open_page, job):
    return lambda tab, **query: open_page("views/function.py", fn=JOB, tab=tab, **TIMES, **query)


def test_panels_of_durations_cold_starts_and_memory_are_those_of_each_minutes_records(opened_tab, job):
    by_minute = defaultdict(list)
    for one in job[0]:
        by_minute[one.ts.replace(second=0, microsecond=0)].append(one)
    minutes = [by_minute[WINDOW.start + at * MINUTE] for at in range(180)]

    drawn = board(opened_tab("errors"))

    for column, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        expected = [
            percentile([one.duration_ms for one in told], share) if told else None for told in minutes
        ]
        assert drawn[column] == [None if one is None else pytest.approx(one, abs=0.51) for one in expected]
    cold = [sum(one.init_ms is not None for one in told) for told in minutes]
    assert drawn["cold_pct"] == [
        pytest.approx(100 * n / len(told), abs=0.01) if told else None
        for n, told in zip(cold, minutes, strict=True)
    ]
    assert drawn["memory_mb"] == [max((one.max_memory_mb for one in told), default=None) for told in minutes]


def test_errors_are_counted_by_their_lines(opened_tab, job):
    _, lines = job

    shown = table(opened_tab("errors"), "signature").set_index("signature")

    assert set(shown.index) == set(KINDS)
    for kind, row in shown.iterrows():
        mine = [line for line in lines if line.signature == kind]
        assert row["count"] == len(mine)
        assert (row["first_seen"], row["last_seen"]) == (
            min(line.ts for line in mine),
            max(line.ts for line in mine),
        )
        assert sorted(row["versions"]) == sorted({line.version for line in mine})


ORDERS = {
    "slowest": (lambda one: True, lambda one: -one.duration_ms),
    "nearest timeout": (lambda one: True, lambda one: -one.duration_ms),
    "failed": (lambda one: one.status != "success", lambda one: -one.ts.timestamp()),
    "cold": (lambda one: one.init_ms is not None, lambda one: -one.init_ms),
    "newest": (lambda one: True, lambda one: -one.ts.timestamp()),
}


@pytest.mark.parametrize("order", ORDERS)
def test_each_order_of_invocations_lists_fifty_of_its_records(opened_tab, job, order):
    is_one, key = ORDERS[order]
    expected = sorted(filter(is_one, job[0]), key=key)[:50]

    shown = table(opened_tab("invocations", calls=order), "request_id")

    assert list(shown["request_id"]) == [one.request_id for one in expected]
    assert list(shown["duration_ms"]) == [one.duration_ms for one in expected]
    assert list(shown["max_memory_mb"]) == [one.max_memory_mb for one in expected]
    assert list(shown["log"]) == ["1 kept" if one.status != "success" else "search" for one in expected]
    if "timeout_share" in shown:
        shares = [one.duration_ms / (TIMEOUT_S * 1000) for one in expected]
        assert list(shown["timeout_share"]) == pytest.approx(shares)


def test_invocations_spread_as_their_records_do(opened_tab, job):
    records, _ = job

    app = opened_tab("invocations")

    durations = next(rows for alt, rows in charts(app) if alt.startswith("Invocations by duration"))
    for row in durations.to_dict("records"):
        inside = [one for one in records if row["from_ms"] <= one.duration_ms < row["to_ms"]]
        assert row["records"] == len(inside)
    used = [one.max_memory_mb for one in records]
    assert f"{len(records)} invocation records" in words(app)
    assert (
        f"512 MB: at most {numbers.megabytes(max(used))} ({max(used) / 512:.0%}) used, "
        f"p95 {numbers.megabytes(percentile(used, 0.95))}, over {len(records)} records."
    ) in words(app)


def test_cold_starts_are_sums_over_their_records_by_version_too(opened_tab, job):
    records, _ = job
    cold = [one for one in records if one.init_ms is not None]

    app = opened_tab("cold starts")

    inits = [one.init_ms for one in cold]
    middle, slow = (numbers.ms(percentile(inits, share)) for share in (0.5, 0.95))
    said = words(app)
    assert f"**{len(cold)} cold starts** of {len(records)} invocation records" in said
    assert (
        f"initialization p50 {middle}, p95 {slow}, "
        f"at most {numbers.ms(max(inits))}; callers waited {numbers.age(sum(inits) / 1000)} in all"
    ) in said
    splits = table(app, "waited_s").set_index("version")
    for version in WEIGHTS:
        mine = [one for one in cold if one.version == version]
        assert splits.loc[version, "cold_starts"] == len(mine)
        assert splits.loc[version, "init_p95_ms"] == pytest.approx(
            percentile([one.init_ms for one in mine], 0.95)
        )
        assert splits.loc[version, "waited_s"] == pytest.approx(sum(one.init_ms for one in mine) / 1000)


def test_versions_behind_an_alias_have_the_shares_and_error_rates_of_what_they_ran(opened_tab, job):
    records, _ = job
    by_version = {v: [one for one in records if one.version == v] for v in WEIGHTS}

    app = opened_tab("versions")

    aliases = table(app, "asked_share").set_index("version")
    versions = table(app, "published").set_index("version")
    for version, mine in by_version.items():
        for shown in (aliases, versions):
            assert shown.loc[version, "invocations"] == len(mine)
            assert shown.loc[version, "share"] == pytest.approx(len(mine) / len(records))
            assert shown.loc[version, "errors"] == failures(mine)
            assert shown.loc[version, "error_rate"] == pytest.approx(failures(mine) / len(mine))
        assert aliases.loc[version, "asked_share"] == WEIGHTS[version]
        assert aliases.loc[version, "duration_max_ms"] == max(one.duration_ms for one in mine)
        took = [one.duration_ms for one in mine]
        assert aliases.loc[version, "duration_avg_ms"] == pytest.approx(sum(took) / len(took))
        assert versions.loc[version, "duration_p95_ms"] == pytest.approx(percentile(took, 0.95))
        is_cold = [one.init_ms is not None for one in mine]
        assert versions.loc[version, "cold_start_rate"] == pytest.approx(sum(is_cold) / len(mine))


def test_parts_of_the_cost_are_prices_times_what_records_were_billed(opened_tab, job):
    records, _ = job

    shown = table(opened_tab("cost"), "formula").set_index("component")["cost_usd"]

    gb = Decimal(MEMORY_MB) / 1024
    billed = sum(Decimal(one.billed_ms) for one in records) / 1000 * gb
    beyond = [one.billed_ms - math.ceil(one.duration_ms) for one in records if one.init_ms is not None]
    init = Decimal(sum(beyond)) / 1000 * gb
    assert shown["Requests"] == pytest.approx(float(len(records) * REQUEST))
    assert shown["Duration"] == pytest.approx(float((billed - init) * GB_SECOND))
    assert shown["Initialization"] == pytest.approx(float(init * GB_SECOND))


def test_a_row_of_the_function_table_counts_what_was_invoked_failed_and_began_cold(open_page, job):
    records, _ = job

    row = table(open_page(**TIMES), "traffic").iloc[0]

    assert row["invocations"] == len(records)
    assert row["error_rate"] == pytest.approx(100 * failures(records) / len(records))
    assert row["cold_start_rate"] == pytest.approx(
        100 * sum(one.init_ms is not None for one in records) / len(records)
    )
    steps = Counter((one.ts - WINDOW.start) // (6 * MINUTE) for one in records)
    failed = Counter((one.ts - WINDOW.start) // (6 * MINUTE) for one in records if one.status != "success")
    assert list(row["traffic"]) == [steps[at] for at in range(30)]
    assert list(row["errors"]) == [failed[at] for at in range(30)]
