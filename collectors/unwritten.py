"""What a log lacks however it is read, since nobody wrote it there or nobody can say whose it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.entities import Function
from core.facts import Gap
from core.windows import Window

UNWRITTEN = "reports"
"""After a function's name: the scope of gaps beside which its log counts as read."""


def as_written(function: str) -> str:
    """The scope that holds what was read of a log which lacks records. The function's own has a gap there, as
    they are unknown; this one keeps the same from being read again."""
    return f"{function} as written"


def unwritten(function: Function, dropped: Sequence[tuple[Window, str]], window: Window) -> Iterator[Gap]:
    """What Lambda itself did not write; `dropped` says when records were lost, and why."""
    if function.log_format == "JSON" and function.system_log_level == "WARN":
        why = "the function's system log level is WARN, so reports of successful invocations are not written"
        yield Gap(function.name, window, why)
    for stretch, reason in dropped:
        lost = stretch.overlap(window)
        if lost:
            yield Gap(function.name, lost, f"Lambda dropped log records: {reason[:200]}")


def ownerless(group: str, stream: str, functions: Sequence[Function], window: Window) -> Iterator[Gap]:
    """Records of a shared group that may be of any of its functions."""
    why = f"log group {group} is shared, and {stream} does not say whose it is"
    return (Gap(function.name, window, why) for function in functions)
