"""The columns of the FinOps Open Cost and Usage Specification (FOCUS) 1.0, and whether a table keeps to them.

Version 1.0 of 20 June 2024: the 43 columns that the "Columns History" of the specification's own changelog
has as of 1.0 and neither renamed nor removed, in its order (by name, columns of others after them).

Sources: https://focus.finops.org/focus-specification/v1-0/ (data type, allows nulls, allowed values),
https://focus.finops.org/focus-specification/changelog/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import pandas as pd
import simplejson

VERSION = "1.0"

Type = Literal["text", "decimal", "time", "tags"]


class Column(NamedTuple):
    """A column: its type, whether a row may leave it empty, and the only values it may have."""

    name: str
    type: Type = "text"
    nullable: bool = True
    allowed: tuple[str, ...] = ()


CATEGORIES = (
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Multicloud",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Networking",
    "Security",
    "Storage",
    "Web",
    "Other",
)
_CHARGES = ("Usage", "Purchase", "Tax", "Credit", "Adjustment")
_PRICINGS = ("Standard", "Dynamic", "Committed", "Other")

COLUMNS: tuple[Column, ...] = (
    Column("AvailabilityZone"),
    Column("BilledCost", "decimal", False),
    Column("BillingAccountId", nullable=False),
    Column("BillingAccountName"),
    Column("BillingCurrency", nullable=False),
    Column("BillingPeriodEnd", "time", False),
    Column("BillingPeriodStart", "time", False),
    Column("ChargeCategory", nullable=False, allowed=_CHARGES),
    Column("ChargeClass", allowed=("Correction",)),
    Column("ChargeDescription"),
    Column("ChargeFrequency", nullable=False, allowed=("One-Time", "Recurring", "Usage-Based")),
    Column("ChargePeriodEnd", "time", False),
    Column("ChargePeriodStart", "time", False),
    Column("CommitmentDiscountCategory", allowed=("Spend", "Usage")),
    Column("CommitmentDiscountId"),
    Column("CommitmentDiscountName"),
    Column("CommitmentDiscountStatus", allowed=("Used", "Unused")),
    Column("CommitmentDiscountType"),
    Column("ConsumedQuantity", "decimal"),
    Column("ConsumedUnit"),
    Column("ContractedCost", "decimal", False),
    Column("ContractedUnitPrice", "decimal"),
    Column("EffectiveCost", "decimal", False),
    Column("InvoiceIssuerName", nullable=False),
    Column("ListCost", "decimal", False),
    Column("ListUnitPrice", "decimal"),
    Column("PricingCategory", allowed=_PRICINGS),
    Column("PricingQuantity", "decimal"),
    Column("PricingUnit"),
    Column("ProviderName", nullable=False),
    Column("PublisherName", nullable=False),
    Column("RegionId"),
    Column("RegionName"),
    Column("ResourceId"),
    Column("ResourceName"),
    Column("ResourceType"),
    Column("ServiceCategory", nullable=False, allowed=CATEGORIES),
    Column("ServiceName", nullable=False),
    Column("SkuId"),
    Column("SkuPriceId"),
    Column("SubAccountId"),
    Column("SubAccountName"),
    Column("Tags", "tags"),
)


def mistakes(frame: pd.DataFrame) -> Iterator[str]:
    """What of a table is not as the specification wants it: a sentence each."""
    names = {column.name for column in COLUMNS}
    yield from (f"{column.name} is missing" for column in COLUMNS if column.name not in frame)
    for name in frame.columns:
        if name not in names and not str(name).startswith("x_"):
            yield f"{name} is no column of FOCUS {VERSION}, and does not begin with x_"
    for column in COLUMNS:
        for row, value in enumerate(frame.get(column.name, ())):
            wrong = _wrong(column, None if _is_null(value) else value)
            if wrong:
                yield f"row {row}: {column.name} {wrong}"


def _is_null(value: Any) -> bool:
    return value is None or (not isinstance(value, str | dict) and value != value)


def _wrong(column: Column, value: Any) -> str | None:
    if value is None:
        return None if column.nullable else "is empty"
    if column.type == "decimal":
        return None if isinstance(value, Decimal) and value.is_finite() else "is no decimal"
    if column.type == "time":
        known = isinstance(value, datetime) and value.tzinfo is not None and not value.utcoffset()
        return None if known else "is no time in UTC"
    if not isinstance(value, str):
        return "is no text"
    if column.type == "tags":
        return None if isinstance(simplejson.loads(value), dict) else "is no JSON object"
    return f"is {value!r}" if column.allowed and value not in column.allowed else None
