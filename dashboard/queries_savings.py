"""What the Savings page asks the store, and what its button writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.actions import requests as asking
from alerts.actions.registry import read_action
from core.facts import Target
from core.prices import ListPrices
from core.rightsizing import Observed
from core.windows import Window
from dashboard import queries, queries_actions
from dashboard.identity import person
from dashboard.queries import cached, store
from store.readers import optimizer as optimizers
from store.readers import rightsizing
from store.readers import whatif as replay
from store.readers.optimizer import Optimizer
from store.readers.prices import list_prices
from store.readers.rightsizing import Saving
from store.readers.things import Place
from store.store import Filter


def prices() -> ListPrices:
    """What proposals are reckoned with."""
    return list_prices(store())


@cached(ttl_s=600, entries=16, shared=True)
def savings(window: Window, where: Filter, _at: datetime) -> list[Saving]:
    return rightsizing.savings(store(), window, now=_at, where=where)


@cached(ttl_s=600, entries=16, shared=True)
def observed(window: Window, place: Place, _at: datetime) -> Observed | None:
    """One function, as right-sizing sees it; None: there is no such function."""
    found = rightsizing.observed(store(), window, now=_at, where=Filter(*place))
    return next((one for one in found if (one.account, one.region, one.function) == place), None)


@cached(ttl_s=600, entries=16, shared=True)
def optimizer(window: Window, where: Filter, _at: datetime) -> Mapping[Place, Optimizer]:
    """Compute Optimizer's word on each function."""
    return optimizers.optimizer(store(), window, now=_at, where=where)


@cached(ttl_s=600, entries=32, shared=True)
def what_if(window: Window, place: Place, asked: replay.Asked, _at: datetime) -> replay.Answer:
    account, region, function = place
    target = Target(account, region)
    return replay.whatif(store(), target, function, window, asked, now=_at, most=200_000)


def ask(place: Place, action: Mapping[str, Any]) -> None:
    """Ask for the action of a proposal: the service plans it, a person decides. Raises QuarterdeckError."""
    account, region, function = place
    asking.ask(
        store(), read_action(dict(action)), Target(account, region), function, by=person(),
        now=queries.now(), within=queries_actions.WITHIN,
    )  # fmt: skip
