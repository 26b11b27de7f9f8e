"""IAM policies that allow a list of actions, each on what it can be limited to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Document = dict[str, Any]

_FUNCTIONS = ("Functions", "lambda:*:*:function:*")
_GROUPS = ("LogGroups", "logs:*:*:log-group:*")
_QUEUES = ("Queues", "sqs:*:*:*")
_RULES = ("Rules", "events:*:*:rule/*")
_SCHEDULES = ("Schedules", "scheduler:*:*:schedule/*")
_MAPPINGS = ("Mappings", "lambda:*:*:event-source-mapping:*")
_TOPICS = ("Topics", "sns:*:*:*")
_MACHINES = ("StateMachines", "states:*:*:stateMachine:*")
SCOPED: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "lambda:DeleteFunctionConcurrency",
            "lambda:DeleteProvisionedConcurrencyConfig",
            "lambda:GetAlias",
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
            "lambda:PutFunctionConcurrency",
            "lambda:PutProvisionedConcurrencyConfig",
            "lambda:UpdateAlias",
            "lambda:UpdateFunctionConfiguration",
        ),
        _FUNCTIONS,
    ),
    **dict.fromkeys(("logs:FilterLogEvents", "logs:StartQuery"), _GROUPS),
    **dict.fromkeys(
        (
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListDeadLetterSourceQueues",
            "sqs:ListMessageMoveTasks",
            "sqs:ReceiveMessage",
            "sqs:SendMessage",
            "sqs:StartMessageMoveTask",
        ),
        _QUEUES,
    ),
    **dict.fromkeys(("lambda:GetEventSourceMapping", "lambda:UpdateEventSourceMapping"), _MAPPINGS),
    "sns:Publish": _TOPICS,
    "states:StartExecution": _MACHINES,
    **dict.fromkeys(("events:DescribeRule", "events:ListTargetsByRule"), _RULES),
    "scheduler:GetSchedule": _SCHEDULES,
}
"""What IAM lets an action be limited to, as the end of a Sid and of an ARN; all others only take `*`.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""


def statements(title: str, permissions: Iterable[str], partition: str) -> list[Document]:
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


def allowing(title: str, actions: Iterable[str], partition: str) -> Document:
    """A policy that allows some actions, each on what it can be limited to."""
    return document(statements(title, actions, partition))


def document(found: Sequence[Document]) -> Document:
    return {"Version": "2012-10-17", "Statement": list(found)}


def partition_of(region: str) -> str:
    """The part of AWS that a region is in, as ARNs name it."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
