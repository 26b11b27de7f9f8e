"""Ask the store what an audit of rules and alarms needs, and hold it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from alerts import ledger
from alerts.audit import Observed, Told, audit_rule, no_channel, sample_minutes
from alerts.audit_alarms import Heard, audit_alarms, metric_of
from alerts.backtest import CELLS, whole_minutes
from alerts.faults import VERDICTS, Fault
from alerts.fleet import Fleet, Place, fleet_of
from alerts.judge import UNKNOWN, Judgement
from alerts.judging import judge_over, problems
from alerts.overrides import TAG, Problem
from alerts.rolling import summed
from alerts.rule import Rule
from alerts.settings import AlertSettings
from core.facts import Target
from core.settings import CostSettings
from core.windows import MINUTE, Window
from store import schema
from store.readers.alarms import alarm_facts
from store.readers.history import function_count, gone_functions, minutes_with, read_of
from store.store import Store

DAY = timedelta(days=1)


def audit(
    store: Store,
    rules: Sequence[Rule],
    settings: AlertSettings,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> list[Fault]:
    """What is wrong with rules and alarms, the worst first, on what was seen in the last day. `cost` has the
    budgets."""
    fleet = known_fleet(store)
    observed = observe(store, rules, Window.last(DAY, now=now), now=now, cost=cost)
    with store.engine.connect() as connection:
        states = list(ledger.states(connection).values())
        told = Told(frozenset(settings.channels), _dead(connection))
    found = [
        fault
        for rule, seen in zip(rules, observed, strict=True)
        for fault in audit_rule(rule, seen, fleet, told, states, now=now)
    ]
    found += [_not_followed(problem) for problem in problems(store, rules, now=now)]
    found += no_channel(told)
    alarms = [(Target(account, region), alarm) for account, region, alarm in alarm_facts(store)]
    found += audit_alarms(alarms, fleet, hear(store, fleet, now=now), now=now)
    return sorted(found, key=lambda each: (VERDICTS.index(each.verdict), each.about, each.name))


def _not_followed(problem: Problem) -> Fault:
    subject = problem.subject
    where = f"{TAG}{problem.rule} of {subject.short} ({subject.account} {subject.region})"
    return Fault("rule", problem.rule, "partly blind", "tag not followed", problem.text, where)


def known_fleet(store: Store) -> Fleet:
    return fleet_of({t: store.inventory(t) for t in ledger.aliases(store)}, gone_functions(store))


def _dead(connection: sa.Connection) -> frozenset[str]:
    c = schema.channel_state.c
    return frozenset(connection.execute(sa.select(c.channel).where(c.state == "dead")).scalars())


# --- what rules saw -----------------------------------------------------------------------------------------


def observe(
    store: Store,
    rules: Sequence[Rule],
    window: Window,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> list[Observed]:
    """What each rule saw in the window, read in pieces."""
    window, pieces = whole_minutes(window), list[list[tuple[str, Observed]]]()
    step = MINUTE * max(CELLS // max(function_count(store), 1), 60)
    start = window.start
    while start < window.end and rules:
        part = Window(start, min(start + step, window.end))
        judged = judge_over(store, [_alone(rule) for rule in rules], part, now=now, cost=cost)
        pieces.append([(one.rule.rule, observed(one, part)) for one in judged])
        start = part.end
    return [
        _joined([[seen for name, seen in piece if name == rule.rule] for piece in pieces]) for rule in rules
    ]


def _alone(rule: Rule) -> Rule:
    """As if it were not only a part of others: then it is judged too."""
    return rule.model_copy(update={"part": False}) if rule.part else rule


def observed(one: Judgement, window: Window) -> Observed:
    """What a judgement says of the minutes that end in `window`."""
    inside = np.array([window.start < end for end in one.grid.ends], dtype=bool)
    known = one.verdict[:, inside] != UNKNOWN
    measured = known & ~np.isnan(one.value[:, inside])
    return Observed(one.grid.subjects, known.sum(axis=1), measured.sum(axis=1), _samples(one, inside))


def _samples(one: Judgement, inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    column = one.rule.spec.samples
    unknown = np.full(len(one.grid.subjects), np.nan)
    if column is None or column not in one.grid.values or not inside.any():
        return unknown
    if sample_minutes(one.rule) > len(one.grid.ends):
        return unknown  # an objective over days: more than the minutes at hand
    samples = np.nan_to_num(summed(one.grid.values[column], sample_minutes(one.rule)))
    return np.asarray(samples[:, inside].max(axis=1), dtype=np.float64)


def _joined(pieces: Sequence[Sequence[Observed]]) -> Observed:
    """The pieces of one rule, each of as many parts as overrides tell apart. All have the same subjects:
    those that there are now."""
    whole = [_side_by_side(parts) for parts in pieces if parts]
    if not whole:
        return Observed((), *(np.zeros(0, dtype=np.int64),) * 2, np.zeros(0))
    return Observed(
        whole[-1].subjects,
        np.sum([piece.judged for piece in whole], axis=0),
        np.sum([piece.measured for piece in whole], axis=0),
        np.max([piece.samples for piece in whole], axis=0),
    )


def _side_by_side(parts: Sequence[Observed]) -> Observed:
    return Observed(
        tuple(subject for part in parts for subject in part.subjects),
        np.concatenate([part.judged for part in parts]),
        np.concatenate([part.measured for part in parts]),
        np.concatenate([part.samples for part in parts]),
    )


# --- what alarms watch --------------------------------------------------------------------------------------


def hear(store: Store, fleet: Fleet, *, now: datetime) -> Heard:
    """When the functions of alarms had data in the last day."""
    window, wanted, places = Window.last(DAY, now=now), defaultdict[str, set[str]](set), set[Place]()
    for target, alarm in fleet.alarms:
        place = (target.account, target.region, alarm.function or "")
        metric = metric_of(alarm)
        if place in fleet.functions and metric and metric.scope == "function":
            wanted[metric.field].add(place[2])
            places.add(place)
    found = minutes_with(store, window, wanted)
    heard: dict[tuple[Place, str], NDArray[np.int64]] = {
        (place, name): np.array([], dtype=np.int64) for place in places for name in wanted
    }
    for (account, region, function, name), rows in found.groupby(["account", "region", "function", "field"]):
        minutes = rows["minute"].to_numpy(dtype=np.int64)
        heard[(str(account), str(region), str(function)), str(name)] = np.sort(minutes)
    return Heard(heard, read_of(store, window, places, now=now))
