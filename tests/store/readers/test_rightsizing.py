"""Evidence and proposals against plain Python over the facts that were committed."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from core.entities import Alias, LogGroup, Provisioned, Version
from core.facts import Covered, Listed
from core.windows import Window
from store.readers.log_groups import function_log_groups
from store.readers.rightsizing import observed, savings, scheduled_units
from store.readers.whatif import Asked, whatif

DAY = 24 * 60
KEPT_READY = Decimal("0.000004646")
"""USD for a GB-second of provisioned concurrency in eu-west-1, x86."""


def window(world, days=14):
    return world.window(days * DAY)


def fill(world):
    """Two days of `orders`, a record every two minutes: at 1,024 MB, the newest 600 at 512 MB."""
    world.run("inventory", [world.function(memory_mb=512), world.function("idle"), Listed("function")])
    world.records = [
        world.record(
            minute, 100.0 + minute % 7, memory_mb=1024.0 if minute > 1200 else 512.0,
            billed_ms=101.0 + minute % 7, max_memory_mb=150.0 + minute % 11,
            status="timeout" if minute == 200 else "success",
        )
        for minute in range(2, 2 * DAY, 2)
    ]  # fmt: skip
    two_days = world.window(2 * DAY)
    covered = [Covered("orders", two_days), Covered("idle", two_days)]
    world.run("logs", [*world.records, *covered], window=two_days)
    return world


@pytest.fixture(scope="module")
def busy(lasting_world):
    """Two days of `orders`, for tests that only read them."""
    return fill(lasting_world)


@pytest.fixture
def own_busy(world):
    return fill(world)


def told(world, name="orders"):
    found = observed(world.store, window(world), now=world.now)
    return next(one for one in found if one.function == name)


def test_evidence_is_counted_by_size(busy):
    one = told(busy)

    for size in one.sizes:
        mine = [r for r in busy.records if r.memory_mb == size.memory_mb]
        assert size.records == len(mine)
        assert size.billed_ms == sum(r.billed_ms for r in mine)
        assert size.max_ms == max(r.duration_ms for r in mine)
        assert size.used_max_mb == max(r.max_memory_mb for r in mine)
        assert size.timeouts == sum(r.status == "timeout" for r in mine)
    assert [size.memory_mb for size in one.sizes] == [512, 1024]
    assert one.current.memory_mb == 512


def test_only_what_of_the_log_was_read_counts_as_seen(busy):
    one = told(busy)

    assert one.seen == timedelta(days=2)
    assert one.window == timedelta(days=14)
    assert one.a_month == pytest.approx(len(busy.records) * 15)


def test_a_function_without_records_claims_nothing(busy):
    found = savings(busy.store, window(busy), now=busy.now)

    mine = [one.proposal for one in found if one.function == "idle" and one.proposal.kind == "memory"]
    assert [proposal.verdict for proposal in mine] == ["unknown"]
    assert mine[0].saves is None


def test_changes_come_first_by_their_dollars(busy):
    found = savings(busy.store, window(busy), now=busy.now)
    verdicts = [one.proposal.verdict for one in found]
    dollars = [
        one.proposal.saves.middle for one in found if one.proposal.verdict == "change" and one.proposal.saves
    ]

    assert verdicts == sorted(verdicts, key=["change", "unknown", "keep"].index)
    assert dollars == sorted(dollars, reverse=True)


def test_a_group_that_never_expires_is_told_once_for_all_that_write_to_it(world):
    about = {"log_group": "/shop/all"}
    world.run("inventory", [world.function("a", **about), world.function("b", **about), Listed("function")])
    world.run("details", [LogGroup(name="/shop/all", retention_days=None, stored_bytes=2**40)])

    one = told(world, "a")

    assert one.log_group.name == "/shop/all"
    assert one.log_group.shared_by == 2
    assert one.log_group.bytes_a_day is None
    told_of = function_log_groups(world.store, window(world)).set_index("function").loc["b"]
    assert (told_of["group"], told_of["stored_bytes"], told_of["writers"]) == ("/shop/all", 2.0**40, 2)
    assert told_of["is_known"]
    assert np.isnan(told_of["retention_days"])


def test_old_versions_are_those_that_nothing_names_and_nothing_ran(own_busy):
    about = {"function": "orders", "code_size_bytes": 10, "memory_mb": 512}
    versions = [
        Version(name=f"orders:{n}", version=str(n), code_sha256="same" if n in (1, 9) else f"{n}", **about)
        for n in range(1, 10)
    ]
    alias = Alias(name="orders:prod", function="orders", alias="prod", version="2", weights={"3": 0.1})
    own_busy.run(
        "details",
        [*versions, alias, Provisioned(name="orders:4", function="orders", qualifier="4", requested=1)],
    )
    own_busy.run("logs", [own_busy.record(5, version="5")])

    assert [(one.version, one.is_duplicate) for one in told(own_busy).old_versions] == [
        ("1", True),
        ("6", False),
    ]


def test_idle_units_are_proposed_to_be_given_back(own_busy):
    pool = Provisioned(name="orders:gone", function="orders", qualifier="gone", requested=3)
    own_busy.run("details", [pool, Listed("version"), Listed("alias", "orders")])

    found = savings(own_busy.store, window(own_busy), now=own_busy.now)

    [mine] = [one.proposal for one in found if one.proposal.kind == "idle-provisioned"]
    # three units of 512 MB through 30 days, at what eu-west-1 charges for a GB-second that is kept ready
    assert mine.now == 3
    assert mine.saves.low == mine.saves.high == pytest.approx(Decimal(3) * 30 * 86_400 / 2 * KEPT_READY)


def test_a_schedule_needs_a_whole_week(busy):
    proposal = scheduled_units(busy.store, told(busy), window(busy), now=busy.now)

    assert proposal.verdict in ("unknown", "keep")


def test_units_pay_where_they_are_always_at_work(world):
    """Ten days of one environment that never rests: at list price a unit is a sixth cheaper."""
    world.run("inventory", [world.function(), Listed("function")])
    ten = world.window(10 * DAY)
    records = [
        world.record(minute, 900_000.0, billed_ms=900_000.0, memory_mb=1024.0, version="7")
        for minute in range(0, 10 * DAY, 15)
    ]
    world.run("logs", [*records, Covered("orders", ten)], window=ten)

    proposal = scheduled_units(world.store, told(world), window(world), now=world.now)

    spared = Decimal("0.0000166667") - Decimal("0.0000108407") - KEPT_READY
    assert proposal.verdict == "change"
    assert float(proposal.saves.likely) == pytest.approx(float(spared * 30 * 86_400), rel=0.01)
    assert proposal.change.cli[0].startswith("aws application-autoscaling register-scalable-target")


def test_a_question_is_answered_from_the_arrivals_of_the_window(busy):
    answer = whatif(busy.store, busy.target, "orders", window(busy), Asked(memory_mb=256), now=busy.now)

    assert answer.found.records == len(busy.records)
    assert answer.found.length == timedelta(days=2)
    assert answer.found.then.setup.memory_mb == 256
    assert [(past.before_mb, past.after_mb) for past in answer.backtests] == [(1024, 512)]


def test_a_question_without_records_says_how_many_are_missing(busy):
    answer = whatif(busy.store, busy.target, "idle", window(busy), Asked(), now=busy.now)

    assert answer.found is None
    assert "100 more invocation records" in answer.missing


def test_an_empty_store_has_no_savings(store, world):
    assert savings(store, Window(world.at(60), world.now), now=world.now) == []
