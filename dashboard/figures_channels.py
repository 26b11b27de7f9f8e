"""What the Channels page says: which channels take messages, and what each can. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from dashboard import numbers
from dashboard.answers import Answer
from dashboard.numbers import plain

BADGES: Mapping[str, tuple[str, str]] = {
    "dead": ("critical", "Dead"),
    "failing": ("warning", "Failing"),
    "working": ("healthy", "Working"),
    "unused": ("silent", "Not used yet"),
}
"""By state: the look of the badge, and its words."""

CAN: Mapping[str, str] = {
    "slack": "one message per notice",
    "slack-bot": "one thread per incident, its first message edited",
    "teams": "one card per notice",
    "discord": "one message per incident, edited, and one for what is new",
    "google-chat": "one thread per incident",
    "mattermost": "one message per notice",
    "pagerduty": "triggers, acknowledges and resolves",
    "opsgenie": "creates, acknowledges and closes",
    "sns": "publishes each notice",
    "email": "one mail thread per incident",
    "webhook": "every notice as signed JSON",
    "alertmanager": "every alert, told again until it resolves",
}


def channels_answer(channels: pd.DataFrame) -> Answer:
    """From the `channels` reader's frame, worst first."""
    if channels.empty:
        more = "Add one to alerts.channels in the settings (docs/channels.md), and restart the service."
        return Answer("info", "**Nobody is told outside of these pages**: there is no channel.", more)
    counts = channels["state"].value_counts()
    waiting = int(channels["waiting"].sum())
    more = f"{numbers.count(waiting)} messages wait" if waiting else ""
    if dead := int(counts.get("dead", 0)):
        names = ", ".join(plain(name) for name in channels.loc[channels["state"] == "dead", "channel"][:5])
        return Answer("critical", f"**Nobody is told by {names}**: {_of(dead, len(channels))} dead.", more)
    if failing := int(counts.get("failing", 0)):
        text = f"**{_of(failing, len(channels))} failing**; what it missed is tried again."
        return Answer("warning", text, more)
    used = int(counts.get("working", 0))
    if not used:
        return Answer("silent", "**Nothing was sent yet.** Send a test to see that it arrives.", more)
    day = numbers.count(channels["delivered_day"].sum())
    return Answer("healthy", f"**Every channel takes what it is sent**: {day} messages in 24 h.", more)


def _of(some: int, every: int) -> str:
    return f"{some} of {every} channels {'is' if some == 1 else 'are'}"


def standing(row: Mapping[str, Any], *, now: datetime) -> str:
    """How one channel stands, in words."""
    since = numbers.age(now - row["since"])
    failed = f": {plain(row['said'])}" if row["said"] else ""
    if row["state"] == "dead":
        return f"takes nothing since {since}{failed}"
    if row["state"] == "failing":
        return f"{row['failures']} failures in a row, the first {since} ago{failed}"
    if not numbers.known(row["delivered_at"]):
        return "no message was ever delivered"
    return f"last message {numbers.age(now - row['delivered_at'])} ago"


def counts(row: Mapping[str, Any], *, now: datetime) -> str:
    """What went, waits and was given up."""
    parts = [f"{numbers.count(row['delivered_day'])} delivered in 24 h"]
    if row["folded_day"]:
        parts.append(f"{numbers.count(row['folded_day'])} told in digests")
    if row["waiting"]:
        oldest = numbers.age(now - row["oldest_at"])
        due = f", next try in {numbers.age(row['next_at'] - now)}" if row["next_at"] > now else ""
        parts.append(f"{numbers.count(row['waiting'])} waiting, the oldest for {oldest}{due}")
    if row["dead"]:
        parts.append(f"{numbers.count(row['dead'])} given up")
    return " · ".join(parts)
