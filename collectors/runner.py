"""Runs collectors: plans what is due, times and records each run, and keeps what it learned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors import budget, planning
from collectors.aws import Aws
from collectors.collector import Ask, Collector, Expected, Learned, Reach
from collectors.planning import Piece
from core.errors import AccessDeniedError, AwsError, BudgetError, QuarterdeckError
from core.facts import Covered, Fact, Gap, Listed, Run, Target
from core.settings import CollectSettings
from core.windows import MINUTE, Window
from store.store import Store

GIVEN_UP_AFTER = 2
"""Failed runs in a row after which a pass leaves the rest for the next one."""


def due(
    collector: Collector,
    target: Target,
    store: Store,
    settings: CollectSettings,
    *,
    now: datetime,
    since: timedelta | None = None,
) -> list[Piece]:
    """The runs that `collector` has to do for `target` now, newest first; `since` reads less far back."""
    reach = collector.reach
    if reach is None:
        return [Piece(since_last_look(collector, settings, now=now), 0, newest=True)]
    wanted = planning.horizon(
        reach, now=now, backfill=settings.backfill, coarse=settings.backfill_coarse, since=since
    )
    scopes = [""] if reach.scopes is None else list(reach.scopes(store.inventory(target)))
    windows_of = {}
    for scope in scopes:
        settled = store.covered(collector.name, target, scope, settled=True)
        read = store.covered(collector.name, target, scope)
        windows_of[scope] = planning.plan(reach, wanted, settled, read, now=now)
    pieces = planning.by_scope(windows_of, end=wanted.end, per_run=reach.scopes_per_run)
    return pieces if reach.scopes else [replace(piece, scopes=()) for piece in pieces]


def since_last_look(collector: Collector, settings: CollectSettings, *, now: datetime) -> Window:
    """The window of a look at things as they are now: windows of punctual runs overlap, so that they join."""
    return Window.last(max(MINUTE, 2 * collector.interval(settings)), now=now)


def collect_due(
    collector: Collector,
    aws: Aws,
    store: Store,
    settings: CollectSettings,
    *,
    now: datetime,
    since: timedelta | None = None,
    on_run: Callable[[Run], None] | None = None,
    within: timedelta | None = None,
) -> list[Run]:
    """One pass: do every run that is due, newest first, and answer them.

    `within` starts no further run after that much time: what is left is due again in the next pass, after the
    newest minutes. A scope that could not be read is left alone for the rest of the pass. Raises StoreError.
    """
    runs: list[Run] = []
    began, failures, left_alone = time.monotonic(), 0, set[str]()
    for piece in due(collector, aws.target, store, settings, now=now, since=since):
        scopes = tuple(scope for scope in piece.scopes if scope not in left_alone)
        if piece.scopes and not scopes:
            continue
        started_at = now + timedelta(seconds=time.monotonic() - began)
        todo = replace(piece, scopes=scopes)
        run, gaps = _run(collector, aws, store, todo, settings, now=now, started_at=started_at)
        runs.append(run)
        if on_run is not None:
            on_run(run)
        left_alone |= {gap.scope for gap in gaps if gap.window == piece.window}
        failures = failures + 1 if run.outcome == "failed" else 0
        out_of_time = within is not None and time.monotonic() - began > within.total_seconds()
        if run.outcome in ("denied", "skipped") or failures == GIVEN_UP_AFTER or out_of_time:
            break
    return runs


def run_once(
    collector: Collector,
    aws: Aws,
    store: Store,
    window: Window,
    *,
    now: datetime,
    settings: CollectSettings | None = None,
    period_s: int | None = None,
) -> Run:
    """Run `collector` once over `window` and keep its outcome. Raises StoreError and nothing else."""
    reach = collector.reach or Reach()
    grid = reach.period_s if period_s is None else period_s
    scopes = tuple(reach.scopes(store.inventory(aws.target))) if reach.scopes else ()
    piece = Piece(window, grid, newest=True, scopes=scopes)
    return _run(collector, aws, store, piece, settings or CollectSettings(), now=now, started_at=now)[0]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and what it learned."""

    outcome: str
    error: str | None = None
    permission: str | None = None
    facts: Sequence[Fact] = ()


