"""Documents of `quarterdeck savings` and `quarterdeck whatif`: proposals and predictions as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.backtesting import Backtest
from core.facts import Target
from core.rightsizing import KINDS, Band
from core.rightsizing_changes import act_line
from core.whatif import Forecast, Outcome, WhatIf
from core.whatif_words import assumptions, cautions
from core.windows import Window
from quarterdeck.answers import Document, find_function, window_document
from quarterdeck.output import dollars, milliseconds, plain, share
from store.readers.optimizer import Optimizer, optimizer
from store.readers.rightsizing import Saving, savings
from store.readers.whatif import Asked, whatif
from store.store import Filter, Store


def savings_document(
    store: Store, window: Window, *, now: datetime, where: Filter, keeps: bool = False
) -> Document:
    """`proposals` (ranked by dollars a month), `unknown` (with what is missing), and `keep` if asked for."""
    found = savings(store, window, now=now, where=where)
    rows = {"change": list[Document](), "unknown": list[Document](), "keep": list[Document]()}
    theirs = optimizer(store, window, now=now, where=where)
    for one in found:
        aws = theirs.get(one.place) if one.proposal.kind == "memory" else None
        rows[one.proposal.verdict].append(saving_row(one) | {"compute_optimizer": _optimizer(aws)})
    told = {"window": window_document(window), "proposals": rows["change"], "unknown": rows["unknown"]}
    return told | ({"keep": rows["keep"]} if keeps else {})


def saving_row(one: Saving) -> Document:
    proposal = one.proposal
    change = proposal.change
    action = change.action if change else None
    return {
        "account": one.account,
        "region": one.region,
        "function": one.function,
        "kind": proposal.kind,
        "change": proposal.says,
        **_band(proposal.saves),
        "risk": proposal.risk or None,
        "missing": proposal.missing or None,
        "evidence": list(proposal.evidence),
        "cli": list(change.cli) if change else [],
        "terraform": change.terraform if change else None,
        "act": act_line(one.place, action) if action else None,
    }


def _optimizer(found: Optimizer | None) -> Document | None:
    return None if found is None else plain(asdict(found))


def _band(saves: Band | None) -> Document:
    """USD a month; all null where nothing is known."""
    values = (saves.low, saves.likely, saves.high) if saves else (None, None, None)
    names = ("saves_low_usd", "saves_likely_usd", "saves_high_usd")
    return {name: plain(value) for name, value in zip(names, values, strict=True)}


def kind_word(kind: Any) -> str:
    return KINDS.get(str(kind), str(kind))


def band_words(row: Mapping[str, Any]) -> str:
    """`$0.00 to $5.15`, `$108.00`, or that it is not known."""
    low, high, likely = (row[f"saves_{name}_usd"] for name in ("low", "high", "likely"))
    if low is None:
        return "—"
    if low == high:
        return _cents(low)
    middle = "" if likely is None else f", likely {_cents(likely)}"
    return f"{_cents(low)} to {_cents(high)}{middle}"


def _cents(usd: Decimal) -> str:
    return f"{'-' if round(usd, 2) < 0 else ''}${abs(usd):,.2f}"


def whatif_document(
    store: Store, name: str, window: Window, asked: Asked, *, now: datetime, where: Filter
) -> Document:
    """`now` and `then` (each with low, middle and high), what it saves, and all that this rests on."""
    target: Target = find_function(store, name, where)
    answer = whatif(store, target, name, window, asked, now=now)
    found = answer.found
    document = {
        "window": window_document(answer.window),
        "account": target.account,
        "region": target.region,
        "function": name,
        "missing": answer.missing or None,
        "cautions": cautions(answer),
        "backtests": [_backtest(one) for one in answer.backtests],
    }
    return document | (_found(found) if found else {"now": None, "then": None, "assumptions": []})


def _found(found: WhatIf) -> Document:
    saves = found.saves_usd
    return {
        "records": found.records,
        "recorded_p95_ms": found.recorded_p95_ms,
        "recorded_cold_starts": found.recorded_cold,
        "replay_error": found.replay_error,
        "now": _forecast(found.now),
        "then": _forecast(found.then),
        "saves_low_usd": saves[0] if saves else None,
        "saves_high_usd": saves[1] if saves else None,
        "assumptions": assumptions(found),
    }


def _forecast(one: Forecast) -> Document:
    setup = one.setup
    return {
        "memory_mb": setup.memory_mb,
        "architecture": setup.architecture,
        "provisioned": setup.units,
        "timeout_s": setup.timeout_s,
        "is_fitted": one.is_fitted,
        **{end: _outcome(getattr(one, end)) for end in ("low", "middle", "high")},
    }


def _outcome(one: Outcome) -> Document:
    return {
        "usd_month": one.usd,
        "p95_ms": one.p95_ms,
        "cold_starts": one.cold_starts,
        "cold_start_rate": one.cold_start_rate,
        "would_time_out": one.ended,
    }


def _backtest(one: Backtest) -> Document:
    return {
        "before_mb": one.before_mb,
        "after_mb": one.after_mb,
        "predicted_low_ms": one.low_ms,
        "predicted_high_ms": one.high_ms,
        "came_ms": one.came_ms,
        "records": one.records,
        "held": one.held,
    }


def saved_words(low: Decimal | None, high: Decimal | None) -> str:
    """What a change saves or costs a month, in words."""
    if low is None or high is None:
        return "saves a month: not known"
    if round(high, 2) <= 0 and round(low, 2) < 0:
        return f"costs more a month: {_cents(-high)} to {_cents(-low)}"
    more = f", so it may cost {_cents(-low)} more" if round(low, 2) < 0 else ""
    return f"saves a month: {_cents(low)} to {_cents(high)}{more}"


LINES = (("a month", "usd_month", dollars), ("p95", "p95_ms", milliseconds),
         ("cold starts", "cold_start_rate", share))  # fmt: skip


def whatif_sentences(document: Document) -> Iterator[str]:
    """The answer for a terminal or a pipe."""
    if document["missing"]:
        yield f"Not known. Missing: {document['missing']}"
        return
    for title in ("now", "then"):
        one = document[title]
        yield (
            f"{title}: {one['memory_mb']:,.0f} MB, {one['architecture']}, {one['provisioned']} provisioned, "
            f"timeout {one['timeout_s']:,.0f} s"
        )
        for word, key, write in LINES:
            low, high = sorted((one["low"][key], one["high"][key]), key=lambda v: (v is None, v))
            told = write(low) if low == high else f"{write(low)} to {write(high)}"
            yield f"  {word:12} {told}"
        if one["high"]["would_time_out"]:
            yield f"  {one['high']['would_time_out']:,} invocations would time out at most"
    low, high = document["saves_low_usd"], document["saves_high_usd"]
    yield saved_words(low, high)
    for about, texts in (("caution", document["cautions"]), ("supposes", document["assumptions"])):
        yield from (f"{about}: {text}" for text in texts)
    for past in document["backtests"]:
        verdict = "held" if past["held"] else "did NOT hold"
        yield (
            f"backtest {verdict}: {past['before_mb']:,.0f} to {past['after_mb']:,.0f} MB, p95 "
            f"{past['predicted_low_ms']:,.0f} to {past['predicted_high_ms']:,.0f} ms predicted, "
            f"{past['came_ms']:,.0f} ms came"
        )
