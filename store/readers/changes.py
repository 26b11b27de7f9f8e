"""What changed in the fleet, as sentences: deploys, aliases, configuration, concurrency, wiring."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa

from core.facts import Target
from core.windows import Window
from store import schema
from store.asking import reader
from store.readers.callers import Call, Callers, around
from store.readers.frames import rows, with_none
from store.readers.runtime_updates import RuntimeUpdate, runtime_updates
from store.readers.things import Place, Things
from store.readers.unseen import Unseen, unseen, watched_since
from store.readers.wiring import describe
from store.readers.words import sentence, version_word
from store.store import Filter, Snapshot, Store

CONFIG = "config_sha256"
UNKEPT = "Settings that are not kept here (such as environment variables) changed"

PUBLISH_TAKES = timedelta(minutes=10)
"""New code of $LATEST and a version published this soon after are one deploy."""

KINDS: Mapping[str, str] = {
    "alias": "alias",
    "reserved": "concurrency",
    "provisioned": "concurrency",
    "account_limits": "concurrency",
    "mapping": "mapping",
    "trigger": "mapping",
}
"""The kind of change per kind of entity; the rest is configuration."""

QUIET = {("mapping", "last_result"), ("mapping", "state_reason"), ("provisioned", "status")}
"""Fields that report on work, not on a change somebody made."""

OURS = {"log_mode", "cadence", "layer", "alarm"}
"""Kinds whose changes are our own, told by the function's, or of who watches it."""


@dataclass(frozen=True, slots=True)
class Changed:
    ts: datetime
    account: str
    region: str
    function: str
    kind: str
    what: str
    field: str = ""
    old: Any = None
    new: Any = None
    version: str | None = None
    entity: str = "version"
    is_dated: bool = True
    call: Call | None = None

    @property
    def who(self) -> str | None:
        return self.call.who if self.call else None

    @property
    def via(self) -> str | None:
        return self.call.via if self.call else None


COLUMNS = (
    "ts",
    "account",
    "region",
    "function",
    "kind",
    "what",
    "field",
    "old",
    "new",
    "version",
    "who",
    "via",
)


@reader
def changes(
    store: Store, window: Window, *, target: Target | None = None, function: str | None = None
) -> pd.DataFrame:
    """What changed, newest first: ts, account, region, function, kind (deploy, alias, runtime, configuration,
    concurrency, mapping, appeared, gone), what (a sentence such as `Deploy v214 → v215`, `Timeout 15 s → 30
    s`), field, old, new, version (for deploys), who and via (who called for it and through what, as
    CloudTrail says; None where it was not read, or has no such call). A published version is a deploy dated
    when it was published; new code that no version follows is a deploy of $LATEST. Of what was changed
    before we watched CloudTrail tells: that it was changed and by whom, not to what."""
    where = Filter(target.account if target else None, target.region if target else None, function)
    with store.snapshot(around(window), ("api_calls",)) as snapshot:
        deploys = list(_deploys(Things.read(snapshot, "version", "function", where=where), window, where))
        noted = snapshot.state(_noted(window, where))
        mappings = _sources(Things.read(snapshot, "mapping", "trigger", where=where))
        calls = Callers.read(snapshot, where)
        before = list(unseen(calls, watched_since(snapshot)))
    runtimes = [_runtime(one) for one in runtime_updates(store, window, where)]
    published, updated = _published_times(deploys), _updated(noted)
    others = (one for row in rows(noted) if (one := _changed(row, published, mappings, updated)))
    seen = [_called_for(change, calls) for change in (*deploys, *runtimes, *others)]
    told = {(*_place(change), change.call) for change in seen}
    left = (one for one in before if (*one.place, one.call) not in told)
    found = sorted(
        (*seen, *(_unseen(one) for one in left if _is_told(one, window, published))),
        key=lambda c: (c.ts, c.account, c.region, c.function, c.what),
        reverse=True,
    )
    frame = pd.DataFrame([[getattr(c, name) for name in COLUMNS] for c in found], columns=pd.Index(COLUMNS))
    frame["ts"] = pd.to_datetime(frame["ts"], utc=True).dt.as_unit("us")
    frame["who"], frame["via"] = with_none(frame["who"]), with_none(frame["via"])
    return frame


def _runtime(one: RuntimeUpdate) -> Changed:
    return Changed(
        ts=one.ts,
        account=one.place[0],
        region=one.place[1],
        function=one.place[2],
        kind="runtime",
        what=f"Runtime updated on {version_word(one.version)}",
        field="runtime_version_arn",
        old=one.old_arn,
        new=one.new_arn,
        version=one.version,
        entity="runtime",
        is_dated=False,
    )


def _called_for(change: Changed, calls: Callers) -> Changed:
    field, is_dated = change.field, change.is_dated
    call = calls.of(_place(change), change.entity, change.ts, field=field, is_dated=is_dated)
    return replace(change, call=call)


def _place(change: Changed) -> Place:
    return change.account, change.region, change.function


def _is_told(one: Unseen, window: Window, published: Mapping[Place, list[datetime]]) -> bool:
    is_version = one.kind == "deploy" and _is_followed(published.get(one.place, []), one.call.ts)
    return one.call.ts in window and not is_version


def _unseen(one: Unseen) -> Changed:
    version = "$LATEST" if one.kind == "deploy" else None
    return Changed(one.call.ts, *one.place, one.kind, one.what, version=version, call=one.call)


