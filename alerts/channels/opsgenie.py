"""Opsgenie's alerts: create, acknowledge, close, by one alias per incident.

Legacy: Atlassian sells it no more and ends it on 2027-04-05; Jira Service Management takes the same calls.
Source: https://docs.opsgenie.com/docs/alert-api
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import JSON, HttpChannel, as_json
from alerts.channels.text import cut, facts_of, links_of, one_line, plain
from alerts.notice import Notice, Reason

MAX_MESSAGE, MAX_ALIAS, MAX_DESCRIPTION, MAX_TAGS, MAX_TAG = 130, 512, 15_000, 20, 50
MAX_DETAILS, MAX_SOURCE, MAX_ENTITY = 8000, 100, 512
PRIORITY = {"critical": "P1", "warning": "P3", "info": "P5"}
VERBS = {"resolved": "close", "acknowledged": "acknowledge", "approval": "notes"}
ESCALATED: Ref = {"escalated": "yes"}


class Opsgenie(HttpChannel):
    """An alert that is created twice is one: its `alias` is the incident's id. What is escalated is an alert
    of its own, so that it pages; a question is a note on the first one."""

    rate: ClassVar[Rate] = Rate(60, 60)
    takes_duplicates: ClassVar[bool] = False
    also: ClassVar[frozenset[Reason]] = frozenset({"acknowledged"})

    kind: Literal["opsgenie"]
    api_key: SecretStr
    api_url: str = Field(
        default="https://api.opsgenie.com",
        pattern=r"^https?://",
        description="of the EU: https://api.eu.opsgenie.com",
    )

    @field_validator("api_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        key = value.get_secret_value()
        if len(key) < 16 or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("must be an API integration's key")
        return value

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        if notice.reason == "escalated":
            return replace(self._call(notice, edge, _alias(notice)), ref=ESCALATED)
        if thread is not None and notice.reason in {
            "resolved",
            "acknowledged",
        }:  # it was escalated: of both alerts
            self._call(notice, edge, f"{_alias(notice)}-escalated")
        return self._call(notice, edge, _alias(notice))

    def _call(self, notice: Notice, edge: Edge, alias: str) -> Receipt:
        verb, base = VERBS.get(notice.reason), f"{self.api_url.rstrip('/')}/v2/alerts"
        url = f"{base}/{alias}/{verb}?identifierType=alias" if verb else base
        headers = {**JSON, "Authorization": f"GenieKey {self.api_key.get_secret_value()}"}
        return self.receipt(self.call("POST", url, as_json(self.payload(notice)), edge, headers=headers))

    def test(self, notice: Notice, edge: Edge) -> Receipt:
        """Creates a P5 alert, and closes it at once."""
        self.send(notice, edge)
        return self.send(notice.model_copy(update={"reason": "resolved"}), edge)

    def payload(self, notice: Notice) -> Mapping[str, Any]:
        if notice.reason in VERBS:
            links = [link.url for link in links_of(notice, 1, 2000) if notice.reason == "approval"]
            return {"source": "Quarterdeck", "note": " ".join([cut(one_line(notice.text), 5000), *links])}
        own = "-escalated" if notice.reason == "escalated" else ""
        return {
            "message": cut(one_line(notice.title), MAX_MESSAGE) or "Quarterdeck",
            "alias": f"{_alias(notice)}{own}",
            "description": plain(notice, MAX_DESCRIPTION),
            "priority": PRIORITY[notice.severity],
            "tags": [cut(one_line(tag), MAX_TAG) for tag in (notice.severity, notice.rule) if one_line(tag)],
            "details": _details(notice),
            "source": "Quarterdeck",
            "entity": cut(one_line(notice.subject), MAX_ENTITY),
        }


def _alias(notice: Notice) -> str:
    """Ids are ours: letters, digits and hyphens, which a path takes as they are."""
    return "".join(c for c in notice.incident if c.isascii() and (c.isalnum() or c in "-_."))[
        : MAX_ALIAS - 10
    ]


def _details(notice: Notice) -> dict[str, str]:
    found, room = dict[str, str](), MAX_DETAILS
    for label, value in facts_of(notice, 30):
        name, said = cut(one_line(label), 100), cut(one_line(value), 500)
        room -= len(name) + len(said)
        if room < 0:
            break
        found[name] = said
    return found
