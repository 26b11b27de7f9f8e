"""The worked examples of AWS's own pricing page: their inputs, and the results it prints.

Source: the examples of https://aws.amazon.com/lambda/pricing/, by their titles, read in 2026. TABLES are sums
that the page has no example of, made by hand from AWS's tables: the tiers of
https://aws.amazon.com/blogs/compute/introducing-tiered-pricing-for-aws-lambda/, the volume tiers of Lambda's
logs of https://aws.amazon.com/cloudwatch/pricing/ and the rates of the AWSComputeSavingsPlan offer of
2026-09-25. All are of us-east-1 where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from core.meters import Used
from core.prices import gb_seconds, packaged_book
from core.settings import CostSettings, SavingsPlanSettings
from core.tiering import charge

MONTH = date(2026, 10, 1)
WITHOUT_FREE = CostSettings(free_tier=False)


@dataclass(frozen=True)
class Example:
    """`used` as (meter, quantity); `usd` is what the page prints per meter, in cents."""

    title: str
    used: tuple[tuple[str, Decimal | float], ...]
    usd: dict[str, str]
    architecture: str = "x86_64"
    region: str = "us-east-1"
    settings: CostSettings = field(default_factory=CostSettings)


def ran(requests: int, ms: float, mb: int) -> Decimal:
    return gb_seconds(requests * ms, mb)


def held(count: int, hours: float, mb: int) -> Decimal:
    return gb_seconds(count * hours * 3_600_000, mb)


EXAMPLES = (
    Example(
        "Mobile application backend",
        (("requests", 3_000_000), ("duration", ran(3_000_000, 120, 1536))),
        {"duration": "2.33", "requests": "0.40"},
    ),
    Example(
        "Enriching streaming telemetry with additional metadata",
        (("requests", 10_000 * 24 * 31), ("duration", ran(10_000 * 24 * 31, 2000, 1024))),
        {"duration": "248.00", "requests": "1.49"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "Performing ML on customer support tickets, with 2,048 MB of ephemeral storage",
        (
            ("requests", 6_000_000),
            ("duration", ran(6_000_000, 280, 4096)),
            ("ephemeral", ran(6_000_000, 280, 2048 - 512)),
        ),
        {"duration": "105.33", "requests": "1.00", "ephemeral": "0.08"},
    ),
    Example(
        "Provisioned concurrency 1: mobile application launch",
        (
            ("requests", 3_000_000),
            ("provisioned_capacity", held(100, 8, 1536)),
            ("provisioned_duration", ran(500_000, 100, 1536)),
            ("duration", ran(2_500_000, 120, 1536)),
        ),
        {
            "provisioned_capacity": "18.00",
            "requests": "0.40",
            "provisioned_duration": "0.73",
            "duration": "0.83",
        },
    ),
    Example(
        "Provisioned concurrency 2: support content during Cyber Monday",
        (
            ("requests", 2_000_000),
            ("provisioned_capacity", held(7, 24, 4096)),
            ("provisioned_duration", ran(2_000_000, 280, 4096)),
        ),
        {"provisioned_capacity": "10.08", "provisioned_duration": "21.78", "requests": "0.40"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "SnapStart: streaming telemetry, 1 % of requests restore",
        (
            ("snapstart_cache", held(1, 24 * 31, 1024)),
            ("snapstart_restore", 74_400),
            ("duration", ran(7_440_000, 2000, 1024)),
        ),
        {"snapstart_cache": "4.03", "snapstart_restore": "10.40", "duration": "248.00"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "Response streaming: server-side rendered web content",
        (("streamed", Decimal(1_000_000) * (7 - 6) / 1024 + 100), ("duration", ran(3_000_000, 500, 1536))),
        {"streamed": "7.81", "duration": "30.83"},
    ),
    Example(
        "Provisioned mode for Kafka",
        (
            ("event_pollers", 800),
            ("duration", ran(30_000_000, 2000, 1024)),
        ),
        {"event_pollers": "148.00", "duration": "993.34"},  # printed as 993.3
    ),
    Example(
        "Provisioned mode for SQS",
        (
            ("event_pollers_sqs", 8000),
            ("requests", 30_000_000),
            ("duration", ran(30_000_000, 1000, 1024)),
        ),
        {"event_pollers_sqs": "74.00", "requests": "6.00", "duration": "500.00"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "Durable functions on Arm: insurance claims",
        (
            ("duration", ran(1_000_000, 32_000, 1024)),
            ("requests", 2_000_000),
            ("durable_operations", 4_000_000),
            ("durable_written", 104),
            ("durable_kept", Decimal("24.27") + Decimal("48.53")),
        ),
        {
            "duration": "421.34",
            "requests": "0.20",
            "durable_operations": "32.00",
            "durable_written": "26.00",
            "durable_kept": "10.92",
        },
        architecture="arm64",
    ),
    Example(
        "Tenant isolation: 200,000 environments of 1,024 MB",
        (
            ("requests", 10_000_000),
            ("duration", ran(10_000_000, 2000, 1024)),
            ("tenant_isolation", 200_000),
        ),
        # Printed as 333.34, and as 33.40: the page rounds the price to 0.000167 first.
        {"requests": "2.00", "duration": "333.33", "tenant_isolation": "33.33"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "Managed Instances: the management fee of 2,000 hours of m7g.xlarge",
        (("instances", 2000), ("requests", 100_000_000)),
        {"instances": "48.96", "requests": "20.00"},
        architecture="m7g.xlarge",
        settings=WITHOUT_FREE,
    ),
    Example(
        "Lambda@Edge: 10 million times 10 ms at 128 MB, in any region",
        (("edge_requests", 10_000_000), ("edge_duration", ran(10_000_000, 10, 128))),
        {"edge_duration": "0.63", "edge_requests": "6.00"},
        region="eu-west-3",
    ),
)

TABLES = (
    Example(
        "Tiers on x86: 6 of 20 billion GB-seconds at full price, 9 at 10 % off, 5 at 20 % off",
        (("duration", 20_000_000_000),),
        {"duration": "301667.20"},
        settings=WITHOUT_FREE,
    ),
    Example(
        "Tiers on Arm: 7.5 of 20 billion GB-seconds at full price, 11.25 at 10 % off, 1.25 at 20 % off",
        (("duration", 20_000_000_000),),
        {"duration": "248335.00"},
        architecture="arm64",
        settings=WITHOUT_FREE,
    ),
    Example(
        "Another region: 1 million GB-seconds and requests in Cape Town",
        (("duration", 1_000_000), ("requests", 1_000_000)),
        {"duration": "22.10", "requests": "0.27"},
        region="af-south-1",
        settings=WITHOUT_FREE,
    ),
    Example(
        "60 TB of Lambda's logs: 10 at 0.50, 20 at 0.25, 20 at 0.10, 10 at 0.05 a GB",
        (("log_ingest", 60 * 1024),),
        {"log_ingest": "12800.00"},
    ),
    Example(
        "A no-upfront Compute Savings Plan on x86 and on what is provisioned",
        (
            ("duration", 10_000_000),
            ("provisioned_capacity", 10_000_000),
            ("provisioned_duration", 10_000_000),
            ("requests", 1_000_000),
        ),
        # AWSComputeSavingsPlan, us-east-1: 0.0000147, 0.00000367 and 0.00000856 a GB-second, 0.5 % around
        # one discount for all.
        {
            "duration": "147.00",
            "provisioned_capacity": "36.75",
            "provisioned_duration": "85.75",
            "requests": "0.20",
        },
        settings=CostSettings(
            free_tier=False, savings_plan=SavingsPlanSettings(discount=Decimal("0.1180018"))
        ),
    ),
)


def net(example: Example) -> dict[str, Decimal]:
    used = [
        Used("f", "111122223333", example.region, example.architecture, meter, quantity)
        for meter, quantity in example.used
    ]
    found = charge(used, packaged_book(), example.settings, month=MONTH)
    return {one.meter: one.net_usd for one in found}


def cents(usd: Decimal) -> Decimal:
    return usd.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.title)
def test_a_worked_example_comes_out_as_aws_prints_it(example):
    found = net(example)

    assert {meter: cents(found[meter]) for meter in example.usd} == {
        meter: Decimal(usd) for meter, usd in example.usd.items()
    }


@pytest.mark.parametrize("example", TABLES, ids=lambda e: e.title)
def test_a_sum_made_by_hand_from_awss_tables_comes_out(example):
    found = net(example)

    assert {meter: cents(found[meter]) for meter in example.usd} == {
        meter: Decimal(usd) for meter, usd in example.usd.items()
    }


def test_the_examples_are_of_several_architectures_regions_and_most_meters():
    both = EXAMPLES + TABLES

    assert len(EXAMPLES) >= 8
    assert {"x86_64", "arm64"} <= {e.architecture for e in both}
    assert len({e.region for e in both}) >= 3
    assert len({meter for e in both for meter in e.usd}) >= 15
