"""What an error says in its code's own words: what two functions must share to have failed alike.

A signature is not enough for that: it names the kind and the frame (`TypeError in handler (index.js)`), which
half of all functions have in common, and folds the names that tell one broken thing from another.
"""

from __future__ import annotations

import json
import re

from core.signatures import headline, signature, without_layout

LONGEST = 200

_LAMBDA_SAYS = re.compile(r"Task timed out after|Runtime exited|RequestId: |signal: killed|Runtime\.[A-Z]")
_BEFORE = re.compile(r"^(?:(?:ERROR|FATAL|Invoke Error|Uncaught Exception|Unhandled Promise Rejection)\s+)+")
_TYPE, _MESSAGE = (
    re.compile(rf'"{name}"\s*:\s*("(?:[^"\\]|\\.){{0,2000}}")') for name in ("errorType", "errorMessage")
)


def wording(message: str) -> str | None:
    """`Error: relation promotions is locked`, from a line as a runtime writes it. None where only Lambda
    speaks (a timeout, a process that ended): that has as many causes as there are functions.

    Source: the layouts in https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html and its likes.
    """
    said = _MESSAGE.search(message)
    if said is None:
        text = _BEFORE.sub("", without_layout(headline(message)))
    else:
        kind = _TYPE.search(message)
        text = ": ".join(_text(found[1]) for found in (kind, said) if found)
    text = " ".join(text.split())[:LONGEST]
    return None if not text or _LAMBDA_SAYS.search(text) else text


def top_error(example: str, instead: str) -> str:
    """An error for messages: in its own words with ids, addresses and values folded, as they may be people's;
    else its signature, `instead`."""
    return signature(wording(example) or "") or " ".join(instead.split())


def _text(quoted: str) -> str:
    """A JSON string; as it stands where it is none."""
    try:
        return str(json.loads(quoted))
    except ValueError:
        return quoted.strip('"')
