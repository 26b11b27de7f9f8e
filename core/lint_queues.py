"""Queues that feed functions: settings that hand a message out twice, give it up too soon or lose it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from core.wiring import CRITICAL, INFO, WARNING, Finding, Wiring, fed, is_fifo, label, readable_time

SAFE_TIMES_TIMEOUT = 6
"""AWS advises a visibility timeout of at least so many times the function's timeout."""
SAFE_RECEIVES = 5
"""AWS advises to let a message be received at least so often before it goes to the dead-letter queue."""


def visibility(wiring: Wiring) -> Iterator[Finding]:
    """A message that is still worked on must not be handed out again."""
    for mapping, queue, function in fed(wiring):
        has, timeout_s = queue.visibility_timeout_s, function.timeout_s
        if has is None or timeout_s is None:
            continue
        window_s = mapping.batching_window_s or 0
        needs = SAFE_TIMES_TIMEOUT * timeout_s + window_s
        if has >= needs:
            continue
        waits = f" plus the batching window of {window_s} s" if window_s else ""
        yield Finding(
            severity=CRITICAL if has < timeout_s else WARNING,
            code="visibility-timeout",
            where=queue.name,
            function=function.name,
            what=f"visibility timeout {has} s is below {SAFE_TIMES_TIMEOUT} x the {timeout_s} s timeout"
            f"{waits}",
            why="a message that is slow or throttled is handed out again while it is worked on",
            change=f"set the queue's visibility timeout to {needs} s or more",
        )


def receive_count(wiring: Wiring) -> Iterator[Finding]:
    """Throttled messages count as received."""
    for mapping, queue, function in fed(wiring):
        count, throttles = queue.max_receive_count, wiring.throttles.get(function.name, 0)
        if count is None or count >= SAFE_RECEIVES:
            continue
        seen = f"; {throttles:g} were throttled in {wiring.lately_d:g} days" if throttles else ""
        severity = CRITICAL if throttles and count == 1 else WARNING if throttles or count == 1 else INFO
        yield Finding(
            severity=severity,
            code="receive-count",
            where=queue.name,
            function=function.name,
            what=f"a message goes to the dead-letter queue after {count} receive{'s' if count > 1 else ''}",
            why=f"a throttled message counts as received, though the function never saw it{seen}",
            change=f"set maxReceiveCount to {SAFE_RECEIVES} or more"
            + ("" if mapping.maximum_concurrency else ", and maximum concurrency on the mapping"),
        )


def source_without_letters(wiring: Wiring) -> Iterator[Finding]:
    for _, queue, function in fed(wiring):
        if queue.redrive_target is None and queue.visibility_timeout_s is not None:
            yield Finding(
                severity=WARNING,
                code="no-dead-letter-queue",
                where=queue.name,
                function=function.name,
                what="the source queue has no dead-letter queue",
                why="a message that keeps failing is retried until it expires, and is then gone",
                change="give the queue a redrive policy",
            )


def retention(wiring: Wiring) -> Iterator[Finding]:
    """A standard queue's letters keep the age that they came with."""
    feeds: dict[str, list[str]] = defaultdict(list)
    for mapping in wiring.known.mappings:
        feeds[mapping.source_arn or ""].append(mapping.function)
    queues = wiring.queues
    for queue in queues.values():
        letters = queues.get(queue.redrive_target or "")
        if letters is None or is_fifo(letters) or letters.retention_s is None or queue.retention_s is None:
            continue
        if letters.retention_s > queue.retention_s:
            continue
        for function in feeds[queue.name]:
            yield Finding(
                severity=WARNING,
                code="letter-retention",
                where=letters.name,
                function=function,
                what=f"letters are kept {readable_time(letters.retention_s)}, no longer than the"
                f" {readable_time(queue.retention_s)} of {label(queue.name)}",
                why="the age of a message counts from when it was first sent: a letter may expire at once",
                change="set the dead-letter queue's retention to 14 days",
            )


def concurrency(wiring: Wiring) -> Iterator[Finding]:
    """More pollers than the function may run are throttled, and throttled messages go astray."""
    reserved_by = {item.name: item.reserved for item in wiring.known.reserved}
    for mapping, queue, function in fed(wiring):
        reserved, most = reserved_by.get(function.name), mapping.maximum_concurrency
        if reserved is None or (most is not None and most <= reserved):
            continue
        said = "no maximum concurrency" if most is None else f"maximum concurrency {most}"
        yield Finding(
            severity=INFO if most is None and not wiring.throttles.get(function.name) else WARNING,
            code="maximum-concurrency",
            where=mapping.name,
            function=function.name,
            what=f"the mapping of {label(queue.name)} has {said}, the function reserves {reserved}",
            why="what is polled beyond the reserved concurrency is throttled and counts as received",
            change=f"set the mapping's maximum concurrency to {max(2, reserved)} or less"
            if reserved >= 2
            else "reserve 2 or more (a mapping's smallest maximum concurrency)",
        )
