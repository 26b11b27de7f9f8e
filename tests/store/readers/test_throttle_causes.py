"""Which limit refused, what became of the work, and what was forgotten: against sums over committed facts."""

from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest
import sqlalchemy as sa

from core.entities import AccountLimits, Alias, EventSourceMapping, Provisioned, Queue, Reserved, Version
from core.facts import Covered, Gap, Listed
from core.prices import prices
from store import schema
from store.readers.caps import caps, idle_provisioned
from store.readers.concurrency import limits, pools
from store.readers.pools import culprits
from store.readers.throttles import throttle_bursts

ARN = "arn:aws:sqs:eu-west-1:111111111111:"


@pytest.fixture
def throttled(world):
    """`orders` reserves 5 and meets it in two minutes, fed by a queue with a dead-letter queue."""
    entities = [
        world.function(),
        AccountLimits(concurrent_limit=1000, unreserved_limit=995),
        Reserved(name="orders", reserved=5),
    ]
    points = [
        world.point(m, 9, concurrent_max=5.0 if m in (20, 19) else 2.0, throttles=30.0 * (m in (20, 19)))
        for m in range(1, 61)
    ]
    points += [world.point(m, 9, scope="account", function="", claimed_max=12.0) for m in range(1, 61)]
    world.run("inventory", entities)
    world.run("metrics", [*points, Covered("", world.window(60))], window=world.window(60))
    return world


def bursts(world, **about):
    return throttle_bursts(world.store, world.window(60), now=world.now, **about)


def later(world, *facts, minutes_ago=5):
    """A later look of the details collector, whose changes count from then."""
    at = world.at(minutes_ago)
    world.run("details", facts, started_at=at, finished_at=at)


def test_a_burst_is_judged_by_the_reservation_of_its_time(throttled):
    later(throttled, Reserved(name="orders", reserved=500))

    (row,) = bursts(throttled).itertuples()

    assert (row.cause, row.evidence, row.limit) == (
        "its own reservation",
        "5 of its 5 reserved were in use",
        5,
    )


def test_a_burst_is_judged_by_the_account_limit_of_its_time(throttled):
    throttled.run("inventory", [throttled.function("sharing")])
    throttled.run("details", [Reserved(name="sharing", reserved=None)])
    refused = throttled.point(20, 9, function="sharing", concurrent_max=90.0, throttles=4.0)
    full = [throttled.point(m, 9, scope="account", function="", claimed_max=990.0) for m in (20, 19)]
    throttled.run("metrics", [refused, *full])
    later(throttled, AccountLimits(concurrent_limit=3000, unreserved_limit=3000))

    found = bursts(throttled).set_index("function")

    assert found.loc["sharing", "evidence"] == "990 of the account's 1,000 were claimed"


def test_without_a_look_at_reservations_nothing_is_blamed(throttled):
    unread = throttled.point(20, 3, function="unread", concurrent_max=3.0, throttles=4.0)
    throttled.run("inventory", [throttled.function("unread")])
    throttled.run("metrics", [unread])

    found = bursts(throttled).set_index("function")

    assert found.loc["unread", "cause"] == "cannot tell"
    assert found.loc["unread", "evidence"] == "whether it has a reservation of its own was not read"


def test_a_reservation_that_is_all_provisioned_leaves_nothing_for_other_versions(throttled):
    pool = Provisioned(name="orders:7", function="orders", qualifier="7", requested=5, allocated=5)
    throttled.run("details", [pool])

    (row,) = bursts(throttled).itertuples()

    assert row.cause == "its provisioned concurrency"


def test_a_spillover_in_the_minutes_of_the_burst_is_evidence(throttled):
    pool = Provisioned(name="orders:live", function="orders", qualifier="live", requested=2, allocated=2)
    spilled = [
        throttled.point(m, 9, scope="resource", resource="live", provisioned_spillover=n)
        for m, n in ((20, 4.0), (19, 3.0), (10, 50.0))
    ]
    throttled.run("details", [pool])
    throttled.run("metrics", spilled)

    (row,) = bursts(throttled).itertuples()

    assert row.evidence.endswith("after 7 invocations found its 2 provisioned used up")


