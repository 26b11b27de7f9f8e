"""PagerDuty's Events API v2: trigger, acknowledge, resolve, by one key per incident.

Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import HttpChannel, as_json
from alerts.channels.text import cut, facts_of, iso, links_of, one_line, visible
from alerts.notice import Notice, Reason
from core.errors import DeliveryError

MAX_SUMMARY, MAX_DEDUP_KEY, MAX_EVENT_BYTES = 1024, 255, 512_000
EVENTS: Mapping[str, str] = {"resolved": "resolve", "acknowledged": "acknowledge"}
ESCALATED: Ref = {"escalated": "yes"}


class PagerDuty(HttpChannel):
    """An event that comes twice is one: `dedup_key` is the incident's id. What is escalated pages once more,
    by a key of its own; a question joins the incident that somebody has been paged for."""

    rate: ClassVar[Rate] = Rate(120, 60)
    takes_duplicates: ClassVar[bool] = False
    also: ClassVar[frozenset[Reason]] = frozenset({"acknowledged"})

    kind: Literal["pagerduty"]
    routing_key: SecretStr = Field(description="of an Events API v2 integration")
    url: str = Field(
        default="https://events.pagerduty.com/v2/enqueue",
        pattern=r"^https?://",
        description="of the EU: https://events.eu.pagerduty.com/v2/enqueue",
    )

    @field_validator("routing_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if len(key) != 32 or not key.isalnum():
            raise ValueError("must be the 32 letters and digits of an integration key")
        return value

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        if notice.reason == "escalated":
            return replace(self._event(self.payload(notice), edge), ref=ESCALATED)
        if (
            thread is not None and notice.reason in EVENTS
        ):  # it was escalated: both are over, or somebody has both
            own = {"dedup_key": _key(notice, escalated=True)}
            self._event({**self.payload(notice), **own}, edge)
        return self._event(self.payload(notice), edge)

    def test(self, notice: Notice, edge: Edge) -> Receipt:
        """Opens a test incident of severity info, and resolves it at once."""
        self.send(notice, edge)
        return self.send(notice.model_copy(update={"reason": "resolved"}), edge)

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self.routing_key.get_secret_value(),
            "event_action": EVENTS.get(notice.reason, "trigger"),
            "dedup_key": _key(notice, escalated=notice.reason == "escalated"),
        }
        if event["event_action"] == "trigger":
            links = links_of(notice, 8, 2000)
            event |= {
                "payload": _payload(notice),
                "client": "Quarterdeck",
                "links": [{"href": link.url, "text": cut(one_line(link.label), 200)} for link in links],
            }
        return event

    def _event(self, event: Mapping[str, Any], edge: Edge) -> Receipt:
        try:
            return self.receipt(self.call("POST", self.url, as_json(event), edge))
        except DeliveryError as error:
            if "routing key" in str(error).lower():
                error.target = "gone"
            raise


def _key(notice: Notice, *, escalated: bool) -> str:
    return f"{notice.incident[:200]}{'-escalated' if escalated else ''}"[:MAX_DEDUP_KEY]


def _payload(notice: Notice) -> dict[str, Any]:
    details = {cut(one_line(label), 200): cut(one_line(value), 2000) for label, value in facts_of(notice, 30)}
    return {
        "summary": cut(one_line(notice.title), MAX_SUMMARY) or "Quarterdeck",
        "source": cut(one_line(notice.subject), 500) or "quarterdeck",
        "severity": notice.severity,
        "timestamp": iso(notice.opened_at),
        "component": cut(one_line(notice.subject), 500),
        "group": cut(one_line(f"{notice.account_alias or notice.account} {notice.region}"), 500),
        "class": cut(one_line(notice.rule), 500),
        "custom_details": {"Text": cut(visible(notice.text), 20_000), **details},
    }
