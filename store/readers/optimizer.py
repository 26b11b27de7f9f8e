"""What AWS Compute Optimizer finds of functions, to stand beside what we find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.windows import Window
from store.asking import reader
from store.readers.coverage import Coverage
from store.readers.things import EVERYTHING, Place, Things, matches
from store.store import Filter, Store

LATEST = "$LATEST"
NOT_ASKED = "not asked: cost.compute_optimizer is off in the settings"
NOT_LOOKED_AT = "it has not looked at the function: too few invocations, or too new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimizer:
    """AWS's word on one function's memory. `says` is a sentence; the numbers are None where it has none.
    `refreshed` is when AWS last worked it out."""

    says: str
    finding: str | None = None
    recommended_mb: int | None = None
    saves_usd_month: float | None = None
    refreshed: str | None = None


@reader
def optimizer(
    store: Store, window: Window, *, now: datetime, where: Filter = EVERYTHING
) -> Mapping[Place, Optimizer]:
    """Per function that exists: what Compute Optimizer finds of $LATEST, or why there is nothing."""
    with store.snapshot(window) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now, only="optimizer")
        things = Things.read(snapshot, "function", "optimizer", where=where)
    found = {t.place: t.body for t in things.of("optimizer") if t.body.get("version") == LATEST}
    answers = dict[Place, Optimizer]()
    for thing in things.of("function"):
        if not matches(where, *thing.place):
            continue
        body = found.get(thing.place)
        if body is None:
            answers[thing.place] = Optimizer(says=_why_not(coverage, thing.account, thing.region))
        else:
            answers[thing.place] = Optimizer(
                says=_says(body),
                finding=body["finding"],
                recommended_mb=body.get("recommended_mb"),
                saves_usd_month=body.get("saves_usd_month"),
                refreshed=body.get("refreshed"),
            )
    return answers


def _why_not(coverage: Coverage, account: str, region: str) -> str:
    if coverage.newest("optimizer", account, region) is None:
        return NOT_ASKED
    if coverage.is_healthy("optimizer", account, region) and coverage.covered("optimizer", account, region):
        return NOT_LOOKED_AT
    return coverage.seen("optimizer", account, region).why


def _says(body: Mapping[str, object]) -> str:
    reasons = body.get("reasons")
    why = f" ({', '.join(map(str, reasons))})" if isinstance(reasons, list | tuple) and reasons else ""
    return f"{body['finding']}{why}"
