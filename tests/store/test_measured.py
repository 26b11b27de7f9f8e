"""What is counted beside requests, time and log volume: each quantity against what was committed, by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entities import EventSourceMapping, LogGroup, Version
from core.facts import Covered, Listed
from core.prices import packaged
from core.settings import StoreSettings
from core.telemetry import MappingSample, TraceRecord
from core.windows import Window
from store.metering import hours_of
from store.readers.cost import cost_series, cost_step, costs
from store.readers.fleet import fleet
from store.readers.held import over_steps
from store.readers.usage import Question
from store.store import Filter, Store
from tests.store.readers.conftest import NOW, PROD, World

HOUR, GIB = timedelta(hours=1), 2**30
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
WINDOW = Window(NOW - 5 * HOUR, NOW - 2 * HOUR)
SEVEN, NINE = WINDOW.start, WINDOW.start + 2 * HOUR
JOBS = f"arn:aws:sqs:{PROD.region}:{PROD.account}:jobs"
DEAD = f"arn:aws:sqs:{PROD.region}:{PROD.account}:dead.fifo"
MASTER = f"arn:aws:lambda:us-east-1:{PROD.account}:function:signer"


def version(name, number, published, **about):
    values = {"memory_mb": 512, "runtime": "python3.13", "snap_start_status": "On", "architecture": "x86_64"}
    about = {**values, **about, "published": published, "version": number, "function": name}
    return Version(name=f"{name}:{number}", **about)


def inventory(world):
    """Functions, mappings and log groups; and three listings of versions, of which the last lacks one."""
    early, late = SEVEN - HOUR, SEVEN + 90 * timedelta(minutes=1)
    functions = [
        world.function("snap", memory_mb=512, architecture="x86_64"),
        world.function("jvm", memory_mb=512, runtime="java21"),
        world.function("us-east-1.signer", memory_mb=128, edge_master_arn=MASTER),
        world.function("tenants", memory_mb=256, architecture="arm64", tenancy="PER_TENANT"),
        world.function("feed"),
        world.function("work", dead_letter_arn=DEAD, tracing_mode="Active"),
        world.function("a", log_group="/shared"),
        world.function("b", log_group="/shared"),
        world.function("instances", capacity_provider_arn="arn:provider"),
    ]
    kafka = {"source_arn": "arn:aws:kafka:eu-west-1:1:cluster/c", "minimum_pollers": 5}
    mappings = [
        EventSourceMapping(name="m-1", function="feed", last_modified=early, **kafka),
        EventSourceMapping(
            name="m-2", function="work", last_modified=early, source_arn=JOBS, minimum_pollers=2
        ),
    ]
    listed = [Listed("function"), Listed("mapping"), Listed("version")]
    first = [version("snap", "1", early), version("jvm", "1", early, runtime="java21")]
    world.run("inventory", [*functions, *mappings, *first, *listed], finished_at=early)
    gone = [*functions, *mappings, first[1], *listed]
    world.run("inventory", gone, finished_at=SEVEN + timedelta(minutes=10))
    world.run("inventory", [*gone, version("snap", "2", late)], finished_at=NINE)
    groups = [
        LogGroup(
            name="/aws/lambda/feed",
            stored_bytes=2 * GIB,
            log_class="INFREQUENT_ACCESS",
            created=early - 90 * 24 * HOUR,
        ),
        LogGroup(name="/shared", stored_bytes=GIB, created=early),
    ]
    world.run("details", [*groups, Listed("log_group")], finished_at=early)


def telemetry(world):
    def ago(ts):
        return (NOW - ts) / timedelta(minutes=1)

    points = [
        world.point(ago(SEVEN), 10, function="us-east-1.signer", duration_sum_ms=100.0),
        world.point(ago(SEVEN), 4, function="feed", duration_sum_ms=40.0, log_bytes=1000.0),
        world.point(ago(SEVEN), 2, function="instances", duration_sum_ms=90.0, log_bytes=10.0),
        world.point(ago(SEVEN), 1, function="a", duration_sum_ms=1.0),
        world.point(ago(SEVEN), 1, function="work", duration_sum_ms=1.0, log_bytes=10.0),
    ]
    samples = [
        MappingSample(mapping="m-1", function="feed", ts=SEVEN + HOUR + i * timedelta(minutes=1), period_s=60,
                      provisioned_pollers_max=13.0, poller_units_max=4.0)
        for i in range(2)
    ]  # fmt: skip
    world.run("metrics", [*points, *samples], window=WINDOW)
    cold = {"init_ms": 100.0, "billed_ms": 200.0}
    tenants = {"function": "tenants", "memory_mb": 256.0}
    records = [
        world.record(ago(SEVEN) - 100, 100, function="snap", version="1", memory_mb=512.0, restore_ms=300.0),
        world.record(ago(SEVEN) - 100, 100, function="jvm", version="1", memory_mb=512.0, restore_ms=300.0),
        world.record(ago(SEVEN) - 1, 100, **tenants, **cold),
        world.record(ago(SEVEN) - 2, 100, **tenants, **cold),
        world.record(ago(SEVEN) - 3, 100, **tenants),
    ]
    read = [Covered(name, WINDOW) for name in ("snap", "jvm", "tenants")]
    world.run("logs", [*records, *read], window=WINDOW)
    traffic = {"sent": 10.0, "received": 8.0, "deleted": 8.0, "empty_receives": 15.0, "sent_bytes": 1e6}
    queues = [
        world.sample(ago(SEVEN) - 10, JOBS, 1, **traffic),
        world.sample(ago(SEVEN) - 10, DEAD, 0, received=3.0, deleted=3.0),
        *(Covered(arn, WINDOW) for arn in (JOBS, DEAD)),
    ]
    world.run("queues", queues, window=WINDOW)
    world.run("traces", [trace("1-a", ("feed", "work")), trace("1-b", ("work",))], window=WINDOW)


def trace(identity, functions):
    flags = {"has_error": False, "has_fault": False, "has_throttle": False, "root": None}
    about = {"duration_ms": 1.0, "response_ms": 1.0, "functions": functions, **flags}
    return TraceRecord(trace_id=identity, ts=SEVEN + timedelta(minutes=5), **about)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A store with all of it and a price for each, to be read only."""
    store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("measured")))
    world = World(store)
    inventory(world)
    telemetry(world)
    known = [price for price in packaged() if price.region in ("us-east-1", "*")]
    store.prices = tuple(replace(price, region=PROD.region) for price in known)
    yield store
    store.close()


