"""What other services count on behalf of functions: requests to their queues, X-Ray's traces."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from store.readers.coverage import Coverage
from store.readers.frames import STEP_SQL
from store.readers.letters import ROLES, SOURCE, queue_roles
from store.readers.things import PLACE, Place, Things, once
from store.readers.usage import Question
from store.store import Snapshot

KINDS = ("mapping", "invoke_config", "queue", "trace_settings")
"""Entities that are asked about, beside those of a bill."""

CHUNK_BYTES = 64 * 1024
"""What SQS charges as one request (https://aws.amazon.com/sqs/pricing/)."""

IN_ORDER = (SOURCE, *(role for role in ROLES if role != SOURCE))
"""Whose a queue is that several functions name: first of those that it feeds."""

QueueKey = tuple[str, str, str]
"""Account, region and ARN."""


@once
def owners(things: Things) -> dict[QueueKey, Place]:
    """Queues and the function that each is counted at."""
    found: dict[QueueKey, Place] = {}
    for arn, roles in queue_roles(things).items():
        parts = arn.split(":")
        if len(parts) > 5 and parts[2] == "sqs":
            role = next(role for role in IN_ORDER if role in roles)
            found[parts[4], parts[3], arn] = min(roles[role])
    return found


def queue_requests(snapshot: Snapshot, things: Things, question: Question) -> pd.DataFrame:
    """Per function and step: queue_requests, queue_requests_fifo."""
    of = {key: place for key, place in owners(things).items() if question.wants(place)}
    if not of:
        return pd.DataFrame()
    pieces = f"greatest(1, coalesce(ceil(sent_bytes / nullif(sent, 0) / {CHUNK_BYTES}), 1))"
    found = snapshot.frame(
        f"""SELECT account, region, queue, {STEP_SQL} AS step,
            sum((coalesce(sent, 0) + coalesce(received, 0)) * {pieces}
                + coalesce(deleted, 0) + coalesce(empty_receives, 0)) AS requests
        FROM queue_samples WHERE ts >= $start AND ts < $end GROUP BY ALL""",
        {name: question.params[name] for name in ("start", "end", "step_ms")},
    )
    names = [*PLACE[:2], "queue"]
    known = pd.DataFrame(
        [(*key, place[2]) for key, place in of.items()], columns=pd.Index([*names, "function"])
    )
    found = found.merge(known, on=names)
    is_fifo = found["queue"].str.endswith(".fifo")
    return found[[*PLACE, "step"]].assign(
        queue_requests=found["requests"].where(~is_fifo, 0.0),
        queue_requests_fifo=found["requests"].where(is_fifo, 0.0),
    )


def traces(snapshot: Snapshot, things: Things, question: Question) -> pd.DataFrame:
    """Per function and step: traces, each at the first of its functions. Of Transaction Search none."""
    found = snapshot.frame(
        f"""SELECT account, region, "function", {STEP_SQL} AS step, count(*)::DOUBLE AS traces
        FROM (SELECT account, region, functions[1] AS "function", ts FROM traces) AS first
        WHERE "function" IS NOT NULL AND {question.inside} GROUP BY ALL""",
        question.params,
    )
    searched = [*_searched(things)]
    is_searched = [target in searched for target in zip(found["account"], found["region"], strict=True)]
    return found[~np.array(is_searched, dtype=bool)]


def _searched(things: Things) -> Iterator[tuple[str, str]]:
    """Targets whose spans go to CloudWatch Logs, where they are charged by volume."""
    settings = things.of("trace_settings")
    return ((t.account, t.region) for t in settings if t.body.get("destination") == "CloudWatchLogs")


# --- what was not read --------------------------------------------------------------------------------------


def unread_queues(things: Things, coverage: Coverage) -> set[Place]:
    """Functions of whose queues one was not read in the window at all."""
    return {place for key, place in owners(things).items() if not coverage.covered("queues", *key)}


def untold_traces(things: Things, coverage: Coverage) -> set[Place]:
    """Functions that trace, in targets whose traces were not read in the window at all, or go elsewhere."""
    told = {target: bool(coverage.covered("traces", *target)) for target in _targets(things)}
    told |= dict.fromkeys(_searched(things), False)
    return {
        t.place
        for t in things.of("function")
        if t.body.get("tracing_mode") == "Active" and not told[t.account, t.region]
    }


def _targets(things: Things) -> Iterator[tuple[str, str]]:
    return ((t.account, t.region) for t in things.of("function"))
