"""Runs collectors: plans what is due, times and records each run, and keeps what it learned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from collectors import backfill, budget, planning
from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Expected, Learned, Reach
from collectors.planning import Piece
from core.entities import ENTITIES
from core.errors import AccessDeniedError, AwsError, BudgetError, QuarterdeckError
from core.facts import ACCOUNT, Covered, Fact, Gap, Inventory, Listed, Run, Target
from core.settings import CollectSettings
from core.telemetry import Rows
from core.windows import MINUTE, Window
from store.coverage import NOTHING_READ, Reading
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
    known: Inventory | None = None,
) -> list[Piece]:
    """The runs that `collector` has to do for `target` now, newest first; `since` reads less far back."""
    reach = collector.reach
    if reach is None:
        return [Piece(since_last_look(collector, settings, now=now), 0, newest=True)]
    wanted = planning.horizon(
        reach,
        now=now,
        backfill=settings.backfill,
        coarse=settings.backfill_coarse,
        since=since,
        keeps=store.keeps(collector.name, target, now=now),
    )
    known = (known or store.inventory(target)) if reach.scopes else Inventory()
    readings = store.readings(collector.name, target, since=wanted.start - HOUR)
    paces = reach.paces(known) if reach.paces else {}
    usual = collector.interval(settings) if reach.paces else timedelta()
    plans: dict[tuple[int, int | None], list[tuple[Window, int]]] = {}
    windows_of = {}
    for scope in reach.scopes(known) if reach.scopes else [""]:
        reading, pace = _reading(readings, scope, reach), paces.get(scope)
        if (same := (id(reading), pace)) not in plans:
            every = usual if pace is None else timedelta(seconds=pace)
            newest = planning.is_due(reading.read, every, end=now - reach.lag)
            plans[same] = planning.plan(reach, wanted, reading.settled, reading.read, newest=newest)
        windows_of[scope] = plans[same]
    pieces = planning.by_scope(windows_of, end=wanted.end, per_run=reach.scopes_per_run)
    return pieces if reach.scopes else [replace(piece, scopes=()) for piece in pieces]


def _reading(readings: dict[str, Reading], scope: str, reach: Reach) -> Reading:
    """What was read of a scope, and beside it; kept in `readings`, as plans are shared by identity."""
    more = readings.get(reach.beside(scope)) if reach.beside else None
    if more is not None:
        own = readings.get(scope, NOTHING_READ)
        readings[scope] = Reading((*own.settled, *more.settled), (*own.read, *more.read))
    return readings.get(scope, NOTHING_READ)


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
    going_on: Callable[[], bool] = lambda: True,
) -> list[Run]:
    """One pass: do every run that is due, newest first, and answer them.

    `within` starts no further run after that much time, nor does `going_on` once it says no: what is left is
    due again in the next pass, after the newest minutes. A scope that could not be read is left alone for the
    rest of the pass. Raises StoreError.
    """
    runs: list[Run] = []
    began, failures, left_alone = time.monotonic(), 0, set[str]()
    known = store.inventory(aws.target)
    told = now - aws.clock.ahead  # a window ends where AWS's time is
    pieces = due(collector, aws.target, store, settings, now=told, since=since, known=known)
    progress = (
        backfill.begin(collector, aws.target, store, settings, pieces, known, now=now)
        if since is None
        else None
    )
    oldest = min((piece.window.start for piece in pieces), default=now)
    live_usd = _live_usd(aws, store, settings, pieces, now=now)
    for piece in pieces:
        scopes = tuple(scope for scope in piece.scopes if scope not in left_alone)
        if piece.scopes and not scopes:
            continue
        started_at = now + timedelta(seconds=time.monotonic() - began)
        todo = Todo(replace(piece, scopes=scopes), known, settings, started_at, oldest, live_usd)
        run, ended = _run(collector, aws, store, todo, now=now)
        runs.append(run)
        if on_run is not None:
            on_run(run)
        if progress is not None:
            is_read = run.outcome in ("ok", "partial") and not ended.is_held_back
            progress.done(piece, is_read=is_read, why=None if is_read else run.error)
        known = store.inventory(aws.target) if ended.is_news else known
        left_alone |= {g.scope for g in ended.facts if isinstance(g, Gap) and g.window == piece.window}
        failures = failures + 1 if run.outcome == "failed" else 0
        out_of_time = within is not None and time.monotonic() - began > within.total_seconds()
        is_over = out_of_time or failures == GIVEN_UP_AFTER or not going_on()
        if run.outcome == "denied" or ended.is_held_back or is_over:
            break
    return runs


def _live_usd(
    aws: Aws, store: Store, settings: CollectSettings, pieces: Sequence[Piece], *, now: datetime
) -> Decimal:
    """Asked for only where a cap weighs it against older history."""
    is_weighed = budget.cap_usd(aws) is not None and not all(piece.newest for piece in pieces)
    return budget.live_usd(store, settings, now=now) if is_weighed else Decimal(0)


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
    known = store.inventory(aws.target)
    piece = Piece(window, grid, newest=True, scopes=tuple(reach.scopes(known)) if reach.scopes else ())
    todo = Todo(piece, known, settings or CollectSettings(), started_at=now, oldest=window.start)
    return _run(collector, aws, store, todo, now=now)[0]


@dataclass(frozen=True, slots=True)
class Todo:
    """One run to do: `known` is of the pass, `oldest` where the pass's oldest piece begins; `live_usd` is
    what live reading needs until the month ends."""

    piece: Piece
    known: Inventory
    settings: CollectSettings
    started_at: datetime
    oldest: datetime
    live_usd: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, and what it learned."""

    outcome: str
    error: str | None = None
    permission: str | None = None
    facts: Sequence[Fact] = ()
    is_held_back: bool = False

    @property
    def is_news(self) -> bool:
        """Whether things were learned that later runs may ask about."""
        return any(type(fact) in ENTITIES or isinstance(fact, Listed) for fact in self.facts)


