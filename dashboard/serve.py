"""The web application: Streamlit's, with a page of ours at each address of the menu.

A browser that opens `/alerts` does not know whether Streamlit answers there or above: it asks there first,
and waits before it asks above. Our page says at once where, as a host of Streamlit would: by
`window.__streamlit`, which Streamlit's own script reads. Should a later version not read it, the browser
finds out by itself again.

A key that is pressed before the page listens (`shell.js`) is kept until it does.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from streamlit.starlette import App

from dashboard.menu import MENU

INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
WHERE = '<script>window.__streamlit = { BACKEND_BASE_URL: new URL(".", location.href).href }</script>'
EARLY = """<script>addEventListener("keydown", (event) => {
  if (!window.__quarterdeck) window.__quarterdeckEarly = event;
})</script>"""


def told(index: str) -> str:
    """Streamlit's page, told first of all where its server is: pages are one segment below it."""
    return index.replace("<head>", f"<head>{WHERE}{EARLY}", 1)


def page(_: Request) -> HTMLResponse:
    return HTMLResponse(told(INDEX.read_text("utf-8")), headers={"Cache-Control": "no-cache"})


PAGES = [Route(f"/{Path(file).stem}", page) for file, _, _ in chain(*MENU.values())]
FIRST = Route("/", page)

app = App(Path(__file__).with_name("app.py"), routes=[FIRST, *PAGES])
