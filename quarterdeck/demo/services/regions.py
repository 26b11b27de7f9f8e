"""Which regions an account has enabled: EC2's DescribeRegions and Account Management's ListRegions."""

from __future__ import annotations

from typing import Any

from quarterdeck.demo.account import Demo, Handler, paged
from quarterdeck.demo.wire import Call

_OPTIONAL = ("af-south-1", "ap-east-1")
"""Regions that must be enabled first, and are not."""


def describe_regions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    names = [*demo.world.company.enabled_regions, *(_OPTIONAL if params.get("AllRegions") else ())]
    wanted = params.get("RegionNames") or names
    found = [_region(name) for name in sorted(names) if name in wanted]
    return {"Regions": [item for item in found if _passes(item, params.get("Filters", []))]}


def _region(name: str) -> dict[str, str]:
    status = "not-opted-in" if name in _OPTIONAL else "opt-in-not-required"
    return {"RegionName": name, "Endpoint": f"ec2.{name}.amazonaws.com", "OptInStatus": status}


def _passes(region: dict[str, str], filters: list[dict[str, Any]]) -> bool:
    keys = {"opt-in-status": "OptInStatus", "region-name": "RegionName", "endpoint": "Endpoint"}
    return all(region[keys[item["Name"]]] in item["Values"] for item in filters if item["Name"] in keys)


def list_regions(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    states = dict.fromkeys(demo.world.company.enabled_regions, "ENABLED_BY_DEFAULT")
    states |= dict.fromkeys(_OPTIONAL, "DISABLED")
    wanted = call.params.get("RegionOptStatusContains") or set(states.values())
    found = [
        {"RegionName": name, "RegionOptStatus": state}
        for name, state in sorted(states.items())
        if state in wanted
    ]
    page, token = paged(found, call.params.get("NextToken"), call.params.get("MaxResults", 50))
    return {"Regions": page, **({"NextToken": token} if token else {})}


EC2_HANDLERS: dict[str, Handler] = {"DescribeRegions": describe_regions}
ACCOUNT_HANDLERS: dict[str, Handler] = {"ListRegions": list_regions}
