"""What an incident is, and what was told about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.notice import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One outage of one subject under one rule, as it is kept. `value` is the worst so far.

    One that is `grouped_under` another is told by that one, for the `cause` that they share: its `kind`, a
    sentence (`text`) and the `evidence`. `verdict` is what people say afterwards: real or noise. `tags` of
    the subject, `labels` and `definition` of the rule are as they were when it opened.
    """

    id: str
    rule: str
    account: str
    region: str
    subject_kind: str
    subject: str
    severity: Severity
    title: str
    text: str
    opened_at: datetime
    resolved_at: datetime | None = None
    acked_at: datetime | None = None
    acked_by: str | None = None
    value: float | None = None
    threshold: float | None = None
    grouped_under: str | None = None
    cause: Mapping[str, Any] | None = None
    assignee: str | None = None
    verdict: str | None = None
    tags: Mapping[str, str] | None = None
    labels: Mapping[str, str] | None = None
    definition: Mapping[str, Any] | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.rule, self.account, self.region, self.subject


@dataclass(frozen=True, slots=True)
class Sent:
    """The newest notice of an incident on a channel (queued, delivered or dead)."""

    reason: str
    ts: datetime
    count: int
