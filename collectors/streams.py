"""What the name of a log stream tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STREAM = re.compile(r"(?:\d{4}/\d\d/\d\d/)?(?P<function>[\w-]*)\[(?P<version>[^\]/]{1,32})\]")


@dataclass(frozen=True, slots=True)
class Stream:
    """What a stream's name tells: `2026/11/21/[12]0a1b...`, or `2026/11/21/orders[12]0a1b...` when shared."""

    function: str | None
    version: str | None


def parse_stream(name: str) -> Stream:
    match = _STREAM.match(name)
    return Stream(match["function"] or None, match["version"]) if match else Stream(None, None)