def test_the_queue_of_throttled_work_is_counted_in_the_same_minutes(throttled):
    mapping = EventSourceMapping(name="m", function="orders", source_arn=ARN + "in", source_kind="sqs")
    queues = [
        Queue(name=ARN + "in", redrive_target=ARN + "dead", max_receive_count=1),
        Queue(name=ARN + "dead"),
    ]
    samples = [
        throttled.sample(m, ARN + "in", 9, sent=5.0, received=20.0 + m, deleted=6.0) for m in range(1, 61)
    ]
    dead = [
        throttled.sample(m, ARN + "dead", 0.0 if m > 20 else 4.0 if m > 18 else 6.0, sent=0.0, deleted=0.0)
        for m in range(1, 61)
    ]
    throttled.run("details", [mapping])
    throttled.run("queues", [*queues, *samples, *dead])

    (row,) = bursts(throttled).itertuples()

    returned = sum(s.received - s.deleted for s in samples if s.ts in (throttled.at(20), throttled.at(19)))
    assert row.fate == "dead letters"
    assert f"{returned:.0f} receives from in came to nothing (of 1 that a message has)" in row.consequence
    assert "4 messages arrived in dead meanwhile" in row.consequence


def test_dropped_events_without_a_place_for_failures_are_lost(throttled):
    throttled.run("metrics", [throttled.point(20, 9, throttles=30.0, async_received=40.0, async_dropped=8.0)])

    (row,) = bursts(throttled).itertuples()

    assert row.fate == "lost"
    assert row.consequence == "8 asynchronous events were dropped: no place for failures is set"


def test_throttles_before_the_window_are_no_burst_of_it(throttled):
    found = throttle_bursts(throttled.store, throttled.window(10), now=throttled.now)

    assert found.empty


# --- what was forgotten -------------------------------------------------------------------------------------


def found_caps(world):
    return caps(world.store, world.window(60), now=world.now).set_index("function")


def test_a_reservation_that_refuses_is_too_small_and_one_that_idles_too_large(throttled):
    idle = throttled.function("idle")
    throttled.run("inventory", [idle, throttled.function("fine")])
    throttled.run("details", [Reserved(name="idle", reserved=80), Reserved(name="fine", reserved=3)])

    found = found_caps(throttled)

    assert found["verdict"].to_dict() == {"orders": "too small", "idle": "too large"}
    assert found.loc["orders", "throttles"] == 60
    assert found.loc["idle", "says"].startswith(
        "it keeps 80 of the account's 1,000 from all others and used 0"
    )


def test_what_was_not_collected_is_not_called_idle(world):
    world.run("inventory", [world.function()])
    world.run("details", [Reserved(name="orders", reserved=80)])
    world.run("metrics", [Gap("", world.window(60), "no")], window=world.window(60), outcome="denied")

    assert found_caps(world).empty


def act(world, **plan):
    row = {
        "id": f"a{plan['ReservedConcurrentExecutions']}",
        "ts": world.at(2000),
        "who": "rule errors",
        "action": "reserve-concurrency",
        "account": world.target.account,
        "region": world.target.region,
        "subject": "orders",
        "mode": "apply",
        "plan": {"request": {"FunctionName": "orders", **plan}},
        "outcome": "applied",
    }
    with world.store.transaction() as connection:
        connection.execute(sa.insert(schema.audit).values(**row))


@pytest.mark.parametrize(("now_reserved", "verdict"), [(5, "left by an action"), (9, None), (0, None)])
def test_a_cap_of_an_action_is_left_while_it_is_in_force(world, now_reserved, verdict):
    world.run("inventory", [world.function()])
    world.run("details", [Reserved(name="orders", reserved=now_reserved)])
    world.run("metrics", [Covered("", world.window(60))], window=world.window(60))
    act(world, ReservedConcurrentExecutions=5)

    found = found_caps(world)

    assert (found["verdict"].to_dict().get("orders") == "left by an action") == (verdict is not None)


def test_a_cap_says_since_when_it_is_in_force(throttled):
    later(throttled, Reserved(name="orders", reserved=0), minutes_ago=4)

    found = found_caps(throttled)

    assert found.loc["orders", "verdict"] == "stopped"
    assert found.loc["orders", "since"] == throttled.at(4)


