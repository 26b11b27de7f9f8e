"""Mappings and asynchronous invocations: what blocks, and where failures go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from core.wiring import CRITICAL, INFO, WARNING, Finding, Wiring, label, readable_time, service

DEFAULT_RETRIES, DEFAULT_MAX_AGE_S = 2, 21_600
"""Of asynchronous invocations without settings of their own."""

REPORTS_ITEMS = frozenset({"sqs", "kinesis", "dynamodb"})
"""Sources whose batches may fail in part, if the mapping says so."""
BLOCKING = frozenset({"kinesis", "dynamodb"})
"""Sources that are read in order: what fails stands in the way of what comes after."""
ASYNC_SOURCES = frozenset(
    {"s3", "sns", "events", "scheduler", "ses", "logs", "iot", "config", "cloudformation", "codecommit"}
)
"""Services that invoke asynchronously."""


def batch_item_failures(wiring: Wiring) -> Iterator[Finding]:
    for mapping in wiring.known.mappings:
        size = mapping.batch_size
        if mapping.reports_batch_item_failures or size is None or size <= 1:
            continue
        if service(mapping.source_arn) in REPORTS_ITEMS:
            yield Finding(
                severity=WARNING,
                code="batch-item-failures",
                where=mapping.name,
                function=mapping.function,
                what=f"one failing record fails its whole batch of up to {size}",
                why="records that were done are done again, and good ones may end in the dead-letter queue",
                change="return batchItemFailures and set ReportBatchItemFailures on the mapping",
            )


def blocked_streams(wiring: Wiring) -> Iterator[Finding]:
    """Streams on which a single bad record holds up its shard."""
    for mapping in wiring.known.mappings:
        unlimited = mapping.maximum_retries == -1 and mapping.maximum_record_age_s == -1
        if service(mapping.source_arn) not in BLOCKING:
            continue
        if unlimited:
            yield Finding(
                severity=WARNING,
                code="unlimited-retries",
                where=mapping.name,
                function=mapping.function,
                what="retries and record age are unlimited",
                why="one bad record blocks its shard until it expires, with all that comes after it",
                change="limit retries or record age, with a failure destination that keeps what is given up",
            )
        if mapping.bisects_on_error is False and (mapping.batch_size or 0) > 1:
            yield Finding(
                severity=INFO,
                code="no-bisect",
                where=mapping.name,
                function=mapping.function,
                what="a failing batch is not split",
                why="the bad record is not told from the good ones beside it, which are given up with it",
                change="set BisectBatchOnFunctionError, or report batch item failures",
            )


def stream_failures(wiring: Wiring) -> Iterator[Finding]:
    for mapping in wiring.known.mappings:
        if service(mapping.source_arn) not in BLOCKING or mapping.failure_destination:
            continue
        limits = (mapping.maximum_retries, mapping.maximum_record_age_s)
        gives_up = any(limit is not None and limit >= 0 for limit in limits)
        yield Finding(
            severity=CRITICAL if gives_up else WARNING,
            code="no-failure-destination",
            where=mapping.name,
            function=mapping.function,
            what="records that are given up go nowhere",
            why="the mapping skips them after its last try, and nothing tells which they were"
            if gives_up
            else "records that expire while they are retried are lost, and nothing tells which they were",
            change="set an on-failure destination (SQS, SNS, S3) on the mapping",
        )


def pollers(wiring: Wiring) -> Iterator[Finding]:
    """Mappings that do not do their work now."""
    for mapping in wiring.known.mappings:
        result, state = mapping.last_result or "", mapping.state or ""
        if result.upper().startswith("PROBLEM"):
            yield Finding(
                severity=CRITICAL,
                code="poller-problem",
                where=mapping.name,
                function=mapping.function,
                what=f"the poller says {result!r}",
                why="records wait, or are retried, until this is put right",
                change="put right what it names; see the function's role and errors",
            )
        if state in ("Disabled", "Disabling"):
            reason = f" ({mapping.state_reason})" if mapping.state_reason else ""
            yield Finding(
                severity=INFO,
                code="mapping-disabled",
                where=mapping.name,
                function=mapping.function,
                what=f"the mapping is {state.lower()}{reason}",
                why="nothing is read from its source, whose records age and expire",
                change="enable the mapping, or delete it",
            )


def failures_go_to(wiring: Wiring) -> dict[str, set[str]]:
    """Where failed asynchronous events end, per function: ARNs. A function left out keeps none."""
    found: dict[str, set[str]] = defaultdict(set)
    for function in wiring.known.functions:
        if function.dead_letter_arn:
            found[function.name].add(function.dead_letter_arn)
    for config in wiring.known.invoke_configs:
        if config.on_failure:
            found[config.function].add(config.on_failure)
    return dict(found)


def asynchronous(wiring: Wiring) -> set[str]:
    """Functions that are invoked asynchronously, as their metrics or triggers say."""
    received = {name for name, count in wiring.async_received.items() if count > 0}
    return received | {t.function for t in wiring.known.triggers if service(t.source_arn) in ASYNC_SOURCES}


def async_limits(wiring: Wiring) -> dict[str, tuple[int, int]]:
    """Retries and the age in seconds after which an unqualified event is dropped, per function that has
    settings of its own."""
    return {
        config.function: (
            DEFAULT_RETRIES if config.max_retries is None else config.max_retries,
            DEFAULT_MAX_AGE_S if config.max_age_s is None else config.max_age_s,
        )
        for config in wiring.known.invoke_configs
        if config.qualifier == "$LATEST"
    }


def async_failures(wiring: Wiring) -> Iterator[Finding]:
    """Events that are given up and kept nowhere."""
    limits = async_limits(wiring)
    for name in sorted((asynchronous(wiring) & wiring.functions.keys()) - failures_go_to(wiring).keys()):
        dropped = wiring.async_dropped.get(name, 0)
        retries, age_s = limits.get(name, (DEFAULT_RETRIES, DEFAULT_MAX_AGE_S))
        yield Finding(
            severity=CRITICAL if dropped else WARNING,
            code="async-failures-go-nowhere",
            where=name,
            function=name,
            what=f"asynchronous events dropped in {wiring.lately_d:g} days: {dropped:g}; nothing keeps them"
            if dropped
            else "asynchronous events that fail go nowhere",
            why=f"after {retries} retries or {readable_time(age_s)} an event is dropped",
            change="set an on-failure destination or a dead-letter queue",
        )


def loops(wiring: Wiring) -> Iterator[Finding]:
    """Failures that are sent back to where they came from."""
    letters = failures_go_to(wiring)
    for mapping in wiring.known.mappings:
        back = {mapping.failure_destination, *letters.get(mapping.function, ())}
        if mapping.source_arn is not None and mapping.source_arn in back:
            yield Finding(
                severity=CRITICAL,
                code="failure-loop",
                where=mapping.name,
                function=mapping.function,
                what=f"what fails is sent to {label(mapping.source_arn)}, which feeds the same function",
                why="a message that always fails goes round for ever, and is paid for each time",
                change="send failures to a queue of their own",
            )
