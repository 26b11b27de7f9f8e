"""`quarterdeck service` as a process: opens the real things, starts the service, ends cleanly when told."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

import httpx
import sqlalchemy as sa

from alerts.rules import rules_of
from collectors.aws import Aws, Unreachable, connect
from core.errors import AwsError
from core.price_file import own_prices
from quarterdeck.lock import living
from quarterdeck.notes import write_meta
from quarterdeck.service import USUAL, Clock, Schedule, Service, utc_now
from quarterdeck.settings import Settings
from quarterdeck.sharing import new_holder
from store.leases import members
from store.readers.budget import UNREACHED_KEY, noted
from store.store import Store

log = logging.getLogger("quarterdeck.service")

RETRY_S = 60.0
"""How often targets that could not be reached are tried again."""

WEBHOOK_TIMEOUT_S = 10.0


def serve(settings: Settings, *, clock: Clock = utc_now, schedule: Schedule = USUAL) -> int:
    """Run the service until SIGTERM or SIGINT. Raises a QuarterdeckError when it cannot start."""
    _log_to_stderr()
    rules = rules_of(settings.alerts)
    store = Store.open(settings.store, prices=own_prices(settings.cost.prices))
    holder = new_holder()
    alone = living(settings.store.path, holder, only_here=settings.store.database is None)
    with alone as neighbours, httpx.Client(timeout=WEBHOOK_TIMEOUT_S) as http:
        connected, unreachable = connect(settings.targets, settings.aws)
        require_some(connected, unreachable)
        service = Service(
            settings, store, rules, http, clock=clock, schedule=schedule, holder=holder, neighbours=neighbours
        )
        with _told_to_stop() as told:
            service.start()
            _greet(service, connected, unreachable)
            lost = _note(service, Lost(unreachable, {}))
            while not told.wait(RETRY_S):
                lost = _try_again(service, settings, lost)
        if not service.stop():
            leave()
    store.close()
    return 0


def require_some(connected: Sequence[Aws], unreachable: Sequence[Unreachable]) -> None:
    """Raises AwsError with every reason when no target at all can be watched."""
    if not connected:
        raise AwsError(
            "; ".join(dict.fromkeys(str(each.error) for each in unreachable)) or "there is no target to watch"
        )


def _greet(service: Service, connected: Sequence[Aws], unreachable: Sequence[Unreachable]) -> None:
    service.watch(*connected)
    for missing in unreachable:
        log.warning("%s; trying again every %.0f s", missing.error, RETRY_S)


@dataclass(frozen=True, slots=True)
class Lost:
    """Targets out of reach, and since when each is."""

    targets: Sequence[Unreachable]
    since: Mapping[tuple[str, str | None], datetime]


def _try_again(service: Service, settings: Settings, lost: Lost) -> Lost:
    """Watch what can be reached by now of what could not; returns what still cannot."""
    if not lost.targets:
        return lost
    wanted = [each.wanted for each in lost.targets if each.wanted is not None]
    connected, still = connect(wanted, settings.aws)
    for aws in connected:
        log.info("%s can be reached now", aws.where)
    service.watch(*connected)
    return _note(service, Lost(still, lost.since))


def _note(service: Service, lost: Lost) -> Lost:
    """Keep what cannot be reached where pages see it (`store.readers.budget.unreached`), beside what other
    living services cannot reach."""
    now, holder = service.clock(), service.sharing.holder
    since = {(each.name, each.region): lost.since.get((each.name, each.region), now) for each in lost.targets}
    following = now + timedelta(seconds=RETRY_S)
    rows = [
        {
            "name": each.name,
            "region": each.region,
            "why": str(each.error),
            "since": since[each.name, each.region].isoformat(),
            "next_try": following.isoformat(),
            "service": holder,
        }
        for each in lost.targets
    ]
    with service.store.transaction() as connection:
        rows += _of_others(connection, holder)
        write_meta(connection, UNREACHED_KEY, json.dumps({"targets": rows}))
    return Lost(lost.targets, since)


def _of_others(connection: sa.Connection, holder: str) -> list[dict[str, Any]]:
    alive = {member.holder for member in members(connection)} - {holder}
    rows = noted(connection, UNREACHED_KEY).get("targets", ())
    return [row for row in rows if row.get("service") in alive]


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    yield told


def leave() -> None:
    """End now, with jobs still running: whatever they had not committed is read again by the next service."""
    log.info("stopped with reads under way; the next start repeats them")
    sys.stderr.flush()
    os._exit(0)


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(
        logging.WARNING
    )  # it logs whole URLs, and a webhook's URL is a password
    for name in ("apscheduler", "botocore", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
