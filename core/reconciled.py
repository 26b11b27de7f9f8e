"""What a month's bill and our estimate say of it, side by side: every difference has a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, NamedTuple

from core.billed import total

UNEXPLAINED = "unexplained"
FREE_TIER, TIERS, PLANS = "free tier", "volume tiers", "savings plans"
DISCOUNTS, CREDITS, TAXES, FEES = "discounts", "credits and refunds", "tax", "other charges"
UNWATCHED, ELSEWHERE = "not watched: functions", "not watched: accounts and regions"
NOT_ESTIMATED, NO_PRICE, PRICE = "not estimated", "no price known", "another price"
LATE, UNREAD, ROUNDING = "late usage", "days not collected", "rounding"
ROUGHLY = "known roughly"
SHARED = "shared with other services"

REASONS: Mapping[str, str] = {
    FREE_TIER: "Use that the bill charges nothing for, at list price.",
    TIERS: "The bill charges the cheaper tiers of a payer's month; the estimate here is at the first tier.",
    PLANS: "What Savings Plans take off covered use, and what of them is charged without use.",
    DISCOUNTS: "Private prices and discount lines.",
    CREDITS: "Credit and refund lines.",
    TAXES: "Tax lines. No estimate has tax.",
    FEES: "Lines of other kinds, by AWS's word.",
    UNWATCHED: "Resources that the bill charges in watched places, but no inventory has.",
    ELSEWHERE: "Accounts and regions that the bill charges and no target covers.",
    SHARED: "What the bill has more of logs, traces and queues, which all services of an account use.",
    NOT_ESTIMATED: "What is charged, but counted nowhere by us.",
    NO_PRICE: "Places or meters of which no price is known: the estimate leaves them out.",
    PRICE: "The bill's public price is not the one that the estimate goes by.",
    LATE: "Days that the bill does not have in full yet.",
    UNREAD: "Days of which the store has no use for the account and region, or not of every function.",
    ROUGHLY: "Days on which metrics stood in for records, or some use could not be read, at all or yet.",
    ROUNDING: "Differences of a millionth of what is compared, or less.",
    UNEXPLAINED: "What is left: use that only one side has, for no reason that can be told.",
}
"""Every reason in words, in the order they are told."""

TRUSTED, ROUGH = Decimal("0.02"), Decimal("0.1")
"""Shares that may stay unexplained for an estimate to be trusted, or to be called rough."""
MOST_NAMES = 5

Verdict = Literal["nothing", "trusted", "rough", "off", "too early"]


class Cell(NamedTuple):
    """What is compared: all meters that share a usage type, in one place."""

    account: str
    region: str
    meter: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`usd` by which the bill is above (below: negative) our list estimate, for one reason. `names` are what
    it is mostly about: functions, days, usage types."""

    cell: Cell
    reason: str
    usd: Decimal
    names: tuple[str, ...] = ()


class Day(NamedTuple):
    """The same on one day: estimate at list price and bill."""

    estimate_usd: Decimal
    bill_usd: Decimal


