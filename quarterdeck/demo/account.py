"""What a handler gets: the world, the metrics, what calls changed, and the calls that were made."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.demo.catalogue import Catalogue
from quarterdeck.demo.specs import ACCOUNTS, PROD
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import Shelf, World

CALLS_KEPT = 10_000
LONGEST_LIST = 20


class Kept:
    """What write calls changed, by (account, region, what, name). It lasts as long as the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[tuple[str, ...], Any] = {}

    def get(self, *key: str, default: Any = None) -> Any:
        with self._lock:
            return self._values.get(key, default)

    def put(self, *key: str, value: Any) -> None:
        with self._lock:
            self._values[key] = value

    def below(self, *prefix: str) -> dict[tuple[str, ...], Any]:
        with self._lock:
            return {k: v for k, v in self._values.items() if k[: len(prefix)] == prefix}


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything that answers are made of."""

    world: World
    catalogue: Catalogue
    kept: Kept = field(default_factory=Kept)
    pages: Shelf = field(default_factory=lambda: Shelf(5))
    trail: deque[Any] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))


def shortened(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters to remember: text instead of bytes, and of a long list its beginning and its length."""
    return {name: _shortened(value) for name, value in params.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return [*value[:3], f"... {len(value)} in all"]
    return value


Handler = Callable[[Demo, str, Call], dict[str, Any]]
"""Answers one operation for an account (its number)."""

SESSION_PREFIX = "ASIADEMO"


def account_of(access_key: str) -> str:
    """The account of credentials: that of the assumed role, else the first one."""
    number = access_key.removeprefix(SESSION_PREFIX)
    return number if number in ACCOUNTS else PROD


def paged(
    items: Sequence[Any], token: str | None, size: int, *, invalid: str = "InvalidParameterValueException"
) -> tuple[list[Any], str | None]:
    """A page of `items` from `token` on, and the token of the next page. Raises ApiError for a bad token."""
    first = read_token(token, invalid=invalid).get("from", 0) if token else 0
    page = list(items[first : first + size])
    rest = first + size < len(items)
    return page, (make_token({"from": first + size}) if rest else None)


def make_token(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def read_token(token: str, *, invalid: str) -> dict[str, Any]:
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error) as error:
        raise ApiError(invalid, "The specified token is invalid") from error
    if not isinstance(content, dict):
        raise ApiError(invalid, "The specified token is invalid")
    return content
