"""What fires in words: incidents in the order of whose turn it is, and the change that came before each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pandas as pd

from alerts.quiet import Quiet
from core.preceding import SHORTLY, Change, Preceded, Trouble, preceding
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.figures_alerts import grouped
from dashboard.numbers import plain

Incident = Mapping[Any, Any]

GROUPS = ("Firing", "Acknowledged", "Held back")


def in_turn(incidents: pd.DataFrame) -> pd.DataFrame:
    """Open incidents, the worst first: those that nobody has, then acknowledged, then held back ones."""
    groups = grouped(incidents)
    return pd.concat([groups[name] for name in GROUPS]) if len(incidents) else incidents


def span(incidents: pd.DataFrame) -> tuple[datetime, datetime]:
    """From when until when changes may have come before one of the incidents."""
    opened = incidents["opened_at"]
    return opened.min().to_pydatetime() - SHORTLY, opened.max().to_pydatetime()


def before(
    incident: Incident, changes: pd.DataFrame, of_queue: Mapping[tuple[str, str, str], Sequence[str]]
) -> Preceded | None:
    """The change that came shortly before an incident. `of_queue`: whose functions a queue (account, region,
    ARN) is."""
    account, region = incident["account"], incident["region"]
    near = changes[(changes["account"] == account) & (changes["region"] == region)]
    trouble = _trouble(incident, of_queue)
    return preceding(trouble, map(_change, near.to_dict("records"))) if trouble else None


def _trouble(incident: Incident, of_queue: Mapping[tuple[str, str, str], Sequence[str]]) -> Trouble | None:
    kind, subject = incident["subject_kind"], str(incident["subject"])
    began = incident["opened_at"].to_pydatetime()
    if kind == "function":
        return Trouble(began=began, functions=frozenset({subject}))
    if kind == "queue":
        owners = of_queue.get((incident["account"], incident["region"], subject), ())
        return Trouble(began=began, functions=frozenset(owners))
    return Trouble(began=began, shares_limits=True) if kind == "account" else None


def _change(row: Incident) -> Change:
    return Change(
        ts=row["ts"].to_pydatetime(),
        kind=row["kind"],
        function=row["function"],
        field=row["field"] or "",
        what=row["what"],
        by=f"by {row['who']}" if isinstance(row.get("who"), str) else "",
    )


def came_before(found: Preceded | None, incident: Incident) -> str:
    """`7 min after Deploy v214 → v215 by ci and 2 more changes` as plain Markdown; empty when nothing did."""
    if found is None:
        return ""
    change = found.change
    whose = "" if change.function in {"", incident["subject"]} else f" of {change.function}"
    more = f" and {found.more} more {'change' if found.more == 1 else 'changes'}" if found.more else ""
    after = numbers.age(incident["opened_at"].to_pydatetime() - change.ts)
    return plain(f"began {after} after {change.what}{whose}{f' {change.by}' if change.by else ''}{more}")


# --- whether somebody looks, and since when it is quiet -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Looked:
    """How well rules look: `quiet` for now, when they last did, and (title, end) of what was over last."""

    quiet: Quiet
    judged_at: datetime | None
    last: tuple[str, datetime] | None = None

    @property
    def is_late(self) -> bool:
        return self.quiet.state != "healthy"


def nothing_fires(looked: Looked, *, unseen: bool, zone: tzinfo, moment: datetime) -> Answer:
    """That nothing fires, since when, and that somebody looked a moment ago; or that nobody did."""
    text = f"**{looked.quiet.text}**"
    if looked.is_late:
        return Answer(looked.quiet.state, f"{text}.")
    since = "no alert is on record"
    if looked.last:
        title, end = looked.last
        text += f" since {plain(numbers.clock(end, zone, now=moment))}"
        since = f"{numbers.age(moment - end)}; last was {plain(title)}"
    among = " among what is seen" if unseen else ""
    return Answer("healthy", f"{text}{among}.", f"{since} · {evaluated(looked, moment=moment)}")


def evaluated(looked: Looked, *, moment: datetime) -> str:
    if looked.judged_at is None:
        return "rules were never evaluated"
    return f"rules were evaluated {numbers.age(max(timedelta(), moment - looked.judged_at))} ago"


def stopped(looked: Looked, *, moment: datetime) -> Answer | None:
    """What to shout above alerts that fire when nobody looks any more; None while somebody does."""
    if not looked.is_late:
        return None
    ago = numbers.age(moment - looked.judged_at) if looked.judged_at else None
    text = f"**Rules were last evaluated {ago} ago**" if ago else "**Rules were never evaluated**"
    return Answer(
        "warning",
        f"{text}: what is listed may be over, what began since is not listed. Is the service running?",
    )


def counted(incidents: pd.DataFrame) -> str:
    """`8 alerts: 6 firing, 1 acknowledged, 1 held back`."""
    groups = grouped(incidents)
    if len(groups["Firing"]) == len(incidents):
        return f"{len(incidents):,} {'alert fires' if len(incidents) == 1 else 'alerts fire'}"
    named = (*GROUPS, "Told with another")
    parts = [f"{len(groups[name])} {name.lower()}" for name in named if len(groups[name])]
    whole = f"{len(incidents):,} {'alert' if len(incidents) == 1 else 'alerts'}"
    return f"{whole}: {', '.join(parts)}"
