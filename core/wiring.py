"""What may be wrong with the wiring of functions: a finding, and the configuration that it is found in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.entities import EventSourceMapping, Function, Queue
from core.facts import Inventory

CRITICAL, WARNING, INFO = "critical", "warning", "info"
SEVERITIES = (CRITICAL, WARNING, INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to change. `where` is the thing's ARN, UUID or name; `function` whose work is at risk."""

    severity: str
    code: str
    where: str
    function: str
    what: str
    why: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One target's configuration, and what happened in the last `lately_d` days per function (a function left
    out is unknown)."""

    known: Inventory
    throttles: Mapping[str, float] = field(default_factory=dict)
    async_received: Mapping[str, float] = field(default_factory=dict)
    async_dropped: Mapping[str, float] = field(default_factory=dict)
    lately_d: float = 7

    @property
    def functions(self) -> dict[str, Function]:
        return {function.name: function for function in self.known.functions}

    @property
    def queues(self) -> dict[str, Queue]:
        """By ARN."""
        return {queue.name: queue for queue in self.known.queues}


def service(arn: str | None) -> str:
    """The service in an ARN, "" if there is none."""
    parts = (arn or "").split(":")
    return parts[2] if len(parts) > 2 else ""


def label(arn: str) -> str:
    """What people call the thing of an ARN."""
    return arn.rsplit(":", 1)[-1]


def readable_time(seconds: int) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def is_fifo(queue: Queue) -> bool:
    return queue.name.endswith(".fifo")


def fed(wiring: Wiring) -> Iterator[tuple[EventSourceMapping, Queue, Function]]:
    """Mappings with their queue and function, as far as both are known."""
    queues, functions = wiring.queues, wiring.functions
    for mapping in wiring.known.mappings:
        queue, function = queues.get(mapping.source_arn or ""), functions.get(mapping.function)
        if queue is not None and function is not None:
            yield mapping, queue, function
