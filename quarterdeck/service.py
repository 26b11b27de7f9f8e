"""The service: collectors, alerts and housekeeping on a schedule, for as long as it is left running."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from alerts.people import Access
from alerts.rules import Rule
from collectors.aws import Aws
from collectors.collector import Collector
from collectors.registry import chosen
from collectors.runner import collect_due
from core.errors import LeaseLostError, QuarterdeckError, StoreError
from core.facts import Run, Target
from quarterdeck.bill_import import BillImport
from quarterdeck.duty import Duty
from quarterdeck.live import Desk
from quarterdeck.lock import Neighbours
from quarterdeck.pacing import PACED, Pacer
from quarterdeck.settings import Settings
from quarterdeck.sharing import DUTY, Sharing
from store.leases import BEAT_S
from store.metering import meter
from store.store import Store

log = logging.getLogger("quarterdeck.service")

FRESH = timedelta(hours=3)
"""What the first pass reads of every collector before any of them reads older history."""

NOT_URGENT = ("details", "triggers", "charges")
"""Several calls per function: minutes in a large account, so they must not delay the first page. One after
the other: policies of aliases are asked for once details told of aliases."""

DENIED_AGAIN = timedelta(minutes=15)
"""How long a collector rests on a target whose role lacks what it needs. `collect --once` tries at once."""

LIVE_AT_ONCE = 3
"""How many questions of people to the logs in AWS are answered side by side."""

SOON_S = 15.0
"""When housekeeping that failed is tried again, however seldom it is due."""

GRACE_S = 5.0
"""How long a stop waits for running jobs. What they leave undone is read again by the next run."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often the service does what no collector does."""

    beat: timedelta = timedelta(seconds=BEAT_S)
    evaluate: timedelta = timedelta(seconds=20)
    deliver: timedelta = timedelta(seconds=5)
    act: timedelta = timedelta(seconds=10)
    live: timedelta = timedelta(seconds=1)
    pack: timedelta = timedelta(minutes=10)
    relieve: timedelta = timedelta(seconds=30)
    pace: timedelta = timedelta(minutes=1)
    bills: timedelta = timedelta(minutes=1)
    again: timedelta = timedelta(minutes=5)
    """How soon a look at things as they are is tried again when it failed, however seldom it is due."""


