"""Time from `quarterdeck run --demo` to a page with numbers in Chromium, on an empty store and on a full one.

Prints seconds: the promises (30 s and 5 s) and what was measured stand in docs/performance.md.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, sync_playwright

PATIENCE_S = 120
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(folder: Path, port: int) -> Iterator[float]:
    """`quarterdeck run --demo` on `folder`; gives the time of the command."""
    words = ["--store", str(folder), "run", "--demo", "--port", str(port)]
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "QUARTERDECK_"))}
    with (folder.parent / "run.log").open("a") as log:
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "quarterdeck", *words], env=keep, stdout=log, stderr=log
        )
        try:
            yield began
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def seconds_to_numbers(page: Page, port: int, began: float) -> float:
    """Open the Overview as soon as it answers, and wait until one of its six metrics is a number."""
    metrics = "[...document.querySelectorAll('[data-testid=stMetricValue]')]"
    while time.monotonic() - began < PATIENCE_S:
        try:
            page.goto(f"http://127.0.0.1:{port}/", timeout=10_000)
            page.wait_for_function(f"{metrics}.some(e => /[0-9]/.test(e.innerText))", timeout=60_000)
            return time.monotonic() - began
        except Error:
            time.sleep(0.2)
    raise SystemExit(f"no number on the Overview within {PATIENCE_S} s")


def main() -> None:
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name) / "store"
        folder.mkdir()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for label in ("empty store", "store with data"):
            port = free_port()
            with running(folder, port) as began:
                took = seconds_to_numbers(browser.new_page(), port, began)
                print(f"{label}: first page with numbers after {took:.1f} s")
                time.sleep(20 if label == "empty store" else 0)
        browser.close()


if __name__ == "__main__":
    main()
