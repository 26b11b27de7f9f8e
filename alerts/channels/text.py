"""Text of others, made harmless and short enough: no control characters, no half emoji, no half entity."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from itertools import accumulate

from alerts.notice import Link, Notice

_JOINERS = frozenset("\u200d\ufe0e\ufe0f")
_MENTION = re.compile(r"@(?=channel|here|everyone|all)", re.IGNORECASE)
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>:=])")


def visible(text: str) -> str:
    """Without what turns the direction of text or drives a terminal: it shows as �."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def one_line(text: str) -> str:
    return " ".join(visible(text).split())


def unmentioned(text: str) -> str:
    """`@here`, `@channel`, `@everyone` and `@all` with a zero width space in them: they call nobody."""
    return _MENTION.sub("@\u200b", text)


def unlinked(text: str) -> str:
    """Addresses that no chat turns into a link by itself."""
    return re.sub(r"://", ":\u200b//", re.sub(r"(?i)\bwww\.", "www\u200b.", text))


def markdown_escaped(text: str) -> str:
    """Text that a Markdown reader shows as it is: marks escaped, no mention, no link, no HTML."""
    harmless = unlinked(unmentioned(visible(text))).replace("<", "‹").replace(">", "›").replace("&", "＆")
    return _MARKUP.sub(r"\\\1", harmless)


def length(text: str) -> int:
    """As targets that count UTF-16 units do: an emoji is two. Never less than the characters."""
    return len(text) + sum(c > "\uffff" for c in text)


def cut(text: str, most: int) -> str:
    """At most `most` long (as `length` counts), never ending within an emoji or an accented letter."""
    return text if length(text) <= most else _whole(_first(text, most - 1)) + "…"


def cut_bytes(text: str, most: int) -> str:
    """At most `most` bytes as JSON writes it in UTF-8, quotes left out."""
    if len(text) * 6 <= most or json_bytes(text) <= most:
        return text
    low, high = 0, min(len(text), most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if json_bytes(text[:middle]) <= most - 3 else (low, middle - 1)
    return _whole(text[:low]) + "…"


def json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) - 2


def cut_escaped(escaped: str, most: int, mark: str = "\\") -> str:
    """Cut so that no escape loses what it escapes: a `\\` (or `&amp`) at the end goes too."""
    if length(escaped) <= most:
        return escaped
    short = _first(escaped, most - 1)
    if mark == "&":
        at = short.rfind("&", max(0, len(short) - 5))
        short = short[:at] if at >= 0 and ";" not in short[at:] else short
    elif (len(short) - len(short.rstrip(mark))) % 2:
        short = short[:-1]
    return _whole(short) + "…"


def _first(text: str, most: int) -> str:
    if length(text[:most]) <= most:
        return text[:most]
    used = accumulate(1 + (char > "\uffff") for char in text[:most])
    return text[: sum(size <= most for size in used)]


def _whole(text: str) -> str:
    """Without a joiner that joins nothing any more; a letter that was cut off its accent stays."""
    end = len(text)
    while end and (text[end - 1] in _JOINERS or unicodedata.category(text[end - 1]) in {"Mn", "Sk"}):
        end -= 1
    return text[:end]


def facts_of(notice: Notice, most: int) -> list[tuple[str, str]]:
    """The facts that are known, at most so many, the first ones first."""
    return [(label, value) for label, value in notice.facts if value][:most]


def links_of(notice: Notice, most: int, longest: int) -> list[Link]:
    """Links that a browser opens and the target takes."""
    web = [link for link in notice.links if link.url.startswith(("http://", "https://"))]
    return [link for link in web if len(link.url.encode()) <= longest and visible(link.url) == link.url][
        :most
    ]


def plain(notice: Notice, most: int = 20_000) -> str:
    """The whole notice for those who read only text."""
    lines = [one_line(notice.title), "", cut(visible(notice.text), most // 2), ""]
    lines += [f"{one_line(label)}: {cut(one_line(value), 1000)}" for label, value in facts_of(notice, 30)]
    links = [f"{one_line(link.label)}: {link.url}" for link in links_of(notice, 8, 2000)]
    return cut("\n".join([*lines, "", *links]).strip(), most - 1) + "\n"


def iso(ts: datetime) -> str:
    return ts.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
