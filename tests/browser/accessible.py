"""What axe-core finds on all of a page: unfolded, and high enough that nothing needs scrolling to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

MODES = ("light", "dark")
MAIN, BOX = "[data-testid=stMain]", "[role=dialog]"
FOLDED = f"{MAIN} [data-testid=stPopoverButton]:enabled:not(.st-key-toolbar *)"
POPPED = "[data-testid=stPopoverBody]"
SPARKLINES = "[data-testid='stMetricChart']"
"""They break `svg-img-alt`, and are Streamlit's own; everything else is ours to keep."""

CLOSED = f"{MAIN} details:not([open]) > summary"
HEIGHT_PX = f"document.querySelector('{MAIN}').scrollHeight"
SHOWN_MS = 300
"""Until the other mode is drawn: its colours come at once."""
AT_ONCE = "* { transition: none !important; animation: none !important }"


def violations(tab: Any, css: str | None = None) -> list[tuple[str, str, Any]]:
    """Of the page or a part of it, in both modes: the mode, the rule that is broken, and where."""
    context: dict[str, Any] = {"exclude": [[SPARKLINES]]} | ({"include": [[css]]} if css else {})
    found = []
    tab.page.add_style_tag(content=AT_ONCE)
    for mode in MODES:
        tab.page.emulate_media(color_scheme=mode)
        tab.page.wait_for_timeout(SHOWN_MS)
        for one in Axe().run(tab.page, context=context).response["violations"]:
            found.append((mode, one["id"], [node["html"][:200] for node in one["nodes"]][:3]))
    return found


@contextmanager
def unfolded(tab: Any) -> Iterator[None]:
    """With all that folds open, in a window as high as the page: axe-core sees no colour of what is scrolled
    out of sight."""
    size = tab.page.viewport_size
    if closed := tab.page.locator(CLOSED).count():
        for _ in range(closed):
            tab.page.locator(CLOSED).first.click()
        tab.text()
    tab.page.set_viewport_size({**size, "height": tab.page.evaluate(HEIGHT_PX) + 50})
    tab.text()
    yield
    tab.page.set_viewport_size(size)


@contextmanager
def popped(tab: Any, at: int) -> Iterator[None]:
    """With one of the page's buttons that open a small box pressed."""
    tab.page.locator(FOLDED).nth(at).click()
    expect(tab.page.locator(POPPED)).to_be_visible()
    yield
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(POPPED)).to_have_count(0)
