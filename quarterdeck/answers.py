"""Documents that the command line prints: what readers say about one window, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from core.facts import Target
from core.windows import Window
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.one_function import seen_document, setup_document
from quarterdeck.output import plain, records
from store.readers import cold, collection, concurrency, cost, fleet, functions, incidents, queues
from store.store import Filter, Store

Document = dict[str, Any]

CONFIGURED = ["reserved"]
"""Settings of the pages' table: a null there means none, not unknown, so `concurrency` tells them."""


def window_document(window: Window) -> Document:
    return {"start": plain(window.start), "end": plain(window.end)}


def fleet_document(store: Store, window: Window, *, now: datetime, where: Filter) -> Document:
    """`window`, and per function the keys of docs/cli.md."""
    rows = fleet.fleet(store, window, now=now, where=where)
    return {"window": window_document(window), "functions": records(rows.drop(columns=CONFIGURED))}


def function_document(store: Store, name: str, window: Window, *, now: datetime, where: Filter) -> Document:
    """One function: its fleet row, cold starts, errors, how it is set up, versions, changes, what is not
    seen."""
    target = find_function(store, name, where)
    here = Filter(target.account, target.region, name)
    rows = fleet_document(store, window, now=now, where=here)["functions"]
    configuration = [f for f in store.inventory(target).functions if f.name == name]
    return {
        "window": window_document(window),
        "function": rows[0] if rows else None,
        "configuration": plain(asdict(configuration[0])) if configuration else None,
        "cold_starts": next(iter(records(cold.cold_starts(store, window, now=now, where=here))), None),
        "errors": records(functions.errors_by_signature(store, target, name, window)),
        **setup_document(store, target, name, window, now=now),
        "triggers": records(functions.triggers(store, target, name)),
        "versions": records(functions.versions(store, target, name, window, now=now)),
        "changes": records(functions.changes(store, window, target=target, function=name)),
        **seen_document(store, target, name, window, now=now),
        "series": records(functions.function_series(store, target, name, window, now=now)),
    }


def find_function(store: Store, name: str, where: Filter) -> Target:
    """Where the function is. Raises UsageMistakeError with the nearest names, or with all of its places."""
    known = [(t, f.name) for t in _targets(store, where) for f in store.inventory(t).functions]
    places = [target for target, function in known if function == name]
    if len(places) == 1:
        return places[0]
    if places:
        listed = ", ".join(f"{place.account} {place.region}" for place in places)
        raise UsageMistakeError(f"{name} exists in {listed}: say which with --account and --region")
    here = " ".join(part for part in (where.account, where.region) if part)
    near = get_close_matches(name, sorted({function for _, function in known}), n=3, cutoff=0.5)
    hint = (
        f"; did you mean {' or '.join(near)}?"
        if near
        else f": {len(known)} functions are known{' there' if here else ''}, see `quarterdeck fleet`"
    )
    raise UsageMistakeError(f"no function {name} in {here or 'the store'}{hint}")


def _targets(store: Store, where: Filter) -> list[Target]:
    known = collection.targets(store)
    rows = known[["account", "region"]].itertuples(index=False) if len(known) else ()
    every = [Target(str(account), str(region)) for account, region in rows]
    return [t for t in every if where.account in (None, t.account) and where.region in (None, t.region)]


def concurrency_document(store: Store, window: Window, *, now: datetime) -> Document:
    """Per account and region its limits, each with the pools below it."""
    limits = records(concurrency.limits(store, window, now=now))
    pools = records(concurrency.pools(store, window, now=now))
    for limit in limits:
        limit["pools"] = [
            p for p in pools if (p["account"], p["region"]) == (limit["account"], limit["region"])
        ]
    return {"window": window_document(window), "accounts": limits}


def queues_document(store: Store, window: Window, *, now: datetime) -> Document:
    return {"window": window_document(window), "queues": records(queues.queues(store, window, now=now))}


DIMENSIONS = ("account", "region", "function", "runtime", "architecture", "component")


def grouping(text: str) -> list[str]:
    """Read `function,tag:team`. Raises UsageMistakeError naming what cannot be grouped by."""
    groups = [part.strip() for part in text.split(",") if part.strip()]
    for group in groups:
        if group not in DIMENSIONS and not (group.startswith("tag:") and len(group) > 4):
            raise UsageMistakeError(f"--by: {group!r} is none of {', '.join(DIMENSIONS)} or tag:NAME")
    if not groups:
        raise UsageMistakeError(f"--by: name at least one of {', '.join(DIMENSIONS)} or tag:NAME")
    return groups


def cost_document(
    store: Store, window: Window, *, now: datetime, by: Sequence[str], where: Filter
) -> Document:
    """The costs per group, dearest first, with their total."""
    groups = records(cost.costs(store, window, now=now, by=by, where=where))
    return {
        "window": window_document(window),
        "by": list(by),
        "total_usd": _sum(groups, "cost_usd"),
        "groups": groups,
    }


def incidents_document(store: Store, *, open_only: bool, limit: int) -> Document:
    """Incidents, open ones first; `state` is firing, acknowledged, held back, grouped or resolved."""
    rows = records(incidents.incidents(store, open_only=open_only, limit=limit))
    return {"incidents": [{**row, "state": incident_state(row)} for row in rows]}


def incident_state(row: Document) -> str:
    if row["resolved_at"]:
        return "resolved"
    if row["acked_at"]:
        return "acknowledged"
    if row["grouped_under"]:
        return "grouped"
    return "held back" if row["held_back"] else "firing"


def incident_document(store: Store, id: str) -> Document:
    """One incident: its row and `state`, members of its group, timeline, deliveries, actions."""
    [row] = records(incidents.incident(store, id))
    return {
        "incident": {**row, "state": incident_state(row)},
        "members": records(incidents.members(store, id)),
        "timeline": records(incidents.timeline(store, id)),
        "deliveries": records(incidents.deliveries(store, incident=id)),
        "actions": records(incidents.audit(store, incident=id)),
    }


def _sum(rows: Sequence[Document], key: str) -> Any:
    """The sum of what is known; None when nothing is."""
    known = [row[key] for row in rows if row[key] is not None]
    return sum(known) if known else None
