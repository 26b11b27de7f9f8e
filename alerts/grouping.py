"""Which open incidents have one cause, by evidence that is stated; pure.

The leader is the one that explains the others: the pool before its functions, the function before its queue.
Nothing is grouped without evidence, across accounts, or under one that tells less than the member would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.incident import Incident

SEVERITIES = ("critical", "warning", "info")

Covers = Callable[[Incident, Incident], bool]
"""Whether telling of the first (the leader) is enough for whoever would be told of the second."""


@dataclass(frozen=True, slots=True)
class Cause:
    """`kind`: deploy, pool, queue, dependency, signature, collection, tiers. `text` says it in a sentence."""

    kind: str
    text: str
    evidence: tuple[str, ...] = ()

    def row(self) -> dict[str, Any]:
        return {"kind": self.kind, "text": self.text, "evidence": list(self.evidence)}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Incident `leader` explains incident `member` (ids)."""

    leader: str
    member: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Move:
    """What changes: `id` goes under `leader` for `cause`; both None: it stands alone again, because `why`."""

    id: str
    leader: str | None
    cause: Mapping[str, Any] | None
    why: str


@dataclass
class _Groups:
    """Who stands under whom, while it is worked out."""

    open: Mapping[str, Incident]
    covers: Covers
    under: dict[str, str] = field(default_factory=dict)
    causes: dict[str, Mapping[str, Any] | None] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)

    def root(self, id: str) -> str:
        return self.under.get(id, id)

    def members(self, leader: str) -> list[str]:
        return [id for id, above in self.under.items() if above == leader]

    def may(self, leader: str, member: str) -> bool:
        above, below = self.open[leader], self.open[member]
        near = (above.account, above.region) == (below.account, below.region)
        return leader != member and near and self.covers(above, below)

    def put(self, member: str, leader: str, cause: Mapping[str, Any] | None, why: str) -> None:
        """Under the leader's own leader, if it has one; those that it led go with it."""
        leader, moving = self.root(leader), [member, *self.members(member)]
        if leader in moving or member in self.under:
            return
        if not all(self.may(leader, one) for one in moving):
            return
        for one in moving:
            self.under[one], self.causes[one], self.why[one] = leader, cause, why


def regroup(incidents: Sequence[Incident], explanations: Iterable[Explanation], covers: Covers) -> list[Move]:
    """What has to change for open incidents, given how they are grouped and what explains what.

    Who stands under a leader stays there while that one is open and tells enough, though its evidence fades.
    When it is over, the worst of those that still fire leads the others.
    """
    open = {one.id: one for one in incidents if one.resolved_at is None}
    groups = _Groups(open, covers)
    _keep(groups)
    for left in _left_alone(groups):
        _hand_over(groups, left)
    known, before = [one for one in explanations if one.leader in open and one.member in open], -1
    while before < len(groups.under):  # what one explanation allows, another may have waited for
        before = len(groups.under)
        for one in known:
            groups.put(one.member, one.leader, one.cause.row(), one.cause.text)
    return [
        Move(id, groups.under.get(id), groups.causes.get(id), groups.why.get(id, "its leader is over"))
        for id, incident in open.items()
        if incident.grouped_under != groups.under.get(id)
    ]


def _keep(groups: _Groups) -> None:
    for id, one in groups.open.items():
        above = one.grouped_under
        leader = groups.open.get(above) if above else None
        if leader is not None and leader.grouped_under is None and groups.may(leader.id, id):
            groups.under[id], groups.causes[id] = leader.id, one.cause


def _left_alone(groups: _Groups) -> list[list[str]]:
    """Those whose leader is over or leads no more, by leader."""
    left = dict[str, list[str]]()
    for id, one in groups.open.items():
        if one.grouped_under is not None and id not in groups.under:
            left.setdefault(one.grouped_under, []).append(id)
    return [sorted(ids, key=lambda id: turn(groups.open[id])) for ids in left.values()]


def _hand_over(groups: _Groups, left: Sequence[str]) -> None:
    leader = left[0]
    for id in left[1:]:
        groups.put(id, leader, groups.open[id].cause, "the one that led them is over, or tells too little")


def turn(incident: Incident) -> tuple[int, int, datetime, str]:
    """Who leads among equals: the account, then the worst, then the first."""
    kind = 0 if incident.subject_kind == "account" else 1
    rank = SEVERITIES.index(incident.severity) if incident.severity in SEVERITIES else len(SEVERITIES)
    return kind, rank, incident.opened_at, incident.id
