"""What the store says around incidents that may have one cause. Only asked while some are young."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np

from alerts.causes import FAILING, HEADROOM, TOGETHER, Calls, Errors, Evidence, Place, Pool
from alerts.incident import Incident
from alerts.rule import Rule, Subject
from alerts.wording import wording
from core.errors import QuarterdeckError
from core.facts import Target
from core.graph import CLIENT
from core.preceding import SHORTLY, Change
from core.windows import Window
from store.readers import changes, functions, tracing
from store.readers import signals as minutes
from store.store import Filter, Store

BEFORE = timedelta(minutes=15)
"""How long before the first incident its reasons are looked for."""

FUNCTIONS, TRACES = 20, 200
"""At most so many functions' errors are read of a target, and so many of its traces."""

T = TypeVar("T")
At = tuple[str, str]
Near = Mapping[At, Sequence[Incident]]


def gather(
    store: Store,
    incidents: Sequence[Incident],
    subjects: Iterable[Subject],
    rules: Iterable[Rule],
    *,
    now: datetime,
) -> Evidence:
    """Evidence about the targets where several are open, one of them young and alone. A question that fails
    is left unanswered: then nothing is grouped by it."""
    signals = {rule.rule: rule.signal for rule in rules if rule.signal is not None}
    near = {at: ones for at, ones in _by_target(incidents).items() if is_worth_a_look(ones, now)}
    changed = _only(near, _have_one_function)
    pooled = _only(near, lambda ones: _several(ones, signals, HEADROOM | {"throttles"}))
    failing = _only(near, lambda ones: _several(ones, signals, FAILING))
    blind = _only(near, lambda ones: any(one.subject_kind == "collector" for one in ones))
    return Evidence(
        signals=signals,
        changes=_each(changed, lambda at, ones: list(_changes(store, at, ones))),
        pools=_each(pooled, lambda at, ones: _pool(store, at, ones, now)),
        feeds={one.key: one.functions for one in subjects if one.kind == "queue"},
        calls=_merged(failing, lambda at, ones: _calls(store, at, ones, now)),
        errors=_merged(failing, lambda at, ones: _errors(store, at, ones, now)),
        said=_merged(blind, lambda at, ones: _said(store, at, now)),
    )


def _only(near: Near, wanted: Callable[[Sequence[Incident]], bool]) -> Near:
    """Where a question could have an answer that groups something; elsewhere it is not asked."""
    return {at: ones for at, ones in near.items() if wanted(ones)}


def _have_one_function(ones: Sequence[Incident]) -> bool:
    functions = [one.subject for one in ones if one.subject_kind == "function"]
    return len(set(functions)) < len(functions)


def _several(ones: Sequence[Incident], signals: Mapping[str, str], wanted: Set[str]) -> bool:
    return len({one.subject for one in ones if signals.get(one.rule) in wanted}) > 1


def is_worth_a_look(incidents: Sequence[Incident], now: datetime) -> bool:
    young = [one for one in incidents if one.grouped_under is None and now - one.opened_at <= 2 * TOGETHER]
    return len(incidents) > 1 and bool(young)


def _by_target(incidents: Sequence[Incident]) -> dict[At, list[Incident]]:
    found = dict[At, list[Incident]]()
    for one in incidents:
        if one.resolved_at is None:
            found.setdefault((one.account, one.region), []).append(one)
    return found


def _each(near: Near, question: Callable[[At, Sequence[Incident]], T | None]) -> dict[At, T]:
    found = dict[At, T]()
    for at, ones in near.items():
        try:
            answer = question(at, ones)
        except QuarterdeckError:
            continue
        if answer is not None:
            found[at] = answer
    return found


def _merged(
    near: Near,
    question: Callable[[At, Sequence[Incident]], Iterator[tuple[Place, T]]],
) -> dict[Place, T]:
    answers = _each(near, lambda at, ones: dict(question(at, ones)))
    return {place: value for answer in answers.values() for place, value in answer.items()}


def _changes(store: Store, at: At, ones: Sequence[Incident]) -> Iterator[Change]:
    opened = [one.opened_at for one in ones]
    window = Window(min(opened) - SHORTLY, max(opened) + timedelta(minutes=1))
    for row in changes.changes(store, window, target=Target(*at)).to_dict("records"):
        who = row["who"]
        yield Change(
            ts=row["ts"].to_pydatetime(),
            kind=row["kind"],
            function=row["function"],
            field=row["field"] or "",
            what=row["what"],
            by=f"by {who}" if isinstance(who, str) else "",
        )


def _pool(store: Store, at: At, ones: Sequence[Incident], now: datetime) -> Pool | None:
    found = minutes.account_minutes(store, _around(ones, now), now=now, columns=["claimed_max"])
    row = next((row for row, place in enumerate(found.places) if place[:2] == at), None)
    if row is None or (limit := found.about[row]["limit"]) is None:
        return None
    claimed = found.values["claimed_max"][row]
    if np.isnan(claimed).all():
        return None
    reserved = store.inventory(Target(*at)).reserved
    own = frozenset(one.name for one in reserved if one.reserved is not None)
    return Pool(float(np.nanmax(claimed)), float(limit), own)


def _calls(
    store: Store, at: At, ones: Sequence[Incident], now: datetime
) -> Iterator[tuple[Place, dict[str, Calls]]]:
    found = tracing.service_map(store, _around(ones, now), where=Filter(*at), now=now, most=TRACES)
    calls = dict[Place, dict[str, Calls]]()
    for (source, target), tally in found.graph.edges.items():
        if source != CLIENT:
            calls.setdefault((*at, source[0]), {})[target[0]] = Calls(tally.calls, tally.failed)
    yield from calls.items()


def _errors(store: Store, at: At, ones: Sequence[Incident], now: datetime) -> Iterator[tuple[Place, Errors]]:
    names = dict.fromkeys(one.subject for one in ones if one.subject_kind == "function")
    for name in list(names)[:FUNCTIONS]:
        found = functions.errors_by_signature(store, Target(*at), name, _around(ones, now))
        if not found.empty:
            top = found.iloc[0]
            if text := wording(str(top["example"])):
                yield (*at, name), Errors(text, int(top["count"]), int(found["count"].sum()))


def _said(store: Store, at: At, now: datetime) -> Iterator[tuple[Place, str]]:
    rows = minutes.collection_state(store, now=now).dropna(subset=["error"])
    for row in rows[(rows["account"] == at[0]) & (rows["region"] == at[1])].to_dict("records"):
        yield (*at, str(row["collector"])), " ".join(str(row["error"]).split())[:300]


def _around(ones: Sequence[Incident], now: datetime) -> Window:
    """From shortly before the newest of them on: an old one must not hide what is new in its history."""
    young = [one.opened_at for one in ones if now - one.opened_at <= 2 * TOGETHER]
    return Window(min(min(young, default=now), now) - BEFORE, now)
