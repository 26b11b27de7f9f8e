"""Chromium on a real dashboard process: pages open in both colour modes and must leave no error behind."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.access import AccessSettings
from core.settings import DashboardSettings, StoreSettings
from dashboard.launch import launch
from dashboard.login import REMOVED_AT_END, write_login
from tests import demo_store

READY = '[data-testid="stApp"][data-test-connection-state="CONNECTED"][data-test-script-state="notRunning"]'
SIZE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
ON_A_PHONE = "Mozilla/5.0 (Linux; Android 14) Mobile"
READ = """() => document.querySelector('[data-testid=stMainBlockContainer]').innerText + '\\n' + [...document
  .querySelectorAll('[data-testid=stDataFrame] canvas table')].map(each => each.textContent).join('\\n')"""
"""All that the page says: tables are drawn on canvases, each with a hidden table for screen readers."""
CHARTS = ".stEChartsChart, .stVegaLiteChart"
DRAWN = """charts =>
  document.querySelectorAll('.quarterdeck-svg').length === document.querySelectorAll(charts).length"""
PICTURES = os.environ.get("QUARTERDECK_SCREENSHOTS") == "1"
HISTORY = timedelta(hours=30) if PICTURES else demo_store.HISTORY
"""For pictures long enough to compare with the same hours yesterday."""
WARNED = re.compile(r"(?m)^.*(?:(?<!Deprecation)Warning:|Error:|Traceback|[Uu]ncaught).*$")
TIME_ZONE, LOCALE = "Europe/Berlin", "en-GB"


expect.set_options(timeout=20_000)  # on a busy machine a click may wait for its turn


class Dashboard:
    """One tab. It counts what the server sent and keeps every error the page or the script made."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.finished, self.bytes = 0, 0
        self.exceptions: list[str] = []
        self.console: list[str] = []
        self._heard: dict[str, Callable[[Any], None]] = {
            "websocket": lambda ws: ws.on("framereceived", self._read),
            "console": self._note,
            "pageerror": lambda error: self.console.append(str(error)),
        }
        for event, hear in self._heard.items():
            page.on(event, hear)

    def _read(self, payload: str | bytes) -> None:
        if isinstance(payload, str):
            return
        message = ForwardMsg()
        message.ParseFromString(payload)
        self.bytes += len(payload)
        kind = message.WhichOneof("type")
        self.finished += kind == "script_finished"
        if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
            self.exceptions.append(message.delta.new_element.exception.message)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console.append(f"{message.text} ({message.location.get('url', '')})")

    def leave(self, mode: str) -> None:
        """Hand the tab on as a new one is: nothing heard, shown, stored or pointed at."""
        for event, hear in self._heard.items():
            self.page.remove_listener(event, hear)
        self.page.evaluate("sessionStorage.clear()")
        self.page.goto("about:blank")
        self.page.emulate_media(color_scheme=mode)
        self.page.mouse.move(0, 0)

    def open(self, path: str = "/", **query: str) -> Dashboard:
        """Go to a page by its address and wait until the server says that it is drawn."""
        before = self.finished
        self.page.goto(self.url + path + (f"?{urlencode(query)}" if query else ""))
        self._settle(before)
        return self

    @contextlib.contextmanager
    def rerun(self) -> Iterator[None]:
        """`with dashboard.rerun(): button.click()` returns when the script has run again."""
        before = self.finished
        yield
        self._settle(before)

    def _settle(self, before: int, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while self.finished == before:
            assert time.monotonic() < deadline, f"the page did not finish in {timeout_s} s: {self.page.url}"
            self.page.wait_for_timeout(10)
        self.page.wait_for_selector(READY, timeout=timeout_s * 1000)

    def text(self, css: str = "[data-testid=stMainBlockContainer]") -> str:
        """What a part of the page says once it no longer changes: the browser draws after the script ends."""
        said, before = self.page.locator(css).inner_text(), ""
        while said != before:
            self.page.wait_for_timeout(250)
            said, before = self.page.locator(css).inner_text(), said
        return said

    def wait_for(self, *texts: str, timeout_s: float = 20) -> None:
        """Until the page says all of it, tables included: it draws some time after its script has ended."""
        deadline = time.monotonic() + timeout_s
        while missing := [text for text in texts if text not in self.page.evaluate(READ)]:
            assert time.monotonic() < deadline, f"{self.page.url} does not say {missing}"
            self.page.wait_for_timeout(100)

    def cell(self, key: str, row: int, column: str) -> str | None:
        """A table's raw value. The table must be in `st.container(key=...)`."""
        grid = self.page.locator(f".st-key-{key} [data-testid=stDataFrame] canvas table[role=grid]")
        grid.wait_for(state="attached")
        at = grid.locator("[role=columnheader]").all_text_contents().index(column) + 1
        cell = grid.locator(f"[aria-rowindex='{row + 2}'] [role=gridcell][aria-colindex='{at}']")
        return cell.text_content()

    def wait_until_drawn(self) -> None:
        """Until every chart has its button for a picture, which it gets once it is drawn."""
        self.page.wait_for_function(DRAWN, arg=CHARTS)

    def download(self, button: Locator) -> tuple[str, bytes]:
        """The name and the content of the file that a button gives."""
        return self._file(button.click)

    def _file(self, ask: Callable[[], None]) -> tuple[str, bytes]:
        with self.page.expect_download() as started:
            ask()
        return started.value.suggested_filename, started.value.path().read_bytes()

    def chart_file(self, kind: str) -> tuple[str, bytes]:
        """The page's first chart as PNG or SVG, by its button and the keyboard: what comes above it while the
        page is drawn moves it from under a pointer."""
        self.wait_until_drawn()
        button = self.page.locator(f'button[aria-label^="Download as {kind}"]').first
        return self._file(lambda: button.press("Enter"))

    def screenshot(self, path: Path) -> None:
        self.page.wait_for_timeout(600)  # canvases paint after the script has finished
        self.page.screenshot(path=path)

    def problems(self) -> list[str]:
        """Every error since the page opened; empty is good."""
        boxes = self.page.locator('[data-testid="stException"]').all_text_contents()
        return [*boxes, *self.exceptions, *self.console]


def chromium() -> str:
    """Debian's Chromium, or the one that `CHROMIUM` names."""
    for name in (os.environ.get("CHROMIUM"), "/usr/bin/chromium", shutil.which("chromium-browser")):
        if name and Path(name).exists():
            return name
    raise FileNotFoundError("no chromium: apt-get install chromium, or set CHROMIUM to its path")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--headless"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the dashboards print."""
    return tmp_path_factory.mktemp("dashboard") / "out.log"


@pytest.fixture(autouse=True)
def _nothing_is_warned_of(printed: Path) -> Iterator[None]:
    """What Streamlit or our own pages find wrong while a test looks at them, they say in their log."""
    before = printed.stat().st_size if printed.exists() else 0
    yield
    with printed.open("rb") if printed.exists() else BytesIO() as log:
        log.seek(before)
        assert not WARNED.findall(log.read().decode())


@pytest.fixture(scope="session")
def serve(printed: Path) -> Iterator[Callable[..., str]]:
    """`serve(store, banner=None, now=None, access=None) -> url`: a dashboard until the session ends."""
    running: list[subprocess.Popen[bytes]] = []
    log = printed.open("wb")

    def start(
        store: Path,
        *,
        banner: str | None = None,
        now: str | None = None,
        access: AccessSettings | None = None,
    ) -> str:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        environ = dict(os.environ) | ({"QUARTERDECK_NOW": now} if now else {})
        how: dict[str, Any] = {"access": access, "base_url": url}
        if access and access.login:
            how["secrets"] = write_login(access.login, url)
            environ[REMOVED_AT_END] = str(how["secrets"])
        settings = DashboardSettings(port=port)
        argv, env = launch(settings, StoreSettings(path=store), banner, environ=environ, **how)
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=subprocess.STDOUT)
        running.append(process)
        _wait_for(f"{url}/_stcore/health", process)
        return url

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)
    log.close()


