"""What a function's page says of one that runs durably or on Managed Instances: other rules hold for it."""

from __future__ import annotations

from dashboard import numbers
from dashboard.numbers import plain
from store.readers.nature import Load, Nature

REPLAYS = (
    "It runs durably: each replay of an execution is an invocation. Tab Waiting has executions as they ended."
)
NO_COLD_STARTS = (
    "Managed Instances start environments ahead of requests, as their CPU is used: no caller waits for one."
)


def words(nature: Nature) -> list[str]:
    """For the line of its configuration; nothing for a function that runs the usual way."""
    said = [f"Managed Instances of {nature.provider}"] if nature.provider else []
    if nature.durable_timeout_s is not None:
        said.append(f"durable, up to {numbers.age(nature.durable_timeout_s)}")
    return said


def load(found: Load) -> str:
    """How full its instances were, as Markdown."""
    if all(value is None for value in (found.at_once, found.cpu_percent, found.instance_cpu_percent)):
        return "How full its instances were is not known: CloudWatch told nothing of them in this window."
    said = [f"At most **{_count(found.at_once)} of {_count(found.at_once_limit)}** requests at once"]
    if found.cpu_percent is not None:
        said.append(f"its fullest environment {_full(found.cpu_percent, found.memory_percent)}")
    if found.instance_cpu_percent is not None:
        whole = _full(found.instance_cpu_percent, found.instance_memory_percent)
        said.append(f"the fullest instance of its provider, whatever ran there, {whole}")
    return "; ".join(said) + "."


def _count(value: float | None) -> str:
    return plain(numbers.count(value))


def _full(cpu: float, memory: float | None) -> str:
    return f"{cpu:.0f} % of CPU" + (f" and {memory:.0f} % of memory" if memory is not None else "")
