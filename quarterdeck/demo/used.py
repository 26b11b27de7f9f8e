"""What functions, queues and log groups of the demo used on a UTC day, by meter, as AWS counts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

import numpy as np

from core.metering import hours_of
from core.prices import GIB
from quarterdeck.demo.account import Demo
from quarterdeck.demo.durable import durable
from quarterdeck.demo.logsizes import log_bytes
from quarterdeck.demo.mappings import poller_units
from quarterdeck.demo.metrics import is_reachable
from quarterdeck.demo.model import DAY_MS, HOUR_MS, MINUTE_MS, Day, Flags
from quarterdeck.demo.queues import queue_day
from quarterdeck.demo.services.logs import retention_of, stored_bytes
from quarterdeck.demo.specs import QueueSpec, Spec
from quarterdeck.demo.stories import to_ms

FREE_TMP_MB = 512
MB_MS = 1024 * 1000
REQUESTS_TO_QUEUES = ("sent", "received", "deleted", "empty")
OF_DURABLE = {
    "durable_operations": ("DurableExecutionOperations", 1),
    "durable_written": ("DurableExecutionStorageWrittenBytes", GIB),
}

Sums = Mapping[str, float]
"""Units by meter."""


def used_on(demo: Demo, account: str, day: date) -> Iterator[tuple[str, str, Sums]]:
    """Region, architecture ("": of no function) and sums of everything that an account has."""
    number, company = number_of(day), demo.world.company
    if number * DAY_MS > demo.world.now_ms():
        return
    for spec in company.functions:
        if spec.account == account:
            yield spec.region, spec.architecture, _ran(demo, spec, number)
            yield spec.region, spec.architecture, _held(demo, spec, number)
    for region in company.regions:
        for queue in company.queues_of(account, region):
            yield region, "", _requests(demo, queue, number)
        for name, specs in company.groups_of(account, region).items():
            yield region, "", _stored(demo, name, specs, day)


def number_of(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _until_ms(demo: Demo, number: int) -> int:
    """The day's end, or now."""
    return min(demo.world.now_ms(), (number + 1) * DAY_MS)


def _kept(demo: Demo, what: tuple[object, ...], number: int, make: Callable[[], Sums]) -> Sums:
    made: Sums = demo.charges.get((*what, number, _until_ms(demo, number)), make)
    return made


# --- functions ---------------------------------------------------------------------------------------------


def _ran(demo: Demo, spec: Spec, number: int) -> Sums:
    """What invocations used. Functions that repeat another one's use as much as it."""
    world, source = demo.world, spec.source_spec
    if number * DAY_MS < world.begin_ms:
        return {}
    sums = _kept(demo, source.key, number, lambda: _sums(world.day(source, number), world.now_ms()))
    return {**sums, **_durable(demo, source, number)} if source.durable else sums


def _sums(day: Day, now_ms: int) -> Sums:
    spec, ran = day.spec, day.start_ms <= now_ms
    provisioned = day.provisioned & ran if is_reachable(spec) else np.zeros(len(day), dtype=np.bool_)
    started_gb = float(day.memory_mb[day.cold & ran].sum()) / 1024
    log_ingest = "log_ingest" if spec.log_class == "STANDARD" else "log_ingest_ia"
    found = {
        "requests": float(ran.sum()),
        "duration": 0.0 if spec.provider else _gb_s(day, ran & ~provisioned),
        "provisioned_duration": _gb_s(day, provisioned),
        "ephemeral": float(day.billed_ms[ran].sum()) * max(0, spec.tmp_mb - FREE_TMP_MB) / MB_MS,
        "snapstart_restore": started_gb if has_charged_snapshots(spec) else 0.0,
        "tenant_isolation": started_gb if spec.tenants else 0.0,
        "event_pollers": _more_poller_hours(spec, day, now_ms),
        log_ingest: float(log_bytes(day)[ran].sum()) / GIB if spec.has_group else 0.0,
        "traces": float((day.sampled & ran).sum()) if spec.tracing else 0.0,
    }
    return {name: units for name, units in found.items() if units}


def _gb_s(day: Day, which: Flags) -> float:
    return float((day.billed_ms[which] * day.memory_mb[which]).sum()) / MB_MS


def _more_poller_hours(spec: Spec, day: Day, now_ms: int) -> float:
    """Units beyond the first are there in busy minutes."""
    if spec.pollers is None:
        return 0.0
    units = poller_units(day)
    return float((units.value - 1)[units.minute * MINUTE_MS <= now_ms].sum()) / 60


def _durable(demo: Demo, spec: Spec, number: int) -> Sums:
    found = {}
    for meter, (metric, per_unit) in OF_DURABLE.items():
        samples = durable(demo.world, spec, number, metric)
        ended = samples.minute * MINUTE_MS <= demo.world.now_ms()
        found[meter] = float(samples.value[ended].sum()) / per_unit
    return found


def _held(demo: Demo, spec: Spec, number: int) -> Sums:
    """What is charged for as long as it is set up: environments kept ready, a mapping's first poller unit,
    and each version's snapshot from its publication on."""
    there_ms = _until_ms(demo, number) - number * DAY_MS
    found = {"snapstart_cache": _snapshots_mb_ms(demo, spec, number) / MB_MS}
    if spec.provisioned is not None:
        found["provisioned_capacity"] = spec.provisioned[1] * spec.memory_mb * there_ms / MB_MS
    if spec.pollers is not None:
        found["event_pollers"] = there_ms / HOUR_MS
    return found


def has_charged_snapshots(spec: Spec) -> bool:
    """Those of managed Java runtimes are free."""
    return spec.snap_start and not (spec.runtime or "").startswith("java")


def _snapshots_mb_ms(demo: Demo, spec: Spec, number: int) -> float:
    if not has_charged_snapshots(spec):
        return 0.0
    until_ms = _until_ms(demo, number)
    since = [to_ms(change.ts) for change in demo.world.timeline(spec).published(demo.world.now())]
    return spec.memory_mb * float(sum(max(0, until_ms - max(number * DAY_MS, ms)) for ms in since))


# --- queues and log groups ---------------------------------------------------------------------------------


def _requests(demo: Demo, queue: QueueSpec, number: int) -> Sums:
    """Of a queue that nothing comes to, nobody asks."""
    is_active = any(queue_day(demo.world, queue, n).active for n in (number - 1, number))
    if number * DAY_MS < demo.world.begin_ms or not is_active:
        return {}
    return _kept(demo, ("queue", queue.arn), number, lambda: _requested(demo, queue, number))


def _requested(demo: Demo, queue: QueueSpec, number: int) -> Sums:
    """Of minutes that began by now."""
    minutes = (_until_ms(demo, number) - number * DAY_MS) // MINUTE_MS + 1
    day = queue_day(demo.world, queue, number)
    return {"queue_requests": sum(float(getattr(day, name)[:minutes].sum()) for name in REQUESTS_TO_QUEUES)}


def _stored(demo: Demo, name: str, specs: tuple[Spec, ...], day: date) -> Sums:
    """What a group held on the day, for its hours; before history as on its first day."""
    number, account, region = number_of(day), specs[0].account, specs[0].region
    retention = retention_of(demo, account, region, name, specs)
    before = max(number - 1, demo.world.begin_ms // DAY_MS)
    gib = stored_bytes(demo.world, specs, retention, before) / GIB
    share = (_until_ms(demo, number) - number * DAY_MS) / DAY_MS * 24 / hours_of(day)
    return {"log_storage": gib * share}
