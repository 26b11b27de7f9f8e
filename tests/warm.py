"""Processes forked from one that has imported the service: to import takes seconds of every start."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext


def forking() -> ForkServerContext:
    """Makes such processes; all of a test run come from one."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["quarterdeck.serving", "alembic.command", "runpy"])
    return context
