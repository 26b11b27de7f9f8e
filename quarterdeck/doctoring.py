"""How the doctor's checks are shown: each as soon as it is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.text import Text

from quarterdeck.doctor import Check
from quarterdeck.output import stdout

MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "bold red"),
    "skipped": ("–", "dim"),
}


def print_as_made(checks: Iterable[Check]) -> list[Check]:
    """A line per check: its mark, its name, its sentence."""
    console, made = stdout(), list[Check]()
    for check in checks:
        mark, style = MARKS[check.outcome]
        console.print(Text.assemble((f"{mark} {check.name:<11}", style), check.text), soft_wrap=True)
        made.append(check)
    return made


def to_document(checks: Sequence[Check]) -> dict[str, Any]:
    return {"checks": [{"check": c.name, "outcome": c.outcome, "text": c.text} for c in checks]}
