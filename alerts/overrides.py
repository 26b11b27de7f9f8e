"""What is different for some subjects of a rule: by its `overrides`, or by a tag on the function itself.

Neither can stop a rule: a tag that makes no sense is a problem that pages show, and the rule goes on
without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from alerts.notice import Severity
from alerts.signals import Missing
from alerts.subject import Subject, Where
from alerts.written import For, Share, Threshold
from core.settings import Section

if TYPE_CHECKING:
    from alerts.rule import Rule

TAG = "quarterdeck:"
"""`quarterdeck:RULENAME` = `off`, or settings such as `above=0.1 severity=critical`."""

_CONDITION = frozenset({"above", "below", "above_normal", "below_normal", "slo"})
_RESOLVE = frozenset({"resolve_below", "resolve_above"})


class Override(Section):
    """Replaces these settings of a rule for the subjects that `where` chooses; the first that matches counts.
    A new threshold takes the rule's `resolve_below` or `resolve_above` away, unless it brings its own."""

    where: Where = Where()
    above: Threshold | None = None
    below: Threshold | None = None
    above_normal: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    below_normal: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    slo: Share | None = None
    resolve_below: Threshold | None = None
    resolve_above: Threshold | None = None
    minimum_samples: int | None = Field(default=None, ge=0)
    for_: For | None = Field(default=None, alias="for")
    severity: Severity | None = None
    missing: Missing | None = None
    enabled: bool = Field(default=True, description="`false`: not for these subjects")

    def changes(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.model_fields_set - {"where", "enabled"}}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Problem:
    """A tag that could not be followed: which rule it names, on what, and why."""

    rule: str
    subject: Subject
    text: str


def changed(rule: Rule, changes: Mapping[str, Any]) -> Rule:
    """`rule` with other settings. Raises ValidationError when they make no sense together."""
    kept = {name: getattr(rule, name) for name in rule.model_fields_set - {"overrides"}}
    if changes.keys() & _CONDITION:
        kept = {name: value for name, value in kept.items() if name not in _CONDITION | _RESOLVE}
    named = {
        type(rule).model_fields[name].alias or name: value for name, value in {**kept, **changes}.items()
    }
    return type(rule).model_validate(named)


def mistakes(rule: Rule) -> Iterator[str]:
    """What of a rule's overrides makes no sense for it."""
    for at, override in enumerate(rule.overrides):
        try:
            changed(rule, override.changes())
        except ValidationError as error:
            for mistake in error.errors(include_url=False):
                for sentence in mistake["msg"].removeprefix("Value error, ").split("\n"):
                    yield f"overrides.{at}: {sentence}"


def applied(rule: Rule, subjects: Sequence[Subject]) -> tuple[list[tuple[Rule, list[int]]], list[Problem]]:
    """The rule as it is for each subject (by number; those that it is off for are left out), and tags that
    could not be followed. At least one, though it may be for none."""
    rows, problems = dict[tuple[int, str | None], list[int]](), list[Problem]()
    for at, subject in enumerate(subjects):
        rows.setdefault(_changes(rule, subject), []).append(at)
    found: list[tuple[Rule, list[int]]] = []
    for (which, told), own in rows.items():
        effective, problem = _effective(rule, which, told)
        problems += [Problem(rule.rule, subjects[at], problem) for at in own if problem]
        found += [(effective, own)] if effective else []
    return found or [(rule, [])], problems


def _changes(rule: Rule, subject: Subject) -> tuple[int, str | None]:
    """The number of the override that counts (-1: none), and what its tag says."""
    which = next((n for n, one in enumerate(rule.overrides) if one.where.matches(subject)), -1)
    return which, subject.tags.get(TAG + rule.rule) if subject.tags else None


def _effective(rule: Rule, which: int, told: str | None) -> tuple[Rule | None, str | None]:
    mine = _overridden(rule, which)
    if told is None:
        return mine, None
    by_its_tag, problem = by_tag(mine or rule, told)
    return (mine if problem else by_its_tag), problem


def _overridden(rule: Rule, which: int) -> Rule | None:
    if which < 0:
        return rule
    override = rule.overrides[which]
    return changed(rule, override.changes()) if override.enabled else None


# --- tags ---------------------------------------------------------------------------------------------------

_SETTING = re.compile(r"([a-z_]+)\s*[=:]\s*([^\s,;]+)")
_TAGGABLE = tuple(name for name in Override.model_fields if name not in {"where", "enabled", "for_"})


def by_tag(rule: Rule, told: str) -> tuple[Rule | None, str | None]:
    """The rule as a tag's value wants it (None: off), or why that cannot be followed."""
    text = told.strip()
    if text.lower() == "off":
        return None, None
    settings = dict(_SETTING.findall(text))
    rest = _SETTING.sub("", text).strip(" ,;")
    if rest or not settings:
        return rule, f"{told[:80]!r} is neither `off` nor settings such as `above=0.1`"
    if unknown := [name for name in settings if name not in _TAGGABLE]:
        return rule, f"{unknown[0]!r} is no setting; a tag may say {', '.join(_TAGGABLE)}"
    try:
        return changed(rule, Override.model_validate(settings).changes()), None
    except ValidationError as error:
        said = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in said["loc"])
        return (
            rule,
            f"{told[:80]!r}: {where}{': ' if where else ''}{said['msg'].removeprefix('Value error, ')}",
        )


def strays(rules: Iterable[Rule], subjects: Iterable[Subject]) -> Iterator[Problem]:
    """Tags that name no rule."""
    known = frozenset(rule.rule for rule in rules)
    for subject in subjects:
        for tag in subject.tags or {}:
            name = tag.removeprefix(TAG)
            if tag.startswith(TAG) and name not in known:
                yield Problem(name, subject, f"there is no rule {name!r}{_hint(name, known)}")


@lru_cache(maxsize=256)
def _hint(name: str, known: frozenset[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
