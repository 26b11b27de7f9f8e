"""The browser is told where the server is, so that it need not look for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from starlette.applications import Starlette

from dashboard.serve import EARLY, FIRST, INDEX, PAGES, WHERE, told


def test_a_page_says_where_its_server_is_before_any_script_runs():
    said = told(INDEX.read_text("utf-8"))

    assert said.index(WHERE) < said.index("<script type=") < said.index("</head>")
    assert said.replace(WHERE, "").replace(EARLY, "") == INDEX.read_text("utf-8")


@pytest.mark.parametrize("path", [route.path for route in (FIRST, *PAGES)])
def test_every_address_of_the_menu_answers_with_that_page(path):
    with ThreadPoolExecutor(1) as apart:  # a browser's tests may have left a loop running in this thread
        answer = apart.submit(lambda: asyncio.run(_get(path))).result()

    assert answer.status_code == 200
    assert WHERE in answer.text
    assert answer.headers["cache-control"] == "no-cache"


async def _get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=[FIRST, *PAGES]))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.get(path, params={"fn": "1.eu-west-1.x"})
