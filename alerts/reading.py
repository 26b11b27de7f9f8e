"""What the store knows of all subjects at once, as grids, with what is computed from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from alerts.derive import DERIVED
from alerts.grid import Grid
from alerts.ledger import aliases
from alerts.moments import MOMENTS
from alerts.rule import Rule, Subject
from alerts.signals import SIGNALS
from core.facts import Target
from core.prices import ListPrices
from core.settings import CostSettings
from core.windows import MINUTE, Window
from store.readers import part_minutes, signals
from store.readers.minutes import Minutes, Place
from store.readers.prices import list_prices
from store.store import Store

Columns = frozenset[str]
HOUR = timedelta(hours=1)


def columns_of(rules: Collection[Rule]) -> dict[str, Columns]:
    """What must be read for these rules, by where it is read from."""
    found = dict[str, Columns]()
    for rule in rules:
        if not rule.parts:
            found[rule.spec.read_from] = found.get(rule.spec.read_from, frozenset()) | rule.spec.columns
    return found


def usual(source: str) -> Columns:
    """What the named signals need."""
    return frozenset[str]().union(*(s.columns for s in SIGNALS.values() if s.read_from == source))


def read_grid(
    store: Store,
    source: str,
    window: Window,
    *,
    now: datetime,
    columns: Columns | None = None,
    coarse: bool = False,
    cost: CostSettings | None = None,
) -> Grid:
    """What the store knows in `window` about all subjects of `source` (`Signal.read_from`); of `columns`, or
    of those that the named signals need. `coarse`: hours count as read, and are spread over their minutes.
    `cost` has the budgets, and what they are reckoned with."""
    if source in MOMENTS:
        return MOMENTS[source](store, window, now, cost or CostSettings())
    wanted = usual(source) if columns is None else columns
    stored = frozenset(need for name in wanted for need in _stored(name))
    minutes = _READ[source](store, window, now=now, columns=stored, coarse=coarse)
    return _grid(minutes, wanted, _SUBJECT[source], aliases(store), list_prices(store))


def read_hours(store: Store, source: str, window: Window, *, now: datetime, columns: Columns) -> Minutes:
    """What whole hours add up to, of functions or aliases: `columns` that are stored."""
    return _READ[source](store, window, now=now, columns=columns, coarse=True, step=HOUR)


def _stored(name: str) -> Collection[str]:
    return DERIVED[name].needs if name in DERIVED else (name,)


def _grid(
    minutes: Minutes,
    wanted: Columns,
    subject: Callable[..., Subject],
    named: Mapping[Target, str | None],
    listed: ListPrices,
) -> Grid:
    values = dict(minutes.values)
    for name in wanted:
        if name in DERIVED:
            values[name] = DERIVED[name].compute(minutes, listed)
    steps = int(minutes.window.duration / MINUTE)
    return Grid(
        tuple(
            subject(place, about, named.get(Target(*place[:2])))
            for place, about in zip(minutes.places, minutes.about, strict=True)
        ),
        tuple(minutes.window.start + (step + 1) * MINUTE for step in range(steps)),
        values,
        minutes.flags,
    )


def _function(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    pools = {"reserved": about["reserved"], "provisioned": about["provisioned"]}
    has = frozenset(name for name, value in pools.items() if value not in (None, False))
    return Subject("function", *place, alias=alias, runtime=about["runtime"], tags=about["tags"], has=has)


def _alias(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    of, runtime, tags = tuple(about["functions"]), about["runtime"], about["tags"]
    return Subject("alias", *place, alias=alias, runtime=runtime, tags=tags, functions=of)


def _provider(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    return Subject("provider", *place, alias=alias, functions=tuple(about["functions"]))


def _queue(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    functions, has = tuple(about["functions"]), frozenset({about["role"]} - {""})
    return Subject("queue", *place, alias=alias, functions=functions, has=has)


def _mapping(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    return Subject("mapping", *place, alias=alias, functions=tuple(about["functions"]))


def _account(place: Place, about: Mapping[str, Any], alias: str | None) -> Subject:
    return Subject("account", place[0], place[1], "account", alias=alias)


_READ: Mapping[str, Callable[..., Minutes]] = {
    "function": signals.function_minutes,
    "alias": part_minutes.alias_minutes,
    "provider": part_minutes.provider_minutes,
    "queue": signals.queue_minutes,
    "mapping": signals.mapping_minutes,
    "account": signals.account_minutes,
}
_SUBJECT: Mapping[str, Callable[..., Subject]] = {
    "function": _function,
    "alias": _alias,
    "provider": _provider,
    "queue": _queue,
    "mapping": _mapping,
    "account": _account,
}
