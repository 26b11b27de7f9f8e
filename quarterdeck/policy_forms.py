"""How the policy is written: IAM JSON, Terraform, or a CloudFormation template, with the role if wanted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from core.iam import Document
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.policy import acting, policy, reading, trust

FORMATS = ("json", "terraform", "cloudformation")
NAME = "quarterdeck"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the document is to hold. `trusted` is the account id or role ARN that may assume the role."""

    actions: bool = False
    role: bool = False
    trusted: str | None = None
    external_id: str | None = None
    partition: str = "aws"


def policy_text(form: str, wish: Wish) -> str:
    """The policy, and the role if wished, in one of FORMATS. Raises UsageMistakeError."""
    if wish.trusted and not (wish.trusted.startswith("arn:") or is_account(wish.trusted)):
        raise UsageMistakeError(
            f"--trusted-account: {wish.trusted!r} is neither twelve digits nor the ARN of a role"
        )
    if form == "terraform":
        return terraform(wish)
    if form == "cloudformation":
        return json.dumps(cloudformation(wish), indent=2)
    return json.dumps(plain(wish), indent=2)


def is_account(text: str) -> bool:
    return len(text) == 12 and text.isdecimal() and text.isascii()


def plain(wish: Wish) -> Document:
    """The policy document; with a role both documents that IAM asks for."""
    document = policy(actions=wish.actions, partition=wish.partition)
    if not wish.role:
        return document
    if not wish.trusted:
        raise UsageMistakeError("--role: say with --trusted-account who may assume it")
    trusting = trust(wish.trusted, wish.external_id, partition=wish.partition)
    return {"TrustPolicy": trusting, "Policy": document}


def _policies(wish: Wish) -> dict[str, list[Document]]:
    """Policies by their name's end: what changes AWS is apart, to be taken away by itself."""
    found = {"reads": reading(wish.partition)}
    return found | ({"acts": acting(wish.partition)} if wish.actions else {})


# --- CloudFormation -----------------------------------------------------------------------------------------


def cloudformation(wish: Wish) -> Document:
    """A template. With a role its parameters are who may assume it, and the external id."""
    resources: dict[str, Any] = {
        f"Policy{title.capitalize()}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": f"{NAME}-{title}",
                "Description": f"What Quarterdeck {title}",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
            },
        }
        for title, statements in _policies(wish).items()
    }
    template: Document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "What Quarterdeck may do in this account",
    }
    if wish.role:
        template["Parameters"] = _parameters(wish)
        template["Conditions"] = {"HasExternalId": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ExternalId"}, ""]}]}}
        template["Outputs"] = {
            "RoleArn": {
                "Description": "For targets.role_arn of the settings",
                "Value": {"Fn::GetAtt": ["Role", "Arn"]},
            }
        }
        resources["Role"] = _cloudformation_role(list(resources))
    return template | {"Resources": resources}


def _parameters(wish: Wish) -> Document:
    trusted: Document = {
        "Type": "String",
        "Description": "The account id, or the ARN of the role, that Quarterdeck runs as",
        "AllowedPattern": r"[0-9]{12}|arn:.+",
    }
    external: Document = {
        "Type": "String",
        "Description": "The external id of the settings; empty for none",
        "Default": wish.external_id or "",
    }
    return {
        "Trusted": trusted | ({"Default": wish.trusted} if wish.trusted else {}),
        "ExternalId": external,
        "RoleName": {"Type": "String", "Default": NAME},
    }


def _cloudformation_role(policies: list[str]) -> Document:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "Trusted"}},
        "Action": "sts:AssumeRole",
        "Condition": {
            "Fn::If": [
                "HasExternalId",
                {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
                {"Ref": "AWS::NoValue"},
            ]
        },
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Ref": "RoleName"},
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "ManagedPolicyArns": [{"Ref": name} for name in policies],
        },
    }


# --- Terraform ----------------------------------------------------------------------------------------------


def terraform(wish: Wish) -> str:
    """Resources, and with a role the variables that it asks for."""
    blocks = [
        _block(
            f'resource "aws_iam_policy" "{NAME}_{title}"',
            f'name   = "{NAME}-{title}"',
            f"policy = jsonencode({_hcl({'Version': '2012-10-17', 'Statement': statements})})",
        )
        for title, statements in _policies(wish).items()
    ]
    if wish.role:
        blocks = [*_variables(wish), *blocks, *_terraform_role(list(_policies(wish)))]
    return "\n\n".join(blocks)


def _block(head: str, *lines: str) -> str:
    body = "\n".join(f"  {line}" for line in "\n".join(lines).split("\n"))
    return f"{head} {{\n{body}\n}}"


def _hcl(value: Document) -> str:
    """JSON is an expression of Terraform's too, but for what begins a template in its strings."""
    return json.dumps(value, indent=2).replace("${", "$${").replace("%{", "%%{")


def _variables(wish: Wish) -> list[str]:
    trusted = [f"default     = {_text(wish.trusted)}"] if wish.trusted else []
    return [
        _block(
            'variable "trusted"',
            'description = "The account id, or the ARN of the role, that Quarterdeck runs as"',
            "type        = string",
            *trusted,
        ),
        _block(
            'variable "external_id"',
            'description = "The external id of the settings; empty for none"',
            "type        = string",
            f"default     = {_text(wish.external_id or '')}",
        ),
    ]


def _text(value: str) -> str:
    return json.dumps(value).replace("${", "$${").replace("%{", "%%{")


def _terraform_role(policies: list[str]) -> list[str]:
    role = _block(
        f'resource "aws_iam_role" "{NAME}"',
        f'name = "{NAME}"',
        "assume_role_policy = jsonencode({",
        '  "Version" = "2012-10-17"',
        '  "Statement" = [merge(',
        "    {",
        '      "Effect"    = "Allow"',
        '      "Principal" = { "AWS" = var.trusted }',
        '      "Action"    = "sts:AssumeRole"',
        "    },",
        '    var.external_id == "" ? {} : {',
        '      "Condition" = { "StringEquals" = { "sts:ExternalId" = var.external_id } }',
        "    }",
        "  )]",
        "})",
    )
    attachments = [
        _block(
            f'resource "aws_iam_role_policy_attachment" "{NAME}_{title}"',
            f"role       = aws_iam_role.{NAME}.name",
            f"policy_arn = aws_iam_policy.{NAME}_{title}.arn",
        )
        for title in policies
    ]
    output = _block('output "role_arn"', f"value = aws_iam_role.{NAME}.arn")
    return [role, *attachments, output]
