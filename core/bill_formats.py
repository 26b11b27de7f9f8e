"""Reads lines of a Cost and Usage Report (legacy and 2.0) or of a FOCUS export of AWS, wherever they lie.

Source: https://docs.aws.amazon.com/cur/latest/userguide/table-dictionary-cur2.html (and its pages on the
legacy report and on FOCUS 1.0 with AWS columns), https://focus.finops.org/focus-specification/v1-0/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from core import billed
from core.billed import Billed, Line, What, is_ours, resource_name

CUR, FOCUS = "cur", "focus"

Values = Callable[[str], Any]
"""The value of a column in one line; None when the file lacks the column, or the line the value."""


class BillFormatError(ValueError):
    """A header or a line cannot be read."""


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: the columns that must be there (`a|b`: one of them), those that may, how a line is
    read."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    read: Callable[[Values], Line | None]

    @property
    def columns(self) -> tuple[str, ...]:
        return (*(one for need in self.required for one in need.split("|")), *self.optional)


def plain_name(column: str) -> str:
    """A column's name as CUR 2.0 and Parquet write it: `lineItem/UsageType` is `line_item_usage_type`.
    FOCUS's own names stay."""
    if "/" not in column:
        return column.strip().removeprefix("\ufeff")
    words = column.strip().removeprefix("\ufeff").replace("/", "_")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()


def format_of(header: Sequence[str]) -> Format:
    """Which format columns are of. Raises BillFormatError, which names the columns that are missing."""
    names = set(header)
    first = FORMATS[1] if "ChargePeriodStart" in names or "BillingAccountId" in names else FORMATS[0]
    missing = [need for need in first.required if not names & set(need.split("|"))]
    if len(missing) == len(first.required):
        raise BillFormatError("neither a Cost and Usage Report nor a FOCUS export: no column is known")
    if missing:
        wanted = ", ".join(need.replace("|", " or ") for need in missing)
        s = "s" if len(missing) > 1 else ""
        raise BillFormatError(f"column{s} missing from the {_TITLES[first.name]}: {wanted}")
    twice = sorted({name for name in first.columns if list(header).count(name) > 1})
    if twice:
        raise BillFormatError(f"two columns are called {twice[0]}")
    return first


# --- Cost and Usage Report ----------------------------------------------------------------------------------

_KINDS: Mapping[str, str] = {
    "Usage": billed.USAGE,
    "DiscountedUsage": billed.COVERED,
    "SavingsPlanCoveredUsage": billed.COVERED,
    "SavingsPlanNegation": billed.NEGATION,
    "SavingsPlanRecurringFee": billed.COMMITMENT,
    "SavingsPlanUpfrontFee": billed.COMMITMENT,
    "RIFee": billed.COMMITMENT,
    "Tax": billed.TAX,
    "Credit": billed.CREDIT,
    "Refund": billed.REFUND,
    "Fee": billed.FEE,
    "EdpDiscount": billed.DISCOUNT,
    "PrivateRateDiscount": billed.DISCOUNT,
    "BundledDiscount": billed.DISCOUNT,
    "Discount": billed.DISCOUNT,
}


def kind_of(word: str) -> str:
    """A kind of `core.billed` by AWS's word for a line's type, as reports or Cost Explorer write it."""
    joined = word.replace(" ", "")
    return _KINDS.get(joined, billed.DISCOUNT if joined.endswith("Discount") else word)


_EFFECTIVE = "savings_plan_savings_plan_effective_cost"
_NET_EFFECTIVE = "savings_plan_net_savings_plan_effective_cost"


def _read_cur(value: Values) -> Line | None:
    service, usage_type = _text(value, "line_item_product_code"), _text(value, "line_item_usage_type")
    if not is_ours(service, usage_type):
        return None
    _only_dollars(_text(value, "line_item_currency_code"))
    payer, account = _required(value, "bill_payer_account_id"), _required(value, "line_item_usage_account_id")
    word = _required(value, "line_item_line_item_type")
    quantity = _number(value, "line_item_usage_amount") or Decimal(0)
    cost = _first(value, "line_item_net_unblended_cost", "line_item_unblended_cost") or Decimal(0)
    listed = _number(value, "pricing_public_on_demand_cost")
    kind = kind_of(word)
    effective = _first(value, _NET_EFFECTIVE, _EFFECTIVE)
    net = effective if kind == billed.COVERED and effective is not None else cost
    if kind == billed.NEGATION and value(_EFFECTIVE) not in (None, ""):
        net = Decimal(0)  # it takes back what covered lines say at list price, and those are net here
    kind, start = to_free(kind, quantity, cost, listed), _required(value, "line_item_usage_start_date")
    what = What(
        _day(start, "line_item_usage_start_date"),
        account,
        _region(_text(value, "product_region_code") or _text(value, "product_region")),
        service,
        usage_type,
        resource_name(_text(value, "line_item_resource_id")),
        kind,
    )
    identity = _text(value, "identity_line_item_id")
    whole = "\0".join(map(str, (identity, start, account, *what, quantity, cost, net))) if identity else ""
    month = _day(_required(value, "bill_billing_period_start_date"), "bill_billing_period_start_date")
    return Line(payer, month.replace(day=1), what, Billed(quantity, listed, cost, net), whole)


