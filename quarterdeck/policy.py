"""The least that a role must be allowed: derived from what collectors and actions say they call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerts.actions import ACTIONS
from collectors.registry import COLLECTORS, OPTIONAL_TO_CONNECT, PERMISSIONS_TO_CONNECT

Document = dict[str, Any]

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")

MANAGED_POLICY_CHARACTERS = 6_144
"""What IAM takes as one managed policy; white space is not counted."""

_FUNCTIONS = ("Functions", "lambda:*:*:function:*")
_GROUPS = ("LogGroups", "logs:*:*:log-group:*")
_QUEUES = ("Queues", "sqs:*:*:*")
_RULES = ("Rules", "events:*:*:rule/*")
_SCHEDULES = ("Schedules", "scheduler:*:*:schedule/*")
_MAPPINGS = ("Mappings", "lambda:*:*:event-source-mapping:*")
SCOPED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "lambda:GetFunctionConcurrency",
            "lambda:GetFunctionConfiguration",
            "lambda:GetFunctionEventInvokeConfig",
            "lambda:GetPolicy",
            "lambda:GetProvisionedConcurrencyConfig",
            "lambda:InvokeFunction",
            "lambda:ListAliases",
            "lambda:ListFunctionEventInvokeConfigs",
            "lambda:ListFunctionUrlConfigs",
            "lambda:ListProvisionedConcurrencyConfigs",
            "lambda:ListVersionsByFunction",
        ),
        _FUNCTIONS,
    ),
    **dict.fromkeys(("logs:FilterLogEvents", "logs:StartQuery"), _GROUPS),
    **dict.fromkeys(("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListDeadLetterSourceQueues"), _QUEUES),
    **dict.fromkeys(("events:DescribeRule", "events:ListTargetsByRule"), _RULES),
    "scheduler:GetSchedule": _SCHEDULES,
}
"""What IAM lets an action be limited to, as the end of a Sid and of an ARN; all others only take `*`.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

INSIGHTS = frozenset({"logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery"})
"""Reading by Logs Insights is charged by what it scans: a statement of its own, to be left out at will."""

OPTIONAL = {
    "Changes": "who deployed and changed what, from CloudTrail",
    "LogsInsights": "aggregated reading of large logs by Logs Insights, which AWS charges for",
    "Names": "account aliases, and the discovery of regions (`regions: [all]`)",
}
"""Beginnings of Sids that may be left out, and what is then not known."""


def policy(*, actions: bool = False, partition: str = "aws") -> Document:
    """An IAM policy document: what each collector reads, and what remediation calls if `actions`."""
    return _document(reading(partition) + (acting(partition) if actions else []))


def reading(partition: str = "aws") -> list[Document]:
    """Statements for reading. Each collector's are its own, so that one can be dropped without the others."""
    found = _statements("Connect", PERMISSIONS_TO_CONNECT, partition)
    for collector in COLLECTORS:
        title = collector.name.capitalize()
        found += _statements(title, [p for p in collector.permissions if p not in INSIGHTS], partition)
        found += _statements("LogsInsights", [p for p in collector.permissions if p in INSIGHTS], partition)
    return found + _statements("Names", OPTIONAL_TO_CONNECT, partition)


def acting(partition: str = "aws") -> list[Document]:
    """Statements for what remediation calls, when it is switched on."""
    return _statements("Acts", sorted({p for action in ACTIONS for p in action.permissions}), partition)


def _statements(title: str, permissions: Iterable[str], partition: str) -> list[Document]:
    """One statement for what takes any resource, and one for each kind of resource."""
    by_scope: dict[tuple[str, str], set[str]] = {}
    for permission in permissions:
        by_scope.setdefault(SCOPED.get(permission, ("", "*")), set()).add(permission)
    return [
        {
            "Sid": f"{title}{suffix}",
            "Effect": "Allow",
            "Action": sorted(found),
            "Resource": arn if arn == "*" else f"arn:{partition}:{arn}",
        }
        for (suffix, arn), found in sorted(by_scope.items())
    ]


def _document(statements: Sequence[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trust(trusted: str, external_id: str | None, *, partition: str = "aws") -> Document:
    """Who may assume the role: an account id or the ARN of a role, told apart by an external id."""
    principal = trusted if trusted.startswith("arn:") else f"arn:{partition}:iam::{trusted}:root"
    statement: Document = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
    }
    if external_id:
        statement["Condition"] = {"StringEquals": {"sts:ExternalId": external_id}}
    return _document([statement])
