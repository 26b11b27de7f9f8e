"""A rule as an incident keeps it: what it said can be shown when it says something else, or is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from alerts.rule import MinutesOf, Rule

LEFT_OUT = frozenset({"act", "notify"})
"""What says where messages go and what is done: of no use later, and not for everybody's eyes."""

MINUTES_OF = {field.name for field in fields(MinutesOf)}


def definition_of(rule: Rule) -> dict[str, Any] | None:
    """The rule's words as its file could have them; None if they could not be read back."""
    said = rule.model_dump(by_alias=True, exclude_unset=True, exclude=set(LEFT_OUT))
    words = {str(name): _words(value) for name, value in said.items() if value is not None}
    return words if rule_of(words) is not None else None


def rule_of(definition: Mapping[str, Any] | None) -> Rule | None:
    """The rule that an incident keeps; None when it keeps none that is understood."""
    if not definition:
        return None
    try:
        return Rule.model_validate(definition)
    except ValidationError:
        return None


def _words(value: Any) -> Any:
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    if isinstance(value, Mapping) and set(value) == MINUTES_OF:
        return f"{value['hits']} of {value['minutes']}"
    if isinstance(value, Mapping):
        return {str(name): _words(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, Sequence | frozenset | set) and not isinstance(value, str):
        return [_words(inner) for inner in value]
    return value
