"""How costly a regular expression is: RE2 takes time in proportion to the size of its program, for each
character of what is searched, and counted repetitions make large programs of short patterns."""

from __future__ import annotations

import re

LARGEST = 350
"""Larger programs no longer fit RE2's cache of states: each line of a log then takes milliseconds."""

UNICODE = 50
"""What a class of Unicode (`\\pL`) makes of instructions, about."""

_COUNT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_PROPERTY = re.compile(r"[pP](?:\{\^?\w*\}|\w)")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]", re.DOTALL)


def size(pattern: str) -> int:
    """About how many instructions RE2 makes of a pattern. Of one that is none, any number."""
    open_groups, last, at = [0], 0, 0
    while at < len(pattern):
        count = _COUNT.match(pattern, at)
        if count and last:
            times = max(int(count[1]), int(count[2] or 0))
            open_groups[-1] += last * max(0, times - 1)
            last, at = last * max(1, times), count.end()
        elif pattern[at] == "(":
            open_groups.append(0)
            last, at = 0, at + 1
        elif pattern[at] == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] += last
            at += 1
        else:
            last, at = _atom(pattern, at)
            open_groups[-1] += last
    return sum(open_groups)


def _atom(pattern: str, at: int) -> tuple[int, int]:
    """The size of a character, an escape or a class, and where it ends."""
    if pattern[at] == "\\":
        named = _PROPERTY.match(pattern, at + 1)
        return (UNICODE, named.end()) if named else (1, at + 2)
    if pattern[at] == "[" and (of := _CLASS.match(pattern, at)):
        inside = of[0]
        properties = len(_PROPERTY.findall(inside)) if "\\" in inside else 0
        return 1 + UNICODE * properties + sum(ord(char) > 127 for char in inside), of.end()
    return 1, at + 1


def why_refused(pattern: str) -> str | None:
    """Why a pattern is too costly to search with; None when it is not."""
    if size(pattern) <= LARGEST:
        return None
    return "it repeats too much: make its counts ({n}) smaller, or search for a part of it"