@pytest.fixture(scope="module")
def hours(filled):
    """The usage of three hours as it is filed."""
    return hours_of(filled, PROD, WINDOW, now=NOW).to_pandas()


@pytest.mark.parametrize(
    "window",
    [
        WINDOW,
        Window(SEVEN + timedelta(minutes=4), SEVEN + timedelta(minutes=31)),
        Window(SEVEN - 2 * HOUR, NOW),
        Window(SEVEN - timedelta(days=20), NINE + timedelta(minutes=7)),
    ],
    ids=["as read", "part of an hour", "beyond what was read", "over two months"],
)
def test_the_fleet_table_adds_up_to_what_is_spent_and_is_as_sure_of_it(filled, window):
    table = fleet(filled, window, now=NOW)
    spent = costs(filled, window, now=NOW, by=("account", "region", "function"))

    total = costs(filled, window, now=NOW, by=())
    assert sum(usd for usd in table["cost_usd"] if usd is not None) == total["cost_usd"].item() > 0
    told = dict(zip(spent["function"], spent["state"], strict=True))
    said = {row.function: row.states.get("cost_usd") for row in table.itertuples()}
    assert {name: said[name] for name in told} == told


def by_hour(hours, function, column, **about):
    """What is counted of a function in each of the three hours."""
    mine = hours[hours["function"] == function]
    for name, value in about.items():
        mine = mine[mine[name] == value]
    told = mine.groupby("ts")[column].sum()
    return [float(told.get(ts, 0.0)) for ts in (SEVEN, SEVEN + HOUR, NINE)]


def test_bars_of_minutes_hold_all_that_the_table_has(filled):
    table = costs(filled, WINDOW, now=NOW, by=("function",))

    bars = cost_series(filled, WINDOW, now=NOW)

    assert cost_step(WINDOW) < HOUR
    assert table["pollers_usd"].sum() > 0
    assert bars["cost_usd"].sum() == pytest.approx(float(table["cost_usd"].sum()), rel=1e-6)


def test_a_snapshot_is_cached_from_publication_on_and_for_three_hours_at_least(hours):
    deleted = by_hour(hours, "snap", "snapstart_cache_mb_ms", version="1")
    new = by_hour(hours, "snap", "snapstart_cache_mb_ms", version="2")

    assert deleted == [512 * HOUR_MS, 512 * HOUR_MS, 0], "published at six, gone at ten past seven"
    assert new == [0, 512 * HOUR_MS / 2, 512 * HOUR_MS], "published at half past eight"


