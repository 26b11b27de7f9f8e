"""A storm told in one message: what is folded, what stays single, and what the digest says.

More new notices for a channel than its minute takes become one digest that lists them, worst first. A few
critical ones stay single. What a digest told is resolved by a digest too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from alerts import ledger
from alerts.channels.base import Channel
from alerts.notice import Link, Notice, Severity
from alerts.notices import length, moment
from alerts.settings import AlertSettings
from store.schema import incident, incident_event, outbox

Row = sa.Row[Any]

MINUTE = timedelta(minutes=1)
TOGETHER = timedelta(minutes=10)
"""How long what is resolved waits for the others of its digest."""

NEW = frozenset({"firing", "repeat"})
ASKING = frozenset({"escalated", "approval"})
"""What somebody must act on is never folded: a digest would hide the link."""
WORST: tuple[Severity, ...] = ("critical", "warning", "info")
LINES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """`single` are sent now, `fold` become a digest, the rest waits for the next one."""

    single: tuple[Row, ...]
    fold: tuple[Row, ...] = ()


def plan(heads: Sequence[Row], *, allowed: int, critical: int, digest_due: bool) -> Plan:
    """Sort out a channel's due notices. `allowed` new ones may go as they are; beyond that, `critical` of the
    critical ones. A notice that was tried may have been seen: it is never folded. Pure."""
    fresh = [row for row in heads if row.reason in NEW and not row.attempts]
    if len(fresh) <= max(allowed, 1):
        return Plan(tuple(heads))
    worst = [row for row in fresh if row.notice["severity"] == "critical"][: max(critical, 0)]
    kept = {row.id for row in worst}
    rest = tuple(row for row in fresh if row.id not in kept)
    folded = {row.id for row in rest}
    single = tuple(row for row in heads if row.id not in folded)
    if len(rest) < 2:
        return Plan(tuple(heads))
    return Plan(single, rest if digest_due else ())


def fold_new(
    connection: sa.Connection, name: str, channel: Channel, heads: Sequence[Row], settings: AlertSettings,
    *, now: datetime,
) -> list[Row]:  # fmt: skip
    """Fold what is too much. Returns what is sent as it is now; a digest that was made is due next."""
    told = _told_lately(connection, name, now)
    found = plan(
        heads,
        allowed=min(settings.delivery.storm, channel.most_per_minute) - len(told),
        critical=settings.delivery.storm_critical - sum(row.severity == "critical" for row in told),
        digest_due=not any(row.reason == "digest" for row in told),
    )
    if found.fold:
        notices = [Notice.model_validate(row.notice) for row in found.fold]
        fold(connection, found.fold, digest(notices, name, settings.base_url), name, now=now)
    return list(found.single)


def _told_lately(connection: sa.Connection, name: str, now: datetime) -> Sequence[Row]:
    """New ones and digests that left within a minute; a digest that still waits counts too."""
    lately = sa.or_(
        outbox.c.delivered_at > now - MINUTE,
        sa.and_(outbox.c.reason == "digest", outbox.c.state == "queued"),
    )
    severity = outbox.c.notice["severity"].as_string().label("severity")
    query = sa.select(outbox.c.reason, severity).where(outbox.c.channel == name, lately)
    return connection.execute(query.where(outbox.c.reason.in_([*NEW, "digest"]))).all()


def fold(connection: sa.Connection, rows: Sequence[Row], made: Notice, name: str, *, now: datetime) -> None:
    """Queue `made`, which tells all `rows`: they are done."""
    mine = sa.and_(outbox.c.incident == made.incident, outbox.c.channel == name)
    seq = connection.execute(sa.select(sa.func.count()).select_from(outbox).where(mine)).scalar_one()
    ledger.queue(connection, made, name, seq=seq, now=now)
    connection.execute(
        sa.update(outbox).where(outbox.c.id == sa.bindparam("k")).values(state="folded", folded_into=made.id),
        [{"k": row.id} for row in rows],
    )
    text = f"in a digest of {len(rows)} for {name}"
    _note(connection, {row.incident: f"{row.reason}, {text}" for row in rows}, "notice", now)


def note_members(connection: sa.Connection, made: str, what: str, text: str, *, now: datetime) -> None:
    """Say in the timeline of everyone in digest `made` what became of it."""
    members = connection.execute(sa.select(outbox.c.incident).where(outbox.c.folded_into == made)).scalars()
    _note(connection, dict.fromkeys(members, text), what, now)


def _note(connection: sa.Connection, texts: dict[str, str], what: str, now: datetime) -> None:
    lines = [{"incident": id, "ts": now, "what": what, "who": None, "text": t} for id, t in texts.items()]
    if lines:
        connection.execute(sa.insert(incident_event), lines)


# --- what it says ------------------------------------------------------------------------------------------


def digest(notices: Sequence[Notice], channel: str, base_url: str) -> Notice:
    """One notice about many. The same notices make the same id."""
    worst_first = sorted(notices, key=lambda n: (WORST.index(n.severity), n.opened_at, n.id))
    name = _name(notice.id for notice in notices)
    counts = Counter(notice.severity for notice in notices)
    said = ", ".join(f"{counts[severity]} {severity}" for severity in WORST if counts[severity])
    return Notice(
        id=f"{name}-{channel}",
        incident=name,
        reason="digest",
        severity=worst_first[0].severity,
        rule="digest",
        signal="",
        title=f"{len(notices)} alerts at once: {said}",
        text=_lines([f"{n.title} ({_where(n)}, since {moment(n.opened_at)[-9:]})" for n in worst_first]),
        facts=(
            ("Rules", _most(notice.rule for notice in notices)),
            ("Accounts", _most(_where(notice) for notice in notices)),
        ),
        links=(Link(label="Open alerts", url=f"{base_url}/alerts"),),
        account="",
        region="",
        subject_kind="digest",
        subject=f"{len(notices)} alerts",
        opened_at=min(notice.opened_at for notice in notices),
    )


def _name(ids: Iterable[str]) -> str:
    return "digest-" + hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()[:16]


def _where(notice: Notice) -> str:
    return f"{notice.account_alias or notice.account} {notice.region}"


def _most(words: Iterable[str]) -> str:
    counts = Counter(words).most_common()
    more = f" and {len(counts) - 5} more" if len(counts) > 5 else ""
    return ", ".join(f"{word} ({count})" for word, count in counts[:5]) + more


def _lines(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return "\n".join([f"• {line}" for line in lines[:LINES]] + more)


# --- when it is over ---------------------------------------------------------------------------------------


def fold_resolved(connection: sa.Connection, name: str, heads: Sequence[Row], *, now: datetime) -> list[Row]:
    """Resolutions of what only a digest told are told by one too, all at once or those of ten minutes.
    Returns what is not about a digest's members."""
    asks = [row for row in heads if row.reason not in NEW | ASKING and not row.attempts]
    owners = _told_only_by(connection, [row.incident for row in asks], name)
    by_digest = dict[str, list[Row]]()
    for row in asks:
        if row.incident in owners:
            by_digest.setdefault(owners[row.incident], []).append(row)
    for made, rows in by_digest.items():
        _fold_into(connection, made, rows, name, now=now)
    held = {row.id for rows in by_digest.values() for row in rows}
    return [row for row in heads if row.id not in held]


