"""Every page of the menu, on stores of 300 and 2,000 functions (or as many as the arguments say).

The server: what a page's first run and a warm one take, by a websocket that does what a tab does, and the
bytes it sends. Chromium: from the navigation to the page's first sentence, number or table, over the newest
three hours, as a ratio to a Streamlit page of one sentence that is loaded in turns with it. `--keep FOLDER`
keeps the stores there, and uses those it finds (those of fleet_table.py, too).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from urllib.parse import urlencode

from clock import Took, calibration, measure
from first_page import CHROMIUM
from fleet_table import NOW, TARGETS, names, opened
from playwright.sync_api import BrowserContext, sync_playwright
from viewer import Answer, Server, Viewer, dashboard_on, one_line

from dashboard.links import FUNCTION, OVERVIEW
from dashboard.menu import MENU

PAINTED = """
(() => {
  const found = ['stMarkdown', 'stAlert', 'stPageLink', 'stMetricValue', 'stDataFrame']
    .map((name) => `[data-testid=stMainBlockContainer] [data-testid=${name}]`).join(',');
  const says = (node) => !node.closest('.st-key-toolbar, .st-key-banner, .st-key-not-read') &&
    (node.querySelector('canvas') || /[0-9]|\\w+ \\w+/.test(node.innerText));
  const look = () => {
    if ([...document.querySelectorAll(found)].some(says)) window.__painted = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Notes when the page first says something of its own, in ms since the navigation began: not its toolbar, nor
what collectors did not read."""

PLAIN = "a page of one sentence"


@dataclass(frozen=True)
class Page:
    """A page's address."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"/{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")


def pages(function: str) -> dict[str, Page]:
    """The menu's pages by title, and one function's."""
    found = {
        title: Page("" if file == OVERVIEW else Path(file).stem) for file, title, _ in chain(*MENU.values())
    }
    return found | {"one function": Page(Path(FUNCTION).stem, {"fn": function})}


@dataclass(frozen=True)
class Served:
    """A page as the server has it: the first time anybody asks, and once its answers are known."""

    first: Answer
    warm: Answer
    took: Took


def served(server: Server, asked: Mapping[str, Page], rounds: int) -> dict[str, Served]:
    viewers = {name: Viewer(server, page.path, **page.query) for name, page in asked.items()}
    first = {name: viewer.ask() for name, viewer in viewers.items()}
    warm = {name: viewer.ask() for name, viewer in viewers.items()}
    asks = {name: viewer.ask for name, viewer in viewers.items()}
    took = measure(asks, rounds=rounds, servers=dict.fromkeys(asked, server.pid))
    for viewer in viewers.values():
        viewer.close()
    if errors := [error for answer in chain(first.values(), warm.values()) for error in answer.errors]:
        raise SystemExit(f"a page failed: {errors[0]}")
    return {name: Served(first[name], warm[name], took[name]) for name in asked}


def painted(context: BrowserContext, urls: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Median ms to each address's first words; they take turns, so what else runs slows all alike."""
    context.add_init_script(PAINTED)
    times: dict[str, list[float]] = {name: [] for name in urls}
    for turn in range(rounds + 1):
        for name, url in urls.items():
            tab = context.new_page()
            tab.goto(url)
            tab.wait_for_function("window.__painted", timeout=120_000)
            if turn:  # the first one fills the browser's cache
                times[name].append(tab.evaluate("window.__painted"))
            tab.close()
    return {name: statistics.median(each) for name, each in times.items()}


def report(count: int, on_server: Mapping[str, Served], in_browser: Mapping[str, float]) -> None:
    plain = in_browser[PLAIN]
    print(f"\n{count} functions; {PLAIN}: {plain:.0f} ms\n")
    print("| page | first run | warm run (CPU) | kB first | kB again | first words | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, page in on_server.items():
        sizes = f"{page.first.bytes / 1000:.0f} | {page.warm.bytes / 1000:.0f}"
        ran = f"{page.first.ms:.0f} | {page.took.wall_ms:.0f} ({page.took.cpu_ms:.0f})"
        shown = f"{in_browser[name]:.0f} | {in_browser[name] / plain:.2f}" if name in in_browser else " | "
        print(f"| {name} | {ran} | {sizes} | {shown} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("functions", nargs="*", type=int, default=[300, 2_000])
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="pages whose title holds this")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print(f"the calibration loop takes {calibration()} ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, one_line() as plain:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for count in args.functions:
            kept = args.keep or Path(folder)
            opened(kept, count).close()
            target = TARGETS[0]
            one = f"{target.account}.{target.region}.{names(target, count)[0]}"
            asked = {name: page for name, page in pages(one).items() if args.only in name}
            with dashboard_on(kept / str(count), QUARTERDECK_NOW=NOW.isoformat()) as server:
                on_server = served(server, asked, args.rounds)
                urls = {PLAIN: plain.url} | {name: server.url + page.address for name, page in asked.items()}
                context = browser.new_context(viewport={"width": 1440, "height": 900})
                report(count, on_server, painted(context, urls, args.rounds))
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
