"""Who is not told yet, because something about to fire would lead it: so one cause is told once. Pure.

A rule that is bad, but not for long enough, is often the better name of a cause: the account before its
functions, the function before its queue. What it would lead, by the same evidence as ever, waits for it until
it fires or is good again, and some minutes at most. Critical incidents wait for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from alerts.causes import Evidence, explanations
from alerts.context import Context
from alerts.findings import Finding, new_incident
from alerts.grouping import Covers, regroup, turn
from alerts.incident import Incident
from alerts.judge import BREACH, UNKNOWN, Judgement
from alerts.ledger import WAITS
from alerts.outages import Outage

LONGEST = timedelta(minutes=3)
"""How many collected minutes after it began an incident may wait."""

GIVES_UP = timedelta(minutes=10)
"""How long after it began it waits no more, though no minute was collected since."""

MOST = 50
"""Of so many rules that are about to fire it is asked what they would lead, the worst first."""


def may_wait(incident: Incident, *, now: datetime) -> bool:
    """Whether its first notice may come some minutes later: not a page, not what leads or stands already."""
    is_young = now - incident.opened_at <= GIVES_UP
    is_alone = incident.grouped_under is None and incident.subject_kind != "account"
    return incident.resolved_at is None and incident.severity != "critical" and is_alone and is_young


def about_to_fire(
    judged: Sequence[Judgement], known: Sequence[Incident], untold: Sequence[Incident]
) -> list[Incident]:
    """What may fire within minutes where some of the `untold` are, as the incidents that these would be."""
    places = {(one.account, one.region) for one in untold}
    open = {one.key for one in known if one.resolved_at is None}
    found = [one for judgement in judged for one in _bad_lately(judgement, places) if one.key not in open]
    return sorted(found, key=turn)[:MOST] if places else []


def _bad_lately(one: Judgement, places: set[tuple[str, str]]) -> Iterator[Incident]:
    """Subjects that were bad in the newest known minutes that the rule counts."""
    known = np.flatnonzero((one.verdict != UNKNOWN).any(axis=0))
    if not known.size:
        return
    newest = int(known[-1])
    counted = slice(max(newest + 1 - one.rule.for_.minutes, 0), newest + 1)
    for at in np.flatnonzero((one.verdict[:, counted] == BREACH).any(axis=1)).tolist():
        subject = one.grid.subjects[at]
        if (subject.account, subject.region) in places:
            finding = Finding(one.rule, subject, Outage(one.grid.ends[newest]), None)
            yield new_incident(finding, Context())


def waits(
    incidents: Sequence[Incident],
    soon: Sequence[Incident],
    evidence: Evidence,
    covers: Covers,
    *,
    now: datetime,
) -> dict[str, str]:
    """Why incidents (by id) wait for one of those that fire `soon`, as their timelines say it."""
    leaders, named = {one.id: one for one in soon}, {one.id: one for one in incidents}
    both = [*incidents, *soon]
    moves = regroup(both, explanations(both, evidence), covers) if soon else []
    found = dict[str, str]()
    for move in moves:
        leader, one = leaders.get(move.leader or ""), named.get(move.id)
        if leader is not None and one is not None and _is_worth(one, leader, now=now):
            found[one.id] = _said(leader, move.cause or {})
    return found


def _is_worth(one: Incident, leader: Incident, *, now: datetime) -> bool:
    return may_wait(one, now=now) and leader.opened_at - one.opened_at <= LONGEST


def _said(leader: Incident, cause: Mapping[str, object]) -> str:
    return (
        f"{WAITS} some minutes for {leader.rule}, which is bad, not for long enough yet: {cause.get('text')}"
    )
