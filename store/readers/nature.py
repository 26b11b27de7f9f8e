"""Whether a function runs on Managed Instances or durably, and how full those instances are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.frames import number, rows
from store.readers.things import Things
from store.readers.triggers import NOW_ONLY
from store.store import Filter, Snapshot, Store


@dataclass(frozen=True, slots=True)
class Nature:
    """How a function runs where that is not the usual way: the capacity provider of Managed Instances that it
    runs on (its ARN), and how long a durable execution of it may take. None: it does not, or is not known."""

    provider_arn: str | None = None
    durable_timeout_s: float | None = None

    @property
    def provider(self) -> str | None:
        """The provider's own name."""
        return self.provider_arn.rpartition(":")[2] if self.provider_arn else None


@reader
def nature(store: Store, target: Target, function: str) -> Nature:
    """As the function is configured now, or was when it went."""
    where = Filter(target.account, target.region, function)
    with store.snapshot(NOW_ONLY) as snapshot:
        things = Things.read(snapshot, "function", where=where)
    body = next((t.body for t in things.of("function", gone=True) if t.name == function), {})
    return Nature(body.get("capacity_provider_arn"), body.get("durable_execution_timeout_s"))


@dataclass(frozen=True, slots=True)
class Load:
    """The most of a window. Of the function: requests at once in all its environments, and how many those
    could serve; CPU and memory of the fullest environment. Of the provider's fullest instance, whatever runs
    on it, the same. Percentages are as CloudWatch tells them. None: it told nothing. `state` says how well
    that was read."""

    at_once: float | None
    at_once_limit: float | None
    cpu_percent: float | None
    memory_percent: float | None
    instance_cpu_percent: float | None
    instance_memory_percent: float | None
    state: str | None


@reader
def load(
    store: Store, target: Target, function: str, provider_arn: str, window: Window, *, now: datetime
) -> Load:
    """Of a function on Managed Instances over a window.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-monitoring.html
    """
    with store.snapshot(window, ("capacity_samples",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="metrics")
        told = _told(snapshot, target, function, provider_arn)
    state = coverage.seen("metrics", target.account, target.region, provider_arn).state()
    at_once, limit, cpu, memory, instance_cpu, instance_memory = told
    return Load(at_once, limit, cpu, memory, instance_cpu, instance_memory, state)


_OF = {True: '"function" = $function', False: "\"function\" = ''"}
_MOST = (
    ("environments_max", True),
    ("environments_limit_max", True),
    ("environment_cpu_utilization_max", True),
    ("environment_memory_utilization_max", True),
    ("cpu_utilization_max", False),
    ("memory_utilization_max", False),
)


def _told(snapshot: Snapshot, target: Target, function: str, provider_arn: str) -> list[float | None]:
    most = ", ".join(f"max({name}) FILTER ({_OF[is_its_own]}) AS {name}" for name, is_its_own in _MOST)
    found = snapshot.frame(
        f"""SELECT {most} FROM capacity_samples
        WHERE account = $account AND region = $region AND provider = $provider""",
        {
            "account": target.account,
            "region": target.region,
            "function": function,
            "provider": provider_arn.rpartition(":")[2],
        },
    )
    (told,) = rows(found)
    return [number(getattr(told, name)) for name, _ in _MOST]
