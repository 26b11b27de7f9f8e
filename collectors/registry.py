"""Every collector there is."""

from __future__ import annotations

from collections.abc import Mapping

from collectors import (
    alarms,
    changes,
    compute_optimizer,
    cost_explorer,
    details,
    inventory,
    logs,
    metrics,
    prices,
    queues,
    traces,
    triggers,
)
from collectors.collector import Collector
from core.settings import CostSettings

COLLECTORS: tuple[Collector, ...] = (
    inventory.COLLECTOR,
    details.COLLECTOR,
    triggers.COLLECTOR,
    metrics.COLLECTOR,
    queues.COLLECTOR,
    logs.COLLECTOR,
    traces.COLLECTOR,
    changes.COLLECTOR,
    alarms.COLLECTOR,
)
"""In the order of a pass: what tells of queues and provisioned aliases comes before what asks about them."""

ON_REQUEST: Mapping[str, Collector] = {
    "refresh_prices": prices.COLLECTOR,
    "compute_optimizer": compute_optimizer.COLLECTOR,
    "cost_explorer": cost_explorer.COLLECTOR,
}
"""Those that run only when a switch of `CostSettings` is on."""

EVERY: tuple[Collector, ...] = (*COLLECTORS, *ON_REQUEST.values())


def chosen(cost: CostSettings) -> tuple[Collector, ...]:
    """Those that run with these settings."""
    return (*COLLECTORS, *(each for switch, each in ON_REQUEST.items() if getattr(cost, switch)))


PERMISSIONS_TO_CONNECT = ("sts:GetCallerIdentity",)

OPTIONAL_TO_CONNECT = ("account:ListRegions", "ec2:DescribeRegions", "iam:ListAccountAliases")
"""For niceties: an account's alias as its name, and `regions: [all]`."""
