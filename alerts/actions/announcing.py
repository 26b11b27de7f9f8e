"""Tells people what an action needs of them: an approval, or help. On the channels that know the incident."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from alerts import ledger
from alerts.incident import Incident
from alerts.notice import Link, Reason
from alerts.notices import PREFIX, notice
from alerts.settings import AlertSettings
from store.schema import outbox, target


def announce(
    connection: sa.Connection,
    incident: Incident,
    settings: AlertSettings,
    *,
    reason: Reason,
    key: str,
    text: str,
    about: str = "",
    links: tuple[Link, ...] = (),
    now: datetime,
) -> list[str]:
    """Queue a message about an incident where it was told before, else everywhere; once per `key`.

    `about` goes before the incident's title. Returns the channels.
    """
    sent = ledger.last_sent(connection, [incident.id])
    told = [channel for id, channel in sent if id == incident.id and channel in settings.channels]
    here = target.c.account == incident.account, target.c.region == incident.region
    alias = connection.execute(sa.select(target.c.alias).where(*here)).scalar()
    queued = []
    for channel in told or list(settings.channels):
        id, last = f"{incident.id}-{key}-{channel}", sent.get((incident.id, channel))
        if connection.execute(sa.select(outbox.c.id).where(outbox.c.id == id)).first():
            continue
        usual = notice(
            incident, None, reason, id=id, facts=ledger.first_facts(connection, incident.id), alias=alias,
            base_url=settings.base_url, now=now,
        )  # fmt: skip
        title = f"{PREFIX[reason]}{about}{incident.title}"
        message = usual.model_copy(update={"title": title, "text": text, "links": (*links, *usual.links)})
        ledger.queue(connection, message, channel, seq=last.count if last else 0, now=now)
        queued.append(channel)
    return queued


def escalate(
    connection: sa.Connection,
    incident: str | None,
    settings: AlertSettings,
    *,
    key: str,
    text: str,
    now: datetime,
) -> None:
    """A person must look: the incident becomes critical, says why, and is told again."""
    known = ledger.incident(connection, incident) if incident else None
    if known is None:
        return
    ledger.note(connection, known.id, now, "escalated", text)
    if known.severity != "critical":
        ledger.update_incident(connection, known.id, severity="critical")
        known = ledger.incident(connection, known.id) or known
    announce(connection, known, settings, reason="escalated", key=key, text=text, now=now)
