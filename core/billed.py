"""Lines of a bill, whichever file they came in: what AWS charged on a day for one usage type."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import NamedTuple

from core.meters import LAMBDA, METERS, meters_of
from core.prices import GRAIN_USD

USAGE, FREE, COVERED, UNUSED = "usage", "free", "covered", "unused commitment"
NEGATION, COMMITMENT, DISCOUNT = "negation", "commitment", "discount"
CREDIT, REFUND, TAX, FEE = "credit", "refund", "tax", "fee"
USED = (USAGE, FREE, COVERED)
"""Kinds of lines that tell of use; the others only of money."""

DIGITS = 60
SERVICES = frozenset(meter.service for meter in METERS.values() if meter.usage_types)


class What(NamedTuple):
    """What lines are added up by. `region` is "" where the bill names none, `resource` the name of the
    function, log group or queue ("": the bill names no resource); `kind` is one of those above, or AWS's own
    word."""

    day: date
    account: str
    region: str
    service: str
    usage_type: str
    resource: str
    kind: str


@dataclass(slots=True)
class Billed:
    """`list_usd` is at public on-demand prices (None: the bill does not say), `cost_usd` what is invoiced,
    `net_usd` the same with commitments spread over what they cover."""

    quantity: Decimal
    list_usd: Decimal | None
    cost_usd: Decimal
    net_usd: Decimal


Bill = dict[What, Billed]


class Line(NamedTuple):
    """One line of a file. `identity` tells it from every other; "": the format has none."""

    payer: str
    month: date
    what: What
    billed: Billed
    identity: str = ""


def add(bill: Bill, line: Line) -> None:
    """Add a line to those of its kind, exactly."""
    held = bill.get(line.what)
    if held is None:
        bill[line.what] = line.billed
        return
    new = line.billed
    with localcontext(prec=DIGITS):
        held.quantity += new.quantity
        held.cost_usd += new.cost_usd
        held.net_usd += new.net_usd
        both = held.list_usd is not None and new.list_usd is not None
        held.list_usd = (held.list_usd or Decimal(0)) + (new.list_usd or Decimal(0)) if both else None


def total(usd: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with localcontext(prec=DIGITS):
        return sum(usd, Decimal(0))


def kept(value: Decimal) -> Decimal:
    """To the grain that the store keeps."""
    with localcontext(prec=DIGITS):
        return value.quantize(GRAIN_USD)


@lru_cache(maxsize=4096)
def meters_of_type(service: str, usage_type: str) -> tuple[str, ...]:
    """As `meters_of`; free amounts are billed as use of a region called Global."""
    return meters_of(service, usage_type.removeprefix("Global-"))


@lru_cache(maxsize=4096)
def is_ours(service: str, usage_type: str) -> bool:
    """Whether a line is about Lambda or what is counted with it."""
    return service == LAMBDA or (service in SERVICES and bool(meters_of_type(service, usage_type)))


_FUNCTION = re.compile(r"^arn:[^:]+:lambda:[^:]*:[^:]*:function:([^:]+)")
_LOG_GROUP = re.compile(r"^arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)")


@lru_cache(maxsize=65_536)
def resource_name(resource: str) -> str:
    """The name of a function, a log group or a queue by its ARN; what is no such ARN stays as it is."""
    for pattern in (_FUNCTION, _LOG_GROUP):
        found = pattern.match(resource)
        if found:
            return found.group(1)
    return resource.rpartition(":")[2] if resource.startswith("arn:") else resource
