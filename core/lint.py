"""A live check of triggers, queues and async settings: what loses, repeats or blocks work."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core import lint_failures, lint_queues
from core.wiring import SEVERITIES, Finding, Wiring

__all__ = ["CHECKS", "Finding", "Wiring", "lint"]

CHECKS: tuple[Callable[[Wiring], Iterator[Finding]], ...] = (
    lint_queues.visibility,
    lint_queues.receive_count,
    lint_queues.source_without_letters,
    lint_queues.retention,
    lint_queues.concurrency,
    lint_failures.batch_item_failures,
    lint_failures.blocked_streams,
    lint_failures.stream_failures,
    lint_failures.pollers,
    lint_failures.async_failures,
    lint_failures.loops,
)


def lint(wiring: Wiring) -> list[Finding]:
    """Every finding, the worst first. What is not known is not found fault with."""
    found = [finding for check in CHECKS for finding in check(wiring)]
    return sorted(found, key=lambda f: (SEVERITIES.index(f.severity), f.function, f.code, f.where))
