"""What judging found: outages that are new or over, and the incidents that they become; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alerts.context import Context
from alerts.definition import definition_of
from alerts.incident import Incident
from alerts.judge import Judgement
from alerts.notices import incident_id, sentence, title
from alerts.outages import Outage, outages
from alerts.rule import Rule, Subject

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """An outage that is new, or that closed; `value` is the worst in it, as far as known, `limit` what the
    rule compared with when it began (what was normal then, say)."""

    rule: Rule
    subject: Subject
    outage: Outage
    value: float | None
    limit: float | None = None

    @property
    def id(self) -> str:
        return self.outage.id or incident_id(self.rule.rule, self.subject, self.outage.opened_at)

    @property
    def is_new(self) -> bool:
        return self.outage.id is None


def decide(judged: Sequence[Judgement], told: Sequence[Incident]) -> list[Finding]:
    """The outages that are not told yet, and the told ones that are over."""
    known = dict[Key, list[Outage]]()
    for incident in told:
        known.setdefault(incident.key, []).append(
            Outage(incident.opened_at, incident.resolved_at, incident.id)
        )
    return [finding for one in judged for finding in _decide_one(one, known)]


def _decide_one(one: Judgement, known: Mapping[Key, list[Outage]]) -> Iterator[Finding]:
    fires, clears, ends = one.fires, one.clears, one.grid.ends
    firing = set(np.flatnonzero(fires.any(axis=1)).tolist())
    for at, subject in enumerate(one.grid.subjects):
        before = known.get((one.rule.rule, *subject.key), [])
        if at in firing or before:
            minutes = zip(ends, fires[at].tolist(), clears[at].tolist(), strict=True)
            for outage in outages(minutes, before):
                yield Finding(one.rule, subject, outage, worst(one, at, outage), _limit(one, at, outage))


def _limit(one: Judgement, at: int, outage: Outage) -> float | None:
    """None when the grid does not hold that minute, or nothing was known of it."""
    limits = dict(zip(one.grid.ends, one.limit[at].tolist(), strict=True))
    found = limits.get(outage.opened_at, float("nan"))
    return None if np.isnan(found) else found


def worst(one: Judgement, at: int, outage: Outage) -> float | None:
    """The worst value of subject `at` during `outage`, of the minutes that the grid holds."""
    inside = [outage.covers(end) for end in one.grid.ends]
    values = one.value[at, np.array(inside, dtype=bool)]
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    return float(values.max() if one.rule.upward else values.min())


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
        threshold=rule.threshold if finding.limit is None else finding.limit,
        tags=dict(subject.tags or {}),
        labels=dict(rule.labels),
        definition=definition_of(rule),
    )