NO_DAY = Day(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Compared:
    """One cell: what the estimate at list price and the bill (net of commitments) say."""

    cell: Cell
    unit: str
    estimate_quantity: Decimal
    bill_quantity: Decimal
    estimate_usd: Decimal
    bill_usd: Decimal
    differences: tuple[Difference, ...]
    days: Mapping[date, Day] = field(default_factory=dict)

    @property
    def unexplained_usd(self) -> Decimal:
        return total(one.usd for one in self.differences if one.reason == UNEXPLAINED)

    @property
    def shared_usd(self) -> Decimal:
        """At list price, but no more than is charged: some of it may be free."""
        shared = total(one.usd for one in self.differences if one.reason == SHARED)
        return min(shared, max(self.bill_usd, Decimal(0)))


@dataclass(frozen=True, slots=True)
class Reconciled:
    """All cells of a month; those with the most unexplained dollars first."""

    month: date
    cells: tuple[Compared, ...]

    @property
    def estimate_usd(self) -> Decimal:
        return total(one.estimate_usd for one in self.cells)

    @property
    def bill_usd(self) -> Decimal:
        return total(one.bill_usd for one in self.cells)

    @property
    def unexplained_usd(self) -> Decimal:
        """Without regard to sign: too much here and too little there do not cancel out."""
        return total(abs(one.unexplained_usd) for one in self.cells)

    @property
    def unexplained_share(self) -> Decimal | None:
        """Of the larger of estimate and bill, less what is shared; None: both are nothing."""
        return self._share(self.unexplained_usd)

    @property
    def roughly_usd(self) -> Decimal:
        """By how much what is known roughly was off, without regard to sign."""
        return self._apart(ROUGHLY)

    @property
    def doubtful_usd(self) -> Decimal:
        """What speaks against the estimate, wherever it comes from."""
        return self.unexplained_usd + self.roughly_usd

    @property
    def doubtful_share(self) -> Decimal | None:
        return self._share(self.doubtful_usd)

    @property
    def verdict(self) -> Verdict:
        """Whether to trust the estimate; too early: too much is of days that one side does not have yet."""
        share = self.doubtful_share
        if share is None:
            return "nothing"
        if share > ROUGH:
            return "off"
        if (self._share(self.uncompared_usd) or 0) > ROUGH:
            return "too early"
        return "trusted" if share <= TRUSTED else "rough"

    @property
    def uncompared_usd(self) -> Decimal:
        """Of days that the store or the bill does not have in full, without regard to sign."""
        return self._apart(UNREAD, LATE)

    def _apart(self, *reasons: str) -> Decimal:
        return total(abs(d.usd) for one in self.cells for d in one.differences if d.reason in reasons)

    @property
    def shared_usd(self) -> Decimal:
        """What is charged for what other services may have used: it says nothing of the estimate."""
        return total(one.shared_usd for one in self.cells)

    def _share(self, usd: Decimal) -> Decimal | None:
        larger = max(abs(self.bill_usd - self.shared_usd), self.estimate_usd)
        return usd / larger if larger else None

    def by_day(self) -> dict[date, Day]:
        """Estimate and bill of every day that either has, the oldest first."""
        days = sorted({day for one in self.cells for day in one.days})
        held = {day: [one.days[day] for one in self.cells if day in one.days] for day in days}
        return {
            day: Day(total(one.estimate_usd for one in mine), total(one.bill_usd for one in mine))
            for day, mine in held.items()
        }

    def by_reason(self) -> dict[str, tuple[Decimal, tuple[str, ...]]]:
        """USD and names per reason that occurs, in the order of REASONS."""
        found = {}
        for reason in REASONS:
            mine = [d for one in self.cells for d in one.differences if d.reason == reason]
            if mine:
                largest = sorted(mine, key=lambda d: -abs(d.usd))
                names = dict.fromkeys(name for d in largest for name in d.names)
                found[reason] = (total(d.usd for d in mine), tuple(names)[:MOST_NAMES])
        return found


def sentence(found: Reconciled) -> str:
    """How far to trust the estimate; and what says nothing of it, where there is any."""
    if not found.shared_usd:
        return _judged(found)
    return (
        f"{_judged(found)} Another {_dollars(found.shared_usd)} is for logs, traces and queues, of which the"
        " bill does not tell whether Lambda or another service used them: it says nothing of the estimate."
    )


def _judged(found: Reconciled) -> str:
    month, verdict = f"{found.month:%B %Y}", found.verdict
    if verdict == "nothing":
        return f"Neither the bill nor the estimate of {month} has anything of Lambda's that costs money."
    bill, left = _dollars(found.bill_usd - found.shared_usd), _dollars(found.doubtful_usd)
    if verdict == "too early":
        apart = _dollars(found.uncompared_usd)
        return (
            f"The estimate of {month} cannot be judged yet: {apart} are of days that the store or the bill"
            f" does not have in full, beside {bill} that AWS charges."
        )
    if not found.doubtful_usd:
        return f"The estimate of {month} can be trusted: all of the {bill} that AWS charges is explained."
    share = found.doubtful_share or Decimal(0)
    percent = f"{float(share) * 100:.{0 if share >= ROUGH else 2}f} %"
    parts = {"unexplained": found.unexplained_usd, "known roughly": found.roughly_usd}
    what = " or ".join(word for word, usd in parts.items() if usd)
    trust = {"trusted": "can be trusted", "rough": "is rough", "off": "is off"}[verdict]
    return f"The estimate of {month} {trust}: of {bill} that AWS charges, {left} ({percent}) are {what}."


def _dollars(usd: Decimal) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):,.2f}" if abs(usd) >= Decimal("0.01") else f"${usd:.6f}"