@pytest.fixture(scope="session")
def demo(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """One dashboard on the demo account for all tests that only look: its address and its store."""
    collect = functools.partial(demo_store.collect, history=HISTORY)
    path = demo_store.shared("demo", collect, tmp_path_factory)
    return serve(path, banner="You watch the demo account.", now=demo_store.NOW.isoformat()), path


@pytest.fixture(scope="session")
def context(browser: Browser) -> Iterator[Callable[[dict[str, int], str], BrowserContext]]:
    """`context(size, mode)`: a browser's window that knows nothing of the others."""
    made: list[BrowserContext] = []

    def make(size: dict[str, int], mode: str) -> BrowserContext:
        agent = {"user_agent": ON_A_PHONE} if size == PHONE else {}
        how = {"color_scheme": mode, "timezone_id": TIME_ZONE, "locale": LOCALE, **agent}
        made.append(browser.new_context(viewport=size, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def left() -> dict[tuple[int, str], Page]:
    """Tabs that tests have left, by width and mode: a new one reads all of Streamlit's scripts again."""
    return {}


@pytest.fixture
def open_tab(
    context: Callable[..., BrowserContext], left: dict[tuple[int, str], Page]
) -> Iterator[Callable[..., Dashboard]]:
    """`open_tab(url, mode="light", size=SIZE, alone=False) -> Dashboard`: one tab for a test, which no other
    test is handed if it is `alone`. After the test it may have no problem."""
    opened: list[tuple[Dashboard, tuple[int, str] | None]] = []

    def start(
        url: str, *, mode: str = "light", size: dict[str, int] = SIZE, alone: bool = False
    ) -> Dashboard:
        key = size["width"], mode
        page = None if alone else left.pop(key, None)
        tab = Dashboard(page or context(size, mode).new_page(), url)
        opened.append((tab, None if alone else key))
        return tab

    yield start
    problems = [problem for tab, _ in opened for problem in tab.problems()]
    for tab, key in opened:
        if problems or key is None or key in left or not tab.page.url.startswith(tab.url):
            tab.page.close()
        else:
            tab.leave(key[1])
            left[key] = tab.page
    assert not problems


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the dashboard ended with exit code {process.returncode}"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    raise AssertionError(f"{url} did not answer in {timeout_s} s")
