"""`quarterdeck collect --once`: one pass over every target and collector, with progress for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from collectors.aws import Aws, connect
from collectors.collector import Collector
from collectors.registry import chosen
from collectors.runner import collect_due
from core.facts import Run
from quarterdeck.output import plain, stderr
from quarterdeck.serving import require_some
from quarterdeck.settings import Settings
from store.metering import meter
from store.store import Store

BAD = ("failed", "denied")


def collect_once(
    settings: Settings, store: Store, *, now: datetime, reach: timedelta | None
) -> dict[str, Any]:
    """Run what is due of every collector. Raises AwsError when no target can be reached."""
    connected, unreachable = connect(settings.targets, settings.aws)
    require_some(connected, unreachable)
    rows = []
    with _progress() as progress:
        for aws in connected:
            store.remember_target(aws.target, aws.alias, now)
            for collector in chosen(settings.cost):
                rows.append(_one(collector, aws, settings, store, progress, now=now, since=reach))
    store.pack(now=now)
    meter(store, now=now)
    return {"runs": rows, "unreachable": [str(missing.error) for missing in unreachable]}


def _one(
    collector: Collector,
    aws: Aws,
    settings: Settings,
    store: Store,
    progress: Progress,
    *,
    now: datetime,
    since: timedelta | None,
) -> dict[str, Any]:
    task = progress.add_task(f"{aws.where}: {collector.name}", total=None)

    def on_run(run: Run) -> None:
        progress.update(task, advance=1)

    runs = collect_due(collector, aws, store, settings.collect, now=now, since=since, on_run=on_run)
    progress.remove_task(task)
    return to_row(collector.name, aws, runs)


def to_row(name: str, aws: Aws, runs: Sequence[Run]) -> dict[str, Any]:
    """The runs of one collector on one target as one row; its outcome is the worst of theirs."""
    worst = min(runs, key=lambda run: _badness(run.outcome), default=None)
    return {
        "collector": name,
        "account": aws.target.account,
        "region": aws.target.region,
        "outcome": worst.outcome if worst else "nothing due",
        "error": worst.error if worst else None,
        "permission": worst.permission if worst else None,
        "reads": len(runs),
        "facts": sum(run.facts for run in runs),
        "calls": sum(usage.calls for run in runs for usage in run.usage),
        "took_s": plain(sum((run.finished_at - run.started_at for run in runs), timedelta())),
        "window": _reach(runs),
    }


def _badness(outcome: str) -> int:
    order = (*BAD, "skipped", "partial", "ok")
    return order.index(outcome) if outcome in order else 0


def _reach(runs: Sequence[Run]) -> Mapping[str, Any] | None:
    if not runs:
        return None
    start, end = min(run.window.start for run in runs), max(run.window.end for run in runs)
    return {"start": plain(start), "end": plain(end)}


def exit_code(document: Mapping[str, Any]) -> int:
    """1 when a collector failed or a target could not be reached."""
    failed: Iterable[bool] = (row["outcome"] in BAD for row in document["runs"])
    return 1 if document["unreachable"] or any(failed) else 0


def _progress() -> Progress:
    """Moves on a terminal's stderr, and is silent elsewhere."""
    console = stderr()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed} read"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
