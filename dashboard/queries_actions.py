"""What the Actions page asks the store, and what its buttons write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts import approvals
from alerts.actions import requests as asking
from alerts.actions import undoing
from alerts.actions.base import Action
from alerts.actions.registry import read_action
from core.facts import Target
from core.windows import Window
from dashboard import queries
from dashboard.identity import person
from dashboard.queries import cached, store
from store.readers import actions

WITHIN = timedelta(hours=1)
"""How long what a person asks for may wait for a decision."""


@cached(ttl_s=5)
def requests(_at: datetime) -> pd.DataFrame:
    return actions.requests(store(), now=_at)


@cached(ttl_s=5)
def request(id: str) -> pd.DataFrame:
    return actions.request(store(), id)


@cached(ttl_s=5)
def requests_of(incident: str, _at: datetime) -> pd.DataFrame:
    return actions.requests(store(), now=_at, incident=incident)


@cached(ttl_s=5)
def held(incident: str | None = None) -> pd.DataFrame:
    return actions.held(store(), incident=incident)


@cached(ttl_s=15)
def audit(window: Window) -> pd.DataFrame:
    return actions.audit(store(), since=window.start)


def decide(id: str, *, approve: bool) -> str:
    """Returns a sentence. This and what follows raise QuarterdeckError in one sentence."""
    said = asking.decide(store(), id, approve=approve, by=person(), now=queries.now())
    _forget()
    return said


def look(token: str) -> approvals.Sent:
    return approvals.look(store(), token, approvals.key_here(store().path), now=queries.now())


def decide_by_link(token: str, *, approve: bool) -> str:
    key = approvals.key_here(store().path)
    said = approvals.use(store(), token, key, approve=approve, by=person(), now=queries.now())
    _forget()
    return said


def restore(id: str) -> None:
    asking.ask_undo(store(), id, by=person(), now=queries.now())
    _forget()


def keep(id: str) -> None:
    undoing.keep(store(), id, by=person(), now=queries.now())
    _forget()


def extend(id: str, lease: timedelta) -> None:
    undoing.extend(store(), id, lease, by=person(), now=queries.now())
    _forget()


def ask(incident: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Ask for an action about an incident. Raises pydantic's ValidationError, too."""
    asking.ask(
        store(), read_action(dict(given)), Target(str(incident["account"]), str(incident["region"])),
        str(incident["subject"]), by=person(), now=queries.now(), within=WITHIN,
        kind=str(incident["subject_kind"]), incident=str(incident["id"]),
    )  # fmt: skip
    _forget()


def ask_of_queue(target: Target, queue: str, action: Action) -> None:
    """Ask for an action on a queue, without an incident."""
    asking.ask(
        store(), action, target, queue, by=person(), now=queries.now(), within=WITHIN, kind="queue"
    )  # fmt: skip
    _forget()


def _forget() -> None:
    """What was just changed shows at once."""
    changed: list[Any] = [requests, request, requests_of, held, audit]
    for question in changed:
        question.clear()
