"""`quarterdeck chargeback`: the statement of a month as a document, as files, and as rows of a table."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.chargeback import ROUNDING_RULE, RULE
from core.chargeback_page import statement_page
from core.cost_words import COMPONENT_WORDS
from quarterdeck.answers import Document, window_document
from quarterdeck.mistakes import UsageMistakeError
from store import bill
from store.readers.chargeback import Chargeback

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def read_month(text: str | None, *, now: datetime) -> datetime:
    """The first instant of `2026-11`; of this month without one. Raises UsageMistakeError."""
    if text is None:
        return bill.month_start(now)
    if not MONTH.fullmatch(text):
        raise UsageMistakeError(f"--month: {text!r} is not a month such as {now:%Y-%m}")
    month = datetime(int(text[:4]), int(text[5:]), 1, tzinfo=UTC)
    if month > now:
        raise UsageMistakeError(f"--month: {text} has not begun; this month is {now:%Y-%m}")
    return month


def read_by(groups: list[str]) -> str:
    """A statement is divided by one thing. Raises UsageMistakeError."""
    if len(groups) != 1 or groups[0] == "component":
        raise UsageMistakeError("--by: a statement is divided by one thing, such as tag:team or account")
    return groups[0]


def chargeback_document(found: Chargeback, *, by: str) -> Document:
    """The statement: exact amounts, and what is charged in cents."""
    one = found.statement
    return {
        "window": window_document(found.window),
        "month": f"{found.window.start:%Y-%m}",
        "is_whole": found.is_whole,
        "by": by,
        "charged_usd": one.cents_usd,
        "exact_usd": one.total_usd,
        "shared": dict(one.shared),
        "unpriced_calls": found.unpriced_calls,
        "unused_commitment_usd": found.unused_usd,
        "rules": [RULE, ROUNDING_RULE],
        "lines": [_line(line, found, by) for line in one.lines],
    }


def _line(line: Any, found: Chargeback, by: str) -> Document:
    return {
        by: line.group,
        "charged_usd": line.cents_usd,
        "list_usd": found.list_usd.get(line.group, Decimal(0)),
        "own_usd": line.direct_usd,
        "shared_usd": line.shared_usd,
        "rounding_usd": line.rounding_usd,
        "components": dict(line.components),
        "state": found.states.get(line.group),
    }


def chargeback_rows(document: Document) -> list[Document]:
    """Lines for a CSV file: components beside each other."""
    names = list(dict.fromkeys(name for line in document["lines"] for name in line["components"]))
    return [
        {
            **{key: value for key, value in line.items() if key != "components"},
            **{f"{name}_usd": line["components"].get(name, Decimal(0)) for name in names},
        }
        for line in document["lines"]
    ]


def chargeback_html(found: Chargeback, *, by: str, prices: str, now: datetime) -> str:
    """The page for people, as the dashboard hands it out; `prices` says which prices hold."""
    lacks = [f"{name or 'untagged'}: {state}" for name, state in found.states.items()]
    return statement_page(
        found.statement,
        window=found.window,
        is_whole=found.is_whole,
        by=by.removeprefix("tag:"),
        words=COMPONENT_WORDS,
        lacks=lacks,
        made=now,
        prices=f"Net: after free amounts, tiers and savings plan. {prices}",
    )
