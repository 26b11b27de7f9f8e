"""Which notices are due, on which channels, and what holds them back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from alerts import ledger
from alerts.context import Context
from alerts.holding import Holds
from alerts.incident import Incident, Sent
from alerts.notice import Notice, Reason
from alerts.notices import facts, notice, notice_id, reason_to_send
from alerts.routes import channels_for
from alerts.rule import Rule, Subject
from alerts.settings import AlertSettings
from core.facts import Target

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Teller:
    """What telling needs to know, beside the incident.

    An outage that was over before its rule was first judged (`judged_before` lacks its key) is history: it is
    kept, and told to nobody. `waits` says why the first notice of some (by id) is not due yet.
    """

    rules: Mapping[str, Rule]
    settings: AlertSettings
    contexts: Mapping[str, tuple[Subject, Context]]
    aliases: Mapping[Target, str | None]
    opened: frozenset[str]
    judged_before: frozenset[Key]
    holds: Holds
    waits: Mapping[str, str]
    now: datetime

    def tell(self, connection: sa.Connection, incidents: Sequence[Incident]) -> int:
        """Queue what is due, and note what is held back. Returns how many notices were queued."""
        sent = ledger.last_sent(connection, [incident.id for incident in incidents])
        told, members, queued = defaultdict[str, list[str]](list), _members(incidents), 0
        for id, channel in sent:
            told[id].append(channel)
        over = [one.id for one in incidents if one.resolved_at is not None and one.id not in told]
        news = {one.id for one in incidents if one.id in self.opened and one.key in self.judged_before}
        news |= ledger.waited(connection, over) if over else set()
        for incident in incidents:
            rule, alias = self.rules.get(incident.rule), self._alias(incident)
            for channel in channels_of(
                incident, rule, self.settings, told[incident.id], alias=alias, now=self.now
            ):
                last = sent.get((incident.id, channel))
                queued += self._tell_on(
                    connection, incident, channel, last, members.get(incident.id, ()), new=incident.id in news
                )
        return queued

    def _tell_on(
        self, connection: sa.Connection, incident: Incident, channel: str, last: Sent | None,
        members: Sequence[Incident], *, new: bool,
    ) -> int:  # fmt: skip
        rule, queued = self.rules.get(incident.rule), 0
        repeat = rule.repeat if rule else None
        kind = self.settings.channels.get(channel)
        edits = kind is not None and "acknowledged" in kind.also
        while reason := reason_to_send(
            incident, last, now=self.now, repeat=repeat, new=new, says_who_has_it=edits
        ):
            if reason != "resolved" and incident.grouped_under is not None:
                break  # its leader's notice says so
            if why := self.holds.why(incident, reason) or self._waits(incident, reason):
                ledger.held_back(connection, incident.id, self.now, why)
                break
            count = last.count if last else 0
            message = self._notice(connection, incident, reason, channel, count, members)
            ledger.queue(connection, message, channel, seq=count, now=self.now)
            last, queued = Sent(reason, self.now, count + 1), queued + 1
        return queued

    def _notice(
        self, connection: sa.Connection, incident: Incident, reason: Reason, channel: str, count: int,
        members: Sequence[Incident],
    ) -> Notice:  # fmt: skip
        rule, context = self.rules.get(incident.rule), self.contexts.get(incident.id)
        if reason == "firing" and rule is not None and context is not None:
            said = facts(rule, context[0], incident, context[1], members)
        else:
            said = ledger.first_facts(connection, incident.id)
        return notice(
            incident,
            rule,
            reason,
            id=notice_id(incident.id, reason, channel, count),
            facts=said,
            alias=self._alias(incident),
            base_url=self.settings.base_url,
            now=self.now,
        )

    def _waits(self, incident: Incident, reason: Reason) -> str | None:
        is_first = reason == "firing" and incident.resolved_at is None
        return self.waits.get(incident.id) if is_first else None

    def _alias(self, incident: Incident) -> str | None:
        return self.aliases.get(Target(incident.account, incident.region))


def _members(incidents: Sequence[Incident]) -> dict[str, list[Incident]]:
    """Who stands under each leader."""
    found = defaultdict[str, list[Incident]](list)
    for incident in incidents:
        if incident.grouped_under is not None:
            found[incident.grouped_under].append(incident)
    return found


def channels_of(
    incident: Incident,
    rule: Rule | None,
    settings: AlertSettings,
    told: Sequence[str],
    *,
    alias: str | None,
    now: datetime,
) -> list[str]:
    """Where the routes lead now; what was told somewhere is acknowledged and resolved there."""
    if incident.resolved_at is not None and told:
        return list(told)
    if rule is None:
        return []
    wanted = channels_for(incident, rule, incident.tags, settings, now, alias=alias)
    return list(dict.fromkeys([*wanted, *(told if incident.acked_at else ())]))
