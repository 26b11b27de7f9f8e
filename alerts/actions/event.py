"""The event that remediation gets: what is wrong, where, since when. Documented in docs/actions.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.actions.base import Occasion
from alerts.channels.text import iso
from core.errors import ActionError

EVENT_SCHEMA = "quarterdeck.remediation/1"
MAX_EVENT_BYTES = 200_000
"""Below the 256 KB that Lambda (asynchronous), SNS and Step Functions take."""


def sized(receiver: str, event: dict[str, Any]) -> dict[str, Any]:
    """The event. Raises ActionError when it is too large to be sent."""
    if len(json.dumps(event).encode()) > MAX_EVENT_BYTES:
        raise ActionError(f"cannot call {receiver}: its event is larger than {MAX_EVENT_BYTES} bytes")
    return event


def remediation_event(occasion: Occasion, extra: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The event, schema 1: keys are only ever added within a schema; what is not known is null."""
    target = occasion.target
    return {
        "schema": EVENT_SCHEMA,
        "id": occasion.id,
        "sent_at": iso(now),
        "requested_by": occasion.who,
        "incident": {
            "id": occasion.incident,
            "title": occasion.title,
            "severity": occasion.severity,
            "opened_at": iso(occasion.opened_at) if occasion.opened_at else None,
        },
        "account": {"id": target.account, "alias": occasion.account_alias},
        "region": target.region,
        "subject": {"kind": occasion.subject_kind, "name": occasion.subject},
        "function": occasion.subject if occasion.subject_kind == "function" else None,
        "rule": {"name": occasion.rule, "signal": occasion.signal, "labels": dict(occasion.labels)},
        "values": {"value": occasion.value, "threshold": occasion.threshold, "unit": occasion.unit},
        "links": {"alert": occasion.alert_url, "runbook": occasion.runbook},
        "input": dict(extra),
    }