def _told_only_by(connection: sa.Connection, incidents: Sequence[str], name: str) -> dict[str, str]:
    """The digest of each incident that was never told by itself on this channel."""
    if not incidents:
        return {}
    columns = (outbox.c.incident, outbox.c.state, outbox.c.folded_into)
    here = (outbox.c.channel == name, outbox.c.incident.in_(sa.bindparam("ids", expanding=True)))
    rows = connection.execute(
        sa.select(*columns).where(*here, outbox.c.reason.in_(NEW)), {"ids": list(incidents)}
    ).all()
    single = {row.incident for row in rows if row.state != "folded"}
    return {row.incident: row.folded_into for row in rows if row.incident not in single}


def _fold_into(
    connection: sa.Connection, made: str, rows: Sequence[Row], name: str, *, now: datetime
) -> None:
    first = connection.execute(sa.select(outbox).where(outbox.c.id == made)).one_or_none()
    if first is None:
        return
    standing = _members(connection, made)
    firing = [row for row in standing if row.resolved_at is None]
    if firing and now - min(row.created_at for row in rows) < TOGETHER:
        return
    told = Notice.model_validate(first.notice)
    fold(connection, rows, _ended(told, standing, firing, rows, name, now=now), name, now=now)


def _members(connection: sa.Connection, made: str) -> list[Row]:
    columns = (incident.c.id, incident.c.title, incident.c.resolved_at)
    joined = sa.join(outbox, incident, incident.c.id == outbox.c.incident)
    mine = sa.and_(outbox.c.folded_into == made, outbox.c.reason.in_(NEW))
    return list(connection.execute(sa.select(*columns).select_from(joined).where(mine).distinct()))


def _ended(
    told: Notice, standing: Sequence[Row], firing: Sequence[Row], rows: Sequence[Row], name: str, *,
    now: datetime,
) -> Notice:  # fmt: skip
    over, count = len(standing) - len(firing), len(standing)
    if not firing:
        ended = max((row.resolved_at for row in standing), default=now)
        text = f"All {count} are over; the last one at {moment(ended)}, {length(ended - told.opened_at)} on."
        change: dict[str, Any] = {
            "reason": "resolved",
            "title": f"Resolved: {told.title}",
            "resolved_at": ended,
        }
    else:
        text = f"{over} of {count} are over. Still firing:\n" + _lines([str(row.title) for row in firing])
        change = {"reason": "repeat", "title": f"{over} of {count} are over: {told.title}"}
    id = f"{told.incident}-{_name(row.id for row in rows)[7:]}-{name}"
    return told.model_copy(update=change | {"id": id, "text": text})
