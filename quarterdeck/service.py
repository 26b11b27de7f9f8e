"""The service: collectors, alerts and housekeeping on a schedule, for as long as it is left running."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from alerts.actions import act_due
from alerts.engine import evaluate
from alerts.outbox import deliver_due
from alerts.rules import Rule
from collectors.aws import Aws
from collectors.collector import Collector
from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.errors import AwsError
from core.facts import Run, Target
from quarterdeck.live import Desk
from quarterdeck.notes import write_note
from quarterdeck.pacing import PACED, Pacer
from quarterdeck.settings import Settings
from store.store import Store

log = logging.getLogger("quarterdeck.service")

FRESH = timedelta(hours=3)
"""What the first pass reads of every collector before any of them reads older history."""

NOT_URGENT = ("details", "triggers")
"""Several calls per function: minutes in a large account, so they must not delay the first page. One after
the other: policies of aliases are asked for once details told of aliases."""

DENIED_AGAIN = timedelta(minutes=15)
"""How long a collector rests on a target whose role lacks what it needs. `collect --once` tries at once."""

LIVE_AT_ONCE = 3
"""How many questions of people to the logs in AWS are answered side by side."""

GRACE_S = 5.0
"""How long a stop waits for running jobs. What they leave undone is read again by the next run."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often the service does what no collector does."""

    heartbeat: timedelta = timedelta(seconds=10)
    evaluate: timedelta = timedelta(seconds=20)
    deliver: timedelta = timedelta(seconds=5)
    act: timedelta = timedelta(seconds=10)
    live: timedelta = timedelta(seconds=1)
    pack: timedelta = timedelta(minutes=10)
    pace: timedelta = timedelta(minutes=1)
    again: timedelta = timedelta(minutes=5)
    """How soon a look at things as they are is tried again when it failed, however seldom it is due."""


