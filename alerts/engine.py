"""Facts to decisions: judge every rule, keep what changed, queue what is to be told; in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from alerts import leading, ledger
from alerts.around import Around, look_around
from alerts.context import Context
from alerts.findings import Finding, decide, new_incident, worst
from alerts.holding import with_silences
from alerts.incident import Incident
from alerts.judge import Judgement
from alerts.judging import LOOKBACK, judge_all, judged_from
from alerts.late import told_late
from alerts.outages import Outage
from alerts.rule import Rule
from alerts.settings import AlertSettings
from alerts.standing import NEVER, standing
from alerts.telling import Teller
from core.settings import CostSettings
from store.store import Store

__all__ = ["LOOKBACK", "Evaluation", "Finding", "decide", "evaluate", "new_incident"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation changed: incidents opened and resolved (ids), notices queued."""

    opened: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    notices: int = 0


def evaluate(
    store: Store,
    rules: Sequence[Rule],
    settings: AlertSettings,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> Evaluation:
    """Judge all rules as of `now`. Safe to repeat and to kill: all changes are kept at once or not at all.
    `cost` has the budgets."""
    judged = judge_all(store, rules, now=now, cost=cost)
    since = min(now - LOOKBACK, judged_from(judged, now=now))
    around = look_around(store, judged, rules, settings, since=since, now=now, cost=cost)
    by_name = {rule.rule: rule for rule in rules}
    with store.transaction() as connection:
        told = ledger.incidents(connection, since=since)
        opened, resolved = _keep(connection, judged, told, around, now=now)
        around = replace(around, holds=with_silences(around.holds, connection))
        leading.lead(connection, around, by_name, settings, since=since, now=now)
        current = ledger.incidents(connection, since=since)
        before = ledger.states(connection)
        ledger.keep_states(connection, standing(judged, current, before, now=now), now=now)
        known = frozenset(key for key, state in before.items() if state.reason != NEVER)
        waits = leading.waiting(connection, current, around, by_name, settings, now=now)
        teller = Teller(
            by_name, settings, around.contexts, around.aliases, frozenset(opened), known, around.holds, waits,
            now,
        )  # fmt: skip
        queued = teller.tell(connection, current)
    return Evaluation(tuple(opened), tuple(resolved), queued)


def _keep(
    connection: sa.Connection,
    judged: Sequence[Judgement],
    told: Sequence[Incident],
    around: Around,
    *,
    now: datetime,
) -> tuple[list[str], list[str]]:
    """Open, close and date incidents. Returns the ids of those opened and resolved."""
    findings = decide(judged, told)
    opened = _open(connection, findings, around, now=now)
    before = {one.id: one for one in told}
    _redate(connection, findings, before, now=now)
    resolved = _close(connection, findings, before) + _close_orphans(connection, judged, told, now=now)
    _keep_worst(connection, judged, told)
    return opened, resolved


def _open(
    connection: sa.Connection, findings: Sequence[Finding], around: Around, *, now: datetime
) -> list[str]:
    opened = []
    for finding in findings:
        if finding.is_new and ledger.incident(connection, finding.id) is None:
            _, context = around.contexts.get(finding.id, (finding.subject, Context()))
            new = new_incident(finding, context)
            late = told_late(connection, finding.subject, new.opened_at, now)
            ledger.open_incident(connection, replace(new, text=f"{new.text} {late}".rstrip()))
            if late:
                ledger.note(connection, new.id, now, "told late", late)
            opened.append(finding.id)
    return opened


def _redate(
    connection: sa.Connection, findings: Sequence[Finding], before: Mapping[str, Incident], *, now: datetime
) -> None:
    """Minutes that were collected late tell that what is known began earlier. Its id stays."""
    for finding in findings:
        known, began = before.get(finding.id), finding.outage.opened_at
        if known is not None and began < known.opened_at:
            ledger.update_incident(connection, known.id, opened_at=began)
            text = f"at {began:%Y-%m-%d %H:%M} UTC already, as minutes say that were collected late"
            ledger.note(connection, known.id, now, "began earlier", text)


def _close(
    connection: sa.Connection, findings: Sequence[Finding], before: Mapping[str, Incident]
) -> list[str]:
    over = {id for id, one in before.items() if one.resolved_at is not None}
    closed = [(one.id, one.outage.closed_at) for one in findings if one.id not in over]
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
            if incident is not None:
                _worsen(connection, one, at, incident)


def _worsen(connection: sa.Connection, one: Judgement, at: int, incident: Incident) -> None:
    value = worst(one, at, Outage(incident.opened_at))
    known = [v for v in (value, incident.value) if v is not None]
    worse = (max if one.rule.upward else min)(known, default=None)
    if worse != incident.value:
        ledger.update_incident(connection, incident.id, value=worse)
