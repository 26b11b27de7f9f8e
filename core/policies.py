"""Resource policies of functions read as triggers: who may invoke, and for what."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.entities import Trigger
from core.triggers import arn_part, service_kind

_ACCOUNT = re.compile(r"\d{12}")
_INVOKING = ("lambda:invokefunction", "lambda:invokefunctionurl", "lambda:invokeasync")
_URL = "lambda:invokefunctionurl"
_HARMLESS = {
    "lambda:functionurlauthtype",
    "lambda:invokedviafunctionurl",
    "aws:securetransport",
    "aws:currenttime",
}
"""Conditions that do not narrow down who may invoke."""

_ANY = {"*", "0.0.0.0/0", "::/0"}
"""Values that everybody has."""

LONGEST = 2048


@dataclass(frozen=True, slots=True)
class _Grant:
    """One Allow statement: `conditions` are the values asked for by key in small letters."""

    sid: str
    actions: tuple[str, ...]
    principals: tuple[tuple[str, str], ...]
    conditions: Mapping[str, tuple[str, ...]]
    is_restricted: bool


def policy_triggers(
    policy: str, *, function: str, qualifier: str | None = None, account: str = ""
) -> list[Trigger]:
    """What the resource policy of a function (or of its alias `qualifier`) lets invoke it, one trigger per
    statement, principal and source. `account` is the function's own.

    Deny statements and grants of other actions are no triggers. Whatever cannot be read is passed over: never
    raises.
    """
    found: dict[str, Trigger] = {}
    for at, statement in enumerate(_statements(policy)):
        grant = _grant(statement, at)
        made = list(_triggers(grant, function, qualifier, account)) if grant else []
        for trigger in made:
            sid = grant.sid if grant else ""
            last = sid if len(made) == 1 else f"{sid}:{trigger.source_arn or trigger.principal}"
            name = f"{function}:{qualifier or ''}:{last}"[:LONGEST]
            found.setdefault(name, replace(trigger, name=name))
    return list(found.values())


def _statements(policy: str) -> list[Mapping[str, Any]]:
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        return []
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    return [statement for statement in listed if isinstance(statement, dict)]


def _grant(statement: Mapping[str, Any], at: int) -> _Grant | None:
    """The statement, None when it does not let anyone invoke."""
    actions = _invoking(statement)
    if statement.get("Effect") != "Allow" or not actions:
        return None
    sid = statement.get("Sid")
    conditions = statement.get("Condition")
    asked = _asked_for(conditions if isinstance(conditions, dict) else {})
    return _Grant(
        sid=sid if isinstance(sid, str) and sid else f"statement {at + 1}",
        actions=actions,
        principals=tuple(_principals(statement)),
        conditions=asked,
        is_restricted=_is_restricted(asked),
    )


def _invoking(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """The ways to invoke that the statement is about, as actions in small letters."""
    if "NotAction" in statement:
        spared = [pattern.lower() for pattern in _texts(statement["NotAction"])]
        return tuple(action for action in _INVOKING if not _fits(action, spared))
    patterns = [pattern.lower() for pattern in _texts(statement.get("Action"))]
    return tuple(action for action in _INVOKING if _fits(action, patterns))


def _fits(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Type (Service, AWS, Federated, ...) and name of who is let in; ("AWS", "*") is anyone."""
    principal = statement.get("Principal", "*" if "NotPrincipal" in statement else None)
    if isinstance(principal, dict):
        for type_, names in principal.items():
            yield from ((type_, name) for name in _texts(names))
    else:
        yield from (("AWS", name) for name in _texts(principal))


def _asked_for(conditions: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """What positive conditions name, by key in small letters."""
    found: dict[str, tuple[str, ...]] = {}
    for operator, wanted in conditions.items():
        if isinstance(wanted, dict) and "Not" not in operator and operator.lower() != "null":
            for key, values in wanted.items():
                found[key.lower()] = found.get(key.lower(), ()) + tuple(_texts(values))
    return found


def _is_restricted(asked: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a condition narrows down who may invoke: one that lets any value pass does not, nor one that
    only leaves somebody out."""
    return any(key not in _HARMLESS and set(values) - _ANY for key, values in asked.items())


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item[:LONGEST] for item in listed if isinstance(item, str) and item]


def _triggers(grant: _Grant, function: str, qualifier: str | None, account: str) -> Iterator[Trigger]:
    sources = _sources(grant)
    accounts = grant.conditions.get("aws:sourceaccount") or grant.conditions.get("aws:principalaccount") or ()
    auth = grant.conditions.get("lambda:functionurlauthtype", ())
    for type_, principal in grant.principals:
        for source in sources or (None,):
            kind = _kind(grant, type_, principal, source, account)
            organization = ",".join(grant.conditions.get("aws:principalorgid", ()))
            yield Trigger(
                name="",
                function=function,
                qualifier=qualifier,
                kind=kind,
                source_arn=source,
                source_account=_source_account(source, accounts, principal),
                principal=organization if kind == "organization" and organization else principal,
                is_public=principal == "*" and not grant.is_restricted,
                auth_type=auth[0] if auth else None,
            )


def _sources(grant: _Grant) -> tuple[str, ...]:
    """ARNs that the statement names as source. Of tokens only an Alexa skill's id is kept: others may be
    secrets."""
    tokens = grant.conditions.get("lambda:eventsourcetoken", ())
    skills = tuple(token for token in tokens if token.startswith("amzn1.ask.skill."))
    named = grant.conditions.get("aws:sourcearn", ()) or grant.conditions.get("aws:principalarn", ())
    return tuple(dict.fromkeys((*named, *skills)))


def _source_account(source: str | None, accounts: Sequence[str], principal: str) -> str | None:
    """The account the calls come from: what the statement asks for, else as an ARN tells it."""
    if accounts:
        return accounts[0]
    named = [arn_part(source or "", 4), arn_part(principal, 4), principal]
    return next((text for text in named if _ACCOUNT.fullmatch(text)), None)


def _kind(grant: _Grant, type_: str, principal: str, source: str | None, account: str) -> str:
    if type_ == "Service":
        return service_kind(principal, source or "")
    if type_ != "AWS":
        return "federated"
    if principal != "*":
        return _identity_kind(arn_part(principal, 4) or principal, account)
    if grant.actions == (_URL,) or "lambda:functionurlauthtype" in grant.conditions:
        return "function-url"
    if "lambda:invokedviafunctionurl" in grant.conditions:
        return "function-url"
    if {"aws:principalorgid", "aws:principalorgpaths"} & grant.conditions.keys():
        return "organization"
    return _named_kind(grant, source or "", account)


def _named_kind(grant: _Grant, source: str, account: str) -> str:
    """Everyone, but for conditions: whom they leave."""
    named = grant.conditions.get("aws:principalaccount") or grant.conditions.get("aws:sourceaccount")
    if source and arn_part(source, 2) not in {"iam", "sts"}:
        return service_kind(arn_part(source, 2), source)
    if told := (named[0] if named else arn_part(source, 4)):
        return _identity_kind(told, account)
    return "anyone"


def _identity_kind(told: str, account: str) -> str:
    """Of a role, user or account. A deleted role leaves an id that is no account: it was one of this one."""
    return "another-account" if _ACCOUNT.fullmatch(told) and told != account else "iam"
