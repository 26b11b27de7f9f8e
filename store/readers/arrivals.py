"""Dead letters as they arrive: how many, how they were counted, and what that misses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from core.windows import Window
from core.wiring import label, service
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import rows
from store.readers.letters import LOOK_BACK, samples
from store.readers.records import FUNCTION_POINTS
from store.readers.states import NOT_COLLECTED, known
from store.readers.things import EVERYTHING, Place, Things, matches
from store.store import Filter, Snapshot, Store

SENT, DEPTH, BOTH = "sent", "depth change", "both"
CAVEATS: Mapping[str, str] = {
    SENT: "counted by NumberOfMessagesSent: what Lambda or SNS put there; what SQS moved there is not in it",
    DEPTH: "counted by growth of the depth and deletions, since SQS does not count what it moves as sent:"
    " letters that came and were purged within one period are missed",
    BOTH: "per period the larger of NumberOfMessagesSent and the growth of the depth plus deletions: letters"
    " of both kinds within one period may be counted as one kind only, so there may be more",
}
"""What each way of counting misses."""

PLACES: Mapping[str, str] = {
    "sqs": "queue",
    "sns": "SNS topic",
    "events": "EventBridge bus",
    "s3": "S3 bucket",
    "lambda": "function",
    "kafka": "Kafka topic",
}
"""What failures may be sent to, by the service in its ARN."""

COLUMNS = [
    *("account", "region", "function", "queue", "arn", "place", "via", "shared_with", "arrived", "sent"),
    *("method", "caveat", "lost", "destination_failures", "depth", "state"),
]


@dataclass(frozen=True, slots=True)
class Way:
    """How letters of a function get to a place. `by_sqs`: SQS moves them, which its metrics do not count."""

    place: Place
    arn: str
    via: str
    by_sqs: bool = False
    kind: str = ""


@reader
def arrivals(store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING) -> pd.DataFrame:
    """Per function and place that its failures go to: account, region, function, queue (name), arn, place
    (queue, SNS topic ...), via (how they get there), shared_with (other functions whose letters the
    number holds too), arrived (in the window; None where it cannot be known), sent (the part that SQS
    counted as sent), method (sent, depth change, both), caveat (what that misses), lost (DeadLetterErrors
    of the function: letters that Lambda could not put there), destination_failures, depth (now), state.
    Most arrivals first.

    A queue's letters are counted once: rows of functions that share it show the same number.
    """
    reach = Window(window.start - LOOK_BACK, window.end)
    with store.snapshot(reach, ("queue_samples", "metrics")) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)
        things = Things.read(snapshot, "function", "mapping", "invoke_config", "queue")
        named = list(ways(things))
        found = samples(
            snapshot,
            Coverage.read(snapshot, reach, now=now, only="queues"),
            sorted({way.arn for way in named}),
        )
        losses = _losses(snapshot, window)
    counted = found[found["ts"] >= window.start].groupby("queue")[["arrivals", "sent"]].sum()
    counts = {str(arn): (float(row["arrivals"]), float(row["sent"])) for arn, row in counted.iterrows()}
    page = _Page(coverage, things, named, counts, losses)
    lines = [page.row(way) for way in named if matches(where, *way.place)]
    frame = pd.DataFrame(lines, columns=pd.Index(COLUMNS))
    numbers = ["arrived", "sent", "lost", "destination_failures", "depth"]
    frame[numbers] = frame[numbers].astype(float)
    order = frame.sort_values(["arrived", "lost", "function", "via"], ascending=[False, False, True, True])
    return order.reset_index(drop=True)


def ways(things: Things) -> Iterator[Way]:
    """Every way that the configuration names."""
    for thing in things.of("function"):
        if arn := thing.body.get("dead_letter_arn"):
            yield Way(thing.place, arn, "dead-letter queue of asynchronous events", kind="async")
    for thing in things.of("invoke_config"):
        if arn := thing.body.get("on_failure"):
            qualifier = thing.body.get("qualifier") or "$LATEST"
            yield Way(thing.place, arn, f"on-failure destination of {qualifier}", kind="destination")
    redrive = {t.name: t.body.get("redrive_target") for t in things.of("queue")}
    for thing in things.of("mapping"):
        source = thing.body.get("source_arn")
        if arn := thing.body.get("failure_destination"):
            yield Way(thing.place, arn, f"failure destination of {label(source or thing.name)}")
        if arn := redrive.get(str(source)):
            yield Way(thing.place, arn, f"redrive of {label(str(source))}", by_sqs=True)


def _losses(snapshot: Snapshot, window: Window) -> dict[Place, dict[str, float]]:
    """Letters that could not be delivered, as Lambda counts them per function."""
    frame = snapshot.frame(
        f"""SELECT account, region, "function", coalesce(sum(dead_letter_errors), 0) AS letters,
            coalesce(sum(destination_failures), 0) AS records
        FROM metrics WHERE {FUNCTION_POINTS} AND ts >= $start AND ts < $end GROUP BY ALL""",
        {"start": window.start, "end": window.end},
    )
    return {
        (row.account, row.region, row.function): {"async": row.letters, "destination": row.records}
        for row in rows(frame)
    }


class _Page:
    """What the rows are made of."""

    def __init__(
        self,
        coverage: Coverage,
        things: Things,
        ways: list[Way],
        counts: Mapping[str, tuple[float, float]],
        losses: Mapping[Place, Mapping[str, float]],
    ) -> None:
        self._coverage, self._counts, self._losses = coverage, counts, losses
        self._queues = {t.name: t for t in things.of("queue")}
        self._functions: dict[str, set[str]] = defaultdict(set)
        self._by_sqs: dict[str, set[bool]] = defaultdict(set)
        for way in ways:
            self._functions[way.arn].add(way.place[2])
            self._by_sqs[way.arn].add(way.by_sqs)

    def row(self, way: Way) -> dict[str, Any]:
        account, region, function = way.place
        counts = self._losses.get(way.place, {})
        return {
            "account": account,
            "region": region,
            "function": function,
            "queue": label(way.arn),
            "arn": way.arn,
            "place": PLACES.get(service(way.arn), service(way.arn)),
            "via": way.via,
            "shared_with": sorted(self._functions[way.arn] - {function}),
            "lost": self._lost(way, counts.get("async"), "async"),
            "destination_failures": self._lost(way, counts.get("destination"), "destination"),
            **(self._counted(way) if way.arn in self._queues else _uncounted(way)),
        }

    def _lost(self, way: Way, count: float | None, kind: str) -> float | None:
        """Of ways that Lambda tells losses of; None for the others."""
        if way.kind != kind:
            return None
        count = 0.0 if count is None else float(count)
        lost: float | None = known(count, self._coverage.seen("metrics", *way.place))
        return lost

    def _counted(self, way: Way) -> dict[str, Any]:
        queue = self._queues[way.arn]
        seen = self._coverage.seen("queues", queue.account, queue.region, queue.name)
        arrived, sent = self._counts.get(way.arn, (0.0, 0.0))
        method = how_counted(arrived, sent, self._by_sqs[way.arn])
        depths = [queue.body.get(name) for name in ("visible", "not_visible", "delayed")]
        return {
            "arrived": known(arrived, seen),
            "sent": known(sent, seen),
            "method": method,
            "caveat": CAVEATS[method],
            "depth": None if depths[0] is None else sum(depth or 0 for depth in depths),
            "state": seen.state(),
        }


def how_counted(arrived: float, sent: float, by_sqs: set[bool]) -> str:
    """Which count a number of arrivals rests on; of none, the one that would have told."""
    if arrived:
        return SENT if sent >= arrived else DEPTH if sent == 0 else BOTH
    return BOTH if len(by_sqs) > 1 else DEPTH if True in by_sqs else SENT


def _uncounted(way: Way) -> dict[str, Any]:
    """Of a place whose arrivals nobody tells us."""
    return {
        "arrived": None,
        "sent": None,
        "method": None,
        "caveat": "",
        "depth": None,
        "state": f"{NOT_COLLECTED}: {why_unread(way.arn, way.place)}",
    }


def why_unread(arn: str, place: Place) -> str:
    """Why we do not look into something that a function's configuration names."""
    name, parts = label(arn), arn.split(":")
    kind = PLACES.get(service(arn))
    if kind is None or kind != "queue":
        return f"{name} is {_a(kind or service(arn) or 'no ARN')}, whose content cannot be read"
    if parts[3:5] != [place[1], place[0]]:
        return f"queue {name} is in account {parts[4]}, {parts[3]}: it is not read from here"
    return f"queue {name} was not found, or may not be read"


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "EIOS" else f"a {kind}"