# --- FOCUS --------------------------------------------------------------------------------------------------

_CATEGORIES: Mapping[str, str] = {
    "Usage": billed.USAGE,
    "Purchase": billed.COMMITMENT,
    "Tax": billed.TAX,
    "Credit": billed.CREDIT,
    "Adjustment": billed.REFUND,
}


def _read_focus(value: Values) -> Line | None:
    service, usage_type = _text(value, "x_ServiceCode"), _text(value, "x_UsageType")
    if not is_ours(service, usage_type):
        return None
    _only_dollars(_text(value, "BillingCurrency"))
    payer = _required(value, "BillingAccountId")
    word = _required(value, "ChargeCategory")
    quantity = _first(value, "ConsumedQuantity", "PricingQuantity") or Decimal(0)
    cost, net = _number(value, "BilledCost") or Decimal(0), _number(value, "EffectiveCost") or Decimal(0)
    listed = _number(value, "ListCost")
    kind = _CATEGORIES.get(word, word)
    status = _text(value, "CommitmentDiscountStatus")
    if kind == billed.USAGE and status:
        kind = billed.COVERED if status == "Used" else billed.UNUSED
    kind = to_free(kind, quantity, net, listed)
    what = What(
        _day(_required(value, "ChargePeriodStart"), "ChargePeriodStart"),
        _text(value, "SubAccountId") or payer,
        _region(_text(value, "RegionId")),
        service,
        usage_type,
        resource_name(_text(value, "ResourceId")),
        kind,
    )
    month = _day(_required(value, "BillingPeriodStart"), "BillingPeriodStart").replace(day=1)
    return Line(payer, month, what, Billed(quantity, listed, cost, net))


FORMATS = (
    Format(
        CUR,
        (
            "bill_payer_account_id",
            "bill_billing_period_start_date",
            "line_item_usage_account_id",
            "line_item_line_item_type",
            "line_item_usage_start_date",
            "line_item_product_code",
            "line_item_usage_type",
            "line_item_usage_amount",
            "line_item_currency_code",
            "line_item_unblended_cost",
            "product_region_code|product_region",
        ),
        (
            "identity_line_item_id",
            "line_item_resource_id",
            "line_item_net_unblended_cost",
            "pricing_public_on_demand_cost",
            _EFFECTIVE,
            _NET_EFFECTIVE,
        ),
        _read_cur,
    ),
    Format(
        FOCUS,
        (
            "BillingAccountId",
            "BillingPeriodStart",
            "BillingCurrency",
            "ChargePeriodStart",
            "ChargeCategory",
            "BilledCost",
            "EffectiveCost",
            "ListCost",
            "ConsumedQuantity",
            "RegionId",
            "x_ServiceCode",
            "x_UsageType",
        ),
        ("SubAccountId", "ResourceId", "PricingQuantity", "CommitmentDiscountStatus"),
        _read_focus,
    ),
)
_TITLES = {CUR: "Cost and Usage Report", FOCUS: "FOCUS export"}


# --- values -------------------------------------------------------------------------------------------------


def to_free(kind: str, quantity: Decimal, usd: Decimal, listed: Decimal | None) -> str:
    """Use that costs nothing is that of a free amount."""
    return billed.FREE if kind == billed.USAGE and quantity > 0 and not usd and not listed else kind


def _text(value: Values, column: str) -> str:
    found = value(column)
    return "" if found is None else str(found).strip()


def _required(value: Values, column: str) -> str:
    found = _text(value, column)
    if not found:
        raise BillFormatError(f"{column} is empty")
    return found


def _first(value: Values, *columns: str) -> Decimal | None:
    return next((found for column in columns if (found := _number(value, column)) is not None), None)


def _number(value: Values, column: str) -> Decimal | None:
    found = value(column)
    if found is None or found == "" or found != found:
        return None
    try:
        number = Decimal(str(found).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**18:
        raise BillFormatError(f"{column} is no number: {str(found)[:40]!r}")
    return number


def _only_dollars(currency: str) -> None:
    if currency != "USD":
        raise BillFormatError(f"the currency is {currency or 'not given'}: only bills in USD are compared")


def _region(text: str) -> str:
    return "" if text.lower() in ("global", "any", "us-east-1-global") else text


def _day(text: str, column: str) -> date:
    try:
        ts = datetime.fromisoformat(text.replace(" UTC", "").replace("Z", "+00:00"))
    except ValueError as error:
        raise BillFormatError(f"{column} is no time such as 2026-10-01T00:00:00Z: {text[:40]!r}") from error
    return (ts.astimezone(UTC) if ts.tzinfo else ts).date()
