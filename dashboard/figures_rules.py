"""Rules, alarms and backtests as a page tells them: frames and words, without I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
import yaml

from alerts.backtest import Backtest
from alerts.definition import definition_of
from alerts.faults import VERDICTS, Fault
from alerts.rule import Rule, Subject
from alerts.units import IN_PERCENT, say
from core.windows import Window
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.widgets import Card

WEEK = timedelta(days=7)
BADGES: Mapping[str, str] = {
    "never fires": "critical",
    "never resolves": "critical",
    "tells nobody": "warning",
    "partly blind": "warning",
    "stuck": "info",
}


def answer(rules: Sequence[Rule], faults: Sequence[Fault] | None, states: pd.DataFrame) -> Answer:
    """What would page us, and is it tuned? `faults`: None while nobody has looked for them."""
    watch = _watch(rules, states)
    if faults is None:
        return Answer("info", f"{watch}; looking for those that can never fire.")
    mine = [fault for fault in faults if fault.about == "rule"]
    dead = {fault.name for fault in mine if fault.verdict in VERDICTS[:2]}
    alarms = {(fault.account, fault.region, fault.name) for fault in faults if fault.about == "alarm"}
    more = (
        f"{numbers.many(len(alarms), 'CloudWatch alarm is', 'CloudWatch alarms are')} of no use"
        if alarms
        else ""
    )
    if dead:
        return Answer(
            "critical", f"{watch}; {numbers.many(len(dead), 'can', 'can')} never fire or never resolve.", more
        )
    if mine or alarms:
        others = {fault.name for fault in mine}
        text = f"{watch}; {len(others)} need a look." if others else f"{watch}."
        return Answer("warning", text, more)
    return Answer("healthy", f"{watch}, and nothing is wrong with them.")


def _watch(rules: Sequence[Rule], states: pd.DataFrame) -> str:
    many, things = numbers.many(len(rules), "rule watches", "rules watch"), _things(states)
    return f"**{many} {numbers.many(things, 'thing', 'things')}**"


def _things(states: pd.DataFrame) -> int:
    return len(states.drop_duplicates(["account", "region", "subject"])) if len(states) else 0


# --- the table ----------------------------------------------------------------------------------------------


def rule_rows(
    rules: Sequence[Rule],
    states: pd.DataFrame,
    incidents: pd.DataFrame,
    silences: pd.DataFrame,
    *,
    now: datetime,
) -> pd.DataFrame:
    """One row per rule: rule, severity, condition, where, covers, firing, ok, unknown, fired_7d, last_fired,
    muted."""
    rows = [
        {
            "rule": rule.rule,
            "severity": rule.severity,
            "condition": sentence(rule),
            "where": where_words(rule),
            **_standing(rule, states),
            **_fired(rule, incidents, now),
            "muted": _muted(rule, silences),
        }
        for rule in rules
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(last_fired=pd.to_datetime(frame["last_fired"], utc=True)) if rows else frame


def sentence(rule: Rule) -> str:
    """`Error rate above 5 % over 5 min, 3 of 5 minutes`."""
    return rule.condition() if rule.parts else f"{rule.spec.title} {rule.condition()}"


def where_words(rule: Rule) -> str:
    """`function checkout-*; tag team=payments`."""
    said = rule.where.model_dump(exclude_unset=True)
    return "; ".join(f"{name} {_any(value)}" for name, value in said.items() if value) or "everywhere"


def _any(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_any(one)}" for name, one in value.items())
    return " or ".join(str(item) for item in value) if isinstance(value, (tuple, list)) else str(value)


def _standing(rule: Rule, states: pd.DataFrame) -> dict[str, int]:
    mine = states[states["rule"] == rule.rule]["state"] if len(states) else pd.Series(dtype=str)
    counts = {word: int((mine == word).sum()) for word in ("firing", "ok", "unknown")}
    return {"covers": len(mine), **counts}


def _fired(rule: Rule, incidents: pd.DataFrame, now: datetime) -> dict[str, Any]:
    mine = (
        incidents[incidents["rule"] == rule.rule]["opened_at"] if len(incidents) else pd.Series(dtype=object)
    )
    if mine.empty:
        return {"fired_7d": 0, "last_fired": None}
    return {"fired_7d": int((mine > now - WEEK).sum()), "last_fired": mine.max()}


def _muted(rule: Rule, silences: pd.DataFrame) -> str:
    """Why notices of all or part of it are held back, "" if they are not."""
    for row in silences.to_dict("records"):
        if row["rule"] is None or fnmatchcase(rule.rule, str(row["rule"])):
            part = any(row[name] for name in ("account", "region", "subject")) or row.get("matchers")
            return f"{'partly ' if part else ''}silenced by {row['author']}: {row['reason']}"
    return ""


def fault_rows(faults: Sequence[Fault], places: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """verdict, about, name, place, reason, evidence; the worst first."""
    return pd.DataFrame(
        [
            {
                "verdict": fault.verdict,
                "about": "CloudWatch alarm" if fault.about == "alarm" else "rule",
                "name": fault.name,
                "place": places.get((fault.account or "", fault.region or ""), ""),
                "reason": fault.reason,
                "evidence": fault.evidence,
            }
            for fault in faults
        ],
        columns=["verdict", "about", "name", "place", "reason", "evidence"],
    )


# --- one rule -----------------------------------------------------------------------------------------------


def verdict_on(found: Backtest) -> Answer:
    """What a backtest comes to, in a sentence."""
    replayed = found.replay
    if not replayed.subjects:
        return Answer("not collected", "**It covers nothing**: there is nothing to judge.")
    if not replayed.judged:
        return Answer("not collected", "**No minute of this week could be judged.**", unjudged(found))
    fired = numbers.many(len(replayed.firings), "time", "times")
    text = f"**It would have fired {fired}**"
    if replayed.flaps:
        text += f", {replayed.flaps} of them within half an hour after it had resolved"
    state = "warning" if replayed.flaps > len(replayed.firings) / 4 else "info"
    return Answer(state if replayed.firings else "healthy", text + ".", unjudged(found))


def unjudged(found: Backtest) -> str:
    """What of the window was not judged, and why; "" if all was."""
    replayed = found.replay
    if not replayed.minutes or replayed.judged == replayed.minutes:
        return ""
    text = f"{numbers.percent(replayed.judged_share)} of the minutes judged"
    if replayed.coarse:
        coarse = numbers.percent(replayed.coarse / replayed.minutes)
        text += f"; {coarse} is kept at more than a minute a point (store.retention.one_minute)"
    other = replayed.minutes - replayed.judged - replayed.coarse
    return text + (f"; {numbers.percent(other / replayed.minutes)} was not collected" if other > 0 else "")


def cards(found: Backtest, before: Backtest) -> list[Card]:
    """Six numbers of what is tried; their movement is against the rule as it is."""
    replayed, compared, was = found.replay, found.compared, before.replay
    judged = f"in {numbers.age(replayed.span)} of judged time"
    outages = len(compared.hits) + len(compared.misses)
    return [
        Card(
            label="Firings a week",
            value=_rate(replayed.per_week),
            help=f"Firings {judged}, extended to a week. The rule as it is: {_rate(was.per_week)}.",
        ),
        Card(
            label="Firings",
            value=numbers.count(len(replayed.firings)),
            delta=_moved(len(replayed.firings), len(was.firings)),
            help=f"How often it would have fired, {judged}. The rule as it is: {len(was.firings)}.",
        ),
        Card(
            label="Flaps",
            value=numbers.count(replayed.flaps),
            delta=_moved(replayed.flaps, was.flaps),
            help=f"Firings within 30 min after the one before had resolved. As it is: {was.flaps}.",
        ),
        Card(
            label="Outages told",
            value=_of(len(compared.hits), outages),
            help="Marked outages and real incidents of this rule that it would have told / could have seen.",
        ),
        Card(
            label="Real",
            value=_of(compared.real, compared.real + compared.false),
            help=f"Real firings / those that people called real or noise; {compared.unmarked} nobody judged.",
        ),
        Card(
            label="Delay",
            value=numbers.UNKNOWN if compared.delay is None else _signed(compared.delay),
            help="Median time from an outage's beginning to the firing; below zero: it fired before.",
        ),
    ]


def _moved(now: int, before: int) -> str | None:
    return f"{now - before:+d}" if now != before else None


def _rate(per_week: float | None) -> str:
    return numbers.UNKNOWN if per_week is None else numbers.count(per_week)


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else numbers.UNKNOWN


def _signed(length: timedelta) -> str:
    return f"-{numbers.age(-length)}" if length < timedelta() else numbers.age(length)


def firing_rows(found: Backtest, places: Mapping[tuple[str, str], str]) -> pd.DataFrame:
    """opened_at, subject, place, lasted, worst, flap; the newest first."""
    rows = [
        {
            "opened_at": firing.opened_at,
            "subject": firing.subject.short,
            "place": places.get((firing.subject.account, firing.subject.region), firing.subject.region),
            "lasted": numbers.age(firing.resolved_at - firing.opened_at)
            if firing.resolved_at
            else "still fires",
            "worst": say(firing.worst, found.rule.spec.unit),
            "flap": "again within 30 min" if firing.is_flap else "",
        }
        for firing in reversed(found.replay.firings)
    ]
    return pd.DataFrame(rows, columns=["opened_at", "subject", "place", "lasted", "worst", "flap"])


BEFORE, LONGEST = timedelta(hours=1), timedelta(hours=6)
"""How much of a rule's example lies before its firing, and how long it may be."""


