"""What a person does from the command line about channels: look, test, see who is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from alerts import health, ledger, routes
from alerts.channels import Edge
from alerts.http import open_http
from alerts.incident import Incident
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from collectors.aws import Aws
from core.errors import DeliveryError
from core.facts import Target
from core.people import Person
from quarterdeck.acting import connected
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.on_call import incident_id
from quarterdeck.output import records
from quarterdeck.outside import bill_outside
from quarterdeck.settings import Settings
from store.readers.channels import channels
from store.store import Store

Document = dict[str, Any]


def listed(store: Store, settings: AlertSettings, *, now: datetime) -> Document:
    """The channels of the settings, and how each stands as far as a service has used it."""
    known = {row["channel"]: row for row in records(channels(store, now=now))}
    unused: Document = {"state": "unused", "waiting": 0, "dead": 0, "delivered_day": 0, "said": ""}
    rows = [
        unused | known.get(name, {}) | {"channel": name, "kind": channel.kind}
        for name, channel in settings.channels.items()
    ]
    return {"channels": rows}


def tested(settings: Settings, name: str, *, by: Person, now: datetime) -> Document:
    """Send a test, and tell what the target answered; `accepted` is False when it did not take it."""
    channel = settings.alerts.channels.get(name)
    if channel is None:
        there = ", ".join(settings.alerts.channels) or "none"
        raise UsageMistakeError(f"there is no channel {name} in alerts.channels; there is: {there}")
    by.must_be("operator", "to test a channel")
    notice = health.trial(name, by=by.name, now=now, base_url=settings.alerts.base_url)
    told: Document = {"channel": name, "kind": channel.kind, "accepted": True, "retryable": None}
    used, reach = list[Aws](), connected(settings)

    def aws_for(target: Target) -> Aws:
        used.append(reach(target))
        return used[-1]

    with open_http() as http:
        try:
            receipt = channel.test(notice, Edge(http, now, aws_for))
        except DeliveryError as error:
            return told | {"accepted": False, "answer": str(error), "retryable": error.retryable}
        finally:
            for aws in used:
                bill_outside(settings.store, aws, "notices", now=now)
    return told | {"answer": f"{receipt.status} {receipt.answer}".strip()}


def known(store: Store, beginning: str) -> Incident:
    """The incident whose id begins so. Raises UsageMistakeError when there is none, or several."""
    with store.engine.connect() as connection:
        found = ledger.incident(connection, incident_id(store, beginning))
    assert found is not None
    return found


def imagined(
    settings: AlertSettings, name: str, *, subject: str, account: str, region: str, now: datetime
) -> Incident:
    """The incident that rule `name` would open about `subject`. Tags are not known."""
    rule = next((rule for rule in rules_of(settings) if rule.rule == name), None)
    if rule is None:
        raise UsageMistakeError(f"there is no rule {name}; `quarterdeck rules check` lists them")
    return Incident(
        id="(none)", rule=name, account=account, region=region, subject_kind="function", subject=subject,
        severity=rule.severity, title=name, text="", opened_at=now,
    )  # fmt: skip


def routed(store: Store, settings: AlertSettings, incident: Incident, *, now: datetime) -> Document:
    """Who would be told of `incident` now."""
    rule = next((rule for rule in rules_of(settings) if rule.rule == incident.rule), None)
    alias = ledger.aliases(store).get(Target(incident.account, incident.region))
    names = routes.channels_for(incident, rule, incident.tags, settings, now, alias=alias)
    why = "the rule's own notify" if rule is not None and rule.notify else "the routes"
    if not settings.routes and why == "the routes":
        why = "no routes: everybody"
    return {"incident": incident.id, "rule": incident.rule, "channels": names, "by": why}