def _run(
    collector: Collector,
    aws: Aws,
    store: Store,
    piece: Piece,
    settings: CollectSettings,
    *,
    now: datetime,
    started_at: datetime,
) -> tuple[Run, list[Gap]]:
    began = time.monotonic()
    ask = Ask(
        window=piece.window,
        period_s=piece.period_s,
        known=store.inventory(aws.target),
        settings=settings,
        newest=piece.newest,
        scopes=piece.scopes,
    )
    aws.take_usage()  # what this thread did outside runs is not this run's
    with budget.held(collector, aws, store, ask, now=now) as too_dear:
        ended = _held_back(collector, aws, store, ask, too_dear) or _attempt(collector, aws, ask)
        run = Run(
            collector=collector.name,
            target=aws.target,
            window=piece.window,
            period_s=piece.period_s,
            started_at=started_at,
            finished_at=started_at + timedelta(seconds=time.monotonic() - began),
            outcome=ended.outcome,
            error=ended.error,
            permission=ended.permission,
            facts=sum(not isinstance(fact, Covered | Gap | Listed) for fact in ended.facts),
            usage=aws.take_usage(),
        )
        store.commit(run, ended.facts, now=now - aws.clock.ahead)  # what AWS's time has settled, not ours
    return run, [fact for fact in ended.facts if isinstance(fact, Gap)]


def _held_back(
    collector: Collector, aws: Aws, store: Store, ask: Ask, too_dear: str | None
) -> Outcome | None:
    """Why the run must not start, if so: nothing known to ask about yet, or the month's budget."""
    is_first = collector.name == "inventory"
    if not is_first and not ask.known.functions and not store.covered("inventory", aws.target):
        return Outcome("skipped", f"the inventory of {aws.where} has not been read yet; it is read first")
    return Outcome("skipped", too_dear) if too_dear else None


def _attempt(collector: Collector, aws: Aws, ask: Ask) -> Outcome:
    try:
        return judge(collector.collect(aws, ask))
    except AccessDeniedError as error:
        return _failed("denied", str(error), ask, error.permission)
    except BudgetError as error:
        return _failed("skipped", str(error), ask)
    except AwsError as error:
        return _failed("failed", str(error), ask, error.permission)
    except QuarterdeckError as error:
        return _failed("failed", str(error), ask)
    except Exception as error:  # noqa: BLE001 - one run's failure is recorded and must not end the others
        return _failed("failed", f"{collector.name} broke on {type(error).__name__}: {error}", ask)


def _failed(outcome: str, why: str, ask: Ask, permission: str | None = None) -> Outcome:
    return Outcome(
        outcome, why, permission, [Gap(scope, ask.window, why, permission) for scope in ask.scopes or [""]]
    )


def judge(learned: Iterable[Learned]) -> Outcome:
    """Tell from what a collector learned how its run went: ok, partial (some gaps) or denied (nothing but
    gaps, all of them for want of a permission)."""
    facts: list[Fact] = []
    gaps: list[Gap] = []
    for item in learned:
        if isinstance(item, Expected):
            facts.append(item.gap)
            continue
        facts.append(item)
        if isinstance(item, Gap):
            gaps.append(item)
    if not gaps:
        return Outcome("ok", facts=facts)
    error = gaps[0].why if len(gaps) == 1 else f"{gaps[0].why} (and {len(gaps) - 1} more gaps)"
    covered = any(isinstance(fact, Covered) for fact in facts)
    denied = not covered and all(gap.permission for gap in gaps)
    permission = next((gap.permission for gap in gaps if gap.permission), None)
    return Outcome("denied" if denied else "partial", error, permission, facts)
