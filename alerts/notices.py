"""When a notice is due, and what it says. Pure: the same incident and context give the same words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from alerts.context import Context
from alerts.incident import Incident, Sent
from alerts.notice import Link, Notice, Reason
from alerts.rule import Rule, Subject
from alerts.signals import SubjectKind
from alerts.units import say


def reason_to_send(
    incident: Incident,
    last: Sent | None,
    *,
    now: datetime,
    repeat: timedelta | None,
    new: bool = False,
    says_who_has_it: bool = False,
) -> Reason | None:
    """Say why a notice is due on a channel, or None.

    What never was said firing is not said resolved, except an outage that is `new` to us and over already
    (its minutes were collected late): that one is told in full. Only a channel that edits what it posted
    `says_who_has_it`.
    """
    if last is None:
        return "firing" if new or incident.resolved_at is None else None
    if last.reason == "resolved":
        return None
    if incident.resolved_at is not None:
        return "resolved"
    if incident.acked_at is not None and incident.acked_at > last.ts:
        return "acknowledged" if says_who_has_it and last.reason != "acknowledged" else None
    due = repeat is not None and incident.acked_at is None and now - last.ts >= repeat
    return "repeat" if due else None


def incident_id(rule: str, subject: Subject, opened_at: datetime) -> str:
    """The same outage has the same id, however often it is found."""
    text = "\n".join((rule, *subject.key, opened_at.astimezone(UTC).isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def notice_id(incident: str, reason: Reason, channel: str, count: int) -> str:
    again = f"-{count}" if reason in {"repeat", "acknowledged"} else ""
    return f"{incident}-{reason}{again}-{channel}"


def title(rule: Rule, subject: Subject, value: float | None) -> str:
    return f"{subject.short}: {_lower(rule.spec.title)} {say(value, rule.spec.unit)}"


def sentence(rule: Rule, value: float | None, context: Context) -> str:
    """How bad it is, against the threshold and against what is normal."""
    text = f"{rule.spec.title} {say(value, rule.spec.unit)}: {rule.condition()}"
    if context.normal is not None:
        text += f"; over the day before it was {say(context.normal, rule.spec.unit)}"
    return f"{text}. {rule.summary or ''}".rstrip()


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def facts(
    rule: Rule, subject: Subject, incident: Incident, context: Context, members: Sequence[Incident] = ()
) -> tuple[tuple[str, str], ...]:
    """Label and value pairs; empty values are left out by whoever lays them out."""
    where = f"{subject.alias} ({subject.account})" if subject.alias else subject.account
    return (
        ("Severity", incident.severity),
        (_KIND[subject.kind], subject.short),
        ("Account", where),
        ("Region", subject.region),
        ("Since", moment(incident.opened_at)),
        ("Last deploy", _deploy(incident, context)),
        ("Top error" if subject.kind == "function" else "Error", context.error or ""),
        ("Headroom", context.headroom or ""),
        ("Because", context.because or ""),
        ("Functions", ", ".join(subject.functions)),
        ("Cause", _causes([incident, *members])),
        ("Told with it", _together(members)),
        ("Rule", rule.rule),
        *rule.labels.items(),
    )


_KIND: Mapping[SubjectKind, str] = {
    "function": "Function",
    "alias": "Alias or version",
    "queue": "Queue",
    "mapping": "Event source mapping",
    "provider": "Capacity provider",
    "account": "Where",
    "collector": "Collector",
    "budget": "Budget",
}


def _causes(incidents: Sequence[Incident]) -> str:
    texts = [str(one.cause["text"]) for one in incidents if one.cause and one.cause.get("text")]
    return "; ".join(dict.fromkeys(texts))


def _together(members: Sequence[Incident], most: int = 5) -> str:
    """Other incidents of the same cause, which tell nobody by themselves."""
    titles = [f"{member.title}{' (resolved)' if member.resolved_at else ''}" for member in members]
    more = f" and {len(titles) - most} more" if len(titles) > most else ""
    return "; ".join(titles[:most]) + more


def _deploy(incident: Incident, context: Context) -> str:
    if context.deploy is None or context.deployed_at is None:
        return ""
    return f"{context.deploy}, {length(incident.opened_at - context.deployed_at)} before"


def moment(ts: datetime) -> str:
    return ts.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def length(span: timedelta) -> str:
    """`7 min`, `3 h 10 min`, `2 d 4 h`."""
    minutes = max(round(span.total_seconds() / 60), 0)
    days, hours = minutes // 1440, minutes // 60 % 24
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def links(rule: Rule | None, incident: str, base_url: str) -> tuple[Link, ...]:
    found = [Link(label="Open alert", url=f"{base_url}/alerts?alert={incident}")]
    if rule is not None and rule.runbook:
        found.append(Link(label="Runbook", url=rule.runbook))
    return tuple(found)


def text_of(incident: Incident, reason: Reason, *, now: datetime) -> str:
    if reason == "resolved" and incident.resolved_at is not None:
        lasted = length(incident.resolved_at - incident.opened_at)
        return f"Resolved at {moment(incident.resolved_at)} after {lasted}. It was: {incident.text}"
    if reason == "acknowledged" and incident.acked_at is not None:
        return f"{incident.acked_by or 'Somebody'} has it since {moment(incident.acked_at)}. {incident.text}"
    if reason == "repeat":
        return f"Still firing after {length(now - incident.opened_at)}. {incident.text}"
    return incident.text


PREFIX: Mapping[Reason, str] = {
    "resolved": "Resolved: ",
    "repeat": "Still firing: ",
    "acknowledged": "Acknowledged: ",
    "escalated": "Needs a person: ",
    "approval": "Approve? ",
}


def notice(
    incident: Incident,
    rule: Rule | None,
    reason: Reason,
    *,
    id: str,
    facts: tuple[tuple[str, str], ...],
    alias: str | None,
    base_url: str,
    now: datetime,
) -> Notice:
    """The message about `incident`. `rule` is None when it exists no more."""
    return Notice(
        id=id,
        incident=incident.id,
        reason=reason,
        severity=incident.severity,
        rule=incident.rule,
        signal=(rule.signal or "") if rule else "",
        title=PREFIX.get(reason, "") + incident.title,
        text=text_of(incident, reason, now=now),
        facts=facts,
        links=links(rule, incident.id, base_url),
        account=incident.account,
        account_alias=alias,
        region=incident.region,
        subject_kind=incident.subject_kind,
        subject=incident.subject,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        value=incident.value,
        threshold=incident.threshold,
        unit=rule.spec.unit if rule else "",
        labels=rule.labels if rule else {},
    )