@pytest.fixture
def provisioned(world):
    """Version 7 of `orders` holds 10 ready and nothing names it; alias `live` holds 2 and served nobody;
    alias `busy` holds 3 and served."""
    world.run("inventory", [world.function(memory_mb=512, architecture="x86_64")])
    entities = [
        Version(name="orders:7", function="orders", version="7", memory_mb=2048, architecture="x86_64"),
        Version(name="orders:8", function="orders", version="8"),
        *(
            Alias(name=f"orders:{name}", function="orders", alias=name, version="8")
            for name in ("live", "busy")
        ),
        *(
            Provisioned(
                name=f"orders:{name}", function="orders", qualifier=name, requested=held, allocated=held
            )
            for name, held in (("7", 10), ("live", 2), ("busy", 3))
        ),
        Listed("version"),
        Listed("alias", "orders"),
    ]
    world.run("details", entities)
    served = world.point(5, 9, scope="resource", resource="busy", provisioned_invocations=9.0)
    world.run("metrics", [served, Covered("", world.window(60))], window=world.window(60))
    return world


def test_provisioned_concurrency_that_serves_nobody_has_its_monthly_dollars(provisioned):
    found = idle_provisioned(provisioned.store, provisioned.window(60), now=provisioned.now)

    price = prices("eu-west-1", "x86_64").provisioned_capacity
    month_s = 30 * 24 * 3600
    assert found["qualifier"].tolist() == ["7", "live"]
    assert found["why"].tolist() == [
        "no alias or trigger reaches version 7",
        "alias live was reached by no invocation in this window",
    ]
    assert [float(usd) for usd in found["usd_month"]] == pytest.approx(
        [float(10 * 2 * month_s * price), float(2 * Decimal("0.5") * month_s * price)]
    )


def test_an_alias_whose_invocations_were_not_read_is_not_called_idle(provisioned):
    window = provisioned.window(120)

    found = idle_provisioned(provisioned.store, window, now=provisioned.now)

    assert found["qualifier"].tolist() == ["7"]
    assert found["state"].iloc[0].startswith("not collected")


def test_an_empty_store_has_nothing_forgotten(world):
    assert caps(world.store, world.window(60), now=world.now).empty
    assert idle_provisioned(world.store, world.window(60), now=world.now).empty
    assert bursts(world).empty


# --- the ledger ---------------------------------------------------------------------------------------------


def test_the_ledger_is_the_account_s_own_arithmetic(throttled):
    (row,) = limits(throttled.store, throttled.window(60), now=throttled.now).itertuples()

    assert (row.limit, row.reserved, row.reserved_read, row.unreserved) == (1000, 5, 5, 995)
    assert row.reservable == 1000 - 5 - 100


def test_the_ledger_tells_code_storage_beside_its_limit(world):
    stored = {"code_size_bytes": 30 * 2**30, "code_size_limit_bytes": 75 * 2**30}
    world.run("inventory", [AccountLimits(concurrent_limit=1000, unreserved_limit=967, **stored)])

    (row,) = limits(world.store, world.window(60), now=world.now).itertuples()

    assert (row.code_bytes / row.code_limit_bytes, row.code_bytes) == (0.4, 30 * 2**30)


def test_reservations_that_were_not_read_are_counted_all_the_same(world):
    world.run("inventory", [AccountLimits(concurrent_limit=1000, unreserved_limit=967)])

    (row,) = limits(world.store, world.window(60), now=world.now).itertuples()

    assert (row.reserved, row.reserved_read) == (33, 0)


def test_a_function_whose_reservation_was_not_read_has_no_pool(throttled):
    throttled.run("inventory", [throttled.function("unread")])
    throttled.run("metrics", [throttled.point(5, 3, function="unread", concurrent_max=3.0, throttles=4.0)])

    found = pools(throttled.store, throttled.window(60), now=throttled.now).set_index("function")

    assert found.loc["unread", "pool"] == "not read"
    assert pd.isna(found.loc["unread", "headroom"])
    assert found.loc["unread", "note"] == ""


def test_the_users_of_a_stretch_are_those_of_its_busiest_minute(throttled):
    peak = throttled.point(18, 9, scope="account", function="", claimed_max=70.0)
    throttled.run("metrics", [peak])
    window = throttled.window(60)

    at, _ = culprits(
        throttled.store, throttled.target, window, now=throttled.now, at=throttled.window(4, until=16)
    )
    elsewhere, _ = culprits(
        throttled.store, throttled.target, window, now=throttled.now, at=throttled.window(4, until=30)
    )

    assert at == throttled.at(18)
    assert throttled.at(34) <= elsewhere < throttled.at(30)
    assert elsewhere - throttled.at(34) < timedelta(minutes=4)
