"""A month's statement: who bears what, shared costs allocated by a stated rule, to the cent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from core.prices import GRAIN_USD
from core.sharing import share_out

NONE, CENT = Decimal(0), Decimal("0.01")
UNTAGGED = ""

RULE = (
    "Each team bears what its own functions cost. What no function causes (Quarterdeck's own calls to AWS)"
    " is shared out in proportion to that. Untagged functions are a line of their own and bear their share;"
    " nobody else pays for them."
)
ROUNDING_RULE = (
    "Amounts are exact until here. The total is rounded to a cent once and divided over the lines in"
    " proportion, in whole cents; the cents that are left go, one each, to the lines with the largest"
    " remainder: so the lines add up to the total."
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one group bears. `components` and `direct_usd` are its own; `cents_usd` is what is charged."""

    group: str
    components: Mapping[str, Decimal]
    shared_usd: Decimal
    cents_usd: Decimal

    @property
    def direct_usd(self) -> Decimal:
        return sum(self.components.values(), NONE)

    @property
    def usd(self) -> Decimal:
        return self.direct_usd + self.shared_usd

    @property
    def rounding_usd(self) -> Decimal:
        """What rounding added or took: below a cent."""
        return self.cents_usd - self.usd


@dataclass(frozen=True, slots=True)
class Statement:
    """Lines, the dearest first, the untagged one last. `total_usd` is exact, `cents_usd` what is charged."""

    lines: tuple[Line, ...]
    shared: Mapping[str, Decimal]

    @property
    def total_usd(self) -> Decimal:
        return sum((line.usd for line in self.lines), NONE)

    @property
    def cents_usd(self) -> Decimal:
        return sum((line.cents_usd for line in self.lines), NONE)

    @property
    def shared_usd(self) -> Decimal:
        return sum(self.shared.values(), NONE)

    @property
    def untagged_usd(self) -> Decimal:
        return sum((line.usd for line in self.lines if line.group == UNTAGGED), NONE)


def statement(direct: Mapping[str, Mapping[str, Decimal]], shared: Mapping[str, Decimal]) -> Statement:
    """`direct` is USD per group and component, `shared` what no group causes, by what it is for.

    Shared costs that nobody causes anything beside are borne by the untagged line: they were paid.
    """
    own = {group: sum(parts.values(), NONE) for group, parts in direct.items()}
    whole = sum(shared.values(), NONE)
    if whole and not any(own.values()):
        direct, own = {**direct, UNTAGGED: direct.get(UNTAGGED, {})}, {**own, UNTAGGED: Decimal(1)}
    allocated = share_out(whole, own, GRAIN_USD)
    exact = {group: sum(direct[group].values(), NONE) + allocated[group] for group in direct}
    total = sum(exact.values(), NONE).quantize(CENT, ROUND_HALF_EVEN)
    cents = share_out(total, exact, CENT)
    lines = [Line(group, direct[group], allocated[group], cents[group].quantize(CENT)) for group in direct]
    lines.sort(key=lambda line: (line.group == UNTAGGED, -line.usd, line.group))
    return Statement(tuple(lines), dict(shared))
