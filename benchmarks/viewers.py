"""Twenty viewers with Live on, on one dashboard process, over a fleet of 300 functions (or as asked).

Each viewer is a websocket that does what a tab does: it opens a page of the menu, then runs what the page
wants to be run again every 30 seconds. The clock moves, so the windows do, and answers have to be found anew.
The store holds six hours that end a little in the future; nothing is collected meanwhile.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
from clock import calibration, cpu_ms
from fleet_table import TARGETS, fill, names
from pages import Page, pages
from viewer import Answer, Server, Viewer, dashboard_on

from core.settings import StoreSettings
from core.windows import MINUTE, Window, floor
from store.store import Store

HISTORY, AHEAD = timedelta(hours=6), timedelta(minutes=10)


@dataclass
class Seen:
    """What one viewer got: its first page, and each refresh."""

    opened: list[Answer] = field(default_factory=list)
    refreshed: list[Answer] = field(default_factory=list)


def watch(server: Server, page: Page, until: float, wait_s: float, ready: threading.Barrier) -> Seen:
    """Open a page after `wait_s`, wait for the others, and keep it fresh until the time is over: out of step
    with them, as people's tabs are."""
    viewer, seen = Viewer(server, page.path, **page.query), Seen()
    try:
        time.sleep(wait_s)
        seen.opened.append(viewer.ask())
        ready.wait()
        time.sleep(wait_s)
        every = seen.opened[0].again
        due = {fragment: time.monotonic() + every[fragment] for fragment in every}
        while due and (at := min(due.values())) < until:
            fragment = min(due, key=due.__getitem__)
            time.sleep(max(0.0, at - time.monotonic()))
            seen.refreshed.append(viewer.ask(fragment))
            due[fragment] = max(at + every[fragment], time.monotonic())
    except BaseException:
        ready.abort()
        raise
    finally:
        viewer.close()
    return seen


def crowd(
    server: Server, chosen: Sequence[Page], seconds: float, *, apart_s: float
) -> tuple[list[Seen], float]:
    """What each of the viewers got, and the memory of the process with all of them on their pages."""
    memory: list[float] = []
    ready = threading.Barrier(len(chosen), action=lambda: memory.append(server.memory_mb()))
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(len(chosen)) as pool:
        tabs = [pool.submit(watch, server, page, until, apart_s * n, ready) for n, page in enumerate(chosen)]
        return [tab.result() for tab in tabs], memory[0]


def warm(server: Server, asked: Sequence[Page]) -> None:
    """One viewer of each page, gone again: what any use of the process takes is not the crowd's."""
    for page in asked:
        viewer = Viewer(server, page.path, **page.query)
        viewer.ask()
        viewer.close()


def report(count: int, seen: Sequence[Seen], seconds: float, used_ms: float) -> None:
    print(f"\n{count} functions\n\n| | times | p50 | p95 | worst | kB | errors |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | --- |")
    for what, answers in (
        ("opening a page", [answer for each in seen for answer in each.opened]),
        ("a refresh", [answer for each in seen for answer in each.refreshed]),
    ):
        if not answers:
            print(f"| {what} | 0 | | | | | |")
            continue
        ms = np.array([answer.ms for answer in answers])
        middle, p95, worst = np.percentile(ms, [50, 95, 100])
        errors = [error for answer in answers for error in answer.errors]
        took = " | ".join(f"{value:,.0f} ms" for value in (middle, p95, worst))
        size = np.mean([answer.bytes for answer in answers]) / 1000
        print(f"| {what} | {len(ms)} | {took} | {size:.0f} | {errors or 'none'} |")
    print(f"\nCPU of the process: {used_ms / 10 / seconds:.0f} % of a core")


def made(folder: Path, count: int) -> Path:
    now, path = floor(datetime.now(UTC), MINUTE), folder / f"now-{count}"
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    fill(store, count, Window(now - HISTORY, now + AHEAD))
    store.close()
    return path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("functions", nargs="*", type=int, default=[300])
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=120)
    args = parser.parse_args()
    print(f"the calibration loop takes {calibration()} ms")
    for count in args.functions:
        target = TARGETS[0]
        asked = [*pages(f"{target.account}.{target.region}.{names(target, count)[0]}").values()]
        chosen = [asked[n % len(asked)] for n in range(args.viewers)]
        with tempfile.TemporaryDirectory() as folder, dashboard_on(made(Path(folder), count)) as server:
            warm(server, asked)
            before, began, used = server.memory_mb(), time.monotonic(), partial(cpu_ms, server.pid)
            worked = used()
            seen, full = crowd(server, chosen, args.seconds, apart_s=30 / args.viewers)
            report(count, seen, time.monotonic() - began, used() - worked)
            each = (full - before) / args.viewers
            print(f"memory: {before:.0f} MB, then {full:.0f} with {args.viewers} viewers: {each:.1f} each")


if __name__ == "__main__":
    main()
