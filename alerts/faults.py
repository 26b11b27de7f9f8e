"""What an audit finds wrong with a rule or an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Verdict = Literal["never fires", "never resolves", "tells nobody", "partly blind", "stuck"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""The worst first. `partly blind`: it cannot fire for some of what it covers."""

Why = Literal[
    "covers nothing",
    "tag not followed",
    "no such function",
    "no such queue",
    "no such metric",
    "not for this function",
    "wrong dimension",
    "no data",
    "period shorter than the data",
    "read too seldom",
    "not collected",
    "out of reach",
    "too few samples",
    "missing data",
    "no channel",
    "no action",
    "for weeks",
]
"""A reason in short, stable for programs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: of rule `name`, or of the alarm `name` in an account and region. `reason` is a sentence for
    people, `evidence` what it rests on."""

    about: Literal["rule", "alarm"]
    name: str
    verdict: Verdict
    why: Why
    reason: str
    evidence: str = ""
    account: str | None = None
    region: str | None = None


def days(since: datetime, now: datetime) -> str:
    """`161 days`."""
    number = (now - since).days
    return f"{number} day{'' if number == 1 else 's'}"


def some(names: list[str], most: int = 3) -> str:
    """`a, b, c and 4 more`."""
    left = len(names) - most
    return ", ".join(names[:most]) + (f" and {left} more" if left > 0 else "")