USUAL = Schedule()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Threads(BasePoolExecutor):  # type: ignore[misc]
    """Threads of our own for APScheduler, so that a stop can wait for them."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)


class Service:
    """Watches targets on a schedule. Each target has threads of its own, so a slow one delays no other."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        rules: Sequence[Rule],
        http: httpx.Client,
        *,
        clock: Clock = utc_now,
        schedule: Schedule = USUAL,
        collectors: Sequence[Collector] = COLLECTORS,
    ) -> None:
        self.settings, self.store, self.rules, self.http, self.clock = settings, store, rules, http, clock
        self.schedule, self.collectors = schedule, tuple(collectors)
        self.stopping = threading.Event()
        self._aws: dict[Target, Aws] = {}
        self._outcomes: dict[tuple[str, Target], str] = {}
        self._rests_until: dict[tuple[str, Target], datetime] = {}
        self._started: dict[tuple[str, Target], datetime] = {}
        cap = settings.aws.budget_usd_per_month
        self._pacer = Pacer(
            store, settings.collect, None if cap is None else Decimal(str(cap)), self.collectors
        )
        self._pools: list[ThreadPoolExecutor] = []
        self._desk = Desk(store, self._answer_live, clock=clock, stopping=self.stopping.is_set)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._threads(4)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._crashed, EVENT_JOB_ERROR)

    def start(self) -> None:
        """Begin the housekeeping and alert jobs; targets come with `watch`."""
        every = self.schedule
        self._every("heartbeat", every.heartbeat, self._heartbeat)
        self._every("evaluate", every.evaluate, self._evaluate)
        self._every("deliver", every.deliver, self._deliver)
        self._every("act", every.act, self._act)
        self._live = ThreadPoolExecutor(LIVE_AT_ONCE)
        self._pools.append(self._live)
        self._every("live", every.live, lambda: self._desk.take(dict(self._aws)))
        self._every("pack", every.pack, lambda: self.store.pack(now=self.clock()))
        self._every("pace", every.pace, self._pace)
        self._scheduler.start()

    def watch(self, aws: Aws) -> None:
        """Read the last hours of a target at once, then keep reading on each collector's schedule."""
        if aws.target in self._aws:
            return
        self._aws[aws.target] = aws
        self.store.remember_target(aws.target, aws.alias, self.clock())
        threads = f"{aws.target.account}/{aws.target.region}"
        self._scheduler.add_executor(self._threads(2), threads)
        self._pools[-1].submit(self._first_pass, aws, threads).add_done_callback(self._first_pass_ended)

    def stop(self) -> bool:
        """Let running jobs end within the grace time. False when some did not."""
        if not self.stopping.is_set():
            self.stopping.set()
            self._scheduler.shutdown(wait=False)  # waiting there would lock out a job that schedules another
        closing = threading.Thread(target=self._finish, daemon=True)
        closing.start()
        closing.join(GRACE_S)
        return not closing.is_alive()

    def _finish(self) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True)

    def _threads(self, count: int) -> Threads:
        pool = ThreadPoolExecutor(count)
        self._pools.append(pool)
        return Threads(pool)

    def _every(self, name: str, every: timedelta, job: Callable[[], None]) -> None:
        self._scheduler.add_job(
            self._unless_stopping,
            "interval",
            args=[job],
            seconds=every.total_seconds(),
            id=name,
            name=name,
            next_run_time=datetime.now(UTC),
        )

    def _unless_stopping(self, job: Callable[[], None]) -> None:
        """What waited for a thread while the service was told to stop is left."""
        if not self.stopping.is_set():
            job()

    def _first_pass(self, aws: Aws, threads: str) -> None:
        began = time.monotonic()
        try:
            urgent = [each for each in self.collectors if each.name not in NOT_URGENT]
            self._begin(urgent, aws, threads, since=FRESH)
            log.info("%s: the last 3 hours are read (%.1f s)", aws.where, time.monotonic() - began)
        finally:
            self._begin([each for each in self.collectors if each.name in NOT_URGENT], aws, threads)

    def _begin(
        self, collectors: Sequence[Collector], aws: Aws, threads: str, *, since: timedelta | None = None
    ) -> None:
        try:
            for collector in collectors:
                self._collect(collector, aws, since=since)
        finally:
            for collector in collectors:
                if not self.stopping.is_set():
                    self._schedule(collector, aws, threads)

    def _schedule(self, collector: Collector, aws: Aws, threads: str) -> None:
        """Read on at once where history is missing; else at the next turn."""
        name, every = f"{collector.name} {threads}", self._turn(collector)
        first = datetime.now(UTC) + (timedelta() if collector.reach else every)
        self._scheduler.add_job(
            self._collect, "interval", args=[collector, aws, None, every], seconds=every.total_seconds(),
            executor=threads, id=name, name=name, next_run_time=first,
        )  # fmt: skip

    def _collect(
        self, collector: Collector, aws: Aws, since: timedelta | None = None, within: timedelta | None = None
    ) -> None:
        """A pass over what is due; `within` its interval: old history never delays new minutes."""
        settings, now = self.settings.collect, self.clock()
        if self.stopping.is_set() or not self._is_due(collector, aws.target, now):
            return
        runs = collect_due(
            collector, aws, self.store, settings, now=now, since=since, on_run=self._ran, within=within
        )
        if collector.reach is None and not all(run.outcome in ("ok", "partial") for run in runs):
            self._started.pop((collector.name, aws.target), None)

    def _turn(self, collector: Collector) -> timedelta:
        """How often a collector is called: metrics as often as the fastest function is read, and looks at
        things as they are as soon as one that failed is tried again."""
        every, settings = collector.interval(self.settings.collect), self.settings.collect
        if collector.name == PACED:
            return min(every, settings.firing_every)
        return every if collector.reach else min(every, self.schedule.again)

    def _is_due(self, collector: Collector, target: Target, now: datetime) -> bool:
        """False while it rests for want of a permission, is slowed to stay within the budget, or is called
        only to make good a failure that there was not."""
        key = (collector.name, target)
        if now < self._rests_until.get(key, now):
            return False
        every, last, turn = self._pacer.others_every(collector), self._started.get(key), self._turn(collector)
        is_paced = collector.name == PACED
        if not is_paced and every > turn and last is not None and now < last + every - turn / 2:
            return False
        self._started[key] = now
        return True

    def _pace(self) -> None:
        if self._aws:
            self._pacer.set_pace(list(self._aws), now=self.clock())

    def _ran(self, run: Run) -> None:
        """Say how a collector goes, when that changes. One that is denied rests."""
        key = (run.collector, run.target)
        self._rests_until.pop(key, None)
        if run.outcome == "denied":
            self._rests_until[key] = self.clock() + DENIED_AGAIN
        if self._outcomes.get(key, "ok") != run.outcome:
            level = logging.INFO if run.outcome == "ok" else logging.WARNING
            where = f"{run.collector} in {run.target.account} {run.target.region}"
            log.log(level, "%s: %s%s", where, run.outcome, f": {run.error}" if run.error else "")
        self._outcomes[key] = run.outcome

    def _evaluate(self) -> None:
        evaluate(self.store, self.rules, self.settings.alerts, now=self.clock())

    def _deliver(self) -> None:
        deliver_due(self.store, self.settings.alerts, self.http, now=self.clock())

    def _act(self) -> None:
        act_due(self.store, self.rules, self.settings.alerts, self._aws_for, now=self.clock())

    def _answer_live(self, job: Callable[[], None]) -> None:
        self._live.submit(job).add_done_callback(self._live_ended)

    def _live_ended(self, future: Future[None]) -> None:
        if not future.cancelled() and (error := future.exception()):
            self._record_crash("live search", error)

    def _aws_for(self, target: Target) -> Aws:
        if target not in self._aws:
            raise AwsError(f"{target.account} {target.region} is not reached now; see `quarterdeck doctor`")
        return self._aws[target]

    def _crashed(self, event: JobExecutionEvent) -> None:
        """A job that raises is recorded, and runs again at its next turn."""
        self._record_crash(event.job_id, event.exception)

    def _first_pass_ended(self, future: Future[None]) -> None:
        if error := future.exception():
            self._record_crash("first pass", error)

    def _record_crash(self, job: str, error: BaseException) -> None:
        text = f"{job}: {type(error).__name__}: {error}"
        log.error("%s", text)
        self._note("service.crash", f"{self.clock().isoformat()} {text}")

    def _heartbeat(self) -> None:
        self._note("service.heartbeat", self.clock().isoformat())

    def _note(self, key: str, value: str) -> None:
        write_note(self.store, key, value)
