"""Who feels a change of a function: what invokes it, and its aliases, as they were last read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from alerts.actions.base import Plan
from core.facts import Target
from store.readers.aliases import aliases
from store.readers.triggers import triggers
from store.store import Store

MOST = 6


def with_callers(store: Store, plan: Plan, *, now: datetime) -> Plan:
    """The plan, saying what invokes the function that it changes; as it is when it changes none."""
    if plan.subject is None:
        return plan
    found = [*_callers(store, plan.target, plan.subject), *_aliases(store, plan.target, plan.subject)]
    return replace(plan, touches=(*plan.touches, *found))


def _callers(store: Store, target: Target, function: str) -> list[str]:
    rows = triggers(store, target, function).to_dict("records")
    if not rows:
        return [f"no caller of {function} is known: whoever invokes it directly does not show"]
    said = [f"{row['title']} {row['source']}{'' if row['enabled'] else ' (off)'}" for row in rows]
    return [f"invoked by {_first(said)}"]


def _aliases(store: Store, target: Target, function: str) -> list[str]:
    names = [str(name) for name in aliases(store, target, function)["alias"]]
    return [f"its aliases {_first(list(dict.fromkeys(names)))}"] if names else []


def _first(words: list[str]) -> str:
    more = f" and {len(words) - MOST} more" if len(words) > MOST else ""
    return ", ".join(words[:MOST]) + more
