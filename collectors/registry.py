"""Every collector there is."""

from __future__ import annotations

from collectors import details, inventory, logs, metrics, queues, traces
from collectors.collector import Collector

COLLECTORS: tuple[Collector, ...] = (
    inventory.COLLECTOR,
    metrics.COLLECTOR,
    queues.COLLECTOR,
    logs.COLLECTOR,
    details.COLLECTOR,
    traces.COLLECTOR,
)
"""In the order of a first pass."""

PERMISSIONS_TO_CONNECT = ("sts:GetCallerIdentity",)
