"""Who tells whom: keeps which open incidents stand under which, and says so in both timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from alerts import ledger
from alerts.around import Around
from alerts.causes import explanations
from alerts.grouping import SEVERITIES, Covers, Move, regroup
from alerts.incident import Incident
from alerts.routes import channels_for
from alerts.rule import Rule
from alerts.settings import AlertSettings
from alerts.waiting import waits
from core.facts import Target


def lead(
    connection: sa.Connection,
    around: Around,
    rules: Mapping[str, Rule],
    settings: AlertSettings,
    *,
    since: datetime,
    now: datetime,
) -> None:
    """Group what is open now, as far as the evidence goes."""
    incidents = ledger.incidents(connection, since=since)
    _tell_ended(connection, incidents, now=now)
    told = {id for id, _ in ledger.last_sent(connection, [one.id for one in incidents])}
    covers = _covers(around, rules, settings, told, now=now)
    for move in regroup(incidents, explanations(incidents, around.evidence), covers):
        _move(connection, move, {one.id: one for one in incidents}, now=now)


def waiting(
    connection: sa.Connection,
    incidents: Sequence[Incident],
    around: Around,
    rules: Mapping[str, Rule],
    settings: AlertSettings,
    *,
    now: datetime,
) -> dict[str, str]:
    """Why some of the incidents (by id) are not told yet: what is about to fire would lead them."""
    if not around.soon:
        return {}
    told = {id for id, _ in ledger.last_sent(connection, [one.id for one in incidents])}
    covers = _covers(around, rules, settings, told, now=now)
    untold = [one for one in incidents if one.id not in told]
    return waits(untold, around.soon, around.evidence, covers, now=now)


def _covers(
    around: Around, rules: Mapping[str, Rule], settings: AlertSettings, told: set[str], *, now: datetime
) -> Covers:
    """A leader tells enough if it is as severe, goes wherever the member would, and was told or will be."""

    def channels(one: Incident) -> set[str]:
        rule, alias = rules.get(one.rule), around.aliases.get(Target(one.account, one.region))
        if rule is None:
            return set()
        return set(channels_for(one, rule, one.tags, settings, around.holds.now, alias=alias))

    def covers(leader: Incident, member: Incident) -> bool:
        return (
            SEVERITIES.index(leader.severity) <= SEVERITIES.index(member.severity)
            and channels(member) <= channels(leader)
            and (leader.id in told or around.holds.why(leader, "firing") is None)
        )

    return covers


def _move(connection: sa.Connection, move: Move, known: Mapping[str, Incident], *, now: datetime) -> None:
    one = known[move.id]
    ledger.update_incident(connection, one.id, grouped_under=move.leader, cause=move.cause)
    if move.leader is None:
        ledger.note(connection, one.id, now, "stands alone", move.why)
        return
    leader = known[move.leader]
    evidence = "; ".join([move.why, *(move.cause or {}).get("evidence", ())])
    ledger.note(connection, one.id, now, "grouped", f"under {leader.title}: {evidence}")
    ledger.note(connection, leader.id, now, "joined", f"{one.title}: {evidence}")


def _tell_ended(connection: sa.Connection, incidents: list[Incident], *, now: datetime) -> None:
    """A member that is over says so in its leader's timeline, once; it keeps its place in the group."""
    open = {one.id for one in incidents if one.resolved_at is None}
    for one in incidents:
        if one.grouped_under in open and one.resolved_at is not None:
            text = f"{one.title}: over at {one.resolved_at:%Y-%m-%d %H:%M} UTC"
            ledger.note_once(connection, one.grouped_under or "", now, "member resolved", text)