USUAL = Schedule()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Threads(BasePoolExecutor):  # type: ignore[misc]
    """Threads of our own for APScheduler, so that a stop can wait for them."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        super().__init__(pool)
        self.pool = pool


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
        collectors: Sequence[Collector] | None = None,
        holder: str | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        self.settings, self.store, self.http, self.clock = settings, store, http, clock
        self.schedule = schedule
        self.collectors = chosen(settings.cost) if collectors is None else tuple(collectors)
        self.stopping = threading.Event()
        self.sharing = Sharing(
            store, holder=holder, neighbours=neighbours, beat_s=schedule.beat.total_seconds()
        )
        self._watched: frozenset[Target] = frozenset()
        self._aws: dict[Target, Aws] = {}
        self._readers: dict[Target, Threads] = {}
        self._outcomes: dict[tuple[str, Target], str] = {}
        self._rests_until: dict[tuple[str, Target], datetime] = {}
        self._started: dict[tuple[str, Target], datetime] = {}
        cap = settings.aws.budget_usd_per_month
        self._pacer = Pacer(
            store, settings.collect, None if cap is None else Decimal(str(cap)), self.collectors
        )
        access = Access(settings.access, settings.dashboard.allow_anyone)
        self.duty = Duty(
            self.sharing, rules, settings.alerts, http, self._pacer, self._aws, clock, access, settings.cost
        )
        self._bills = BillImport(self.sharing.fenced(DUTY), settings.cost.bills, clock)
        self._pools: list[ThreadPoolExecutor] = []
        self._desk = Desk(store, self._answer_live, clock=clock, stopping=self.stopping.is_set)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": self._threads(4)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._crashed, EVENT_JOB_ERROR)
        self._scheduler.add_listener(self._went_well, EVENT_JOB_EXECUTED)

    def start(self) -> None:
        """Begin the housekeeping and alert jobs; targets come with `watch`. Raises StoreError."""
        every = self.schedule
        self._beat()
        self._beats = ThreadPoolExecutor(1)  # a beat waits for no other job
        self._pools.append(self._beats)
        self._scheduler.add_executor(Threads(self._beats), "beat")
        self._every("beat", every.beat, self._beat, executor="beat")
        self._every("evaluate", every.evaluate, self.duty.evaluate)
        self._every("deliver", every.deliver, self.duty.deliver)
        self._every("act", every.act, self.duty.act)
        self._live = ThreadPoolExecutor(LIVE_AT_ONCE)
        self._pools.append(self._live)
        self._every("live", every.live, lambda: self._desk.take(dict(self._aws)))
        self._every("pack", every.pack, self._pack)
        self._every("relieve", every.relieve, self._relieve)
        self._every("pace", every.pace, self.duty.pace)
        if self.settings.cost.bills:
            self._every("bills", every.bills, self._import_bills)
        self._scheduler.start()

    def _import_bills(self) -> None:
        if self.duty.is_ours():
            self._bills.run()

    def _pack(self) -> None:
        self.store.pack(now=self.clock())
        meter(self.store, now=self.clock())

    def _relieve(self) -> None:
        """Pack at once what history brings, so that pages are quick while it is read."""
        now = self.clock()
        if self.store.is_crowded(now=now):
            self.store.pack(now=now)

    def watch(self, *reached: Aws) -> None:
        """Take part in watching these targets. What becomes ours of them is read at once, the last hours
        first, then on each collector's schedule."""
        new = {aws.target: aws for aws in reached if aws.target not in self._aws}
        for target, aws in new.items():
            self.store.remember_target(target, aws.alias, self.clock())
            self._readers[target] = self._threads(2)
            self._scheduler.add_executor(self._readers[target], name_of(target))
        self._aws |= new
        self.sharing.add(new)
        self._submit("beat", self._beats, self._unless_stopping, self._beat)

    def stop(self) -> bool:
        """Let running jobs end within the grace time, and give back what is ours. False when some did not."""
        if not self.stopping.is_set():
            self.stopping.set()
            self._scheduler.shutdown(wait=False)  # waiting there would lock out a job that schedules another
        closing = threading.Thread(target=self._finish, daemon=True)
        closing.start()
        closing.join(GRACE_S)
        try:
            self.sharing.leave()
        except StoreError as error:
            log.warning("%s; the others take over in half a minute", error)
        return not closing.is_alive()

    def _beat(self) -> None:
        """Say that we live; begin what became ours, end what is no more."""
        mine = self.sharing.beat(now=self.clock()).mine
        before, self._watched = self._watched, mine & self._aws.keys()
        for target in sorted(before - self._watched, key=name_of):
            log.info("%s is watched by another service now", self._aws[target].where)
            self._drop(target)
        for target in sorted(self._watched - before, key=name_of):
            log.info("watching %s", self._aws[target].where)
            self._submit("first pass", self._readers[target].pool, self._first_pass, self._aws[target])

    def _drop(self, target: Target) -> None:
        for job in self._scheduler.get_jobs():
            if job.executor == name_of(target):
                job.remove()
                self.sharing.troubles.went_well(job.id, now=self.clock())
        for key in [key for key in self._started if key[1] == target]:
            del self._started[key]

    def _submit(self, name: str, pool: ThreadPoolExecutor, job: Callable[..., None], *words: Any) -> None:
        pool.submit(job, *words).add_done_callback(lambda future: self._ended(name, future))

    def _finish(self) -> None:
        for pool in self._pools:
            pool.shutdown(wait=True)

    def _threads(self, count: int) -> Threads:
        pool = ThreadPoolExecutor(count)
        self._pools.append(pool)
        return Threads(pool)

    def _every(
        self, name: str, every: timedelta, job: Callable[[], None], *, executor: str = "default"
    ) -> None:
        self._scheduler.add_job(
            self._unless_stopping,
            "interval",
            args=[job],
            seconds=every.total_seconds(),
            id=name,
            name=name,
            executor=executor,
            next_run_time=datetime.now(UTC),
        )

    def _unless_stopping(self, job: Callable[[], None]) -> None:
        """What waited for a thread while the service was told to stop is left; so is what is another's."""
        try:
            if not self.stopping.is_set():
                job()
        except LeaseLostError as error:
            log.info("%s", error)

    def _first_pass(self, aws: Aws) -> None:
        began = time.monotonic()
        try:
            urgent = [each for each in self.collectors if each.name not in NOT_URGENT]
            self._begin(urgent, aws, since=FRESH)
            log.info("%s: the last 3 hours are read (%.1f s)", aws.where, time.monotonic() - began)
        finally:
            self._begin([each for each in self.collectors if each.name in NOT_URGENT], aws)

    def _begin(self, collectors: Sequence[Collector], aws: Aws, *, since: timedelta | None = None) -> None:
        try:
            for collector in collectors:
                self._collect(collector, aws, since=since)
        finally:
            for collector in collectors:
                if not self.stopping.is_set() and aws.target in self._watched:
                    self._schedule(collector, aws)

    def _schedule(self, collector: Collector, aws: Aws) -> None:
        """Read on at once where history is missing; else at the next turn."""
        threads, every = name_of(aws.target), self._turn(collector)
        name = f"{collector.name} {threads}"
        first = datetime.now(UTC) + (timedelta() if collector.reach else every)
        self._scheduler.add_job(
            self._collect, "interval", args=[collector, aws, None, every], seconds=every.total_seconds(),
            executor=threads, id=name, name=name, next_run_time=first, replace_existing=True,
        )  # fmt: skip

    def _collect(
        self, collector: Collector, aws: Aws, since: timedelta | None = None, within: timedelta | None = None
    ) -> None:
        """A pass over what is due; `within` its interval: old history never delays new minutes. It ends with
        the run that it is in when the target goes to another service or this one stops."""
        with self.sharing.reading(aws.target) as mine:
            if mine and not self.stopping.is_set() and self._is_due(collector, aws.target, self.clock()):
                self._pass(collector, aws, since, within)

    def _pass(
        self, collector: Collector, aws: Aws, since: timedelta | None, within: timedelta | None
    ) -> None:
        def going_on() -> bool:
            return self.sharing.may_read(aws.target) and not self.stopping.is_set()

        try:
            runs = collect_due(
                collector, aws, self.sharing.fenced(aws.target), self.settings.collect, now=self.clock(),
                since=since, on_run=self._ran, within=within, going_on=going_on,
            )  # fmt: skip
        except LeaseLostError as error:
            log.info("%s in %s: %s", collector.name, aws.where, error)
            return
        if collector.reach is None and not all(run.outcome in ("ok", "partial") for run in runs):
            self._started.pop((collector.name, aws.target), None)

    def _turn(self, collector: Collector) -> timedelta:
        """How often a collector is called: metrics as often as the fastest function is read, and looks at
        things as they are, if they are free, as soon as one that failed is tried again."""
        every, settings = collector.interval(self.settings.collect), self.settings.collect
        if collector.name == PACED:
            return min(every, settings.firing_every)
        waits = collector.reach is not None or collector.is_paid  # trying again at once would be paid again
        return every if waits else min(every, self.schedule.again)

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

    def _crashed(self, event: JobExecutionEvent) -> None:
        """A job that raises is recorded, and runs again at its next turn; what costs nothing, soon."""
        self._record_crash(event.job_id, event.exception)
        job, soon = self._scheduler.get_job(event.job_id), datetime.now(UTC) + timedelta(seconds=SOON_S)
        if job and job.executor == "default" and job.next_run_time > soon and not self.stopping.is_set():
            with suppress(JobLookupError):
                job.modify(next_run_time=soon)

    def _went_well(self, event: JobExecutionEvent) -> None:
        if self.sharing.troubles.went_well(event.job_id, now=self.clock()):
            log.info("%s: goes well again", event.job_id)

    def _ended(self, name: str, future: Future[None]) -> None:
        """What is done once has no next turn that could go well: its trouble is over as it is told."""
        if not future.cancelled() and (error := future.exception()):
            self._record_crash(name, error)
            self.sharing.troubles.went_well(name, now=self.clock())

    def _record_crash(self, job: str, error: BaseException) -> None:
        """Kept for people (`store.journal`), by a later beat if the store is what fails."""
        said = str(error) if isinstance(error, QuarterdeckError) else f"{type(error).__name__}: {error}"
        if self.sharing.troubles.failed(job, said, now=self.clock()):
            log.error("%s: %s", job, said)
            with suppress(StoreError):
                self.sharing.tell()

    def _answer_live(self, job: Callable[[], None]) -> None:
        self._submit("live search", self._live, job)


def name_of(target: Target) -> str:
    """As threads and jobs are called."""
    return f"{target.account}/{target.region}"
