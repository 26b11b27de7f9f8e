"""Streamlit, with what the pages import read beside its start: the first visitor does not wait for it."""

from __future__ import annotations

import atexit
import os
import threading
from importlib import import_module
from pathlib import Path

from streamlit.web.cli import main

from dashboard.login import REMOVED_AT_END, remove

PAGES_NEED = ("dashboard.views", "dashboard.queries", "dashboard.functions_table", "altair", "duckdb")


def warm() -> None:
    for name in PAGES_NEED:
        import_module(name)
    import_module("altair.utils.schemapi").disable_debug_mode()  # each part of a chart checked: tests do that


if __name__ == "__main__":
    if REMOVED_AT_END in os.environ:
        atexit.register(remove, Path(os.environ[REMOVED_AT_END]))
    threading.Thread(target=warm, daemon=True).start()
    main(prog_name="streamlit")
