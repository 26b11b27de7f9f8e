"""An answer rests on one view of the store: if that breaks halfway, the question is asked again."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from core.errors import AskAgainError

P = ParamSpec("P")
R = TypeVar("R")

TIMES = 5
"""Each time one more file is known that cannot be read: more than this at once is another trouble."""

_within: ContextVar[bool] = ContextVar("within", default=False)


def reader(answer: Callable[P, R]) -> Callable[P, R]:
    """A function that reads the store. When a file turns out to be unreadable halfway, numbers without it
    would stand beside a coverage that claims it: so all is read again, by the outermost reader."""

    @wraps(answer)
    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        if _within.get():
            return answer(*args, **kwargs)
        token = _within.set(True)
        try:
            for _ in range(TIMES - 1):
                try:
                    return answer(*args, **kwargs)
                except AskAgainError:
                    continue
            return answer(*args, **kwargs)
        finally:
            _within.reset(token)

    return asked