def _updated(noted: pd.DataFrame) -> set[tuple[str, str, str, datetime]]:
    """Functions of which something that we keep changed, and when."""
    told = noted[(noted["kind"] == "function") & (noted["field"] != CONFIG)]
    return {(row.account, row.region, row.name, row.ts) for row in rows(told)}


def _noted(window: Window, where: Filter) -> sa.Select[Any]:
    c = schema.change.c
    query = sa.select(schema.change).where(c.ts >= window.start, c.ts < window.end)
    for column, value in ((c.account, where.account), (c.region, where.region), (c.function, where.function)):
        if value is not None:
            query = query.where(column == value)
    return query


def _deploys(things: Things, window: Window, where: Filter) -> Iterator[Changed]:
    by_function: dict[Place, list[tuple[int, datetime]]] = {}
    for thing in things.of("version", gone=True):
        published, version = thing.body.get("published"), str(thing.body["version"])
        if published and version.isdecimal() and where.function in {None, thing.function}:
            numbered = int(version), datetime.fromisoformat(str(published))
            by_function.setdefault(thing.place, []).append(numbered)
    for place, found in by_function.items():
        found.sort()
        for i, (number, ts) in enumerate(found):
            if ts in window:
                what = f"Deploy v{found[i - 1][0]} → v{number}" if i else f"Deploy v{number}"
                yield Changed(ts, *place, "deploy", what, version=str(number))


def _published_times(deploys: list[Changed]) -> dict[Place, list[datetime]]:
    found: dict[Place, list[datetime]] = {}
    for deploy in sorted(deploys, key=lambda d: d.ts):
        found.setdefault(_place(deploy), []).append(deploy.ts)
    return found


def _sources(things: Things) -> dict[str, str]:
    """Per mapping and trigger: what it is called."""
    mappings = {
        t.name: str(t.body.get("source_arn") or t.name).rsplit(":", 1)[-1]
        for t in things.of("mapping", gone=True)
    }
    triggers = {t.name: describe(t.body) for t in things.of("trigger", gone=True)}
    return mappings | triggers


def _changed(
    row: Any,
    published: Mapping[Place, list[datetime]],
    sources: Mapping[str, str],
    updated: Container[tuple[str, str, str, datetime]],
) -> Changed | None:
    """A row of the change table as a sentence; None for what is told elsewhere, or is no news."""
    if (
        (row.kind, row.field) in QUIET
        or row.kind in OURS
        or (row.kind == "version" and row.new == "appeared")
    ):
        return None
    if row.field == CONFIG and (row.account, row.region, row.name, row.ts) in updated:
        return None
    ts, function = row.ts.to_pydatetime(), row.function if isinstance(row.function, str) else ""
    change = Changed(ts, row.account, row.region, function, KINDS.get(row.kind, "configuration"), "")
    change = replace(change, field=row.field, old=row.old, new=row.new)
    change = replace(change, entity=row.kind, is_dated=row.ts != row.seen_at)
    subject = _subject(row, sources)
    if row.field == "":
        return replace(change, kind=str(row.new), what=f"{subject} {row.new}", old=None, new=None)
    if row.field == "code_sha256" and row.kind == "function":
        if _is_followed(published.get((row.account, row.region, function), []), ts):
            return None
        return replace(change, kind="deploy", what="New code in $LATEST", version="$LATEST")
    if row.kind == "alias":
        return replace(change, what=f"{subject} {_alias_move(row)}")
    what = UNKEPT if row.field == CONFIG else sentence(row.field, row.old, row.new)
    return replace(change, what=what if row.kind in _OWN else f"{subject}: {what}")


_OWN = {"function", "reserved", "account_limits"}
"""Kinds whose sentences need no subject: there is one of them."""


def _is_followed(published: list[datetime], ts: datetime) -> bool:
    at = bisect_left(published, ts - PUBLISH_TAKES)
    return at < len(published) and published[at] <= ts + PUBLISH_TAKES


def _subject(row: Any, sources: Mapping[str, str]) -> str:
    last = str(row.name).rsplit(":", 1)[-1]
    return {
        "function": f"Function {row.name}",
        "version": f"Version {last}",
        "alias": f"Alias {last}",
        "mapping": f"Trigger {sources.get(row.name, row.name)}",
        "trigger": f"Trigger {sources.get(row.name, last)}",
        "provisioned": f"Provisioned concurrency of {last}",
        "invoke_config": f"Async settings of {last}",
        "queue": f"Queue {last}",
        "log_group": f"Log group {row.name}",
    }.get(row.kind, str(row.kind).replace("_", " ").capitalize())


def _alias_move(row: Any) -> str:
    if row.field == "version":
        return f"v{row.old} → v{row.new}".replace("v$", "$")
    shares = [f"{share:.0%} to v{version}" for version, share in sorted((row.new or {}).items())]
    return "sends " + ", ".join(shares) if shares else "sends all to one version"


def last_deploy(snapshot: Snapshot, place: Place, *, before: datetime) -> Changed | None:
    """The newest deploy of a function before a moment, None when none is known."""
    account, region, function = place
    where = Filter(account, region, function)
    window = Window(before - timedelta(days=455), before)
    found = _deploys(Things.read(snapshot, "version", where=where), window, where)
    return max(found, key=lambda deploy: deploy.ts, default=None)
