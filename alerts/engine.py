"""Facts to decisions: judge every rule, keep what changed, queue what is to be told; in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import sqlalchemy as sa

from alerts import ledger
from alerts.context import Context, gather
from alerts.incident import Incident
from alerts.judge import Judgement
from alerts.judging import LOOKBACK, judge_all
from alerts.notices import incident_id, sentence, title
from alerts.outages import Outage, outages
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from alerts.standing import NEVER, standing
from alerts.telling import Teller
from core.windows import MINUTE
from store.store import Store

MOST = 10
"""How many new incidents of one evaluation get their context looked up: speed matters when all breaks."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An outage that is new, or that closed; `value` is the worst in it, as far as known."""

    rule: Rule
    subject: Subject
    outage: Outage
    value: float | None

    @property
    def id(self) -> str:
        return self.outage.id or incident_id(self.rule.rule, self.subject, self.outage.opened_at)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation changed: incidents opened and resolved (ids), notices queued."""

    opened: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    notices: int = 0


def evaluate(store: Store, rules: Sequence[Rule], settings: AlertSettings, *, now: datetime) -> Evaluation:
    """Judge all rules as of `now`. Safe to repeat and to kill: all changes are kept at once or not at all."""
    judged = judge_all(store, rules, now=now)
    since = now - LOOKBACK - max((rule.reach_minutes for rule in rules), default=0) * MINUTE
    contexts = _contexts(store, judged, since, settings, now=now)
    named = ledger.aliases(store)
    with store.transaction() as connection:
        told = ledger.incidents(connection, since=since)
        findings = decide(judged, told)
        opened = _open(connection, findings, contexts)
        resolved = _close(connection, findings) + _close_orphans(connection, judged, told, now=now)
        _keep_worst(connection, judged, told)
        current = ledger.incidents(connection, since=since)
        before = ledger.states(connection)
        ledger.keep_states(connection, standing(judged, current, before, now=now), now=now)
        known = frozenset(key for key, state in before.items() if state.reason != NEVER)
        by_name = {rule.rule: rule for rule in rules}
        teller = Teller(by_name, settings, contexts, named, frozenset(opened), known, now)
        queued = teller.tell(connection, current)
    return Evaluation(tuple(opened), tuple(resolved), queued)


def decide(judged: Sequence[Judgement], told: Sequence[Incident]) -> list[Finding]:
    """The outages that are not told yet, and the told ones that are over. Pure."""
    known = dict[tuple[str, str, str, str], list[Outage]]()
    for incident in told:
        known.setdefault(incident.key, []).append(
            Outage(incident.opened_at, incident.resolved_at, incident.id)
        )
    return [finding for one in judged for finding in _decide_one(one, known)]


def _decide_one(one: Judgement, known: Mapping[tuple[str, str, str, str], list[Outage]]) -> Iterator[Finding]:
    fires, clears, ends = one.fires, one.clears, one.grid.ends
    firing = set(np.flatnonzero(fires.any(axis=1)).tolist())
    for at, subject in enumerate(one.grid.subjects):
        before = known.get((one.rule.rule, *subject.key), [])
        if at in firing or before:
            minutes = zip(ends, fires[at].tolist(), clears[at].tolist(), strict=True)
            for outage in outages(minutes, before):
                yield Finding(one.rule, subject, outage, worst(one, at, outage))


def worst(one: Judgement, at: int, outage: Outage) -> float | None:
    """The worst value of subject `at` during `outage`, of the minutes that the grid holds."""
    inside = [outage.covers(end) for end in one.grid.ends]
    values = one.value[at, np.array(inside, dtype=bool)]
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    return float(values.max() if one.rule.upward else values.min())


def _contexts(
    store: Store, judged: Sequence[Judgement], since: datetime, settings: AlertSettings, *, now: datetime
) -> dict[str, tuple[Subject, Context]]:
    """What to say about incidents whose first notice is still to come. Read before the write begins."""
    with store.engine.connect() as connection:
        told = ledger.incidents(connection, since=since)
        sent = ledger.last_sent(connection, [incident.id for incident in told])
    quiet = {id for id, _ in sent}
    subjects = {
        (one.rule.rule, *subject.key): (one.rule, subject) for one in judged for subject in one.grid.subjects
    }
    new = [(f.id, f.rule, f.subject, f.outage.opened_at) for f in decide(judged, told) if f.outage.id is None]
    new += [
        (incident.id, *subjects[incident.key], incident.opened_at)
        for incident in told
        if settings.channels and incident.id not in quiet and incident.key in subjects
    ]
    gathered = {
        id: (subject, gather(store, rule, subject, at, now=now)) for id, rule, subject, at in new[:MOST]
    }
    return {id: (subject, Context()) for id, _, subject, _ in new} | gathered


def _open(
    connection: sa.Connection, findings: Sequence[Finding], contexts: Mapping[str, tuple[Subject, Context]]
) -> list[str]:
    opened = []
    for finding in findings:
        if finding.outage.id is None and ledger.incident(connection, finding.id) is None:
            _, context = contexts.get(finding.id, (finding.subject, Context()))
            ledger.open_incident(connection, new_incident(finding, context))
            opened.append(finding.id)
    return opened


def new_incident(finding: Finding, context: Context) -> Incident:
    rule, subject = finding.rule, finding.subject
    return Incident(
        id=finding.id,
        rule=rule.rule,
        account=subject.account,
        region=subject.region,
        subject_kind=subject.kind,
        subject=subject.name,
        severity=rule.severity,
        title=title(rule, subject, finding.value),
        text=sentence(rule, finding.value, context),
        opened_at=finding.outage.opened_at,
        value=finding.value,
        threshold=rule.threshold,
    )


def _close(connection: sa.Connection, findings: Sequence[Finding]) -> list[str]:
    closed = [(finding.id, finding.outage.closed_at) for finding in findings]
    for id, at in closed:
        if at is not None:
            ledger.close_incident(connection, id, at, "the condition is over, on settled data")
    return [id for id, at in closed if at is not None]


def _close_orphans(
    connection: sa.Connection, judged: Sequence[Judgement], told: Sequence[Incident], *, now: datetime
) -> list[str]:
    """Close what nothing can judge any more; it would stay open for ever."""
    rules = {one.rule.rule for one in judged}
    subjects = {(one.rule.rule, *subject.key) for one in judged for subject in one.grid.subjects}
    orphans = [i for i in told if i.resolved_at is None and i.key not in subjects]
    for incident in orphans:
        gone = f"the {incident.subject_kind} is gone, or the rule covers it no more"
        why = gone if incident.rule in rules else "the rule is gone or switched off"
        ledger.close_incident(connection, incident.id, now, why)
    return [incident.id for incident in orphans]


def _keep_worst(connection: sa.Connection, judged: Sequence[Judgement], told: Sequence[Incident]) -> None:
    still = {incident.key: incident for incident in told if incident.resolved_at is None}
    for one in judged:
        for at, subject in enumerate(one.grid.subjects):
            incident = still.get((one.rule.rule, *subject.key))
            if incident is None:
                continue
            value = worst(one, at, Outage(incident.opened_at))
            known = [v for v in (value, incident.value) if v is not None]
            worse = (max if one.rule.upward else min)(known, default=None)
            if worse != incident.value:
                ledger.update_incident(connection, incident.id, value=worse)
