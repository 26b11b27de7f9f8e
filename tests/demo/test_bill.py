"""What the demo's bill charges for what is held, kept or asked, beside invocations: each by another way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.prices import GIB
from quarterdeck.demo.account import Demo
from quarterdeck.demo.catalogue import Catalogue
from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.model import Plan
from quarterdeck.demo.specs import EU, PROD, STAGING, Company
from quarterdeck.demo.used import used_on
from quarterdeck.demo.world import FrozenClock, World

NOW = datetime(2026, 11, 18, 10, 20, tzinfo=UTC)
DAY = date(2026, 11, 16)
NAMES = ("order-worker", "catalog-search", "feature-flags", "order-approval", "ingest-api")


@pytest.fixture(scope="module")
def demo():
    few = tuple(spec for spec in MERIDIAN.functions if spec.name in NAMES)
    queues = tuple(queue for queue in MERIDIAN.queues if queue.account == STAGING)
    world = World(Plan(7, (NOW,)), FrozenClock(NOW), Company(few, queues))
    return Demo(world, Catalogue(world))


def used(demo, account, day=DAY):
    sums = {}
    for _, _, units in used_on(demo, account, day):
        for name, amount in units.items():
            sums[name] = sums.get(name, 0.0) + amount
    return sums


def days_of(demo, name):
    specs = [spec for spec in demo.world.company.functions if (spec.account, spec.name) == (PROD, name)]
    return [demo.world.day(spec, (DAY - date(1970, 1, 1)).days) for spec in specs]


def samples(demo, account, namespace, name, dimensions):
    series = demo.catalogue.find((account, EU), namespace, name, dimensions)
    return float(series.samples((DAY - date(1970, 1, 1)).days).value.sum())


def test_snapshots_are_kept_from_publication_on_and_java_is_free(demo):
    spec = demo.world.company.find(STAGING, EU, "order-worker")
    midnight = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(days=1)
    published = demo.world.timeline(spec).published(NOW)
    kept_s = sum(max(0.0, min(86_400.0, (midnight - change.ts).total_seconds())) for change in published)

    assert used(demo, STAGING)["snapstart_cache"] == pytest.approx(kept_s * spec.memory_mb / 1024, rel=1e-6)
    assert not used(demo, PROD)["snapstart_cache"]


def test_requests_to_queues_are_what_cloudwatch_counts_of_them(demo):
    counted = ("Sent", "Received", "Deleted")
    names = [*(f"NumberOfMessages{name}" for name in counted), "NumberOfEmptyReceives"]
    asked = sum(
        samples(demo, STAGING, "AWS/SQS", name, {"QueueName": queue.name})
        for queue in demo.world.company.queues
        for name in names
    )

    assert used(demo, STAGING)["queue_requests"] == asked > 0


def test_steps_of_durable_functions_are_what_cloudwatch_counts(demo):
    of = {"FunctionName": "order-approval"}

    assert (
        used(demo, PROD)["durable_operations"]
        == samples(demo, PROD, "AWS/Lambda", "DurableExecutionOperations", of)
        > 0
    )


def test_each_cold_start_of_tenants_is_an_environment(demo):
    started_mb = sum(float(day.memory_mb[day.cold].sum()) for day in days_of(demo, "ingest-api"))

    assert used(demo, PROD)["tenant_isolation"] == started_mb / 1024 > 0


def test_logs_of_infrequent_access_have_their_own_price(demo):
    group = {"LogGroupName": "/aws/lambda/feature-flags"}
    written = samples(demo, STAGING, "AWS/Logs", "IncomingBytes", group)

    assert used(demo, STAGING)["log_ingest_ia"] == pytest.approx(written / GIB)


def test_a_function_that_may_not_write_a_log_is_charged_for_none(demo):
    alone = Company((MERIDIAN.find(PROD, EU, "stock-export"),), ())
    world = World(demo.world.plan, demo.world.clock, alone)

    charged = used(Demo(world, Catalogue(world)), PROD)

    assert charged["requests"] > 0
    assert "log_ingest" not in charged


def test_logs_are_kept_for_a_day_at_what_each_group_held(demo):
    before = (DAY - date(1970, 1, 1)).days - 1
    held = 0.0
    for spec in demo.world.company.functions:
        if spec.account == PROD:
            of = {"LogGroupName": spec.group}
            series = demo.catalogue.find((PROD, spec.region), "AWS/Logs", "IncomingBytes", of)
            held += float(series.samples(before).value.sum()) * spec.retention_days

    assert used(demo, PROD)["log_storage"] == pytest.approx(held / GIB / 30)


def test_nothing_is_charged_of_tomorrow(demo):
    assert used(demo, PROD, date(2026, 11, 19)) == {}
