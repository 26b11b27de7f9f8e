"""What the Rules page asks, and what its buttons write. Rules come from their files, the rest is stored."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts import known as ledger
from alerts import trying
from alerts.auditing import audit
from alerts.faults import Fault
from alerts.known import Known
from alerts.retold import Key, Retold, retold
from alerts.rule import Rule
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from alerts.trying import Tried
from core.settings import CostSettings
from core.windows import Window
from dashboard import queries
from dashboard.identity import person
from dashboard.launch import RULES, RulesInForce, cost_settings
from dashboard.queries import cached, store
from store.readers import incidents
from store.readers.alarms import alarms as read_alarms
from store.readers.rules import rule_states
from store.store import Filter

WEEK = timedelta(days=7)


def settings() -> AlertSettings:
    """Where rules are, and whom they may tell, as `dashboard.launch` said."""
    text = os.environ.get(RULES)
    said = RulesInForce.model_validate_json(text) if text else RulesInForce()
    channels: Any = dict.fromkeys(said.channels)
    return AlertSettings.model_construct(rules=said.files, starter=said.starter, channels=channels)


def cost() -> CostSettings:
    """The budgets, and what they are reckoned with."""
    return cost_settings(os.environ)


@cached(ttl_s=60, entries=1, shared=True)
def rules() -> list[Rule]:
    """Those in force, as their files say now. Raises SettingsError."""
    return rules_of(settings())


@cached(ttl_s=15, entries=2)
def states() -> pd.DataFrame:
    return rule_states(store())


@cached(ttl_s=60, entries=2)
def told() -> pd.DataFrame:
    """Incidents, the newest thousands of them."""
    return incidents.incidents(store(), limit=5_000)


@cached(ttl_s=600, entries=1, shared=True)
def faults(_at: datetime) -> list[Fault]:
    """What is wrong with rules and alarms: of ten minutes ago at most."""
    return audit(store(), rules(), settings(), now=_at, cost=cost())


@cached(ttl_s=300, entries=3, shared=True)
def held(name: str, window: Window, _at: datetime) -> Tried | None:
    """The rule over the window, held for trying; None when there is no such rule."""
    all_rules = rules()
    rule = next((rule for rule in all_rules if rule.rule == name), None)
    if rule is None:
        return None
    known = ledger.known(store(), window)
    return trying.gather(store(), rule, window, known=known, others=all_rules, now=_at, cost=cost())


@cached(ttl_s=300, entries=8, shared=True)
def tried(draft: Rule, window: Window, _at: datetime) -> Tried | None:
    """What another threshold would have told; None when there is no such rule."""
    found = held(draft.rule, window, _at)
    return trying.tried(found, draft) if found else None


@cached(ttl_s=300, entries=8)
def seen(rule: Rule, key: Key, window: Window, _at: datetime) -> list[Retold]:
    """What the rule, or each of its parts, saw of one thing."""
    return retold(store(), rule, key, window, others=rules(), now=_at)


@cached(ttl_s=60, entries=8)
def alarms(where: Filter) -> pd.DataFrame:
    return read_alarms(store(), where=where)


@cached(ttl_s=15, entries=4)
def known(window: Window) -> list[Known]:
    return ledger.known(store(), window)


def mark(account: str, region: str, subject: str, window: Window, text: str) -> None:
    ledger.mark(
        store(), account=account, region=region, subject=subject, window=window, text=text, by=person()
    )
    _forget()


def unmark(id: int) -> None:
    ledger.unmark(store(), id, by=person())
    _forget()


def _forget() -> None:
    changed: list[Any] = [known, held, tried]
    for question in changed:
        question.clear()


def week() -> Window:
    """The window that rules are tried on: it ends where the data does, and moves every ten minutes."""
    fresh = queries.freshness()
    return Window.last(WEEK, now=fresh or queries.now(), step=timedelta(minutes=10))
