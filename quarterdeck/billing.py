"""What commands say about bills: imports, and a month reconciled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

from core.reconciled import REASONS, Compared, sentence
from core.settings import CostSettings
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.output import Column, count, dollars, text
from store import bills
from store.bill_files import bill_paths, gather
from store.readers.reconciling import SOURCES, billed_months, reconciliation
from store.store import Store

Document = dict[str, Any]

BILLS = (
    Column("month", "month", text),
    Column("payer", "payer", text),
    Column("source", "source", text),
    Column("lines", "read", count, right=True),
    Column("counted once", "repeated", count, right=True),
    Column("up to", "last_day", text),
)
DIFFERENCES = (
    Column("why the bill differs", "reason", text),
    Column("USD", "usd", dollars, right=True),
    Column("mostly", "names", lambda names: ", ".join(names)),
)
CELLS = (
    Column("account", "account", text),
    Column("region", "region", text),
    Column("meter", "meter", text),
    Column("processor", "architecture", text),
    Column("estimate", "estimate_usd", dollars, right=True),
    Column("bill", "bill_usd", dollars, right=True),
    Column("unexplained", "unexplained_usd", dollars, right=True),
)


def import_bills(
    store: Store, paths: Iterable[Path], *, now: datetime, force: bool = False
) -> list[Document]:
    """Import files and folders; what was done about each payer's month. Raises BillError, StoreError."""
    files = bill_paths(paths)
    found = gather(files)
    done = bills.keep(store, found, now=now, force=force)
    return [
        {**key._asdict(), "did": did, "read": found[key].read, "repeated": found[key].repeated}
        for key, did in sorted(done.items())
    ]


def import_sentence(done: Document) -> str:
    """What was done about one payer's month."""
    of = f"{done['month']} of payer {done['payer']} ({done['source']})"
    hint = ": --force imports it all the same" if done["did"].startswith("older") else ""
    twice = f", {done['repeated']:,} found twice and counted once" if done["repeated"] else ""
    return f"{of}: {done['did']}{hint}, {done['read']:,} lines about Lambda{twice}"


def bills_document(store: Store) -> Document:
    return {"bills": [asdict(one) for one in bills.imported(store)]}


def month_of(word: str | None, store: Store) -> date:
    """The month asked for; left out, the newest with a bill."""
    newest = word or next(iter(billed_months(store)), None)
    if newest is None:
        raise UsageMistakeError(
            "the store has no bill: import one with `quarterdeck bill import FILE`, or switch"
            " cost.cost_explorer on (see docs/bills.md)"
        )
    try:
        return date.fromisoformat(f"{newest}-01")
    except ValueError as error:
        raise UsageMistakeError(f"--month: {word!r} is no month such as 2026-10") from error


def source_of(word: str | None) -> str:
    """What to reconcile against, as it was asked for; "": whatever there is, what was imported first."""
    if word is not None and word not in SOURCES:
        raise UsageMistakeError(f"--against: {word!r} is none of {', '.join(map(repr, SOURCES))}")
    return word or ""


def reconcile_document(
    store: Store, month: date, settings: CostSettings, *, now: datetime, against: str = ""
) -> Document:
    """`differences` are per reason over all cells, `days` too; `cells` are per account, region and meter."""
    told = reconciliation(store, month, settings, now=now, against=against)
    found = told.found
    return {
        "month": f"{month:%Y-%m}",
        "says": sentence(found),
        "against": told.source,
        "is_final": told.is_final,
        "bills": [asdict(one) for one in told.bills],
        "accounts_without_bill": list(told.without_bill),
        "estimate_usd": found.estimate_usd,
        "bill_usd": found.bill_usd,
        "unexplained_usd": found.unexplained_usd,
        "unexplained_share": found.unexplained_share,
        "differences": [
            {"reason": reason, "usd": usd, "names": list(names), "means": REASONS[reason]}
            for reason, (usd, names) in found.by_reason().items()
        ],
        "days": [
            {"day": day.isoformat(), "estimate_usd": one.estimate_usd, "bill_usd": one.bill_usd}
            for day, one in found.by_day().items()
        ],
        "cells": [_cell(one) for one in found.cells],
    }


def _cell(one: Compared) -> Document:
    return {
        **one.cell._asdict(),
        "unit": one.unit,
        "estimate_quantity": one.estimate_quantity,
        "bill_quantity": one.bill_quantity,
        "estimate_usd": one.estimate_usd,
        "bill_usd": one.bill_usd,
        "unexplained_usd": one.unexplained_usd,
        "differences": [{"reason": d.reason, "usd": d.usd, "names": list(d.names)} for d in one.differences],
    }


def caveats(document: Document) -> Sequence[str]:
    """What a reader of the comparison must know beside its numbers."""
    told = []
    if not document["is_final"]:
        told.append("the bill is not final yet: its last days are late usage")
    if document["accounts_without_bill"]:
        names = ", ".join(document["accounts_without_bill"])
        told.append(f"not compared, for want of a bill: {names}")
    return told
