"""What the Alerts page says: groups of incidents, one incident in words, the value that its rule saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from alerts.definition import rule_of as kept_rule
from alerts.retold import Retold
from alerts.rules import Rule
from alerts.signals import SIGNALS
from alerts.units import say
from core.windows import Window
from dashboard import numbers
from dashboard.numbers import plain

BEFORE, AFTER, LONGEST = timedelta(hours=1), timedelta(minutes=30), timedelta(hours=6)
"""How much of a chart lies before and after the incident, and how long a chart may be."""

GROUPS = ("Firing", "Acknowledged", "Held back", "Told with another", "Resolved")

Incident = Mapping[str, Any]


def grouped(incidents: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The reader's frame by group: what somebody has is acknowledged, even if its notices are held back. What
    stands under another open one is listed with that one."""
    is_open = incidents["resolved_at"].isna()
    acked, held = incidents["acked_at"].notna(), incidents["held_back"].notna()
    alone = is_open & ~incidents["grouped_under"].isin(set(incidents["id"][is_open]))
    return {
        "Firing": incidents[alone & ~acked & ~held],
        "Acknowledged": incidents[alone & acked],
        "Held back": incidents[alone & ~acked & held],
        "Told with another": incidents[is_open & ~alone],
        "Resolved": incidents[~is_open].sort_values("resolved_at", ascending=False),
    }


def subject(incident: Incident) -> str:
    """The name that people know it by, as plain Markdown."""
    name = str(incident["subject"])
    if incident["subject_kind"] == "queue":
        name = name.rsplit(":", 1)[-1]
    return plain("the account" if incident["subject_kind"] == "account" else name)


def standing(incident: Incident, *, now: datetime) -> str:
    """How it stands, as Markdown: `firing for 31 min`, `resolved after 2 h, 10 min ago`, who has it."""
    opened, resolved = incident["opened_at"], incident["resolved_at"]
    if numbers.known(resolved):
        said = incident.get("verdict")
        verdict = f" · {plain(said)}, people say" if numbers.known(said) else ""
        return f"resolved after {numbers.age(resolved - opened)}, {numbers.age(now - resolved)} ago{verdict}"
    parts = [f"firing for {numbers.age(now - opened)}"]
    if numbers.known(incident["acked_at"]):
        who = plain(incident["acked_by"] or "somebody")
        parts.append(f"{who} has it since {numbers.age(now - incident['acked_at'])}")
    if numbers.known(incident.get("assignee")):
        parts.append(f"assigned to {plain(incident['assignee'])}")
    if numbers.known(incident["held_back"]):
        parts.append(f"held back: {plain(incident['held_back'])}")
    return " · ".join(parts)


def span(incident: Incident, *, now: datetime) -> Window:
    """The stretch that the incident's chart shows: from an hour before it, no longer than `LONGEST`."""
    resolved = incident["resolved_at"]
    opened = pd.Timestamp(incident["opened_at"]).to_pydatetime()
    end = min(now, pd.Timestamp(resolved).to_pydatetime() + AFTER) if numbers.known(resolved) else now
    start = opened - BEFORE
    return Window(start, max(min(end, start + LONGEST), opened))


def firing_window(incident: Incident, *, now: datetime) -> Window:
    resolved = incident["resolved_at"]
    end = pd.Timestamp(resolved).to_pydatetime() if numbers.known(resolved) else now
    opened = pd.Timestamp(incident["opened_at"]).to_pydatetime()
    return Window(opened, max(opened, end))


def about(silence: Mapping[str, Any]) -> str:
    """What a silence is about, as plain Markdown."""
    patterns = [str(silence[name]) for name in ("rule", "account", "region", "subject") if silence[name]]
    rows = silence["matchers"] if isinstance(silence["matchers"], list) else []
    written = [f"{row['name']}{row['is']}{row['value']}" for row in rows]
    return plain(" · ".join([*patterns, *written])) or "everything"


def because(cause: Any) -> str:
    """Why it belongs to its group, as plain Markdown."""
    return plain(cause.get("text", "")) if isinstance(cause, Mapping) else ""


