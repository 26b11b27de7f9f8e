"""Which notices are due, on which channels, and what holds them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from alerts import ledger
from alerts.context import Context
from alerts.incident import Incident, Sent
from alerts.ledger import Silence
from alerts.notice import Notice, Reason
from alerts.notices import facts, moment, notice, notice_id, reason_to_send
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from core.facts import Target

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Teller:
    """What telling needs to know, beside the incident.

    An outage that was over before its rule was first judged (`judged_before` lacks its key) is history: it is
    kept, and told to nobody.
    """

    rules: Mapping[str, Rule]
    settings: AlertSettings
    contexts: Mapping[str, tuple[Subject, Context]]
    aliases: Mapping[Target, str | None]
    opened: frozenset[str]
    judged_before: frozenset[Key]
    now: datetime

    def tell(self, connection: sa.Connection, incidents: Sequence[Incident]) -> int:
        """Queue what is due, and note what is held back. Returns how many notices were queued."""
        sent = ledger.last_sent(connection, [incident.id for incident in incidents])
        quiet, queued = ledger.silences(connection, now=self.now), 0
        for incident in incidents:
            for channel in channels_of(incident, self.rules.get(incident.rule), self.settings, sent):
                last = sent.get((incident.id, channel))
                queued += self._tell_on(connection, incident, channel, last, quiet)
        return queued

    def _tell_on(
        self, connection: sa.Connection, incident: Incident, channel: str, last: Sent | None,
        silences: Sequence[Silence],
    ) -> int:  # fmt: skip
        rule, queued = self.rules.get(incident.rule), 0
        repeat = rule.repeat if rule else None
        new = incident.id in self.opened and incident.key in self.judged_before
        while reason := reason_to_send(incident, last, now=self.now, repeat=repeat, new=new):
            if _is_held_back(connection, incident, reason, silences, now=self.now):
                break
            count = last.count if last else 0
            message = self._notice(connection, incident, reason, channel, count)
            ledger.queue(connection, message, channel, seq=count, now=self.now)
            last, queued = Sent(reason, self.now, count + 1), queued + 1
        return queued

    def _notice(
        self, connection: sa.Connection, incident: Incident, reason: Reason, channel: str, count: int
    ) -> Notice:
        rule, context = self.rules.get(incident.rule), self.contexts.get(incident.id)
        if reason == "firing" and rule is not None and context is not None:
            said = facts(rule, context[0], incident, context[1])
        else:
            said = ledger.first_facts(connection, incident.id)
        return notice(
            incident,
            rule,
            reason,
            id=notice_id(incident.id, reason, channel, count),
            facts=said,
            alias=self.aliases.get(Target(incident.account, incident.region)),
            base_url=self.settings.base_url,
            now=self.now,
        )


def channels_of(
    incident: Incident, rule: Rule | None, settings: AlertSettings, sent: Mapping[tuple[str, str], Sent]
) -> list[str]:
    """Where its rule says, else everywhere. A resolution goes where the firing went."""
    told = [channel for id, channel in sent if id == incident.id]
    if incident.resolved_at is not None and told:
        return told
    if rule is None:
        return []
    return [name for name in rule.notify or settings.channels if name in settings.channels]


def _is_held_back(
    connection: sa.Connection,
    incident: Incident,
    reason: Reason,
    silences: Sequence[Silence],
    *,
    now: datetime,
) -> bool:
    """A silence holds firing and repeated notices back. A resolution closes what was told: it always goes."""
    silence = next((silence for silence in silences if silence.matches(incident)), None)
    if silence is None or reason == "resolved":
        return False
    why = f"{reason}: silenced by {silence.author} until {moment(silence.end)}: {silence.reason}"
    ledger.held_back(connection, incident.id, now, why)
    return True
