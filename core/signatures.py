"""Log text made safe to keep, and alike messages made equal: mask secrets, fold what differs by chance."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.stacks import error_type, own_frame

LONGEST_MESSAGE = 2000
LONGEST_SIGNATURE = 200

HIDDEN = "[hidden]"

_SECRET_NAME = (
    r"[\w.-]{0,60}(?:password|passwd|pwd|secret|token|credentials?|signature|connection[_-]?string"
    r"|(?:api|access|private|session|secret|account)[_-]?key)(?:[_-]?(?:value|key|id|string|hash))?"
)
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        HIDDEN,
    ),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,20}\b"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), HIDDEN),
    (
        re.compile(r"\b(?:gh[pousr]_|github_pat_|xox[abeprs]-|sk_live_|rk_live_|sk-|glpat-|npm_)[\w-]{10,}"),
        HIDDEN,
    ),
    (re.compile(r"(https?://(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks)/)\S+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://)[^\s/@:]{0,100}:[^\s/@]{1,200}@", re.IGNORECASE),
        rf"\1{HIDDEN}@",
    ),
    (re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (
        re.compile(
            rf"""((?<![\w.-]){_SECRET_NAME}\\?["']?\s{{0,4}}(?:=>|[:=])\s{{0,4}})(\\?"[^"\\]*(?:\\?"|\Z)|'[^']*(?:'|\Z)|(?!\[hidden\])[^\s,;&"'}})\]]+)""",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def mask(text: str) -> str:
    """Replace what looks like a secret: keys, tokens, passwords, credentials in URLs. Rather too much than
    too little."""
    for pattern, put in _SECRETS:
        text = pattern.sub(put, text)
    return text


def keepable(message: str, longest: int = LONGEST_MESSAGE) -> str:
    """`message` masked, without control characters, cut to `longest` characters (a mark says so)."""
    text = mask(message[: longest * 4]).strip()
    text = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return text if len(text) <= longest else text[: longest - 2] + " …"


def _quoted(match: re.Match[str]) -> str:
    """Values between quotes differ by chance; the keys of an object do not."""
    after = match.string[match.end() : match.end() + 1]
    is_key = after == ":" and match.string[: match.start()].rstrip()[-1:] in ("{", ",")
    return match[0] if is_key else "<value>"


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

# Order matters: what contains another is folded first.
_FOLDS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (
        re.compile(
            rf"\b\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{4}}(?:[: T]\d\d:\d\d(?::\d\d)?)?(?: [+-]\d{{4}}| GMT| UTC)?"
        ),
        "<time>",
    ),
    (re.compile(rf"\b{_MONTH} [ \d]\d,? (?:\d\d:\d\d:\d\d )?\d{{4}}(?: \d\d:\d\d:\d\d)?\b"), "<time>"),
    (re.compile(r"\barn:aws[\w-]{0,20}:[^\s\"'`,;)\]}<>]{1,400}"), "<arn>"),
    (re.compile(r"(?<=[^\s?])\?[\w.%~-]{1,100}=[^\s\"'`,;)\]}<>]{0,400}"), "?<query>"),
    (re.compile(r"(?<![\w/])/tmp/[^\s\"'`,;:)\]}<>]{1,300}"), "/tmp/<path>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b1-[0-9a-f]{8}-[0-9a-f]{24}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "<address>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"), "<address>"),
    (
        re.compile(
            r"(?<![\w:])(?=[0-9a-f:]{0,40}\d)(?:[0-9a-f]{1,4}:){1,6}(?:(?::[0-9a-f]{1,4}){1,6}\b|:(?![\w:]))",
            re.IGNORECASE,
        ),
        "<address>",
    ),
    (re.compile(r"\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b", re.IGNORECASE), "<address>"),
    (re.compile(r"(?<!\w)'[^'\n]{0,300}'(?!\w)|(?<!\w)`[^`\n]{0,300}`(?!\w)"), "<value>"),
    (re.compile(r'(?<!\w)"[^"\n]{0,300}"(?!\w)'), _quoted),
    (re.compile(r"\b0x[0-9a-f]{1,32}\b", re.IGNORECASE), "<address>"),
    (re.compile(r"@[0-9a-f]{5,16}\b"), "@<address>"),
    (re.compile(r"\b(?=[0-9a-f]{0,63}\d)(?=[0-9a-f]{0,63}[a-f])[0-9a-f]{12,64}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=\w{0,63}[A-Za-z])(?=\w{0,63}\d[A-Za-z_]{0,63}\d)\w{4,64}\b", re.ASCII), "<id>"),
    (re.compile(r"(?<![A-Za-z])[+-]?\d[\d.,]*"), "<n>"),
    (re.compile(r"\d+"), "<n>"),
    (re.compile(r"\s+"), " "),
)

_LAYOUT = re.compile(
    r"^(?:\[[A-Z]{4,8}\]\s*)?(?:\d{4}-\d\d-\d\d[T ][\d:.,]+Z?\s+)?(?:[0-9a-f]{8}-[0-9a-f-]{27}\s+)?"
)
_UNSETTLED = 200
"""Each pass of folding removes digits, quotes, blanks or a layout, so that it ends; this is far beyond."""


def headline(message: str) -> str:
    """The physical line that says what happened: the first, or the last of a bare Python traceback."""
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    if not lines:
        return ""
    return lines[-1] if lines[0].startswith("Traceback (most recent call last)") else lines[0]


def without_layout(message: str) -> str:
    """The message on one line, without the level, time and request id that runtimes put before it."""
    return _LAYOUT.sub("", " ".join(message[: LONGEST_MESSAGE * 2].split()))


def signature(message: str, stack: str | None = None) -> str:
    """A text that is equal for messages that differ only by ids, numbers, times, addresses, quoted values and
    variable parts of paths.

    An error with a stack trace (in the message, or beside it as `stack`) is named after its kind and the
    nearest frame of one's own code. A signature is its own signature.
    """
    text = _of_trace(message, stack) or headline(message[: LONGEST_MESSAGE * 2])
    for _ in range(_UNSETTLED):
        folded = _fold(text)
        if folded == text:
            break
        text = folded
    return text


def _of_trace(message: str, stack: str | None) -> str | None:
    frame = own_frame(message if stack is None else stack)
    if frame is None:
        return None
    first = headline(message[: LONGEST_MESSAGE * 2])
    if first.startswith("Traceback (most recent call last)") or len(message) > LONGEST_MESSAGE * 2:
        first = headline(message[:LONGEST_MESSAGE] + message[-LONGEST_MESSAGE:])
    kind = error_type(_LAYOUT.sub("", first))
    file = frame.file.replace("\\", "/").rpartition("/")[2]
    where = f"{frame.symbol} ({file})" if frame.symbol and file else frame.symbol or file
    return f"{kind} in {where}" if kind else f"{_LAYOUT.sub('', first)[: LONGEST_SIGNATURE // 2]} in {where}"


def _fold(text: str) -> str:
    text = _LAYOUT.sub("", headline(mask(text)))[: LONGEST_SIGNATURE * 4]
    for pattern, put in _FOLDS:
        text = pattern.sub(put, text)
    text = text.strip()
    return text if len(text) <= LONGEST_SIGNATURE else text[: LONGEST_SIGNATURE - 2].rstrip() + " …"
