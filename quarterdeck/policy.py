"""The least that a role must be allowed: derived from what collectors and actions say they call."""

from __future__ import annotations

from alerts.actions import ACTIONS
from alerts.channels import KINDS
from collectors.registry import EVERY, OPTIONAL_TO_CONNECT, PERMISSIONS_TO_CONNECT
from core.iam import Document, document, statements

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")

MANAGED_POLICY_CHARACTERS = 6_144
"""What IAM takes as one managed policy; white space is not counted."""

INSIGHTS = frozenset({"logs:StartQuery", "logs:GetQueryResults", "logs:StopQuery"})
"""Reading by Logs Insights is charged by what it scans: a statement of its own, to be left out at will."""

OPTIONAL = {
    "Changes": "who deployed and changed what, from CloudTrail",
    "LogsInsights": "aggregated reading of large logs by Logs Insights, which AWS charges for",
    "Prices": "what AWS's prices are today; those that came with the release are used",
    "Optimizer": "what AWS Compute Optimizer finds of memory; ours stands alone",
    "Charges": "what AWS charged, to hold the estimate against; each request is charged",
    "Names": "account aliases, and the discovery of regions (`regions: [all]`)",
}
"""Beginnings of Sids that may be left out, and what is then not known."""


def policy(*, actions: bool = False, partition: str = "aws") -> Document:
    """An IAM policy document: what each collector reads, and what remediation calls if `actions`."""
    return document(reading(partition) + (acting(partition) if actions else []))


def reading(partition: str = "aws") -> list[Document]:
    """Statements for reading. Each collector's are its own, so that one can be dropped without the others."""
    found = statements("Connect", PERMISSIONS_TO_CONNECT, partition)
    for collector in EVERY:
        title = collector.name.capitalize()
        found += statements(title, [p for p in collector.permissions if p not in INSIGHTS], partition)
        found += statements("LogsInsights", [p for p in collector.permissions if p in INSIGHTS], partition)
    return found + statements("Names", OPTIONAL_TO_CONNECT, partition)


def acting(partition: str = "aws") -> list[Document]:
    """Statements for what remediation and channels call, when they are switched on."""
    acts = {p for action in ACTIONS for p in action.permissions}
    tells = {p for kind in KINDS for p in kind.permissions}
    return statements("Acts", sorted(acts | tells), partition)


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
    return document([statement])
