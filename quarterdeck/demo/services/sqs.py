"""SQS, reading: urls, attributes as of now, and which queues redrive into which."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.model import DAY_MS, MINUTES_A_DAY
from quarterdeck.demo.queues import lying, queue_day, worker
from quarterdeck.demo.specs import QueueSpec
from quarterdeck.demo.stories import DAY, to_ms
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import World

PAGE = 1000


def _url(queue: QueueSpec) -> str:
    return f"https://sqs.{queue.region}.amazonaws.com/{queue.account}/{queue.name}"


def _queue(demo: Demo, account: str, call: Call) -> QueueSpec:
    url = call.params.get("QueueUrl", "")
    name = call.params.get("QueueName") or url.rsplit("/", 1)[-1]
    owner = call.params.get("QueueOwnerAWSAccountId") or (url.split("/")[-2] if "/" in url else account)
    for queue in demo.world.company.queues_of(account, call.region):
        if queue.name == name and owner == account:
            return queue
    raise ApiError(
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        query_code="AWS.SimpleQueueService.NonExistentQueue",
    )


def get_queue_url(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return {"QueueUrl": _url(_queue(demo, account, call))}


def list_queues(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    prefix = call.params.get("QueueNamePrefix", "")
    found = [
        _url(queue)
        for queue in demo.world.company.queues_of(account, call.region)
        if queue.name.startswith(prefix)
    ]
    page, token = paged(found, call.params.get("NextToken"), call.params.get("MaxResults", PAGE))
    return {"QueueUrls": page, **({"NextToken": token} if token else {})}


def list_dead_letter_source_queues(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    target = _queue(demo, account, call)
    found = [
        _url(queue)
        for queue in demo.world.company.queues_of(account, call.region)
        if queue.redrive == target.name
    ]
    page, token = paged(found, call.params.get("NextToken"), call.params.get("MaxResults", PAGE))
    return {"queueUrls": page, **({"NextToken": token} if token else {})}


def get_queue_attributes(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    queue = _queue(demo, account, call)
    known = attributes(demo.world, queue)
    wanted = call.params.get("AttributeNames", [])
    for name in wanted:
        if name != "All" and name not in known and name not in _OPTIONAL:
            raise ApiError("InvalidAttributeName", f"Unknown Attribute {name}.")
    return {"Attributes": {k: v for k, v in known.items() if "All" in wanted or k in wanted}}


_OPTIONAL = ("RedrivePolicy", "RedriveAllowPolicy", "Policy", "KmsMasterKeyId", "FifoQueue")


def attributes(world: World, queue: QueueSpec) -> dict[str, str]:
    visible, not_visible = depth(world, queue)
    created = str(to_ms(world.plan.start - 300 * DAY) // 1000)
    found = {
        "QueueArn": queue.arn,
        "ApproximateNumberOfMessages": str(visible),
        "ApproximateNumberOfMessagesNotVisible": str(not_visible),
        "ApproximateNumberOfMessagesDelayed": "0",
        "CreatedTimestamp": created,
        "LastModifiedTimestamp": created,
        "VisibilityTimeout": str(queue.visibility_s),
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": str(queue.retention_s),
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }
    if queue.redrive:
        target = f"{queue.arn.rsplit(':', 1)[0]}:{queue.redrive}"
        policy = {"deadLetterTargetArn": target, "maxReceiveCount": queue.max_receives}
        found["RedrivePolicy"] = json.dumps(policy)
    return found


def depth(world: World, queue: QueueSpec) -> tuple[int, int]:
    """How many messages lie there and how many are being worked on, right now."""
    now_ms = world.now_ms()
    if queue.role != "source":
        return len(lying(world, queue, now_ms)), 0
    minute = now_ms // 60_000 % MINUTES_A_DAY
    visible = int(queue_day(world, queue, now_ms // DAY_MS).visible[minute - 1])
    return visible, _in_work(world, queue, now_ms)


def _in_work(world: World, queue: QueueSpec, now_ms: int) -> int:
    function = worker(world, queue)
    if function is None:
        return 0
    days = [world.day(function, number) for number in (now_ms // DAY_MS - 1, now_ms // DAY_MS)]
    return int(sum(np.count_nonzero((day.start_ms <= now_ms) & (day.end_ms > now_ms)) for day in days))


HANDLERS: dict[str, Handler] = {
    "GetQueueUrl": get_queue_url,
    "ListQueues": list_queues,
    "ListDeadLetterSourceQueues": list_dead_letter_source_queues,
    "GetQueueAttributes": get_queue_attributes,
}
