"""Event source mappings, grants and function URLs as rows of one table: what invokes a function, and whether
it does now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.triggers import arn_part, kind_of_source, title_of

RUNNING = {"Enabled", "Enabling", "Updating", "Creating"}
GONE = "NOT_FOUND"
BY_HAND = {"User action", "USER_INITIATED"}
"""Reasons of a mapping's state that say nothing new."""


def mapping_row(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """An event source mapping's body as a row."""
    arn, servers = body.get("source_arn"), body.get("servers") or []
    kind = body.get("source_kind") or kind_of_source(arn, servers=servers) or "other"
    same = {key: body.get(key) for key in ("state", "last_result", "qualifier", "batch_size", "source_arn")}
    return same | {
        "name": name,
        "kind": kind,
        "title": title_of(kind),
        "source": source_name(arn or "") or ", ".join(servers) or name,
        "enabled": body.get("state") in RUNNING,
        "detail": ", ".join(_mapping_detail(body)),
        "schedule": None,
        "is_public": False,
        "targets_function": None,
        "source_account": arn_part(arn or "", 4) or None,
    }


def trigger_row(name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A trigger's body as a row. It is taken for enabled unless its source says otherwise."""
    same = {
        key: body.get(key)
        for key in ("state", "qualifier", "source_arn", "schedule", "targets_function", "source_account")
    }
    off = body.get("state") in {"DISABLED", GONE} or body.get("targets_function") is False
    return same | {
        "name": name,
        "kind": body["kind"],
        "title": _title(body),
        "source": _called(body),
        "last_result": None,
        "batch_size": None,
        "enabled": not off,
        "detail": ", ".join(_trigger_detail(body)),
        "is_public": bool(body.get("is_public")),
    }


def describe(body: Mapping[str, Any]) -> str:
    """A trigger as a person calls it: `S3 my-bucket`."""
    title, called = _title(body), _called(body)
    return title if called == title else f"{title} {called}"


def _title(body: Mapping[str, Any]) -> str:
    if body["kind"] == "eventbridge-rule" and body.get("schedule"):
        return "EventBridge schedule"
    return title_of(str(body["kind"]))


def _called(body: Mapping[str, Any]) -> str:
    if named := source_name(str(body.get("source_arn") or "")):
        return named
    principal = str(body.get("principal") or "")
    if body["kind"] == "another-account":
        named, account = source_name(principal), str(body.get("source_account") or principal)
        return account if named in {"root", account} else f"{named} of {account}"
    if body["kind"] in {"organization", "iam", "federated"}:
        return source_name(principal) or principal
    return str(body.get("source_account") or "") or title_of(str(body["kind"]))


def source_name(arn: str) -> str:
    """The queue, stream, table, rule, bucket ... an ARN names; text that is no ARN as it is."""
    name = arn.split(":", 5)[-1]
    parts = name.split("/")
    if arn_part(arn, 2) in {"events", "scheduler", "iam", "sts"}:
        return parts[-1]
    if arn_part(arn, 2) == "execute-api":
        return name
    if name.startswith("log-group:"):
        return name.removeprefix("log-group:").removesuffix(":*")
    name = parts[1] if len(parts) > 1 and parts[1] else parts[0]
    return name.rsplit(":", 1)[-1]


def _mapping_detail(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("topics"):
        yield f"reads {', '.join(body['topics'])}"
    if body.get("maximum_concurrency"):
        yield f"at most {body['maximum_concurrency']} at once"
    if body.get("minimum_pollers") is not None or body.get("maximum_pollers") is not None:
        yield f"{body.get('minimum_pollers') or '?'} to {body.get('maximum_pollers') or '?'} pollers"
    if body.get("filters"):
        yield f"{body['filters']} filter{'s' if body['filters'] > 1 else ''}"
    if body.get("filter_error"):
        yield f"its filters cannot be used ({body['filter_error']})"
    if body.get("failure_destination"):
        yield f"failures go to {source_name(str(body['failure_destination']))}"
    if body.get("reports_batch_item_failures"):
        yield "reports failed items of a batch"
    if body.get("state_reason") and body["state_reason"] not in BY_HAND:
        yield str(body["state_reason"])


def _trigger_detail(body: Mapping[str, Any]) -> Iterator[str]:
    if body.get("schedule"):
        yield str(body["schedule"])
    if body.get("is_public"):
        yield "anyone may invoke it"
    if body.get("state") == GONE:
        yield "its source is gone, the grant is left"
    elif body.get("targets_function") is False:
        yield "its source does not target the function any more"
    if body.get("auth_type"):
        yield "signed calls only (AWS_IAM)" if body["auth_type"] == "AWS_IAM" else f"auth {body['auth_type']}"
    if body.get("invoke_mode") == "RESPONSE_STREAM":
        yield "streams its response"
