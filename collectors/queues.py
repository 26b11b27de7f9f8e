"""Queues that feed functions or catch what they failed on: depth, age and traffic."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from collectors import cloudwatch
from collectors.aws import Aws
from collectors.cloudwatch import Answers, Query
from collectors.collector import CLOUDWATCH_LAG, HOUR, Ask, Collector, Expected, Learned, Reach
from collectors.meter import unit_price_usd
from core.entities import Queue
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import ACCOUNT, Covered, Gap, Inventory, Listed, Target
from core.metrics import metrics_of
from core.telemetry import QueueSample

CALLS_A_QUEUE = 2
"""GetQueueUrl, the first time, and GetQueueAttributes."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Queues as they are now (with the newest piece only), and the metrics of those of `ask.scopes`.

    Coverage is kept per queue, so that the history of one that is met for the first time is read too.
    """
    wanted = {arn for arn in ask.scopes or scopes(ask.known) if arn != ACCOUNT and is_here(arn, aws.target)}
    if ACCOUNT in ask.scopes or not ask.scopes:
        known = set(queue_arns(ask.known)) | redrive_targets(ask.known.queues)
        learned = list(_queues(aws, ask, sorted(known))) if ask.newest else []
        yield from learned
        # Dead-letter queues that the newest piece of this very pass has met are not among its scopes yet.
        met = redrive_targets(f for f in learned if isinstance(f, Queue)) - known if ask.newest else known
        wanted |= {arn for arn in met if is_here(arn, aws.target)}
        yield Covered(ACCOUNT, ask.window, ask.period_s)
    yield from _metrics(aws, ask, sorted(wanted))


def _metrics(aws: Aws, ask: Ask, arns: Sequence[str]) -> Iterator[Learned]:
    """Depths stay known where metrics may not be read."""
    asked = queries(arns)
    if not asked:
        return
    try:
        answers = cloudwatch.fetch(aws, asked, ask.window, ask.period_s)
    except AccessDeniedError as error:
        yield from (Gap(arn, ask.window, str(error), error.permission) for arn in arns)
        return
    yield from to_samples(answers, ask.period_s)
    yield from to_coverage(answers, arns, ask)


def scopes(known: Inventory) -> list[str]:
    """Queues whose coverage is kept, as far as they are known and here; ACCOUNT stands for how queues are."""
    arns = set(queue_arns(known)) | redrive_targets(known.queues)
    here = next((place for function in known.functions if (place := _place(function.arn))), None)
    return [ACCOUNT, *sorted(arn for arn in arns if here is None or _place(arn) == here)]


def _place(arn: str) -> tuple[str, str] | None:
    """Region and account of an ARN."""
    parts = arn.split(":")
    return (parts[3], parts[4]) if len(parts) > 5 else None


def is_queue(arn: str | None) -> bool:
    return arn is not None and arn.split(":")[:1] == ["arn"] and arn.split(":")[2:3] == ["sqs"]


def is_here(arn: str, target: Target) -> bool:
    return _place(arn) == (target.region, target.account)


def queue_name(arn: str) -> str:
    return arn.rsplit(":", 1)[-1]


def queue_arns(known: Inventory) -> list[str]:
    """Sources of mappings, dead-letter queues of functions, and destinations, as far as they are queues."""
    candidates = [
        *(mapping.source_arn for mapping in known.mappings),
        *(mapping.failure_destination for mapping in known.mappings),
        *(function.dead_letter_arn for function in known.functions),
        *(config.on_failure for config in known.invoke_configs),
        *(config.on_success for config in known.invoke_configs),
    ]
    return sorted({arn for arn in candidates if arn is not None and is_queue(arn)})


def redrive_targets(queues: Iterable[Queue]) -> set[str]:
    return {
        queue.redrive_target for queue in queues if queue.redrive_target and is_queue(queue.redrive_target)
    }


def _queues(aws: Aws, ask: Ask, arns: list[str]) -> Iterator[Learned]:
    """Each queue and the queue it redrives to; one that cannot be read leaves the others."""
    urls = {queue.name: queue.url for queue in ask.known.queues}
    waiting, seen, failed = list(arns), set(arns), False
    while waiting:
        arn = waiting.pop(0)
        found = _queue(aws, ask, arn, urls.get(arn))
        yield found
        failed = failed or isinstance(found, Gap)
        new = redrive_targets([found]) - seen if isinstance(found, Queue) else set()
        waiting, seen = waiting + sorted(new), seen | new
    if not failed:
        yield Listed("queue")


def _queue(aws: Aws, ask: Ask, arn: str, url: str | None) -> Queue | Gap | Expected:
    if not is_here(arn, aws.target):
        why = f"queue {arn} is in another account or region: it is not read from here"
        return Expected(Gap(arn, ask.window, why))
    try:
        return _fetch(aws, arn, url)
    except NotFoundError:
        why = f"queue {arn} does not exist, but something still points at it"
        return Expected(Gap(attributes_of(arn), ask.window, why))
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        return Gap(attributes_of(arn), ask.window, str(error), error.permission)


def attributes_of(arn: str) -> str:
    """The scope of what SQS itself tells of a queue: its metrics are another."""
    return f"{arn} attributes"


def _fetch(aws: Aws, arn: str, url: str | None) -> Queue:
    client = aws.client("sqs")
    if url is None:
        url = client.get_queue_url(QueueName=queue_name(arn))["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return parse_queue(arn, url, answer.get("Attributes", {}))


def parse_queue(arn: str, url: str, attributes: Mapping[str, str]) -> Queue:
    """Depths are approximate, as SQS gives them; an attribute that is missing is None."""
    redrive = parse_redrive(attributes.get("RedrivePolicy"))
    return Queue(
        name=arn,
        url=url,
        visible=_int(attributes.get("ApproximateNumberOfMessages")),
        not_visible=_int(attributes.get("ApproximateNumberOfMessagesNotVisible")),
        delayed=_int(attributes.get("ApproximateNumberOfMessagesDelayed")),
        visibility_timeout_s=_int(attributes.get("VisibilityTimeout")),
        retention_s=_int(attributes.get("MessageRetentionPeriod")),
        redrive_target=redrive.get("deadLetterTargetArn"),
        max_receive_count=_int(redrive.get("maxReceiveCount")),
    )


def parse_redrive(text: str | None) -> Mapping[str, Any]:
    """The redrive policy, which SQS keeps as JSON text; empty when there is none."""
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _int(text: object) -> int | None:
    try:
        return int(str(text)) if text is not None else None
    except ValueError:
        return None


def queries(arns: Iterable[str]) -> list[Query]:
    return [
        Query((arn,), metric, (("QueueName", queue_name(arn)),), of=arn)
        for arn in arns
        for metric in metrics_of("queue")
    ]


def to_samples(answers: Answers, period_s: int) -> Iterator[QueueSample]:
    for (arn,), series in answers.values.items():
        for ts, values in series.items():
            yield QueueSample(queue=arn, ts=ts, period_s=period_s, **values)


def to_coverage(answers: Answers, arns: Sequence[str], ask: Ask) -> Iterator[Covered | Gap]:
    """A queue is read when all its metrics were answered in full. A metric that CloudWatch refuses would be
    refused again: its gap is its own, and the queue counts as read without it."""
    incomplete: dict[str, list[str]] = defaultdict(list)
    for query, said in answers.incomplete.items():
        incomplete[query.of].append(f"CloudWatch answered {query.metric.name} in part only: {said}")
    for arn in arns:
        if arn in incomplete:
            yield Gap(arn, ask.window, incomplete[arn][0])
        else:
            yield Covered(arn, ask.window, ask.period_s)
    for query, error in answers.failed.items():
        why = f"{query.metric.name} could not be read: {error}"
        yield Gap(f"{query.of} {query.metric.name}", ask.window, why, error.permission)


def estimate_usd(ask: Ask) -> Decimal:
    """Metrics of the queues of this run, and with the newest piece a look at each."""
    arns = [arn for arn in ask.scopes or scopes(ask.known) if arn != ACCOUNT]
    looks = len(queue_arns(ask.known)) * CALLS_A_QUEUE if ask.newest else 0
    return cloudwatch.estimate_usd(len(queries(arns))) + looks * (
        unit_price_usd("sqs", "GetQueueAttributes") or Decimal(0)
    )


COLLECTOR = Collector(
    name="queues",
    what="SQS queues behind and after functions: depth now, and metrics a point a minute.",
    every="queues_every",
    permissions=("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "cloudwatch:GetMetricData"),
    collect=collect,
    reach=Reach(
        period_s=60,
        coarse=True,
        lag=CLOUDWATCH_LAG,
        piece=12 * HOUR,
        scopes=scopes,
        scopes_per_run=500,
    ),
    estimate_usd=estimate_usd,
)
