"""CloudWatch alarms beside ours: what they watch and how they stand, as last collected."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from core.alarms import about, condition
from core.entities import Alarm
from core.windows import Window
from store.asking import reader
from store.bodies import from_body
from store.readers.things import EVERYTHING, Things, matches
from store.store import Filter, Store

WORST_FIRST = ("ALARM", "INSUFFICIENT_DATA", "OK")
COLUMNS = (
    "account",
    "region",
    "name",
    "kind",
    "state",
    "state_since",
    "function",
    "about",
    "condition",
    "reason",
    "actions",
    "description",
)

_EPOCH = datetime.fromtimestamp(0, UTC)


@reader
def alarms(store: Store, *, where: Filter = EVERYTHING) -> pd.DataFrame:
    """One row per alarm about Lambda, those in ALARM first, then those that know nothing, the newest first:
    account, region, name, kind (metric, math, anomaly, composite), state, state_since, function (None: of no
    single one), about, condition (both in words), reason (AWS's), actions (how many ALARM starts, 0 while
    they are off), description."""
    found = [_row(*entry) for entry in _all(store) if matches(where, *entry[:2], entry[2].function)]
    found.sort(key=lambda row: (_rank(row["state"]), -_seconds(row["state_since"]), row["name"]))
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    frame["state_since"] = pd.to_datetime(frame["state_since"], utc=True).dt.as_unit("us")
    return frame


@reader
def alarm_facts(store: Store) -> list[tuple[str, str, Alarm]]:
    """Account, region and alarm of all that exist."""
    return _all(store)


def _all(store: Store) -> list[tuple[str, str, Alarm]]:
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        things = list(Things.read(snapshot, "alarm").of("alarm"))
    return [(t.account, t.region, from_body(Alarm, t.name, dict(t.body))) for t in things]


def _row(account: str, region: str, alarm: Alarm) -> dict[str, Any]:
    return {
        "account": account,
        "region": region,
        "name": alarm.name,
        "kind": alarm.kind,
        "state": alarm.state,
        "state_since": alarm.state_since,
        "function": alarm.function,
        "about": about(alarm),
        "condition": condition(alarm),
        "reason": alarm.reason,
        "actions": alarm.alarm_actions if alarm.actions_enabled else 0,
        "description": alarm.description,
    }


def _rank(state: str) -> int:
    return WORST_FIRST.index(state) if state in WORST_FIRST else len(WORST_FIRST)


def _seconds(ts: datetime | None) -> float:
    return ts.timestamp() if ts else 0.0
