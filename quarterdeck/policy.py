"""The least that a role must be allowed: derived from what collectors and actions say they call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from alerts.actions import ACTIONS
from collectors.registry import COLLECTORS, PERMISSIONS_TO_CONNECT

FORMATS = ("json", "terraform", "cloudformation")


def policy(*, actions: bool = False) -> dict[str, Any]:
    """An IAM policy document: a statement for reading, and one for what remediation changes if `actions`."""
    reading = sorted(
        {*PERMISSIONS_TO_CONNECT, *(p for collector in COLLECTORS for p in collector.permissions)}
    )
    statements = [_statement("QuarterdeckReads", reading)]
    if actions:
        statements.append(_statement("QuarterdeckActs", sorted({p for a in ACTIONS for p in a.permissions})))
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(sid: str, actions: Iterable[str]) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": "*"}


def policy_text(form: str, *, actions: bool = False) -> str:
    """The policy as JSON, as a Terraform resource or as a CloudFormation template."""
    document = policy(actions=actions)
    if form == "terraform":
        return _terraform(document)
    if form == "cloudformation":
        return json.dumps(_cloudformation(document), indent=2)
    return json.dumps(document, indent=2)


def _terraform(document: dict[str, Any]) -> str:
    body = json.dumps(document, indent=2).replace("\n", "\n  ")
    inner = f'  name   = "quarterdeck"\n  policy = jsonencode({body})'
    return f'resource "aws_iam_policy" "quarterdeck" {{\n{inner}\n}}'


def _cloudformation(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What Quarterdeck may do in this account",
        "Resources": {
            "QuarterdeckPolicy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"ManagedPolicyName": "quarterdeck", "PolicyDocument": document},
            }
        },
    }
