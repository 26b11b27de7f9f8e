"""Cold starts by group and around deploys, configuration between two times, and draining queues."""

import random
from dataclasses import replace
from datetime import timedelta
from statistics import median, quantiles

import pytest

from core.buckets import package_size
from core.entities import Alias, EventSourceMapping, Queue, Version
from core.errors import StoreError
from core.facts import Covered, Listed
from core.telemetry import LogEvent
from core.windows import Window
from store.readers.cold_groups import cold_groups, deploy_effects
from store.readers.draining import drains
from store.readers.log_search import Search, log_events
from store.readers.revisions import configuration_as_of, configuration_diff
from store.store import Filter

IN = "arn:aws:sqs:eu-west-1:111111111111:in"
DLQ = "arn:aws:sqs:eu-west-1:111111111111:dlq"
MB = 2**20


def test_sizes_of_packages_have_names():
    sizes = [package_size(mb * MB) for mb in (0.5, 1, 7, 249, 900)]

    assert sizes == ["0 to 1 MB", "1 to 5 MB", "5 to 10 MB", "100 to 250 MB", "250 MB and more"]
    assert package_size(None) is None


@pytest.fixture
def fleet(world):
    """Three functions with records of every way to start, and the records beside them."""
    chance, facts = random.Random(3), []
    kinds = [
        {"init_type": "on-demand"},
        {"init_type": "on-demand", "init_ms": 300.0},
        {"init_type": "provisioned-concurrency", "init_ms": 900.0},
        {"init_type": "snap-start", "restore_ms": 200.0},
        {},
    ]
    for i in range(400):
        extra = dict(chance.choice(kinds))
        for name in ("init_ms", "restore_ms"):
            if name in extra:
                extra[name] += i
        duration = chance.uniform(1, 900)
        facts.append(
            world.record(
                chance.uniform(1, 59),
                duration,
                function=chance.choice(["orders", "stock", "image"]),
                version=chance.choice(["$LATEST", "2"]),
                memory_mb=chance.choice([512.0, 1024.0]),
                **{**extra, "billed_ms": float(int(duration + extra.get("init_ms", 0)) + 1)},
            )
        )
    functions = [
        world.function("orders", code_size_bytes=3 * MB, tags={"team": "shop"}),
        world.function("stock", code_size_bytes=30 * MB, runtime="nodejs22.x", tags={"team": "shop"}),
        world.function(
            "image", code_size_bytes=400 * MB, runtime=None, package_type="Image", architecture="arm64"
        ),
    ]
    versions = [
        Version(
            name="orders:2", function="orders", version="2", runtime="python3.11", code_size_bytes=MB // 2
        )
    ]
    world.run("inventory", [*functions, *versions])
    covered = [Covered(name, world.window(60)) for name in ("orders", "stock")]
    world.run("logs", [*facts, *covered], window=world.window(60))
    world.facts = facts
    return world


def is_cold(record):
    started = record.init_ms is not None or record.restore_ms is not None
    return started and record.init_type != "provisioned-concurrency"


RUNTIMES = {"orders": "python3.13", "stock": "nodejs22.x", "image": None}
SIZES = {"orders": "1 to 5 MB", "stock": "10 to 50 MB", "image": "250 MB and more"}
GROUPS = {
    "function": lambda r: r.function,
    "version": lambda r: r.version,
    "memory_mb": lambda r: r.memory_mb,
    "runtime": lambda r: "python3.11" if (r.function, r.version) == ("orders", "2") else RUNTIMES[r.function],
    "package_size": lambda r: (
        "0 to 1 MB" if (r.function, r.version) == ("orders", "2") else SIZES[r.function]
    ),
    "architecture": lambda r: "arm64" if r.function == "image" else "x86_64",
    "start": lambda r: {"provisioned-concurrency": "provisioned", "snap-start": "snap-start"}.get(
        r.init_type, "on-demand"
    ),
    "tag:team": lambda r: "" if r.function == "image" else "shop",
}


