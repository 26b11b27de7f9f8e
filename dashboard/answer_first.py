"""The order in which a page is sent: its answer first, then what stands around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Draw = Callable[[], None]

_LATER: ContextVar[list[Draw]] = ContextVar("later")


@contextmanager
def answer_first(around: Draw) -> Iterator[None]:
    """Draw the page, then what it put off, then what is `around` it; a page that fails still gets both."""
    later: list[Draw] = []
    _LATER.set(later)
    try:
        yield
    finally:
        for draw in [*later, around]:
            draw()


def put_off(draw: Draw) -> None:
    """Have something drawn once the page is: into a container that already has its place."""
    _LATER.get().append(draw)
