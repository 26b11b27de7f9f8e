"""Which change came before a trouble: the weightiest of the newest that were made shortly before it began."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTLY = timedelta(hours=2)
"""A change longer ago than this is not told as what came before."""

TOGETHER = timedelta(minutes=10)
"""Changes made within this are steps of one: code, its version, the alias that moves to it."""

WEIGHTS = ("deploy", "alias", "runtime", "concurrency", "mapping", "configuration", "appeared", "gone")
"""Kinds of changes, what breaks functions most often first."""

HARMLESS = frozenset({"tags", "description", "retention_days"})
"""Fields that change nothing about how a function runs."""

OF_LIMITS = "concurrency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed; `function` is "" for what belongs to an account and region as a whole."""

    ts: datetime
    kind: str
    function: str = ""
    field: str = ""
    what: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What began when, on which `functions` (of one account and region). `shares_limits`: of all functions
    there, because the trouble is the account's."""

    began: datetime
    functions: frozenset[str] = frozenset()
    shares_limits: bool = False


@dataclass(frozen=True, slots=True)
class Preceded:
    """The change to name, and how many more were made together with it."""

    change: Change
    more: int = 0


def preceding(trouble: Trouble, changes: Iterable[Change]) -> Preceded | None:
    """What changed shortly before the trouble began, None when nothing did that could matter.

    `changes` are those of the trouble's account and region. That a change came before does not make it the
    cause: whoever tells of it says how long before it was made.
    """
    near = [one for one in changes if _is_shortly_before(one, trouble) and _may_matter(one, trouble)]
    if not near:
        return None
    newest = max(one.ts for one in near)
    together = [one for one in near if newest - one.ts <= TOGETHER]
    return Preceded(min(together, key=_order), len(together) - 1)


def _is_shortly_before(change: Change, trouble: Trouble) -> bool:
    return timedelta() <= trouble.began - change.ts <= SHORTLY


def _may_matter(change: Change, trouble: Trouble) -> bool:
    if change.field in HARMLESS:
        return False
    if change.function in trouble.functions:
        return True
    return change.kind == OF_LIMITS and (trouble.shares_limits or change.function == "")


def _order(change: Change) -> tuple[int, float, str]:
    """The weightiest first, of them the newest; by name where both are the same."""
    return _weight(change.kind, WEIGHTS), -change.ts.timestamp(), change.what


def _weight(kind: str, known: Sequence[str]) -> int:
    return known.index(kind) if kind in known else len(known)
