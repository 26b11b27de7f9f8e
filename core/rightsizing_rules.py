"""Every rule of right-sizing, over one function."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core import rightsizing_logs, rightsizing_memory, rightsizing_settings, rightsizing_units
from core.rightsizing import Observed, PriceOf, Proposal


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices where the function is: of compute by architecture, of a GB ingested, of a GB-month of log, of a
    GB-second of a snapshot. None: not known."""

    compute: PriceOf
    log_ingest: Decimal | None
    log_storage: Decimal | None
    snapshot: Decimal | None


def proposals(one: Observed, rates: Rates) -> list[Proposal]:
    """What there is to change, to keep and to find out, a proposal per kind (and per idle pool). What
    provisioned concurrency would pay for itself is not in it: that takes a replay."""
    return [
        rightsizing_memory.memory(one, rates.compute),
        rightsizing_settings.architecture(one, rates.compute),
        rightsizing_settings.timeout(one, rates.compute),
        rightsizing_settings.ephemeral(one, rates.compute),
        rightsizing_logs.retention(one, rates.log_storage),
        rightsizing_logs.level(one, rates.log_ingest),
        rightsizing_settings.old_versions(one, rates.snapshot),
        *rightsizing_units.idle(one),
    ]
