"""What an evaluation reads before its write begins: speed matters, and a write lets nobody else write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts import evidence, holding, ledger, waiting
from alerts.causes import Evidence
from alerts.context import Context, gather
from alerts.findings import Finding, decide, new_incident
from alerts.holding import Holds
from alerts.incident import Incident
from alerts.judge import Judgement
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from core.facts import Target
from core.settings import CostSettings
from store.store import Store

MOST = 10
"""How many new incidents of one evaluation get their context looked up: speed matters when all breaks."""


@dataclass(frozen=True)
class Around:
    """`contexts`: what to say of incidents whose first notice is still to come, by id. `soon`: what is about
    to fire, and may lead some of them."""

    contexts: Mapping[str, tuple[Subject, Context]]
    evidence: Evidence
    holds: Holds
    aliases: Mapping[Target, str | None]
    soon: Sequence[Incident] = ()


def look_around(
    store: Store,
    judged: Sequence[Judgement],
    rules: Sequence[Rule],
    settings: AlertSettings,
    *,
    since: datetime,
    now: datetime,
    cost: CostSettings | None = None,
) -> Around:
    with store.engine.connect() as connection:
        told = ledger.incidents(connection, since=since)
        sent = {id for id, _ in ledger.last_sent(connection, [incident.id for incident in told])}
    new = [finding for finding in decide(judged, told) if finding.is_new]
    subjects = [subject for one in judged for subject in one.grid.subjects]
    opening = [new_incident(finding, Context()) for finding in new]
    expected, untold = [*told, *opening], [one for one in told if settings.channels and one.id not in sent]
    patient = [one for one in [*untold, *opening] if settings.channels and waiting.may_wait(one, now=now)]
    soon = waiting.about_to_fire(judged, expected, patient)
    return Around(
        _contexts(store, judged, new, untold, now=now, cost=cost),
        evidence.gather(store, [*expected, *soon], subjects, rules, now=now),
        holding.gather(store, rules, settings, now=now),
        ledger.aliases(store),
        soon,
    )


def _contexts(
    store: Store,
    judged: Sequence[Judgement],
    new: Sequence[Finding],
    untold: Sequence[Incident],
    *,
    now: datetime,
    cost: CostSettings | None,
) -> dict[str, tuple[Subject, Context]]:
    known = {
        (one.rule.rule, *subject.key): (one.rule, subject) for one in judged for subject in one.grid.subjects
    }
    asked = [(f.id, f.rule, f.subject, f.outage.opened_at) for f in new]
    asked += [(one.id, *known[one.key], one.opened_at) for one in untold if one.key in known]
    found = {
        id: (subject, gather(store, rule, subject, at, now=now, cost=cost))
        for id, rule, subject, at in asked[:MOST]
    }
    return {id: (subject, Context()) for id, _, subject, _ in asked} | found