def _run(
    collector: Collector,
    aws: Aws,
    store: Store,
    todo: Todo,
    *,
    now: datetime,
) -> tuple[Run, Outcome]:
    began, piece = time.monotonic(), todo.piece
    ask = Ask(
        window=piece.window,
        period_s=piece.period_s,
        known=todo.known,
        settings=todo.settings,
        newest=piece.newest,
        scopes=piece.scopes,
        held=collector.recall(store, aws.target, piece.window) if collector.recall else {},
    )
    aws.take_usage()  # what this thread did outside runs is not this run's
    with budget.held(collector, aws, store, ask, now=now, live_usd=todo.live_usd) as too_dear:
        ended = _held_back(collector, aws, store, todo, too_dear) or _attempt(collector, aws, ask)
        run = Run(
            collector=collector.name,
            target=aws.target,
            window=piece.window,
            period_s=piece.period_s,
            started_at=todo.started_at,
            finished_at=todo.started_at + timedelta(seconds=time.monotonic() - began),
            outcome=ended.outcome,
            error=ended.error,
            permission=ended.permission,
            facts=sum(map(_count, ended.facts)),
            usage=aws.take_usage(),
        )
        store.commit(run, ended.facts, now=now - aws.clock.ahead)  # what AWS's time has settled, not ours
    return run, ended


def _count(fact: Fact) -> int:
    if isinstance(fact, Rows):
        return len(fact)
    return 0 if isinstance(fact, Covered | Gap | Listed) else 1


def _held_back(
    collector: Collector, aws: Aws, store: Store, todo: Todo, too_dear: str | None
) -> Outcome | None:
    """Why the run must not start, if so: nothing known to ask about yet, or the month's budget.

    Older history that the budget does not allow is a gap, as is all before it; the collector goes on well.
    """
    is_first = collector.name == "inventory"
    if not is_first and not todo.known.functions and not store.covered("inventory", aws.target):
        why = f"the inventory of {aws.where} has not been read yet; it is read first"
        return Outcome("skipped", why, is_held_back=True)
    if too_dear and not todo.piece.newest:
        why = f"older history is left out: {too_dear}"
        left_out = Window(min(todo.oldest, todo.piece.window.start), todo.piece.window.end)
        gaps = [Gap(scope, left_out, why) for scope in _concerned(todo.piece.scopes)]
        return Outcome("partial", why, facts=gaps, is_held_back=True)
    return Outcome("skipped", too_dear, is_held_back=True) if too_dear else None


def _concerned(scopes: Sequence[str]) -> Sequence[str]:
    """What a gap of a whole run is of: the target, if its own series were among what was asked."""
    return [""] if ACCOUNT in scopes or not scopes else scopes


def _attempt(collector: Collector, aws: Aws, ask: Ask) -> Outcome:
    try:
        return judge(collector.collect(aws, ask))
    except AccessDeniedError as error:
        return _failed("denied", str(error), ask, error.permission)
    except BudgetError as error:
        return replace(_failed("skipped", str(error), ask), is_held_back=True)
    except AwsError as error:
        return _failed("failed", str(error), ask, error.permission)
    except QuarterdeckError as error:
        return _failed("failed", str(error), ask)
    except Exception as error:  # noqa: BLE001 - one run's failure is recorded and must not end the others
        return _failed("failed", f"{collector.name} broke on {type(error).__name__}: {error}", ask)


def _failed(outcome: str, why: str, ask: Ask, permission: str | None = None) -> Outcome:
    gaps = [Gap(scope, ask.window, why, permission) for scope in _concerned(ask.scopes)]
    return Outcome(outcome, why, permission, gaps)


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
