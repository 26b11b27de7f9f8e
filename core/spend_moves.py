"""Why spending moved: what traffic did, and what each component did to the cost of an invocation."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from core.prices import GRAIN_USD

NONE = Decimal(0)
DIGITS = 60

HELD = frozenset({"provisioned", "log storage", "instances", "pollers", "quarterdeck"})
"""Components that cost the same however often a function is invoked."""


@dataclass(frozen=True, slots=True)
class Spent:
    """One group over one window: exact USD per component, and how often it was invoked."""

    components: Mapping[str, Decimal]
    invocations: float

    @property
    def usd(self) -> Decimal:
        return sum(self.components.values(), NONE)


@dataclass(frozen=True, slots=True)
class Move:
    """How one group moved. `traffic_usd` is what the earlier invocations would have cost more, had they been
    as many as now; `parts` is what each component cost beyond that. Together they are `usd` to the last
    decimal. `kind` is new, gone or moved: of the first two there is nothing to compare."""

    group: Hashable
    kind: str
    before_usd: Decimal
    after_usd: Decimal
    traffic: float | None
    traffic_usd: Decimal
    parts: Mapping[str, Decimal]

    @property
    def usd(self) -> Decimal:
        return self.after_usd - self.before_usd

    @property
    def largest(self) -> tuple[str, Decimal]:
        """What moved it most: `traffic` or a component, and by how much."""
        causes = {"traffic": self.traffic_usd, **self.parts}
        return max(causes.items(), key=lambda one: abs(one[1]))


EMPTY = Spent({}, 0.0)


def moves(before: Mapping[Hashable, Spent], after: Mapping[Hashable, Spent]) -> list[Move]:
    """A move per group of either window, the largest first. Their sum is how the whole moved."""
    groups = dict.fromkeys([*after, *before])
    found = [move(group, before.get(group, EMPTY), after.get(group, EMPTY)) for group in groups]
    return sorted(found, key=lambda one: (-abs(one.usd), str(one.group)))


def move(group: Hashable, before: Spent, after: Spent) -> Move:
    with localcontext(prec=DIGITS):
        grown = _ratio(before, after)
        scaled = {name: _scaled(name, usd, grown) for name, usd in before.components.items()}
        traffic_usd = sum((scaled[name] - usd for name, usd in before.components.items()), NONE)
        names = dict.fromkeys([*after.components, *before.components])
        parts = {name: after.components.get(name, NONE) - scaled.get(name, NONE) for name in names}
        kind = "new" if not before.usd else "gone" if not after.usd else "moved"
        traffic = None if grown is None else float(grown) - 1
        return Move(group, kind, before.usd, after.usd, traffic, traffic_usd, parts)


def _ratio(before: Spent, after: Spent) -> Decimal | None:
    """How much the number of invocations grew; None where there were none to compare with."""
    if not before.invocations:
        return None
    return Decimal(str(after.invocations)) / Decimal(str(before.invocations))


def _scaled(name: str, usd: Decimal, grown: Decimal | None) -> Decimal:
    return usd if grown is None or name in HELD else (usd * grown).quantize(GRAIN_USD)