def last_change(changes: pd.DataFrame, incident: Incident) -> tuple[str, datetime] | None:
    """The newest change before an incident as plain Markdown (how long before, by whom), and when it was;
    None: there was none."""
    before = changes[changes["ts"] <= incident["opened_at"]].sort_values("ts")
    if before.empty:
        return None
    newest = before.iloc[-1]
    who = f" by {plain(newest['who'])}" if isinstance(newest["who"], str) else ""
    ago = numbers.age(incident["opened_at"] - newest["ts"])
    return f"{plain(newest['what'])}{who}, {ago} before it began", newest["ts"].to_pydatetime()


def teams(incidents: pd.DataFrame) -> list[str]:
    """What the tag `team` says of the subjects of these incidents."""
    return sorted(
        {str(tags["team"]) for tags in incidents["tags"] if isinstance(tags, Mapping) and "team" in tags}
    )


def filtered(incidents: pd.DataFrame, severity: str | None, team: str | None) -> pd.DataFrame:
    """Only those of a severity and of a team; None is any."""
    found = incidents if severity is None else incidents[incidents["severity"] == severity]
    if team is None:
        return found
    return found[[isinstance(tags, Mapping) and tags.get("team") == team for tags in found["tags"]]]


def rule_of(incident: Incident, known: Mapping[str, Rule], signal: str | None) -> Rule | None:
    """The rule that an incident came from: as it was then, else a shipped one of its name and threshold, else
    one made up from the `signal` that its notice names. None when none of these is known."""
    definition = incident.get("definition")
    kept = kept_rule(definition) if isinstance(definition, Mapping) else None
    if kept is not None:
        return kept
    threshold, value = incident["threshold"], incident["value"]
    rule = known.get(str(incident["rule"]))
    if rule is not None and (not numbers.known(threshold) or rule.threshold == threshold):
        return rule
    if signal not in SIGNALS or not numbers.known(threshold):
        return None
    side = "below" if numbers.known(value) and value < threshold else "above"
    return Rule.model_validate({"rule": "shown", "signal": signal, side: float(threshold)})


def made_of(rule: Rule, seen: Sequence[Retold], lost: Sequence[str]) -> str:
    """Which parts are drawn, and why others are not, as plain Markdown."""
    drawn = {one.rule.rule for one in seen}
    others = [name for name in rule.parts if name not in drawn and name not in lost]
    said = [f"Made of other rules: {rule.condition()}"]
    said += [f"not drawn, for nothing is kept of those minutes: {', '.join(others)}"] if others else []
    said += [f"not in force any more: {', '.join(lost)}"] if lost else []
    return plain("; ".join(said)) + "."


def drawn(one: Retold) -> str:
    """What a panel shows, in words for who cannot see it."""
    against = "what is normal" if one.rule.is_seasonal else "the threshold"
    return f"{one.rule.spec.title} of {one.subject.short} against {against}"


def compared(incident: Incident, rule: Rule | None) -> str:
    """`worst 12.4 %; fires above 5 %, 3 of 5 minutes` as plain Markdown; empty when the rule is not known."""
    if rule is None:
        return ""
    worst = say(float(incident["value"]), rule.spec.unit) if numbers.known(incident["value"]) else "unknown"
    return plain(f"worst {worst}; fires {rule.condition()}")


def happened(event: Mapping[str, Any], *, said: str) -> str:
    """One event of an incident's timeline as Markdown: what, who, and its text unless `said` has it."""
    who = f" by {plain(event['who'])}" if numbers.known(event["who"]) else ""
    text = str(event["text"]).strip() if numbers.known(event["text"]) else ""
    return f"**{plain(event['what'])}**{who}" + (f": {plain(text)}" if text and text != said.strip() else "")


def lines(incidents: pd.DataFrame, places: Mapping[tuple[str, str], str], *, now: datetime) -> pd.DataFrame:
    """The table of incidents: severity (list), title, place, opened_at, lasted, rule, id."""
    rows = [{str(name): value for name, value in row.items()} for row in incidents.to_dict("records")]
    at = [(row["account"], row["region"]) for row in rows]
    return pd.DataFrame(
        {
            "severity": [[str(row["severity"])] for row in rows],
            "title": [str(row["title"]) for row in rows],
            "place": [places.get(place, " · ".join(place)) for place in at],
            "opened_at": [row["opened_at"] for row in rows],
            "lasted": [numbers.age(firing_window(row, now=now).duration) for row in rows],
            "rule": [str(row["rule"]) for row in rows],
            "id": [str(row["id"]) for row in rows],
        }
    )