def example(found: Backtest) -> tuple[Subject, Window] | None:
    """The thing and the hours that show a rule at work: its newest firing, else the end of the window."""
    replayed = found.replay
    if not replayed.subjects:
        return None
    if not replayed.firings:
        return replayed.subjects[0], Window(
            max(found.window.end - LONGEST, found.window.start), found.window.end
        )
    newest = replayed.firings[-1]
    start = max(newest.opened_at - BEFORE, found.window.start)
    return newest.subject, Window(start, min(start + LONGEST, found.window.end))


def why_example(found: Backtest) -> str:
    return (
        "which it would have told last" if found.replay.firings else "one of those it covers; it never fired"
    )


def band_words(rule: Rule) -> str:
    """What the drawing shows beside the value, `` for a plain threshold."""
    if rule.is_seasonal:
        return ": the grey band is what is normal at that time of the week, and the line is where it fires"
    return ": the line is where it fires" if rule.slo is not None else ""


def nice_step(top: float) -> float:
    """A step of 1, 2 or 5 times a power of ten, about a hundredth of `top`."""
    if top <= 0:
        return 0.01
    raw, power = top / 100, 1.0
    while power > raw:
        power /= 10
    while power * 10 <= raw:
        power *= 10
    return float(f"{next(power * n for n in (1, 2, 5, 10) if power * n >= raw * 0.999):.6g}")


# --- as a file ----------------------------------------------------------------------------------------------


def as_yaml(rule: Rule, original: Rule) -> str:
    """The rule as its file could have it. What says whom to tell and what to do is not shown."""
    words = definition_of(rule) or {}
    text = yaml.safe_dump(
        {"rules": [{name: _written(name, value, rule) for name, value in words.items()}]},
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    kept = [name for name, has in (("notify", original.notify is not None), ("act", original.act)) if has]
    return text + (f"    # keep its {' and '.join(kept)}\n" if kept else "")


def _written(name: str, value: Any, rule: Rule) -> Any:
    if rule.spec.unit in IN_PERCENT and name in {"above", "below", "resolve_above", "resolve_below"}:
        return f"{float(value) * 100:.6g}%"
    if isinstance(value, str) and value.endswith("s") and value[:-1].isdigit():
        return _length(int(value[:-1]))
    return value


def _length(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
