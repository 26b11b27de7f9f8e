"""Which regions a target has: those it names, or every one that its account has enabled."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import boto3

from core.errors import AccessDeniedError, AwsError
from core.settings import TargetSettings

EVERY = "all"
FIRST_ASKED = "us-east-1"
"""Where the list of regions is asked for when neither settings nor environment name any."""

ASKED_IN = {"pricing": "us-east-1", "ce": "us-east-1"}
"""Services that answer for all regions, and only in a few."""


def named_regions(wanted: TargetSettings, default: str | None, name: str) -> list[str]:
    """The regions that are written down, each once; without any the environment's. Raises AwsError."""
    regions = wanted.regions or ([default] if default else [])
    if not regions:
        raise AwsError(f"no region for {name}; set AWS_DEFAULT_REGION or `regions` of the target")
    return [region for region in dict.fromkeys(regions) if region != EVERY]


def wants_every(wanted: TargetSettings) -> bool:
    return EVERY in wanted.regions


def discover(client: Callable[[str], Any], name: str) -> list[str]:
    """The regions that the account has enabled, by EC2's word or else by Account Management's.

    Raises AccessDeniedError when neither may be asked, and AwsError when the one that may be cannot answer.
    """
    try:
        return sorted(r["RegionName"] for r in client("ec2").describe_regions()["Regions"])
    except AccessDeniedError as denied:
        try:
            return sorted(_listed(client("account")))
        except AccessDeniedError:
            raise AccessDeniedError(
                f"cannot discover the regions of {name}: the role lacks ec2:DescribeRegions (or"
                " account:ListRegions); allow it, or list them in `regions` of the target",
                code=denied.code,
                permission="ec2:DescribeRegions",
            ) from denied


def _listed(account: Any) -> list[str]:
    enabled = ["ENABLED", "ENABLED_BY_DEFAULT"]
    pages = account.get_paginator("list_regions").paginate(RegionOptStatusContains=enabled)
    return [region["RegionName"] for page in pages for region in page["Regions"]]


@functools.cache
def known_regions() -> tuple[str, ...]:
    """Every region that the installed botocore knows to have Lambda."""
    session = boto3.Session()
    partitions = session.get_available_partitions()
    return tuple(r for p in partitions for r in session.get_available_regions("lambda", p))


def check_region(region: str, name: str) -> None:
    """Raises AwsError when there is no such region, with the likeliest one that was meant."""
    if region in known_regions():
        return
    near = difflib.get_close_matches(region, known_regions(), n=1)
    hint = f"did you mean {near[0]}?" if near else "see `aws ec2 describe-regions`"
    raise AwsError(
        f"{region!r} (target {name}) is not an AWS region; {hint} (a new region needs a newer boto3)"
    )


def not_enabled(error: AwsError, region: str, elsewhere: Sequence[str]) -> AwsError | None:
    """A better reason when a region rejects credentials that other regions of the same target accept."""
    if not elsewhere or error.code not in _UNKNOWN_HERE:
        return None
    return AwsError(
        f"{region} rejects credentials that {elsewhere[0]} accepts ({error.code}): the region is not enabled"
        f" for the account; enable {region} in its account settings, or take it out of `regions`",
        code=error.code,
    )


_UNKNOWN_HERE = {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure", "OptInRequired"}
