"""Meridian Outfitters, the company of the demo: its functions and queues, as tables."""

from __future__ import annotations

from functools import partial

from quarterdeck.demo.specs import EU, PROD, REGIONS, STAGING, US, Company, Failure, QueueSpec, Spec


def _timeout(seconds: int) -> Failure:
    return Failure("Sandbox.Timedout", f"Task timed out after {seconds}.00 seconds", "timeout")


_SHARED_GROUP = "/meridian/backoffice"
_prod_eu = partial(Spec, account=PROD, region=EU)
_prod_eu_queue = partial(QueueSpec, account=PROD, region=EU)
_prod_us = partial(Spec, account=PROD, region=US)
_prod_us_queue = partial(QueueSpec, account=PROD, region=US)
_stage_eu = partial(Spec, account=STAGING, region=EU)
_stage_eu_queue = partial(QueueSpec, account=STAGING, region=EU)
_stage_us = partial(Spec, account=STAGING, region=US)
_DYNAMO = Failure(
    "ProvisionedThroughputExceededException",
    "An error occurred (ProvisionedThroughputExceededException) when calling the GetItem operation",
)
_PSP = Failure("GatewayTimeout", "payment provider answered 504 for capture pi_3QK81")

# fmt: off
FUNCTIONS: tuple[Spec, ...] = (
    _prod_eu(
        name="checkout-api", team="storefront", runtime="nodejs22.x", memory_mb=512, timeout_s=15,
        per_minute=9, median_ms=140, init_ms=520, versions=212, tracing=True, log_lines=2,
        failures=(_PSP, Failure("ValidationError", "cart 5f0c has no shipping address")),
        summary="Places an order from a cart",
    ),
    _prod_eu(
        name="cart-api", team="storefront", architecture="arm64", memory_mb=256, timeout_s=10,
        per_minute=11, median_ms=38, init_ms=340, versions=88, tracing=True, log_format="JSON",
        failures=(_DYNAMO,), summary="Reads and changes carts",
    ),
    _prod_eu(
        name="catalog-search", team="storefront", runtime="java21", memory_mb=2048, timeout_s=20,
        per_minute=9, median_ms=95, spread=0.6, init_ms=620, versions=41, snap_start=True, memory_share=0.3,
        failures=(Failure("java.util.concurrent.TimeoutException", "OpenSearch was silent for 8000 ms"),),
        summary="Full-text search over the catalogue",
    ),
    _prod_eu(
        name="search-suggest", team="storefront", memory_mb=1024, timeout_s=5, per_minute=8,
        median_ms=60, init_ms=900, versions=9, qualifier="", log_format="JSON", memory_share=0.28,
        failures=(Failure("ConnectionError", "suggestion index is warming up"),),
        summary="Suggests as one types",
    ),
    _prod_eu(
        name="session-auth", team="identity", runtime="nodejs22.x", architecture="arm64",
        memory_mb=256, timeout_s=5, per_minute=12, median_ms=90, init_ms=410, versions=55,
        provisioned=("prod", 1),
        failures=(Failure("JsonWebTokenError", "jwt signature is invalid"),),
        summary="Authorises API requests",
    ),
    _prod_eu(
        name="order-worker", team="fulfilment", runtime="python3.12", memory_mb=512, timeout_s=30,
        trigger="sqs", source="orders", batch=5, per_minute=5, median_ms=420, init_ms=650, versions=63,
        log_lines=2, failures=(_DYNAMO,), maximum_concurrency=20, mapping_metrics=("EventCount",),
        partial_share=0.04,
        summary="Turns orders into shipments",
    ),
    _prod_eu(
        name="payment-capture", team="payments", runtime="provided.al2023", architecture="arm64",
        memory_mb=256, timeout_s=20, trigger="sqs", source="payments", batch=1, per_minute=3, median_ms=310,
        init_ms=95, versions=37, reserved=25, tracing=True, memory_share=0.2, failures=(_PSP,),
        summary="Captures authorised payments",
    ),
    _prod_eu(
        name="inventory-reserve", team="fulfilment", memory_mb=256, timeout_s=10, per_minute=3,
        median_ms=620, spread=0.3, init_ms=420, versions=29, reserved=8, insights=True, failures=(_DYNAMO,),
        summary="Holds stock for a cart; flash sales hit it in bursts",
    ),
    _prod_eu(
        name="email-sender", team="growth", runtime="nodejs20.x", memory_mb=256, timeout_s=20,
        trigger="async", source="arn:aws:sns:eu-west-1:111122223333:order-events", per_minute=3,
        median_ms=260,
        versions=18, dead_letter="email-async-dlq", failure_rate=0.012,
        failures=(Failure("MessageRejected", "address is on the suppression list: jo@example.com"),),
        summary="Sends transactional mail",
    ),
    _prod_eu(
        name="invoice-pdf", team="payments", memory_mb=512, timeout_s=60, trigger="async",
        source="arn:aws:s3:::meridian-invoices", per_minute=1.5, median_ms=2600, spread=0.5, init_ms=1350,
        versions=22, on_failure="invoice-failures",
        on_success="arn:aws:sns:eu-west-1:111122223333:invoice-ready",
        memory_share=0.7, failure_rate=0.002, failures=(Failure("PdfError", "font Inter-Bold is missing"),),
        summary="Renders invoices",
    ),
    _prod_eu(
        name="image-resizer", team="media", runtime=None, architecture="arm64", memory_mb=1024,
        timeout_s=60, trigger="async", source="arn:aws:s3:::meridian-uploads", per_minute=2, tmp_mb=2048,
        median_ms=1400,
        spread=0.6, init_ms=1900, versions=14, memory_share=0.6, failure_rate=0.001,
        failures=(Failure("UnidentifiedImageError", "cannot identify image file"),),
        summary="Makes product images",
    ),
    _prod_eu(
        name="clickstream-enricher", team="data", runtime="python3.12", memory_mb=512, timeout_s=60,
        trigger="kinesis", source="clickstream", batch=100, per_minute=6, rhythm="flat", median_ms=880,
        versions=31, qualifier="", failures=(_DYNAMO,), summary="Adds session and geography to clicks",
    ),
    _prod_eu(
        name="fx-rates-sync", team="payments", memory_mb=128, timeout_s=30, trigger="schedule",
        source="fx-rates-every-5m", schedule_s=300, median_ms=900, versions=8, qualifier="",
        failures=(Failure("URLError", "<urlopen error timed out>"),), summary="Fetches exchange rates",
    ),
    _prod_eu(
        name="ops-remediator", team="platform", memory_mb=128, timeout_s=60, trigger="none",
        versions=3, qualifier="", summary="Carries out remediations that Quarterdeck asks for",
    ),
    _prod_eu(
        name="order-audit", team="data", memory_mb=128, timeout_s=30, trigger="dynamodb",
        source="orders", batch=10, per_minute=6, median_ms=45, versions=11, qualifier="", log_lines=12,
        log_line_bytes=420, retention_days=14, failures=(_DYNAMO,),
        filters=('{"eventName": ["INSERT", "MODIFY"]}',),
        summary="Writes an audit line per change",
    ),
    _prod_eu(
        name="promo-engine", team="growth", runtime="nodejs22.x", memory_mb=256, timeout_s=10,
        per_minute=12, median_ms=55, versions=74, tracing=True,
        failures=(Failure("RangeError", "discount must be between 0 and 100"),), summary="Prices promotions",
    ),
    _prod_eu(
        name="loyalty-points", team="growth", runtime="dotnet8", memory_mb=512, timeout_s=15,
        per_minute=2, median_ms=120, init_ms=1100, versions=19, log_format="JSON", log_group=_SHARED_GROUP,
        retention_days=14, failures=(_DYNAMO,), summary="Keeps loyalty balances",
    ),
    _prod_eu(
        name="returns-portal", team="fulfilment", runtime="ruby3.4", memory_mb=256, timeout_s=10,
        per_minute=1, median_ms=90, versions=6, log_group=_SHARED_GROUP, retention_days=14, url="NONE",
        failures=(Failure("KeyError", "key not found: :parcel_id"),), summary="Customers announce returns",
    ),
    _prod_eu(
        name="order-approval", team="fulfilment", memory_mb=256, timeout_s=60, trigger="async",
        source="arn:aws:events:eu-west-1:111122223333:rule/order-placed", per_minute=2, median_ms=210,
        versions=7, durable=(86_400, 14), failure_rate=0.004,
        failures=(Failure("ApprovalRejected", "credit check declined order 81273"),),
        summary="Waits for stock, credit and a human, durably",
    ),
    _prod_eu(
        name="price-optimizer", team="growth", architecture="arm64", memory_mb=4096,
        timeout_s=120, per_minute=4, median_ms=240, init_ms=0, versions=5, log_format="JSON",
        provider="meridian-compute", memory_share=0.5,
        failures=(Failure("SolverError", "no feasible price for sku 44-1093"),),
        summary="Recomputes prices on Managed Instances",
    ),
    _prod_eu(
        name="price-feed", team="growth", runtime="java21", memory_mb=1024, timeout_s=60, trigger="kafka",
        source="cluster/meridian-events/3f6a1c2e-5b7d-4c1f-9a52-0c9a5d2b7e11-4", batch=50, per_minute=4,
        rhythm="flat", median_ms=130, init_ms=1800, versions=9, qualifier="",
        mapping_metrics=("EventCount", "ErrorCount", "KafkaMetrics"), pollers=(1, 5),
        filters=('{"value": {"currency": ["EUR", "USD"]}}',), failures=(_DYNAMO,),
        summary="Follows price changes in Kafka",
    ),
    _prod_eu(
        name="gift-cards", team="payments", runtime="python3.12", memory_mb=256, timeout_s=10, per_minute=1.5,
        median_ms=75, versions=13, log_format="JSON", system_level="WARN", failure_rate=0.01,
        failures=(Failure("CardExpired", "gift card 0042 expired"),),
        summary="Redeems gift cards; its log level hides successful reports",
    ),
    _prod_eu(
        name="stock-export", team="fulfilment", runtime="python3.8", memory_mb=256, timeout_s=120,
        trigger="schedule", source="stock-export-every-10m", schedule_s=600, median_ms=8200, versions=4,
        qualifier="", has_group=False, failures=(Failure("ClientError", "AccessDenied on s3:PutObject"),),
        summary="Exports stock; its role may not create a log group",
    ),
    _prod_us(
        name="media-transcode", team="media", runtime=None, memory_mb=1024, timeout_s=900,
        trigger="sqs", source="transcode-jobs", per_minute=2, rhythm="steady", median_ms=560_000,
        spread=0.1, tmp_mb=2048,
        init_ms=2400, versions=17, qualifier="", memory_share=0.75, failure_rate=0.004,
        failures=(Failure("TranscodeError", "ffmpeg exited with status 1: moov atom not found"),),
        summary="Transcodes product videos",
    ),
    _prod_us(
        name="media-thumbs", team="media", runtime="nodejs20.x", memory_mb=512, timeout_s=30,
        trigger="async", source="arn:aws:s3:::meridian-media", per_minute=4, median_ms=520, versions=24,
        tmp_mb=2048,
        logger="pino", recursive=True, ahead_s=240,
        failures=(Failure("Error", "Input file is missing"),), summary="Cuts thumbnails",
    ),
    _prod_us(
        name="ingest-api", team="data", architecture="arm64", memory_mb=256, timeout_s=10,
        per_minute=6, median_ms=30, versions=33, log_format="JSON", tracing=True, tenants=True,
        drops_logs=True,
        failures=(Failure("ValueError", "event 'purchase' lacks field 'currency'"),),
        summary="Takes events in",
    ),
    _prod_us(
        name="partner-webhook", team="fulfilment", runtime="nodejs18.x", memory_mb=256, timeout_s=6,
        per_minute=3, median_ms=700, spread=0.5, versions=15, failure_rate=0.004, logger="winston",
        failures=(_timeout(6), Failure("Error", "connect ECONNREFUSED 10.20.4.17:443")),
        summary="Calls carriers when a parcel moves",
    ),
    _prod_us(
        name="quote-engine", team="payments", runtime="java17", memory_mb=1024, timeout_s=20,
        per_minute=2, median_ms=240, init_ms=3100, versions=18, provisioned=("17", 10), memory_share=0.35,
        failures=(Failure("java.lang.IllegalStateException", "no rate card for zone EU-4"),),
        summary="Quotes shipping; its provisioned concurrency stayed on the version before",
    ),
    _prod_us(
        name="warehouse-sync", team="fulfilment", memory_mb=512, timeout_s=600, trigger="schedule",
        source="warehouse-every-15m", schedule_s=900, median_ms=185_000, spread=0.15, versions=20,
        shared_disk=True,
        qualifier="",
        failures=(Failure("PaginationError", "cursor expired"),), summary="Copies stock levels",
    ),
    _prod_us(
        name="recommendation-batch", team="data", memory_mb=1024, timeout_s=120, trigger="kinesis",
        source="recs-events", batch=200, per_minute=2, median_ms=9000, spread=0.3, init_ms=1500, versions=12,
        qualifier="", reserved=55, failures=(_DYNAMO,), summary="Updates recommendations",
    ),
    _prod_us(
        name="geo-lookup", team="platform", runtime="provided.al2023", architecture="arm64",
        memory_mb=128, timeout_s=3, per_minute=8, median_ms=2.4, spread=0.5, init_ms=34, versions=27,
        log_lines=0, failures=(Failure("LookupError", "address is not routable"),),
        summary="IP address to country",
    ),
    _prod_us(
        name="export-reports", team="data", memory_mb=1024, timeout_s=300, trigger="schedule",
        source="export-hourly", scheduler=True, schedule_s=3600, median_ms=42_000, spread=0.25, versions=10,
        qualifier="",
        log_group=_SHARED_GROUP, failures=(Failure("ClientError", "AccessDenied on s3:PutObject"),),
        summary="Exports sales reports",
    ),
    _stage_eu(
        name="checkout-api", team="storefront", runtime="nodejs22.x", memory_mb=512, timeout_s=15,
        per_minute=1, rhythm="office", median_ms=150, versions=215, qualifier="stage", tracing=True,
        failure_rate=0.02, failures=(Failure("ValidationError", "cart test-1 has no shipping address"),),
    ),
    _stage_eu(
        name="cart-api", team="storefront", architecture="arm64", memory_mb=256, timeout_s=10,
        per_minute=1, rhythm="office", median_ms=40, versions=90, qualifier="stage", log_format="JSON",
        failures=(_DYNAMO,),
    ),
    _stage_eu(
        name="order-worker", team="fulfilment", runtime="python3.12", memory_mb=512, trigger="sqs",
        source="orders", batch=5, per_minute=0.6, rhythm="office", median_ms=430, versions=64,
        qualifier="stage", snap_start=True,
        failures=(_DYNAMO,),
    ),
    _stage_eu(
        name="feature-flags", team="platform", runtime="provided.al2023", architecture="arm64",
        memory_mb=128, timeout_s=3, per_minute=2, rhythm="office", median_ms=5, init_ms=60, versions=44,
        qualifier="", log_lines=0, log_class="INFREQUENT_ACCESS", url="AWS_IAM",
        failures=(Failure("LookupError", "flag set is empty"),),
    ),
    _stage_eu(
        name="e2e-runner", team="platform", runtime=None, memory_mb=2048, timeout_s=300,
        trigger="schedule", source="e2e-every-10m", schedule_s=600, median_ms=48_000, spread=0.2,
        init_ms=3600,
        versions=51, qualifier="", failure_rate=0.04,
        failures=(Failure("AssertionError", "expected 200, got 502 from /checkout"),),
    ),
    _stage_us(
        name="load-target", team="platform", memory_mb=256, per_minute=1.5, rhythm="office",
        median_ms=20, versions=5, qualifier="", failures=(Failure("RuntimeError", "injected failure"),),
        failure_rate=0.01,
    ),
    _stage_us(
        name="canary-probe", team="platform", runtime="nodejs22.x", memory_mb=128,
        trigger="schedule", source="canary-every-1m", schedule_s=60, median_ms=340, versions=7, qualifier="",
        failures=(Failure("Error", "GET https://staging.meridian.example/health answered 503"),),
    ),
    _stage_us(
        name="nightly-seed", team="data", memory_mb=512, timeout_s=900, trigger="schedule",
        source="seed-nightly", scheduler=True, schedule_s=86_400, median_ms=310_000, spread=0.1, versions=4,
        qualifier="",
    ),
    _stage_us(name="schema-migrator", memory_mb=256, trigger="none", versions=2, qualifier=""),
)
# fmt: on

QUEUES: tuple[QueueSpec, ...] = (
    _prod_eu_queue(name="orders", role="source", redrive="orders-dlq"),
    _prod_eu_queue(name="orders-dlq", role="dead-letter", retention_s=14 * 86400),
    _prod_eu_queue(name="payments", role="source", redrive="payments-dlq", max_receives=5),
    _prod_eu_queue(name="payments-dlq", role="dead-letter", retention_s=14 * 86400),
    _prod_eu_queue(name="email-async-dlq", role="async-dead-letter", retention_s=14 * 86400),
    _prod_eu_queue(name="invoice-failures", role="destination"),
    _prod_us_queue(name="transcode-jobs", role="source", redrive="transcode-jobs-dlq", visibility_s=1800),
    _prod_us_queue(name="transcode-jobs-dlq", role="dead-letter"),
    _stage_eu_queue(name="orders", role="source", redrive="orders-dlq"),
    _stage_eu_queue(name="orders-dlq", role="dead-letter"),
)

CANARY = ("cart-api", 0.1)
"""The function of meridian-prod whose alias `prod` sends this share to its newest version."""


MERIDIAN = Company(FUNCTIONS, QUEUES, enabled_regions=(*REGIONS, "eu-central-1"))
