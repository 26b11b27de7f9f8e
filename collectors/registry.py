"""Every collector there is."""

from __future__ import annotations

from collectors import alarms, changes, details, inventory, logs, metrics, queues, traces, triggers
from collectors.collector import Collector

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

PERMISSIONS_TO_CONNECT = ("sts:GetCallerIdentity",)

OPTIONAL_TO_CONNECT = ("account:ListRegions", "ec2:DescribeRegions", "iam:ListAccountAliases")
"""For niceties: an account's alias as its name, and `regions: [all]`."""
