"""What the doctor says of the services that share the store."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from store.readers.services import Living, happenings, services, watches
from store.store import Store

DAY = timedelta(days=1)


def watchers(store: Store, *, now: datetime) -> Iterator[tuple[str, str]]:
    """An outcome and a sentence per service, per target that nobody watches, and per job that fails."""
    found = services(store, now=now)
    if not found:
        yield "ok", "none runs on this store now: `quarterdeck service` or `quarterdeck run` starts one"
    for each in found:
        yield ("ok" if each.is_alive else "warning"), sentence(each)
    frame = watches(store, now=now)
    for row in frame[~frame["is_alive"].astype(bool)].to_dict("records"):
        yield "failed", f"{row['account']} in {row['region']} is watched by no service: start one"
    for entry in happenings(store, since=now):
        if entry.until is None:
            yield "warning", f"{entry.what} on {entry.host} fails since {entry.since:%H:%M} UTC: {entry.text}"


def sentence(one: Living) -> str:
    """Who it is, what it does, and when it last said so."""
    duty = " and the alerts" if one.is_on_duty else ""
    part = f"watches {one.targets} targets{duty}; last sign of life {one.last_beat:%d %B %H:%M:%S} UTC"
    return f"{one.holder} on {one.host} {part}"


def alive_here(found: Sequence[Living]) -> bool:
    """Whether a service of this host lives: for a container's health check."""
    return any(each.is_alive and each.host == socket.gethostname() for each in found)
