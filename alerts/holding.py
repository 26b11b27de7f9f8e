"""Why a notice or an action is held back: silence, maintenance, a quiet time after a deploy, somebody has it.

One place decides this for notices and actions. What is held back opens and resolves all the same, says why in
its timeline, and is told when the reason is over, if it still fires then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from alerts import ledger
from alerts.incident import Incident
from alerts.ledger import Silence
from alerts.maintenance import Maintenance
from alerts.rule import Rule
from alerts.settings import AlertSettings
from core.windows import Window
from store.readers import changes
from store.store import Store

DEPLOYS = ("deploy", "alias")
"""Kinds of changes that bring new code to callers."""

ALWAYS = frozenset({"resolved", "acknowledged"})
"""What closes or completes what was told: nothing holds it back."""

REPEATED = frozenset({"repeat"})
"""What is said again goes to nobody once somebody has it."""


@dataclass(frozen=True, slots=True)
class Deploy:
    """New code of a function. What begins after it waits until `quiet_until`."""

    account: str
    region: str
    function: str
    at: datetime
    quiet_until: datetime
    what: str

    def quiets(self, incident: Incident, now: datetime) -> bool:
        here = (incident.account, incident.region, incident.subject) == (
            self.account,
            self.region,
            self.function,
        )
        return here and self.at <= incident.opened_at and now < self.quiet_until


def held(
    incident: Incident,
    reason: str,
    *,
    silences: Sequence[Silence],
    maintenance: Sequence[Maintenance],
    deploys: Sequence[Deploy],
    now: datetime,
) -> str | None:
    """Why `reason` (a notice's, or `action`) is held back now, in words; None: nothing does. Pure."""
    if reason in ALWAYS:
        return None
    silence = next((one for one in silences if one.is_in_force(now) and one.matches(incident)), None)
    if silence is not None:
        return f"{reason}: silenced by {silence.author} until {_moment(silence.end)}: {silence.reason}"
    for window in maintenance:
        end = window.ends(now) if window.matches(incident) else None
        if end is not None:
            return f"{reason}: maintenance {window.name} until {_moment(end)}: {window.reason}"
    deploy = next((one for one in deploys if one.quiets(incident, now)), None)
    if deploy is not None:
        return f"{reason}: quiet until {_moment(deploy.quiet_until)}, after {deploy.what}"
    if reason in REPEATED and incident.acked_at is not None:
        return f"{reason}: {incident.acked_by or 'somebody'} has it since {_moment(incident.acked_at)}"
    return None


@dataclass(frozen=True, slots=True)
class Holds:
    """All that may hold something back at `now`, read once."""

    silences: Sequence[Silence]
    maintenance: Sequence[Maintenance]
    deploys: Mapping[str, Sequence[Deploy]]
    now: datetime

    def why(self, incident: Incident, reason: str) -> str | None:
        return held(
            incident,
            reason,
            silences=self.silences,
            maintenance=self.maintenance,
            deploys=self.deploys.get(incident.rule, ()),
            now=self.now,
        )


def gather(store: Store, rules: Iterable[Rule], settings: AlertSettings, *, now: datetime) -> Holds:
    """What holds back at `now`. Deploys are read only if some rule wants quiet after them."""
    lengths = {rule.rule: length for rule in rules if (length := quiet_of(rule, settings))}
    found = _deploys(store, max(lengths.values()), now) if lengths else []
    deploys = {rule: [_quieted(one, length) for one in found] for rule, length in lengths.items()}
    with store.engine.connect() as connection:
        silences = ledger.silences(connection, now=now)
    return Holds(silences, settings.maintenance, deploys, now)


def with_silences(holds: Holds, connection: sa.Connection) -> Holds:
    """The same with the silences of this very transaction."""
    silences = ledger.silences(connection, now=holds.now)
    return Holds(silences, holds.maintenance, holds.deploys, holds.now)


def quiet_of(rule: Rule, settings: AlertSettings) -> timedelta:
    return settings.quiet_after_deploy if rule.quiet_after_deploy is None else rule.quiet_after_deploy


def _deploys(store: Store, back: timedelta, now: datetime) -> list[Deploy]:
    rows = changes.changes(store, Window(now - back, now))
    return [
        Deploy(
            row["account"], row["region"], row["function"], row["ts"].to_pydatetime(), now, str(row["what"])
        )
        for row in rows[rows["kind"].isin(DEPLOYS)].to_dict("records")
    ]


def _quieted(deploy: Deploy, length: timedelta) -> Deploy:
    return Deploy(deploy.account, deploy.region, deploy.function, deploy.at, deploy.at + length, deploy.what)


def _moment(ts: datetime) -> str:
    return ts.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
