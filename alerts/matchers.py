"""What a silence or a maintenance window is about: `tag:team=web`, `region=~eu-.*`, `rule!=throttles`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, cast

from alerts.incident import Incident

FIELDS = ("rule", "severity", "account", "region", "subject")
MAPPINGS = ("tag", "label")
MAX_CHARS = 500

Is = Literal["=", "!=", "=~", "!~"]

_WRITTEN = re.compile(r"\s*([a-z]+)(?::([^=!~]+?))?\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Matcher:
    """`=` and `!=` compare with a text in which `*` and `?` stand for anything; `=~` and `!~` with a regular
    expression that must fit in full. A tag or label that is not there is the empty text."""

    name: str
    is_: Is
    value: str

    def matches(self, incident: Incident) -> bool:
        told = self._told(incident)
        if self.is_ in {"=", "!="}:
            found = fnmatchcase(told, self.value)
        else:
            found = re.fullmatch(self.value, told) is not None
        return found is (self.is_ in {"=", "=~"})

    def _told(self, incident: Incident) -> str:
        kind, _, name = self.name.partition(":")
        if kind in MAPPINGS:
            return str(((incident.tags if kind == "tag" else incident.labels) or {}).get(name, ""))
        return str(getattr(incident, self.name))

    def __str__(self) -> str:
        return f"{self.name}{self.is_}{self.value}"


def parse_matcher(text: str) -> Matcher:
    """Raises ValueError in one sentence."""
    found = _WRITTEN.fullmatch(text) if len(text) <= MAX_CHARS else None
    if found is None:
        raise ValueError(f"{text[:60]!r} is no matcher: write tag:team=payments or rule=~error-.*")
    kind, name, sign, value = found.groups()
    is_ = cast(Is, sign)  # the pattern has no others
    if kind in FIELDS and name is None:
        return Matcher(kind, is_, _checked(is_, value))
    if kind in MAPPINGS and name:
        return Matcher(f"{kind}:{name.strip()}", is_, _checked(is_, value))
    known = ", ".join((*FIELDS, "tag:NAME", "label:NAME"))
    raise ValueError(f"{text[:60]!r}: nothing is matched by {kind!r}; there are {known}")


def _checked(is_: str, value: str) -> str:
    if is_ in {"=~", "!~"}:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{value[:60]!r} is no regular expression: {error}") from None
    return value


def all_match(matchers: Iterable[Matcher], incident: Incident) -> bool:
    return all(matcher.matches(incident) for matcher in matchers)


def to_rows(matchers: Sequence[Matcher]) -> list[dict[str, str]] | None:
    """As the store keeps them: name, is, value."""
    rows = [asdict(matcher) for matcher in matchers]
    return [{"name": row["name"], "is": row["is_"], "value": row["value"]} for row in rows] or None


def from_rows(rows: Sequence[dict[str, Any]] | None) -> tuple[Matcher, ...]:
    return tuple(Matcher(row["name"], row["is"], row["value"]) for row in rows or ())