def test_a_restore_counts_its_memory_once_and_java_is_free(hours):
    assert by_hour(hours, "snap", "snapstart_restore_mb", version="1") == [0, 512, 0]
    assert by_hour(hours, "jvm", "snapstart_restore_mb") == [0, 0, 0]
    assert by_hour(hours, "jvm", "snapstart_cache_mb_ms") == [0, 0, 0]


def test_a_replica_is_charged_as_lambda_at_the_edge_alone(hours):
    assert by_hour(hours, "us-east-1.signer", "edge_requests") == [10, 0, 0]
    assert by_hour(hours, "us-east-1.signer", "edge_duration_mb_ms") == [(100 + 10 * 0.5) * 128, 0, 0]
    for elsewhere in ("requests", "duration_mb_ms"):
        assert by_hour(hours, "us-east-1.signer", elsewhere) == [0, 0, 0]


def test_every_cold_start_of_a_function_with_tenants_is_an_environment(hours):
    assert by_hour(hours, "tenants", "tenant_isolation_mb", architecture="arm64") == [2 * 256, 0, 0]
    assert by_hour(hours, "snap", "tenant_isolation_mb") == [0, 0, 0]


def test_pollers_are_as_measured_and_the_fewest_elsewhere(hours):
    kafka, sqs = (
        by_hour(hours, name, f"event_poller{of}_ms") for name, of in (("feed", ""), ("work", "_sqs"))
    )

    fewest = 2 * HOUR_MS  # five pollers fit in two units
    assert kafka == [fewest, 2 * 4 * MINUTE_MS + 58 * 2 * MINUTE_MS, fewest]
    assert sqs == [2 * HOUR_MS] * 3


def test_logs_of_infrequent_access_have_a_meter_of_their_own(hours):
    assert by_hour(hours, "feed", "log_ingest_ia_bytes") == [1000, 0, 0]
    assert by_hour(hours, "feed", "log_ingest_bytes") == [0, 0, 0]
    assert by_hour(hours, "work", "log_ingest_bytes") == [10, 0, 0]


def test_stored_logs_count_for_every_hour_invoked_or_not(hours):
    assert by_hour(hours, "feed", "log_storage_byte_hours") == [2 * GIB] * 3
    assert by_hour(hours, "a", "log_storage_byte_hours") == [0, 0, 0]


def test_a_trace_counts_once_however_many_functions_it_went_through(hours):
    assert by_hour(hours, "feed", "traces") == [1, 0, 0]
    assert by_hour(hours, "work", "traces") == [1, 0, 0]


def test_requests_to_a_queue_are_its_messages_in_chunks_and_its_empty_receives(hours):
    chunks = 2  # 100,000 bytes a message
    assert by_hour(hours, "work", "queue_requests") == [(10 + 8) * chunks + 8 + 15, 0, 0]
    assert by_hour(hours, "work", "queue_requests_fifo") == [6, 0, 0]


def test_managed_instances_are_charged_for_requests_and_no_time(hours):
    assert by_hour(hours, "instances", "requests") == [2, 0, 0]
    assert by_hour(hours, "instances", "duration_mb_ms") == [0, 0, 0]


@pytest.mark.parametrize(
    ("function", "component"),
    [("a", "log storage"), ("instances", "instances"), ("feed", None), ("tenants", None), ("snap", None)],
)
def test_what_is_not_known_says_its_component(hours, function, component):
    said = {
        part.partition(":")[0]
        for text in hours[hours["function"] == function]["unknown"].dropna()
        for part in text.split("; ")
    }

    assert component in said if component else not said - {"logs"}


minutes = st.integers(min_value=-600, max_value=600)


@given(st.lists(st.tuples(minutes, minutes), max_size=6), st.sampled_from([None, HOUR, 24 * HOUR]))
def test_steps_add_up_to_each_span_as_far_as_it_is_over_and_inside(told, step):
    spans = [Window(SEVEN + timedelta(minutes=min(p)), SEVEN + timedelta(minutes=max(p))) for p in told]

    found = over_steps(spans, Question(WINDOW, Filter(), now=NINE, step=step))

    sums = found.groupby("at")["ms"].sum()
    over = Window(WINDOW.start, NINE)
    for at, span in enumerate(spans):
        inside = span.overlap(over)
        assert sums.get(at, 0.0) == (inside.duration / timedelta(milliseconds=1) if inside else 0.0)
    assert (found["ms"] > 0).all()
