"""What a collector is: one record, from which schedule, status page, docs and IAM policy are derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from collectors.aws import Aws
from core.facts import Fact, Gap, Inventory, Target
from core.settings import CollectSettings
from core.windows import Window
from store.store import Store

HOUR = timedelta(hours=1)

CLOUDWATCH_LAG = timedelta(minutes=2)
"""CloudWatch publishes a minute one to three minutes after it ended; what comes later is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one run is to read.

    `period_s` is 0 where there is none; `newest` is False for older pieces of history, which need not look
    again at things as they are now; `scopes` are the functions to read, all if empty. `held` is what the
    collector's own `recall` found in the store of an earlier reading.
    """

    window: Window
    period_s: int = 0
    known: Inventory = field(default_factory=Inventory)
    settings: CollectSettings = field(default_factory=CollectSettings)
    newest: bool = True
    scopes: tuple[str, ...] = ()
    held: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """A gap that is a state of the thing itself (nothing was ever logged), not a failure of the run."""

    gap: Gap


Learned = Fact | Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far back a windowed collector reads, and in what pieces.

    `period_s` is the grid of the newest history (0: none). With `coarse`, history older than
    `CollectSettings.backfill` is read at five-minute or hourly periods. With `scopes`, coverage is kept for
    each of them, and one run reads at most `scopes_per_run`. With `paces`, a scope's newest minutes are read
    again when it was last read as many seconds ago as they say, else after the collector's interval. `lag` is
    how long the source takes to tell of a minute: younger ones are not asked for, since half a minute looks
    like a fall. `kept` is how long the source remembers. `beside` names the scope that tells what of a scope
    was read although it stays unknown, since the source itself lacks it.
    """

    period_s: int = 0
    coarse: bool = False
    lag: timedelta = timedelta()
    kept: timedelta = timedelta(days=455)
    first: timedelta = 3 * HOUR + CLOUDWATCH_LAG
    piece: timedelta = 3 * HOUR
    scopes: Callable[[Inventory], Sequence[str]] | None = None
    scopes_per_run: int = 50
    paces: Callable[[Inventory], Mapping[str, int]] | None = None
    beside: Callable[[str], str] | None = None


def _nothing(ask: Ask) -> Decimal:
    return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """One source of facts.

    `every` names its field of CollectSettings; `reach` None reads things as they are now; `estimate_usd` is
    what a run is expected to cost at most, `estimate_calls` how many calls it takes if that is known before;
    `recall` finds what is kept of a window, for `Ask.held`.
    """

    name: str
    what: str
    every: str
    permissions: tuple[str, ...]
    collect: Callable[[Aws, Ask], Iterator[Learned]]
    reach: Reach | None = None
    estimate_usd: Callable[[Ask], Decimal] = _nothing
    estimate_calls: Callable[[Ask], int] | None = None
    recall: Callable[[Store, Target, Window], Mapping[str, Any]] | None = None

    @property
    def is_paid(self) -> bool:
        """Whether a run is known to cost something."""
        return self.estimate_usd is not _nothing

    def interval(self, settings: CollectSettings) -> timedelta:
        """How often it runs."""
        found = getattr(settings, self.every)
        assert isinstance(found, timedelta)
        return found
