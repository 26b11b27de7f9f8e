"""SQS, reading: urls, attributes as of now, and which queues redrive into which."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.model import DAY_MS, MINUTES_A_DAY
from quarterdeck.demo.queues import feeders, lying, queue_day, worker
from quarterdeck.demo.specs import QueueSpec
from quarterdeck.demo.stories import DAY, to_ms
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import World

PAGE = 1000
FOR_EVER_MS = 10**15


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
    gone = (demo.kept.get(account, call.region, "hidden", queue.name) or {}).values()
    left = int(known["ApproximateNumberOfMessages"]) - sum(until == FOR_EVER_MS for until in gone)
    known["ApproximateNumberOfMessages"] = str(max(left, 0))
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


def receive_message(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """The oldest of what lies in a queue that catches failures and is not hidden."""
    queue, now_ms = _queue(demo, account, call), demo.world.now_ms()
    key = account, call.region, "hidden", queue.name
    hidden = {id: until for id, until in (demo.kept.get(*key) or {}).items() if until > now_ms}
    arrived = lying(demo.world, queue, now_ms) if queue.role != "source" else ()
    found = [m for m in _letters(demo.world, queue, arrived) if m["MessageId"] not in hidden]
    given = found[: call.params.get("MaxNumberOfMessages", 1)]
    until = now_ms + 1000 * call.params.get("VisibilityTimeout", queue.visibility_s)
    demo.kept.put(*key, value=hidden | {message["MessageId"]: until for message in given})
    return {"Messages": given} if given else {}


def delete_message(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """What was deleted is never received again."""
    queue = _queue(demo, account, call)
    id, _, handle = call.params.get("ReceiptHandle", "").partition("/")
    if handle != "handle":
        raise ApiError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
    key = account, call.region, "hidden", queue.name
    demo.kept.put(*key, value=(demo.kept.get(*key) or {}) | {id: FOR_EVER_MS})
    return {}


def _letters(world: World, queue: QueueSpec, arrived: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Messages as they arrived: what Lambda puts there says its error, what SQS redrives says none."""
    failures = [(function, failure) for function in feeders(world, queue) for failure in function.failures]
    for at, ts_ms in enumerate(arrived):
        id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{queue.arn}/{ts_ms}/{at}"))
        function, failure = failures[int(ts_ms) % len(failures)] if failures else (None, None)
        record = failure and {"errorType": failure.type, "errorMessage": failure.message}
        body: dict[str, Any] = {"order": id, "password": "not-for-your-eyes"}
        message: dict[str, Any] = {"MessageId": id, "ReceiptHandle": f"{id}/handle"}
        if record and function and queue.role == "destination":
            condition = {
                "condition": "RetriesExhausted",
                "requestId": id,
                "functionArn": f"{function.arn}:$LATEST",
            }
            body = {"requestContext": condition, "requestPayload": body, "responsePayload": record}
        if record and queue.role == "async-dead-letter":
            text = {"DataType": "String", "StringValue": record["errorMessage"]}
            message["MessageAttributes"] = {"ErrorMessage": text}
        message["Body"] = json.dumps(body)
        yield message | {
            "MD5OfBody": hashlib.md5(message["Body"].encode(), usedforsecurity=False).hexdigest()
        }


HANDLERS: dict[str, Handler] = {
    "GetQueueUrl": get_queue_url,
    "ListQueues": list_queues,
    "ListDeadLetterSourceQueues": list_dead_letter_source_queues,
    "GetQueueAttributes": get_queue_attributes,
    "ReceiveMessage": receive_message,
    "DeleteMessage": delete_message,
}
