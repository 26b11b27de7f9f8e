"""STS: who one is, and becoming a role of one of the two accounts. Also IAM's account alias."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from quarterdeck.demo.account import SESSION_PREFIX, Demo, Handler, caller
from quarterdeck.demo.specs import ACCOUNTS
from quarterdeck.demo.wire import ApiError, Call

_ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/([\w+=,.@/-]+)")


def get_caller_identity(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return {"UserId": "AIDADEMO", "Account": account, "Arn": caller(account, call)}


def assume_role(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    role = _ROLE.fullmatch(call.params["RoleArn"])
    if not role or role[1] not in ACCOUNTS:
        who = get_caller_identity(demo, account, call)["Arn"]
        message = (
            f"User: {who} is not authorized to perform: sts:AssumeRole on resource: {call.params['RoleArn']}"
        )
        raise ApiError("AccessDenied", message, status=403)
    name = role[2].rsplit("/", 1)[-1]
    session = call.params["RoleSessionName"]
    return {
        "Credentials": {
            "AccessKeyId": f"{SESSION_PREFIX}{role[1]}",
            "SecretAccessKey": "demo",
            "SessionToken": "demo",
            "Expiration": demo.world.now() + timedelta(seconds=call.params.get("DurationSeconds", 3600)),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"AROADEMO:{session}",
            "Arn": f"arn:aws:sts::{role[1]}:assumed-role/{name}/{session}",
        },
    }


def list_account_aliases(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    return {"AccountAliases": [ACCOUNTS[account]], "IsTruncated": False}


HANDLERS: dict[str, Handler] = {"GetCallerIdentity": get_caller_identity, "AssumeRole": assume_role}
IAM_HANDLERS: dict[str, Handler] = {"ListAccountAliases": list_account_aliases}
