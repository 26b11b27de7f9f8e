"""What a function's log costs for nothing: lines that are kept for ever, lines that nobody reads."""

from __future__ import annotations

from decimal import Decimal

from core.prices import GIB, cost
from core.provisioned import MONTH
from core.rightsizing import LEAST_USD, Band, LogGroupSeen, Observed, Proposal, keep, unknown
from core.rightsizing_changes import log_level_change, retention_change

KEEP_DAYS = 30
"""Proposed for a group that never expires; other lengths are as good if people need them."""

STORED_SHARE = Decimal("0.15")
"""Of what arrived, CloudWatch charges for what is left after compression: about so much, by the example of
https://aws.amazon.com/cloudwatch/pricing/. Whether `storedBytes` counts before or after it is not stated, so
both ends are given."""

REPORT_BYTES = 450
"""START, END and REPORT of one invocation, which a log level of the application does not touch: measured on
text logs, rounded up."""

CHATTY = ("DEBUG", "TRACE")
LEAST_LOG_USD = Decimal("0.50")
"""A month, below which nobody is asked to look at levels."""


def retention(one: Observed, storage_price: Decimal | None) -> Proposal:
    """`storage_price` is of a GB-month; None: not known."""
    kind, group = "log-retention", one.log_group
    if group is None:
        return unknown(kind, "its log group: not listed (logs:DescribeLogGroups), or there is none")
    if group.retention_days is not None:
        return keep(kind, f"{group.name} expires after {group.retention_days} days")
    if group.stored_bytes is None or group.bytes_a_day is None:
        what = "how much it holds" if group.stored_bytes is None else "how much arrives in it a day"
        return unknown(kind, f"{what} (metrics or logs:DescribeLogGroups)", says=_forever(group))
    if storage_price is None:
        return unknown(kind, f"the price of log storage in {one.region}", says=_forever(group))
    return _expire(one, group, group.stored_bytes, group.bytes_a_day, storage_price)


def _forever(group: LogGroupSeen) -> str:
    return f"{group.name} never expires"


def _expire(one: Observed, group: LogGroupSeen, stored: float, a_day: float, price: Decimal) -> Proposal:
    old = max(0.0, stored - a_day * KEEP_DAYS)
    in_a_year = cost(Decimal(str(a_day * (365 - KEEP_DAYS) / GIB)), price) or Decimal(0)
    high = cost(Decimal(str(old / GIB)), price) or Decimal(0)
    shared = f"; {group.shared_by} functions write to it" if group.shared_by > 1 else ""
    growing = f"at this rate it would hold ${in_a_year * STORED_SHARE:,.2f} to ${in_a_year:,.2f} a month more"
    return Proposal(
        kind="log-retention",
        verdict="change",
        says=f"Keep {group.name} for {KEEP_DAYS} days, not for ever{shared}",
        saves=Band(high * STORED_SHARE, high),
        risk=f"lines older than {KEEP_DAYS} days are deleted for good: export first what must be kept",
        evidence=(
            f"{stored / GIB:,.3g} GB stored, {a_day / GIB:,.3g} GB arrive a day",
            f"{old / GIB:,.3g} GB of it are older than {KEEP_DAYS} days at that rate",
            f"{growing} in a year",
        ),
        then=float(KEEP_DAYS),
        change=retention_change(one, group, KEEP_DAYS),
    )


def level(one: Observed, ingest_price: Decimal | None) -> Proposal:
    """What lines of the application cost; how many of them are DEBUG is not known from outside."""
    kind, group = "log-level", one.log_group
    if group is None or group.bytes_a_day is None:
        return unknown(kind, "how much it logs: metrics tell it per log group (AWS/Logs IncomingBytes)")
    if group.shared_by > 1:
        return unknown(kind, f"its own part of {group.name}: {group.shared_by} functions write to it")
    if ingest_price is None:
        return unknown(kind, f"the price of log ingestion in {one.region}")
    days = MONTH.total_seconds() / 86_400
    calls = (one.invocations or 0.0) * (MONTH / one.window)
    own = max(0.0, group.bytes_a_day * days - calls * REPORT_BYTES)
    most = cost(Decimal(str(own / GIB)), ingest_price) or Decimal(0)
    is_chatty = (one.log_level or "").upper() in CHATTY
    if most < (LEAST_USD if is_chatty else LEAST_LOG_USD):
        return keep(kind, f"its own lines cost ${most:,.2f} a month")
    what = f"its level is {one.log_level}" if is_chatty else "its level is not known (text logs)"
    if one.log_level and not is_chatty:
        return keep(kind, f"its level is {one.log_level} already")
    return Proposal(
        kind=kind,
        verdict="unknown",
        says=f"{one.log_level} to INFO" if is_chatty else "A log level of INFO",
        saves=Band(Decimal(0), most),
        missing=f"which share of its lines is DEBUG: {what}; count them by level on the Logs page",
        risk="lines that somebody debugs with are gone",
        evidence=(f"{group.bytes_a_day / GIB:,.3g} GB of log a day", f"at most ${most:,.2f} a month of it"),
        change=log_level_change(one, "INFO"),
    )
