"""The service's pace: reads activity and money from the store, decides, and keeps the decision there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from collectors import plan
from collectors.budget import spent_usd
from collectors.cadence import (
    ACTIVITIES,
    Activity,
    Decision,
    Month,
    Watched,
    activity,
    cadences,
    decide,
    steps,
)
from collectors.collector import Collector
from collectors.shapes import SHAPES
from core.facts import ACCOUNT, Inventory, Target
from core.settings import CollectSettings
from quarterdeck.notes import write_note
from store import entities
from store.bill import next_month
from store.readers import budget
from store.readers.activity import Lately, firing, lately
from store.readers.budget import PACE_KEY
from store.readers.things import Place
from store.store import Store

LOOK_AGAIN = timedelta(minutes=10)
"""How old what is known of last invocations may be: incidents are looked at each time."""

PACED = "metrics"
"""The collector whose scopes have a pace each; others are slowed as a whole."""


@dataclass(slots=True)
class Pacer:
    """Decides the pace of everything that costs, again and again. One per service."""

    store: Store
    settings: CollectSettings
    cap_usd: Decimal | None
    collectors: Sequence[Collector]
    decision: Decision | None = None
    others_slower: int = 1
    _lately: tuple[datetime, Lately] | None = None

    def set_pace(self, targets: Sequence[Target], *, now: datetime) -> Decision:
        """Decide for all `targets`, which share the cap, and keep each function's Cadence."""
        known = {target: self.store.inventory(target) for target in targets}
        watched = self._watched(known, now)
        current = self.decision.step if self.decision else 0
        self.decision = decide(watched, self._month(known, now), self.settings, current=current)
        self.others_slower = self.decision.pace.others
        self._keep(known, watched, self.decision, now)
        return self.decision

    def follow(self) -> None:
        """Keep the pace that another service decided."""
        self.others_slower = budget.others_slower(self.store)

    def others_every(self, collector: Collector) -> timedelta:
        """How often a collector runs at the pace in force: paid ones are slowed with the rest."""
        every = collector.interval(self.settings)
        return every if collector.name == PACED or not is_paid(collector) else every * self.others_slower

    def _watched(self, known: Mapping[Target, Inventory], now: datetime) -> list[Watched]:
        seen, alarmed = self._seen(now), firing(self.store)
        return [
            Watched(
                target=target,
                name=name or ACCOUNT,
                activity=self._activity(inventory, _place(target, name), seen, alarmed, now),
                read_usd=usd,
            )
            for target, inventory in known.items()
            for name, usd in plan.read_usd(inventory).items()
        ]

    def _activity(
        self, inventory: Inventory, place: Place, seen: Lately, alarmed: Collection[Place], now: datetime
    ) -> Activity:
        """What a function does. What belongs to none is quiet where there are no functions."""
        if not place[2]:
            return "active" if inventory.functions else "quiet"
        return activity(
            seen.invoked.get(place),
            seen.since(place),
            is_firing=place in alarmed,
            now=now,
            quiet_after=self.settings.quiet_after,
        )

    def _seen(self, now: datetime) -> Lately:
        if self._lately is None or now - self._lately[0] >= LOOK_AGAIN:
            self._lately = now, lately(self.store, now=now, length=self.settings.quiet_after)
        return self._lately[1]

    def _month(self, known: Mapping[Target, Inventory], now: datetime) -> Month:
        return Month(
            now=now,
            end=next_month(now),
            cap_usd=self.cap_usd,
            spent_usd=spent_usd(self.store, now),
            others_usd_a_day=plan.usd_a_day(known, self.settings, others(self.collectors, paid=True)),
            fixed_usd_a_day=plan.usd_a_day(known, self.settings, others(self.collectors, paid=False)),
        )

    def _keep(
        self,
        known: Mapping[Target, Inventory],
        watched: Sequence[Watched],
        decision: Decision,
        now: datetime,
    ) -> None:
        for target, inventory in known.items():
            mine = [each for each in watched if each.target == target]
            wanted = cadences(mine, decision, self.settings)
            before = {cadence.name: cadence for cadence in inventory.cadences}
            new = [cadence for cadence in wanted if before.get(cadence.name) != cadence]
            if new:
                with self.store.transaction() as connection:
                    entities.write(connection, target, new, [], now=now)
        note = to_note(decision, self.cap_usd, self.settings, now=now)
        write_note(self.store, PACE_KEY, json.dumps(note))


def _place(target: Target, name: str) -> Place:
    return (target.account, target.region, name)


def is_paid(collector: Collector) -> bool:
    shape = SHAPES.get(collector.name)
    return shape is not None and shape.is_paid


def others(collectors: Sequence[Collector], *, paid: bool) -> list[Collector]:
    """All but the one whose scopes have a pace each: those that are slowed as a whole, or those that never
    are."""
    return [each for each in collectors if each.name != PACED and is_paid(each) == paid]


def to_note(
    decision: Decision, cap_usd: Decimal | None, settings: CollectSettings, *, now: datetime
) -> Mapping[str, object]:
    """The decision as the store keeps it for pages and commands (`store.readers.budget`)."""
    usual = steps(settings)[0]
    slowed = [
        {
            "activity": kind,
            "functions": decision.slowed[kind],
            "every_s": round(decision.pace.every(kind).total_seconds()),
            "usual_s": round(usual.every(kind).total_seconds()),
        }
        for kind in ACTIVITIES
        if decision.slowed.get(kind)
    ]
    return {
        "decided_at": now.isoformat(),
        "cap_usd": None if cap_usd is None else f"{cap_usd:f}",
        "step": decision.step,
        "others": decision.pace.others,
        "usd_a_day": f"{decision.usd_a_day:f}",
        "runs_out": decision.runs_out.isoformat() if decision.runs_out else None,
        "slowed": slowed,
    }
