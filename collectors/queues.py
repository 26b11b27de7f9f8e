"""Queues that feed functions or catch what they failed on: depth, age and traffic."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from collectors import cloudwatch
from collectors.aws import Aws
from collectors.cloudwatch import Answers, Query
from collectors.collector import CLOUDWATCH_LAG, HOUR, Ask, Collector, Expected, Learned, Reach
from core.errors import AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Covered, Gap, Inventory, Listed, Queue, QueueSample, Target
from core.metrics import metrics_of


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Queues as they are now (with the newest piece only), and their metrics over the window."""
    arns = set(queue_arns(ask.known)) | redrive_targets(ask.known.queues)
    if ask.newest:
        learned = list(_queues(aws, ask, sorted(arns)))
        arns |= redrive_targets(fact for fact in learned if isinstance(fact, Queue))
        yield from learned
    here = sorted(arn for arn in arns if is_here(arn, aws.target))
    answers = cloudwatch.fetch(aws, queries(here), ask.window, ask.period_s)
    yield from to_samples(answers, ask.period_s)
    yield from to_coverage(answers, ask)


def is_queue(arn: str | None) -> bool:
    return arn is not None and arn.split(":")[:1] == ["arn"] and arn.split(":")[2:3] == ["sqs"]


def is_here(arn: str, target: Target) -> bool:
    return arn.split(":")[3:5] == [target.region, target.account]


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
        why = f"queue {arn} is in another account or region: watch that one as a target of its own"
        return Expected(Gap(arn, ask.window, why))
    try:
        return _fetch(aws, arn, url)
    except NotFoundError:
        return Expected(Gap(arn, ask.window, f"queue {arn} does not exist, but something still points at it"))
    except (CredentialsError, EndpointError):
        raise
    except AwsError as error:
        return Gap(arn, ask.window, str(error), error.permission)


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
        Query((arn,), metric, (("QueueName", queue_name(arn)),))
        for arn in arns
        for metric in metrics_of("queue")
    ]


def to_samples(answers: Answers, period_s: int) -> Iterator[QueueSample]:
    for (arn,), series in answers.values.items():
        for ts, values in series.items():
            yield QueueSample(queue=arn, ts=ts, period_s=period_s, **values)


def to_coverage(answers: Answers, ask: Ask) -> Iterator[Covered | Gap]:
    """All of the window is read, but stays provisional, to be read again, while an answer is incomplete."""
    yield Covered("", ask.window, ask.period_s, settled=not answers.incomplete)
    for query, said in answers.incomplete.items():
        yield Gap(
            query.subject[0], ask.window, f"CloudWatch answered {query.metric.name} in part only: {said}"
        )
    for query, error in answers.failed.items():
        yield Gap(query.subject[0], ask.window, f"{query.metric.name} could not be read: {error}")


def estimate_usd(ask: Ask) -> Decimal:
    arns = set(queue_arns(ask.known)) | redrive_targets(ask.known.queues)
    return cloudwatch.estimate_usd(len(queries(arns)))


COLLECTOR = Collector(
    name="queues",
    what="SQS queues behind and after functions: depth now, and metrics a point a minute.",
    every="queues_every",
    permissions=("sqs:GetQueueUrl", "sqs:GetQueueAttributes", "cloudwatch:GetMetricData"),
    collect=collect,
    reach=Reach(period_s=60, coarse=True, lag=CLOUDWATCH_LAG, piece=12 * HOUR),
    estimate_usd=estimate_usd,
)
