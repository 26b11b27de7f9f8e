"""What is told about an incident: plain text and facts; a channel only lays them out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["critical", "warning", "info"]
Reason = Literal[
    "firing", "resolved", "repeat", "acknowledged", "escalated", "approval", "digest", "test", "trouble"
]
"""The first six are about an incident: `escalated` needs a person, `approval` asks one to decide. A digest
tells of many incidents, a test of none, trouble of a channel."""


class Link(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    url: str


class Notice(BaseModel):
    """One message. Its text may hold log lines, so it is hostile: every channel escapes it in its own manner.

    `id` is the same whenever this message is sent again, so that a receiver may drop the second one. `facts`
    are label and value pairs for reading; `value`, `threshold` and `unit` say it to machines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    incident: str
    reason: Reason
    severity: Severity
    rule: str
    signal: str
    title: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    account: str
    account_alias: str | None = None
    region: str
    subject_kind: str
    subject: str
    opened_at: datetime
    resolved_at: datetime | None = None
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    labels: dict[str, str] = {}
