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
from quarterdeck.demo.faults import Faults
from quarterdeck.demo.queries import Queries
from quarterdeck.demo.specs import ACCOUNTS, PROD
from quarterdeck.demo.wire import ApiError, Call
from quarterdeck.demo.world import Shelf, World

CALLS_KEPT = 10_000
LONGEST_LIST = 20

CHARGED_DAYS_KEPT = 10_000
"""Sums of a function's day, a few hundred bytes each."""


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


class Counts:
    """How many calls of each operation were made, refused ones included, and the units AWS would bill."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[str, dict[str, int]] = {}

    def _add(self, call: Call, **more: int) -> None:
        with self._lock:
            zeros = {"calls": 0, "units": 0, "errors": 0}
            known = self._numbers.setdefault(f"{call.service}:{call.operation}", zeros)
            for name, number in more.items():
                known[name] += number

    def made(self, call: Call) -> None:
        self._add(call, calls=1, units=units_of(call))

    def failed(self, call: Call) -> None:
        self._add(call, errors=1)

    def clear(self) -> None:
        with self._lock:
            self._numbers.clear()

    def listed(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {name: dict(known) for name, known in sorted(self._numbers.items())}


def units_of(call: Call) -> int:
    """What AWS counts of a call: metrics asked for, trace ids, else the call itself."""
    if call.operation == "GetMetricData":
        return sum("MetricStat" in query for query in call.params.get("MetricDataQueries", ()))
    return len(call.params.get("TraceIds", ())) if call.operation == "BatchGetTraces" else 1


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything that answers are made of."""

    world: World
    catalogue: Catalogue
    kept: Kept = field(default_factory=Kept)
    pages: Shelf = field(default_factory=lambda: Shelf(5))
    trail: deque[Any] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))
    charges: Shelf = field(default_factory=lambda: Shelf(CHARGED_DAYS_KEPT))
    queries: Queries = field(default_factory=Queries)
    faults: Faults = field(default_factory=Faults)
    counts: Counts = field(default_factory=Counts)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=CALLS_KEPT))


def remember(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    """Note that a call came in. Returns the note, to which an error may be added."""
    note: dict[str, Any] = {
        "ts": demo.world.now().isoformat(),
        "account": account,
        "region": call.region,
        "service": call.service,
        "operation": call.operation,
        "units": units_of(call),
        "params": shortened(call.params),
    }
    demo.calls.append(note)
    demo.counts.made(call)
    return note


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


def caller(account: str, call: Call) -> str:
    """The ARN of whose credentials signed a call."""
    if call.access_key.startswith(SESSION_PREFIX):
        return f"arn:aws:sts::{account}:assumed-role/quarterdeck-read/quarterdeck"
    return f"arn:aws:iam::{account}:user/demo"


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
