"""What the Alerts page asks the store, and what its buttons write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts import context
from alerts import incidents as ledger
from alerts import retold as retelling
from alerts import silences as silencing
from alerts.report import incident_html
from alerts.retold import Retold, retold
from alerts.rules import STARTER, Rule, load_rules
from core.errors import SettingsError
from core.facts import Target
from core.windows import Window
from dashboard import queries, queries_rules
from dashboard.identity import person
from dashboard.queries import cached, store
from store.readers import incidents


@cached(ttl_s=15)
def incident(id: str) -> pd.DataFrame:
    return incidents.incident(store(), id)


@cached(ttl_s=15)
def members(id: str) -> pd.DataFrame:
    return incidents.members(store(), id)


def report(id: str) -> str:
    """Everything about an alert as one HTML file; made when somebody asks for it."""
    return incident_html(store(), id, now=queries.now())


@cached(ttl_s=15)
def timeline(id: str) -> pd.DataFrame:
    return incidents.timeline(store(), id)


@cached(ttl_s=15)
def deliveries(id: str | None = None, state: str | None = None) -> pd.DataFrame:
    return incidents.deliveries(store(), incident=id, state=state)


@cached(ttl_s=15, entries=4)
def silences(_at: datetime) -> pd.DataFrame:
    return incidents.silences(store(), now=_at)


@cached(ttl_s=15)
def audit(id: str | None = None) -> pd.DataFrame:
    return incidents.audit(store(), incident=id)


@cached(ttl_s=3600, entries=1)
def starter_rules() -> dict[str, Rule]:
    return {rule.rule: rule for rule in load_rules([STARTER])}


@cached()
def seen(incident: Mapping[str, Any], rule: Rule, window: Window, _at: datetime) -> list[Retold]:
    """What the rule, or each of its parts, saw of the incident's subject."""
    key = (str(incident["account"]), str(incident["region"]), str(incident["subject"]))
    return retold(store(), rule, key, window, others=in_force(), now=_at)


@cached()
def headroom(target: Target, name: str, _at: datetime) -> str | None:
    """What is left of the pool that a function draws from, in words; None: not known."""
    return context.headroom(store(), target, name, _at)


def lost_parts(rule: Rule) -> list[str]:
    return retelling.lost_parts(rule, in_force())


def in_force() -> list[Rule]:
    """The rules in force; none when their files are wrong (the Rules page says how)."""
    try:
        return queries_rules.rules()
    except SettingsError:
        return []


def acknowledge(id: str, *, text: str = "") -> None:
    """This and what follows: by whoever uses the page; QuarterdeckError in one sentence."""
    ledger.acknowledge(store(), id, by=person(), now=queries.now(), text=text)
    _forget()


def assign(id: str, to: str) -> None:
    ledger.assign(store(), id, to, by=person(), now=queries.now())
    _forget()


def note(id: str, text: str) -> None:
    ledger.note(store(), id, text, by=person(), now=queries.now())
    _forget()


def judge(id: str, verdict: ledger.Verdict | None) -> None:
    ledger.judge(store(), id, verdict, by=person(), now=queries.now())
    _forget()


def silence(id: str, *, length: timedelta, reason: str) -> None:
    silencing.silence_incident(store(), id, duration=length, reason=reason, by=person(), now=queries.now())
    _forget()


def end_silence(id: int) -> None:
    silencing.end_silence(store(), id, by=person(), now=queries.now())
    _forget()


def _forget() -> None:
    """What was just changed shows at once."""
    changed: list[Any] = [queries.open_incidents, queries.all_incidents, incident, timeline, silences]
    for question in changed:
        question.clear()
