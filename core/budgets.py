"""Budgets: what was spent of each, what the month will end at, and which thresholds that passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from core.forecast import Forecast
from core.settings import BudgetSettings

Basis = Literal["actual", "forecast"]


@dataclass(frozen=True, slots=True)
class Passed:
    """A threshold that is reached: a share of the budget, by what was spent or by the forecast."""

    basis: Basis
    share: Decimal


@dataclass(frozen=True, slots=True)
class BudgetState:
    """Where a budget stands in its month. `lacks` says what the spent sum does not have; None: nothing."""

    name: str
    usd_per_month: Decimal
    where: Mapping[str, str]
    spent_usd: Decimal | None
    forecast: Forecast
    passed: tuple[Passed, ...]
    lacks: str | None = None

    @property
    def used(self) -> Decimal | None:
        """The share that was spent."""
        return None if self.spent_usd is None else self.spent_usd / self.usd_per_month

    @property
    def forecast_share(self) -> Decimal | None:
        """The share that the month will end at."""
        return None if self.forecast.usd is None else self.forecast.usd / self.usd_per_month

    @property
    def says(self) -> str:
        """One sentence on where it stands."""
        return _sentence(self)


def state(
    budget: BudgetSettings, spent_usd: Decimal | None, forecast: Forecast, *, lacks: str | None = None
) -> BudgetState:
    """Thresholds that are reached come with the largest share first."""
    passed = [
        *(Passed("actual", s) for s in budget.actual if _reaches(spent_usd, s, budget)),
        *(Passed("forecast", s) for s in budget.forecast if _reaches(forecast.usd, s, budget)),
    ]
    passed.sort(key=lambda one: (-one.share, one.basis))
    return BudgetState(
        budget.name, budget.usd_per_month, budget.where, spent_usd, forecast, tuple(passed), lacks
    )


def _reaches(usd: Decimal | None, share: Decimal, budget: BudgetSettings) -> bool:
    return usd is not None and usd >= share * budget.usd_per_month


def fits(where: Mapping[str, str], group: Mapping[str, str]) -> bool:
    """Whether a group of costs (its parts by name) is what a budget is for."""
    return all(group.get(part) == value for part, value in where.items())


def worst_first(states: Sequence[BudgetState]) -> list[BudgetState]:
    """By the largest share that is spent or foreseen; those of which nothing is known come last."""
    return sorted(states, key=lambda s: -max(s.used or Decimal(-1), s.forecast_share or Decimal(-1)))


def _sentence(found: BudgetState) -> str:
    if found.spent_usd is None or found.used is None:
        return (
            f"What {found.name} has spent is not known: {found.lacks or 'nothing was collected this month'}."
        )
    used = f"{found.used:.0%} of {found.usd_per_month:,.2f} USD are spent"
    ahead = found.forecast_share
    if ahead is None:
        return f"{used}; where the month will end is not known: {found.forecast.why}."
    if found.used >= 1:
        return f"{used}: the budget is passed, and the month will end at {ahead:.0%}."
    if ahead >= 1:
        return f"{used}; the month will end at {ahead:.0%}, above the budget."
    return f"{used}; the month will end at {ahead:.0%}."
