"""Of which functions it is not known what invokes them, so that no schedule is not the same as none read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from store import schema
from store.entities import scope
from store.readers.coverage import newest_runs
from store.readers.frames import rows
from store.readers.states import NOT_YET
from store.readers.things import Place, Things
from store.store import Snapshot

TIMED = {"eventbridge-rule": "rule", "eventbridge-scheduler": "schedule"}
"""Kinds of triggers that may have a schedule, in words."""


@dataclass(frozen=True, slots=True)
class Unread:
    """`listed` are functions whose own policy and those of their aliases were read, `reasons` why the last
    look at a target failed, and `sources` what may have a schedule and could not be read."""

    listed: frozenset[Place]
    reasons: Mapping[tuple[str, str], str]
    sources: Mapping[Place, str]

    @classmethod
    def read(cls, snapshot: Snapshot, things: Things) -> Unread:
        listed = frozenset(_listed(snapshot, things))
        runs = newest_runs(snapshot)
        failed = runs[(runs["collector"] == "triggers") & runs["error"].notna()]
        reasons = {(row.account, row.region): str(row.error) for row in rows(failed)}
        timed = (t for t in things.of("trigger") if t.body.get("kind") in TIMED)
        unread = {t.place: TIMED[str(t.body["kind"])] for t in timed if t.body.get("state") is None}
        return cls(listed, reasons, unread)

    def why(self, place: Place) -> str | None:
        """Why it is not known whether a schedule invokes the function; None: it is known."""
        reason = self.reasons.get(place[:2], NOT_YET)
        if place not in self.listed:
            return f"whether it has a schedule is not known: what may invoke it was not read: {reason}"
        if source := self.sources.get(place):
            return f"whether it has a schedule is not known: its EventBridge {source} was not read: {reason}"
        return None


def _listed(snapshot: Snapshot, things: Things) -> Iterator[Place]:
    c = schema.listing.c
    query = sa.select(c.account, c.region, c.function).where(c.kind == "trigger")
    read = {(row.account, row.region, row.function) for row in rows(snapshot.state(query))}
    aliases: dict[Place, set[str]] = defaultdict(set)
    for thing in things.of("alias"):
        aliases[thing.place].add(str(thing.body["alias"]))
    for account, region, function in (thing.place for thing in things.of("function")):
        policies = (scope(function, part) for part in ("", *aliases[account, region, function]))
        if all((account, region, policy) in read for policy in policies):
            yield account, region, function
