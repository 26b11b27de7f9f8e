"""Who called for a change, and through what: CloudTrail's calls beside the changes that we saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from core.facts import Target
from core.windows import Window
from store.asking import reader
from store.readers.frames import rows, with_none
from store.readers.things import Place, sql_where
from store.store import Filter, Snapshot, Store

WITHIN = timedelta(minutes=10)
"""A call and a change that AWS dates belong together when they are no further apart."""

SEEN_WITHIN = timedelta(minutes=75)
"""A change that AWS does not date is seen at the next hourly look: its call was before that."""

ACTIONS: Mapping[str, frozenset[str]] = {
    "function": frozenset(
        {
            "CreateFunction",
            "DeleteFunction",
            "PutRuntimeManagementConfig",
            "TagResource",
            "UntagResource",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
        }
    ),
    "version": frozenset({"CreateFunction", "DeleteFunction", "PublishVersion", "UpdateFunctionCode"}),
    "alias": frozenset({"CreateAlias", "DeleteAlias", "UpdateAlias"}),
    "runtime": frozenset({"PutRuntimeManagementConfig"}),
    "reserved": frozenset({"DeleteFunctionConcurrency", "PutFunctionConcurrency"}),
    "provisioned": frozenset({"DeleteProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"}),
    "mapping": frozenset(
        {"CreateEventSourceMapping", "DeleteEventSourceMapping", "UpdateEventSourceMapping"}
    ),
    "invoke_config": frozenset(
        {"DeleteFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig", "UpdateFunctionEventInvokeConfig"}
    ),
    "trigger": frozenset(
        {
            "AddPermission",
            "CreateFunctionUrlConfig",
            "DeleteFunctionUrlConfig",
            "RemovePermission",
            "UpdateFunctionUrlConfig",
        }
    ),
}
"""Calls that may have made a change, per kind of entity."""

OF_FIELD: Mapping[str, frozenset[str]] = {
    "architecture": frozenset({"UpdateFunctionCode"}),
    "code_sha256": frozenset({"CreateFunction", "UpdateFunctionCode"}),
    "tags": frozenset({"TagResource", "UntagResource"}),
}
"""Calls for fields of a function that its configuration's call does not change."""

_COLUMNS = 'ts, account, region, "function", action, resource, who, via, error'


@reader
def calls(
    store: Store, window: Window, *, target: Target | None = None, function: str | None = None
) -> pd.DataFrame:
    """Every call that changed something or tried to, newest first: ts, account, region, function ("" if it
    named none), action, resource (an alias, version, mapping, statement or layer; None: none), who, via,
    error (None: it succeeded). Empty where CloudTrail is not read."""
    where = Filter(target.account if target else None, target.region if target else None, function)
    with store.snapshot(window, ("api_calls",)) as snapshot:
        return _read(snapshot, where)


def _read(snapshot: Snapshot, where: Filter) -> pd.DataFrame:
    passes, params = sql_where(where)
    frame = snapshot.frame(
        f"SELECT {_COLUMNS} FROM api_calls WHERE {passes} ORDER BY ts DESC, event_id", params
    )
    for name in ("resource", "who", "via", "error"):
        frame[name] = with_none(frame[name])
    return frame


def around(window: Window) -> Window:
    """The window in which calls for changes in `window` were made."""
    return Window(window.start - SEEN_WITHIN, window.end + WITHIN)


@dataclass(frozen=True, slots=True)
class Call:
    ts: datetime
    action: str
    who: str | None
    via: str | None
    resource: str | None = None


class Callers:
    """Calls that succeeded, per function."""

    def __init__(self, calls: Mapping[Place, list[Call]]) -> None:
        self._calls = calls

    @classmethod
    def read(cls, snapshot: Snapshot, where: Filter) -> Callers:
        found: dict[Place, list[Call]] = {}
        for row in rows(_read(snapshot, where)):
            if row.error is None:
                ts = row.ts.to_pydatetime()
                call = Call(ts, row.action, row.who, row.via, row.resource)
                found.setdefault((row.account, row.region, row.function), []).append(call)
        return cls(found)

    def all(self) -> Iterator[tuple[Place, Call]]:
        for place, calls in self._calls.items():
            yield from ((place, call) for call in calls)

    def of(
        self, place: Place, entity: str, ts: datetime, *, field: str = "", is_dated: bool = True
    ) -> Call | None:
        """The call nearest to a change of `entity` at `ts`; before it, when AWS does not date the change."""
        wanted = (OF_FIELD.get(field) if entity == "function" else None) or ACTIONS.get(entity, frozenset())
        if entity == "function" and field and field not in OF_FIELD:
            wanted = wanted - OF_FIELD["tags"]
        earliest = ts - (WITHIN if is_dated else SEEN_WITHIN)
        near = (
            c for c in self._calls.get(place, ()) if c.action in wanted and earliest <= c.ts <= ts + WITHIN
        )
        return min(near, key=lambda call: abs(call.ts - ts), default=None)
