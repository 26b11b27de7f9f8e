"""The command line: thin commands that import what they need when they run, so that `--help` is quick."""

from __future__ import annotations

from quarterdeck.cli.front import app, main

__all__ = ["app", "main"]
