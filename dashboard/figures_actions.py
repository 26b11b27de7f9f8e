"""What the Actions page says: plans, leases and decisions in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from alerts.actions.registry import read_action
from alerts.actions.setting import Setting
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.numbers import known, plain

Row = Mapping[str, Any]


def actions_answer(requests: pd.DataFrame, held: pd.DataFrame, *, now: datetime) -> Answer:
    """From the readers' frames: what a person must do first."""
    waiting = requests[requests["state"] == "planned"] if len(requests) else requests
    stuck = held[held["state"] == "restoring"] if len(held) else held
    parts = [numbers.many(len(held), "change is held in AWS", "changes are held in AWS")] if len(held) else []
    if len(stuck):
        many = numbers.many(len(stuck), "change", "changes")
        text = f"**{many} could not be restored yet**: it is tried again."
        return Answer("critical", text, "below is why")
    if len(waiting):
        left = numbers.age(waiting["expires_at"].min() - now)
        many = numbers.many(len(waiting), "change waits", "changes wait")
        text = f"**{many} for a decision**; {'the first' if len(waiting) > 1 else 'it'} is void in {left}."
        return Answer("warning", text, " · ".join(parts))
    if parts:
        return Answer("info", f"**{parts[0]}**; nothing waits for a decision.")
    return Answer("healthy", "**Nothing waits for a decision, and nothing is held in AWS.**")


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan as a person decides about it; lines are Markdown, escaped."""

    title: str
    moved: str
    lines: tuple[str, ...]
    warnings: tuple[str, ...]


def decision(row: Row) -> Decision:
    """From a request's row; before it is planned, only what was asked for."""
    plan = row["plan"] if isinstance(row["plan"], Mapping) else {}
    action = read_action(row["action"])
    if not plan:
        return Decision(f"{action.name} on {plain(row['subject'])}", "", (), ())
    lines = [plain(plan[name]) for name in ("effect",) if plan.get(name)]
    lines += [f"Cost: {plain(plan['cost'])}"] if plan.get("cost") else []
    touches = [plain(line) for line in plan.get("touches") or ()]
    lines += [f"Touches: {'; '.join(touches)}"] if touches else []
    lines.append(f"Undo: {plain(plan['undo'])}" if plan.get("undo") else "It cannot be undone.")
    return Decision(
        plain(plan["sentence"]), moved(row["action"], plan), tuple(lines),
        tuple(plain(each) for each in plan.get("warnings") or ()),
    )  # fmt: skip


def moved(action: Row, change: Row) -> str:
    """`8 → 40`, of a setting's plan or row; empty for what sets nothing."""
    made = read_action(dict(action))
    if not isinstance(made, Setting) or change.get("what") is None:
        return ""
    return f"{plain(made.said(change['before']))} → {plain(made.said(change['after']))}"


def asked(row: Row, *, now: datetime) -> str:
    """Who asked, when, and until when it is to be decided."""
    parts = [f"asked for by {plain(row['who'])} {numbers.age(now - row['asked_at'])} ago"]
    if row["state"] == "planned":
        parts.append(f"void in {numbers.age(row['expires_at'] - now)}")
    elif row["state"] in _GOES_ON:
        parts.append(_GOES_ON[row["state"]])
    elif known(row["decided_by"]):
        parts.append(f"{row['state']}, decided by {plain(row['decided_by'])}")
    else:
        parts.append(str(row["state"]))
    if row["said"]:
        parts.append(plain(row["said"]))
    return " · ".join(parts)


_GOES_ON = {"asked": "the service plans it", "approved": "the service carries it out"}


def whose(row: Row) -> str:
    """What has the value, as people know it: a mapping by its function."""
    name = str(row["thing"])
    return plain(name if str(row["subject"]) in name else f"{row['subject']} ({name[:8]})")


def held_line(row: Row, *, now: datetime) -> str:
    """How a held change stands: who, since when, how long still, whether it helped."""
    parts = [f"by {plain(row['who'])}", f"since {numbers.age(now - row['applied_at'])}"]
    if row["state"] == "restoring":
        parts.append("being restored")
    elif row["state"] != "held":
        parts.append(str(row["state"]))
    elif not known(row["expires_at"]):
        parts.append("until somebody restores it")
    else:
        parts.append(f"{numbers.age(row['expires_at'] - now)} left")
    parts.append(verified(row, now=now))
    if row["said"] and plain(row["said"]) not in parts:
        parts.append(plain(row["said"]))
    return " · ".join(part for part in parts if part)


def verified(row: Row, *, now: datetime) -> str:
    if known(row["verified_at"]):
        return plain("verified: it helped")
    if not known(row["verify_by"]):
        return ""
    left = row["verify_by"] - now
    return f"verified in {numbers.age(left)}" if left.total_seconds() > 0 else "to be verified: not known yet"


AUDIT = (
    "ts", "who", "action", "subject", "place", "outcome", "sentence", "change", "why", "mode", "request_id",
)  # fmt: skip


def audit_rows(rows: pd.DataFrame, outcomes: Sequence[str]) -> pd.DataFrame:
    """The audit for a table: `change` as before → after, `why` from its rule or who asked for it."""
    kept = rows[rows["outcome"].isin(outcomes)] if outcomes else rows
    change = [_change(plan) for plan in kept["plan"]]
    why = [f"rule {rule}" if rule else "by hand" for rule in kept["rule"]]
    said = [
        f"{row['sentence'] or ''}{': ' if row['sentence'] and row['answer'] else ''}{row['answer'] or ''}"
        for row in kept.to_dict("records")
    ]
    return kept.assign(change=change, why=why, sentence=said).reset_index(drop=True)


def _change(plan: Any) -> str:
    if not isinstance(plan, Mapping) or plan.get("what") is None:
        return ""
    return f"{_short(plan.get('before'))} → {_short(plan.get('after'))}"


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(each)}" for name, each in value.items() if each != {})
    return json.dumps(value) if not isinstance(value, str) else value
