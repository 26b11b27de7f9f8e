"""Notes how far a pass is with older history, so that a first run can be watched and its price be known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from collectors import planning
from collectors.collector import HOUR, Ask, Collector
from collectors.planning import Horizon, Piece
from core.facts import Inventory, Target
from core.settings import CollectSettings
from store import history
from store.history import Left
from store.store import Store


@dataclass(frozen=True, slots=True)
class Priced:
    """A piece of older history with what it takes."""

    piece: Piece
    calls: int | None
    usd: Decimal

    @property
    def hours(self) -> float:
        return max(1, len(self.piece.scopes)) * (self.piece.window.duration / HOUR)


@dataclass(slots=True)
class Progress:
    """The older pieces of one pass, and those of them that are done."""

    collector: Collector
    target: Target
    store: Store
    wanted: Horizon
    things: int
    now: datetime
    waiting: list[Priced] = field(default_factory=list)

    def done(self, piece: Piece, *, is_read: bool, why: str | None = None) -> None:
        """A run ended: note what is left now, and `why` if it is held back."""
        if piece.newest or not self.waiting:
            return
        if is_read:
            self.waiting = [each for each in self.waiting if each.piece != piece]
        history.note(self.store, self.left(why))

    def left(self, why: str | None = None) -> Left:
        calls = [each.calls for each in self.waiting if each.calls is not None]
        return Left(
            collector=self.collector.name,
            account=self.target.account,
            region=self.target.region,
            noted_at=self.now.isoformat(),
            wanted_from=self.wanted.start.isoformat(),
            things=self.things,
            wanted_h=self.things * ((self.wanted.end - self.wanted.start) / HOUR),
            left_h=sum(each.hours for each in self.waiting),
            pieces=len(self.waiting),
            calls=sum(calls) if len(calls) == len(self.waiting) else None,
            usd=f"{sum((each.usd for each in self.waiting), Decimal(0)):f}",
            why=why,
        )


def begin(
    collector: Collector,
    target: Target,
    store: Store,
    settings: CollectSettings,
    pieces: Sequence[Piece],
    known: Inventory,
    *,
    now: datetime,
) -> Progress | None:
    """Note what a pass has to read of older history; None for collectors without a history."""
    reach = collector.reach
    if reach is None:
        return None
    keeps = store.keeps(collector.name, target, now=now)
    wanted = planning.horizon(
        reach, now=now, backfill=settings.backfill, coarse=settings.backfill_coarse, keeps=keeps
    )
    older = [_priced(collector, piece, known, settings) for piece in pieces if not piece.newest]
    things = len(reach.scopes(known)) if reach.scopes else 1
    progress = Progress(collector, target, store, wanted, things, now, older)
    if older or history.is_unread(store, collector.name, target):
        history.note(store, progress.left())
    return progress


def _priced(collector: Collector, piece: Piece, known: Inventory, settings: CollectSettings) -> Priced:
    ask = Ask(
        window=piece.window,
        period_s=piece.period_s,
        known=known,
        settings=settings,
        newest=False,
        scopes=piece.scopes,
    )
    calls = None if collector.estimate_calls is None else collector.estimate_calls(ask)
    return Priced(piece, calls, collector.estimate_usd(ask))
