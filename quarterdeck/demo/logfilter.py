"""CloudWatch Logs filter patterns: terms, "phrases", ?any, -none, %regex% and JSON selectors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

Matches = Callable[[str], bool]

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%(.+?)%|([^\s"]+))')
_CONDITION = re.compile(
    r'\s*\$\.([\w.\-\[\]]+)\s*(=|!=|>=|<=|>|<)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s&|()"]+))\s*'
)


class PatternError(ValueError):
    """The pattern cannot be read; the text says which part."""


def parse(pattern: str) -> Matches:
    """A test for messages. Raises PatternError for what AWS refuses, and for `[a, b]` patterns."""
    text = pattern.strip()
    if not text:
        return lambda message: True
    if text.startswith("{"):
        return _json(text)
    if text.startswith("["):
        raise PatternError("space-delimited patterns are not known to the demo account")
    return _words(text)


def _words(text: str) -> Matches:
    tests: dict[str, list[Matches]] = {"": [], "?": [], "-": []}
    at = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if not term:
            raise PatternError(f"cannot read {text[at:]!r}")
        tests[term[1]].append(_term(term))
        at = term.end()
    every, some, none = tests[""], tests["?"], tests["-"]
    if every or none:
        some = some if not every else []
    return lambda message: (
        all(test(message) for test in every)
        and (not some or any(test(message) for test in some))
        and not any(test(message) for test in none)
    )


def _term(term: re.Match[str]) -> Matches:
    if term[3] is not None:
        regex = re.compile(term[3])
        return lambda message: regex.search(message) is not None
    if term[4] is not None and not re.fullmatch(r"\w+", term[4]):
        raise PatternError(f"{term[4]!r} has characters that need double quotes around the term")
    word = term[4] if term[4] is not None else re.sub(r"\\(.)", r"\1", term[2])
    return lambda message: word in message


def _json(text: str) -> Matches:
    if not text.endswith("}"):
        raise PatternError(f"{text!r} lacks its closing brace")
    either = [_conjunction(part) for part in text[1:-1].split("||")]
    return lambda message: any(test(message) for test in either)


def _conjunction(text: str) -> Matches:
    conditions = [_condition(part.strip().strip("()")) for part in text.split("&&")]

    def test(message: str) -> bool:
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return all(condition(document) for condition in conditions)

    return test


def _condition(text: str) -> Callable[[Any], bool]:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise PatternError(f"cannot read the condition {text!r}")
    path, operator, wanted = found[1].split("."), found[2], found[3] if found[3] is not None else found[4]
    number = None if found[3] is not None else _number(wanted)

    def test(document: Any) -> bool:
        value = _dig(document, path)
        if value is None:
            return False
        if number is not None:
            return isinstance(value, (int, float)) and _compare(float(value), operator, number)
        same = fnmatchcase(str(value), wanted)
        return same if operator == "=" else not same if operator == "!=" else False

    return test


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _dig(document: Any, path: list[str]) -> Any:
    for name in path:
        if not isinstance(document, dict):
            return None
        document = document.get(name)
    return document


def _compare(value: float, operator: str, wanted: float) -> bool:
    return {
        "=": value == wanted,
        "!=": value != wanted,
        ">": value > wanted,
        "<": value < wanted,
        ">=": value >= wanted,
        "<=": value <= wanted,
    }[operator]
