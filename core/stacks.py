"""Stack traces of the languages that Lambda runs: the kind of error, and the frame of one's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

_LONGEST_TRACE = 32_000
_LONGEST_LINE = 400
_MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a trace: `symbol` in `file`, either of them "" where the language does not say."""

    symbol: str
    file: str


# Each with the groups `symbol` and `file`; the text between them is bounded, so that no line takes long.
_PYTHON = re.compile(r'\s*File "(?P<file>[^"]{1,300})", line \d{1,9}(?:, in (?P<symbol>\S{1,200}))?')
_NODE = re.compile(
    r"\s*at (?:async )?(?:(?P<symbol>[^()\n]{1,200}) \()?(?:file://)?(?P<file>[^\s():]{1,300}):\d{1,9}:\d{1,9}\)?"
)
_JAVA = re.compile(
    r"\s*at (?:[\w.-]{1,60}/{1,2}){0,2}(?P<symbol>[\w$.<>]{3,200})"
    r"\((?P<file>[\w$-]{1,100}\.[a-z]{2,6}|Native Method|Unknown Source)(?::\d{1,9})?\)"
)
_DOTNET = re.compile(
    r"\s*at (?P<symbol>[\w.`<>\[\]|+,]{3,200})\([^()\n]{0,200}\)(?: in (?P<file>[^\n]{1,250}):line \d{1,9})?"
)
_RUBY = re.compile(r"\s*(?:from )?(?P<file>/[^\s:]{1,300}\.rb):\d{1,9}:in [`'](?P<symbol>[^`'\n]{1,200})'")
_GO = re.compile(r"(?P<symbol>[\w./*-]{1,200}\.[\w.()*-]{1,200})\((?P<file>)(?:[^()\n]{0,200}|\.\.\.)\)$")
_FRAMES = (_PYTHON, _RUBY, _JAVA, _NODE, _DOTNET)

_FOREIGN = re.compile(
    r"site-packages|dist-packages|node_modules|node:|/var/(?:lang|runtime|rapid)/|/opt/|/gems/|/usr/|<frozen|<anonymous>"
    r"|^internal/"
)
_FOREIGN_SYMBOL = re.compile(
    r"^(?:java|javax|jdk|sun|kotlin|kotlinx|scala|lambdainternal|com\.amazonaws|software\.amazon|org\.springframework"
    r"|System|Microsoft|Amazon\.Lambda|lambda_method|runtime|runtime/debug|panic|reflect|encoding/json"
    r"|github\.com/aws)(?:$|[./])"
)
_KIND = re.compile(
    r"(?:^|[\s(])(?P<type>(?:[A-Za-z_$](?:[\w.$]|::){0,160}?)?(?:Error|Exception|Failure|Fault|Timeout|Interrupt|Exit|Refused|Warning))"
    r"(?=:|\)|\s*$|\s+-|\s*\()"
)


def own_frame(text: str) -> Frame | None:
    """The frame of one's own code nearest to the error; of a trace that is all foreign the nearest; None
    without a trace."""
    cut = text if len(text) <= _LONGEST_TRACE else text[: _LONGEST_TRACE // 2] + text[-_LONGEST_TRACE // 2 :]
    lines = [line[:_LONGEST_LINE] for line in islice(cut.splitlines(), _MOST_LINES) if line.strip()]
    if len(lines) < 2:
        return None
    found = list(_frames(lines, is_go=any(line.startswith("goroutine ") for line in lines)))
    if any(line.lstrip().startswith("Traceback (most recent call last)") for line in lines):
        found.reverse()
    return next((frame for frame in found if not is_foreign(frame)), found[0] if found else None)


def _frames(lines: list[str], *, is_go: bool) -> Iterator[Frame]:
    for line in lines:
        for pattern in (_GO,) if is_go else _FRAMES:
            if match := pattern.match(line):
                yield Frame((match["symbol"] or "").strip(), match["file"] or "")
                break


def is_foreign(frame: Frame) -> bool:
    """Whether a frame is the runtime's or a library's."""
    return bool(_FOREIGN.search(frame.file) or _FOREIGN_SYMBOL.search(frame.symbol))


def error_type(headline: str) -> str | None:
    """The kind of error that a headline names, None when it names none."""
    match = _KIND.search(headline[:_LONGEST_LINE])
    return match["type"] if match else None