@pytest.mark.parametrize(
    "by", [(part,) for part in GROUPS] + [("runtime", "start"), ("function", "memory_mb")], ids=str
)
def test_cold_starts_by_any_group_are_those_of_its_records(fleet, by):
    found = cold_groups(fleet.store, fleet.window(60), now=fleet.now, by=by)

    groups = {}
    for record in fleet.facts:
        groups.setdefault(tuple(GROUPS[part](record) for part in by), []).append(record)
    assert len(found) == len(groups)
    for row in found.to_dict("records"):
        records = groups[tuple(row[part] for part in by)]
        cold = [r for r in records if is_cold(r)]
        inits = [r.init_ms for r in cold if r.init_ms is not None]
        assert (row["records"], row["cold_starts"]) == (len(records), len(cold))
        assert row["cold_start_rate"] == pytest.approx(len(cold) / len(records))
        waited = sum((r.init_ms or 0) + (r.restore_ms or 0) for r in cold) / 1000
        assert row["waited_s"] == pytest.approx(waited)
        restores = [r.restore_ms for r in cold if r.restore_ms is not None]
        assert row["restores"] == len(restores)
        if len(restores) > 1:
            assert row["restore_p50_ms"] == pytest.approx(median(restores))
            assert row["restore_p95_ms"] == pytest.approx(quantiles(restores, n=20, method="inclusive")[-1])
        if len(inits) > 1:
            assert row["init_p50_ms"] == pytest.approx(median(inits))
            assert row["init_p95_ms"] == pytest.approx(quantiles(inits, n=20, method="inclusive")[-1])
        billed = sum(max(0, r.billed_ms - -(-r.duration_ms // 1)) * r.memory_mb for r in cold) / 1_024_000
        assert row["init_gb_s"] == pytest.approx(billed)
        assert row["functions"] == len({r.function for r in records})


def test_groups_with_logs_that_were_not_read_in_full_say_so(fleet):
    found = cold_groups(fleet.store, fleet.window(60), now=fleet.now, by=["function"]).set_index("function")

    assert found["unread"].to_dict() == {"orders": 0, "stock": 0, "image": 1}


def test_no_records_make_no_groups(world):
    found = cold_groups(world.store, world.window(60), now=world.now, by=["runtime", "start"])

    assert found.empty
    assert list(found.columns)[:3] == ["runtime", "start", "records"]


# --- deploys ------------------------------------------------------------------------------------------------


def test_each_deploy_has_what_was_before_and_after_it(world):
    versions = [
        Version(name=f"orders:{n}", function="orders", version=str(n), published=world.at(at))
        for n, at in ((1, 150), (2, 90), (3, 30))
    ]
    window, facts = world.window(180), []
    for i in range(180):
        slow, cold = (900 if i < 30 else 100 + i / 10), i % 45 == 0
        facts.append(
            world.record(
                i + 0.5,
                slow,
                init_ms=500.0 + i if cold else None,
                status="error" if i < 30 and i % 3 == 0 else "success",
            )
        )
    world.run("inventory", [world.function(), *versions])
    world.run("logs", [*facts, Covered("orders", window)], window=window)

    found = deploy_effects(world.store, world.target, "orders", window, now=world.now)

    assert found["version"].tolist() == ["3", "2", "1"]
    assert found["before_records"].tolist() == [30, 60, 30]
    assert found["after_records"].tolist() == [30, 60, 60]
    assert found["side_s"].tolist() == [30 * 60, 60 * 60, 60 * 60]
    newest = found.iloc[0]
    assert newest["after_error_rate"] == pytest.approx(10 / 30)
    assert newest["before_error_rate"] == 0
    assert newest["after_duration_p95_ms"] == 900
    assert newest["before_duration_p50_ms"] == pytest.approx(median(100 + i / 10 for i in range(30, 60)))
    assert newest["before_cold_start_rate"] == pytest.approx(1 / 30)
    assert newest["before_init_p50_ms"] == 545
    assert newest["before_state"] in {None, "provisional"}


def test_a_side_of_a_deploy_that_was_not_read_says_so(world):
    world.run(
        "inventory",
        [world.function(), Version(name="orders:1", function="orders", version="1", published=world.at(60))],
    )
    world.run("logs", [world.record(30), Covered("orders", world.window(60))], window=world.window(60))

    (row,) = deploy_effects(
        world.store, world.target, "orders", world.window(120), now=world.now
    ).itertuples()

    assert row.before_records == 0
    assert row.before_state.startswith("not collected")
    assert row.after_records == 1
    assert row.after_state in {None, "provisional"}


def test_a_function_without_deploys_has_an_empty_typed_frame(world):
    found = deploy_effects(world.store, world.target, "orders", world.window(60), now=world.now)

    assert found.empty
    assert found["before_records"].dtype == float


# --- configuration ------------------------------------------------------------------------------------------


@pytest.fixture
def changed(world):
    """Three looks at a function: 120, 60 and 0 minutes ago."""
    first = world.function(memory_mb=512, tags={"team": "shop"})
    second = replace(first, memory_mb=1024, timeout_s=60, last_modified=world.at(60))
    live = Alias(name="orders:live", function="orders", alias="live", version="1")
    looks = [
        (120, [first, live, Listed("alias", "orders")]),
        (60, [second, live, Listed("alias", "orders")]),
        (1, [second, Listed("alias", "orders")]),
    ]
    for minutes, facts in looks:
        world.run("inventory", facts, started_at=world.at(minutes), finished_at=world.at(minutes))
    return world


def test_what_differs_between_two_times_is_told_field_by_field(changed):
    found = configuration_diff(changed.store, changed.target, "orders", changed.at(90), changed.now)

    assert found.rows["says"].tolist() == [
        "Alias live gone",
        "Function: Memory 512 MB → 1,024 MB",
        "Function: Timeout 30 s → 60 s",
    ]
    assert found.known_since == changed.at(120)


def test_the_diff_of_one_change_is_only_that(changed):
    found = configuration_diff(changed.store, changed.target, "orders", changed.at(61), changed.at(59))

    assert found.rows["field"].tolist() == ["memory_mb", "timeout_s"]
    assert found.rows["old"].tolist() == ["512 MB", "30 s"]


def test_configuration_can_be_read_as_it_was(changed):
    found = configuration_as_of(changed.store, changed.target, "orders", changed.at(90))

    values = found.set_index(["kind", "field"])["value"]
    assert values["function", "memory_mb"] == "512 MB"
    assert values["alias", "version"] == "1"


def test_an_unknown_function_has_no_configuration(changed):
    found = configuration_diff(changed.store, changed.target, "nobody", changed.at(90), changed.now)

    assert found.rows.empty
    assert found.known_since is None


# --- queues -------------------------------------------------------------------------------------------------


def test_a_queue_says_when_it_is_empty_and_a_dead_letter_queue_that_nobody_empties_it(world):
    window = world.window(30)
    samples = [world.sample(m, IN, 500 + 10 * m, sent=20.0, deleted=30.0) for m in range(1, 61)]
    samples += [world.sample(m, DLQ, 7, sent=0.0, deleted=0.0) for m in range(1, 61)]
    queues = [
        Queue(name=IN, visible=480, not_visible=20, delayed=0, redrive_target=DLQ),
        Queue(name=DLQ, visible=7),
    ]
    mapping = EventSourceMapping(name="m", function="orders", source_arn=IN)
    world.run("inventory", [world.function(), mapping])
    world.run("queues", [*queues, *samples, Covered("", world.window(120))], window=world.window(120))

    found = drains(world.store, now=world.now).set_index("queue")

    assert found.index.tolist() == ["dlq", "in"]
    assert found.loc["dlq", "outlook"] == "held"
    own = found.loc["in"]
    assert own["outlook"] == "draining"
    assert own["depth"] == 500
    rate = (own["deleted"] - own["arrived"]) / window.duration.total_seconds()
    assert own["drains_in_s"] == pytest.approx(500 / rate)
    assert own["deleted"] == 900
    assert found["functions"].tolist() == [["orders"], ["orders"]]
    assert drains(world.store, now=world.now, where=Filter(function="nobody")).empty


def test_a_source_queue_whose_depth_sways_does_not_grow(world):
    mapping = EventSourceMapping(name="m", function="orders", source_arn=IN, state="Enabled")
    world.run("inventory", [world.function(), mapping])
    samples = [world.sample(m, IN, 5.0 * (m % 2), sent=10, deleted=10) for m in range(1, 60)]
    queue = Queue(name=IN, visible=5, not_visible=0, delayed=0)
    world.run("queues", [queue, *samples, Covered(IN, world.window())])

    (row,) = drains(world.store, now=world.now).itertuples()

    assert row.outlook == "steady"
    assert row.arrived == row.deleted


def test_a_queue_that_was_not_read_does_not_drain(world):
    world.run("inventory", [Queue(name=IN, visible=480)])

    (row,) = drains(world.store, now=world.now).itertuples()

    assert row.outlook == "unknown"
    assert row.state.startswith("not collected")
    assert row.arrived != row.arrived


def test_a_window_of_deploys_reaches_no_further_than_now(world):
    later = Window(world.at(60), world.now + timedelta(hours=1))

    assert deploy_effects(world.store, world.target, "orders", later, now=world.now).empty


# --- searches that would take long --------------------------------------------------------------------------


ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11"


@pytest.mark.parametrize("within_s", [0, 0.1], ids=["before it has begun", "while it runs"])
def test_a_query_is_stopped_when_its_time_is_over_and_the_next_one_answers(world, within_s):
    with world.store.snapshot(world.window()) as snapshot:
        with pytest.raises(StoreError, match=rf"stopped after {within_s} s: ask for a shorter time"):
            snapshot.frame(ENDLESS, within_s=within_s)

        assert snapshot.frame("SELECT 1 AS one", within_s=60)["one"].tolist() == [1]


def a_line(world, text):
    return LogEvent(
        function="orders",
        ts=world.at(5),
        event_id=text,
        stream="s",
        request_id=None,
        level="error",
        message=text,
        signature=text,
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search("ÄRGER im ton"), ["Ärger im Ton", "ärger im ton"]),
        (Search("Ärger", is_exact=True), ["Ärger im Ton"]),
        (Search("ärger.*TON", is_regex=True), ["Ärger im Ton", "ärger im ton"]),
        (Search("^Ärger.*Ton$", is_regex=True, is_exact=True), ["Ärger im Ton"]),
    ],
)
def test_case_matters_only_if_asked_for(world, search, found):
    world.run("logs", [a_line(world, "Ärger im Ton"), a_line(world, "ärger im ton")])

    assert sorted(log_events(world.store, world.window(), search)["message"]) == found


def test_a_pattern_that_would_keep_the_machine_busy_is_refused_in_words(world):
    world.run("logs", [a_line(world, "a" * 2000)])

    with pytest.raises(StoreError, match="not searched for: it repeats too much"):
        log_events(world.store, world.window(), Search("(a?){500}(a){500}b", is_regex=True))
