"""What of an event is changed before a function is given it again: values at JSON pointers.

Source: https://www.rfc-editor.org/rfc/rfc6901
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from core.signatures import mask

MOST_EDITS, LONGEST = 10, 500

Scalar = str | int | float | bool | None
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]*)+$", max_length=200)]


def _read(given: Any) -> Any:
    """As people write it in a form: an object of JSON; nothing is none."""
    if not isinstance(given, str):
        return given
    try:
        return json.loads(given) if given.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError('must be JSON such as {"/order/currency": "EUR"}') from error


def _keepable(edits: dict[str, Scalar]) -> dict[str, Scalar]:
    """What is asked for is stored and audited as it is: no secret may be in it."""
    for pointer, value in edits.items():
        text = json.dumps({pointer: value})
        if mask(text) != text:
            raise ValueError("looks like a secret, which would be kept in the audit: give it another way")
        if len(text) > LONGEST:
            raise ValueError(f"each must be shorter than {LONGEST} characters")
    return edits


Edits = Annotated[
    dict[Pointer, Scalar], Field(max_length=MOST_EDITS), BeforeValidator(_read), AfterValidator(_keepable)
]


def edited(event: Any, edits: Mapping[str, Scalar]) -> Any:
    """A copy of `event` with each value set. An object gets a key that it lacks; a list grows by none.

    Raises LookupError when a pointer leads nowhere.
    """
    whole = {"": json.loads(json.dumps(event))}
    for pointer, value in edits.items():
        *way, last = ["", *(_unescaped(part) for part in pointer.split("/")[1:])]
        holder: Any = whole
        for part in way:
            holder = holder[_key(holder, part)]
        key = _key(holder, last)
        if isinstance(holder, list) and not key < len(holder):
            raise LookupError(pointer)
        holder[key] = value
    return whole[""]


def _key(holder: Any, part: str) -> Any:
    """How `holder` names a part. Raises LookupError when it has no parts, or no such place."""
    if isinstance(holder, dict):
        return part
    if isinstance(holder, list) and part.isascii() and part.isdigit():
        return int(part)
    raise LookupError(part)


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def said(edits: Mapping[str, Scalar]) -> str:
    """`/order/currency becomes "EUR"`; empty for none."""
    return ", ".join(f"{pointer} becomes {json.dumps(value)}" for pointer, value in edits.items())
