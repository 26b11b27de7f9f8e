"""Streamlit, with what the pages import read beside its start: the first visitor does not wait for it."""

from __future__ import annotations

import threading
from importlib import import_module

from streamlit.web.cli import main

PAGES_NEED = ("dashboard.views", "dashboard.queries", "dashboard.functions_table", "altair", "duckdb")


def warm() -> None:
    for name in PAGES_NEED:
        import_module(name)


if __name__ == "__main__":
    threading.Thread(target=warm, daemon=True).start()
    main(prog_name="streamlit")
