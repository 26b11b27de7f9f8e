"""How the alert room bears being killed: random days with late data, silences and a clock that jumps.

    python benchmarks/alert_kills.py [--kills 1000] [--seed 0]

Each day is compared with one straight look at complete data: the same incidents with the same beginnings and
ends, no notice twice but where the kill fell between the receiver's answer and our note of it, none lost.
Prints a table; exit status 1 if anything differed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent))

from store.store import Store
from tests.alerts.machine import Machine, live_through, store_settings


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=0)
    asked = arguments.parse_args()
    seen, wrong, began = Counter[str](), list[str](), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "template"
        Store.open(store_settings(template)).close()
        seed = asked.seed
        while seen["kills"] < asked.kills:
            machine = _day(template, Path(folder) / "day", Random(seed))
            wrong += [f"seed {seed}: {text}" for text in machine.differences()]
            seen.update(_counted(machine))
            machine.close()
            shutil.rmtree(Path(folder) / "day")
            seed += 1
    _print(seen, seed - asked.seed, wrong, time.perf_counter() - began)
    return 1 if wrong else 0


def _day(template: Path, folder: Path, chance: Random) -> Machine:
    shutil.copytree(template, folder)
    return live_through(lambda: Store.open(store_settings(folder)), chance)


def _counted(machine: Machine) -> Counter[str]:
    sent = Counter(id for id, _, _ in machine.receiver.got)
    return Counter(
        kills=machine.fate.kills,
        incidents=machine.count("incident"),
        notices=len(sent),
        again=sum(n - 1 for n in sent.values()),
    )


def _print(seen: Counter[str], days: int, wrong: list[str], took_s: float) -> None:
    rows = [
        ("Days", days),
        ("Kills", seen["kills"]),
        ("Incidents", seen["incidents"]),
        ("Notices that came", seen["notices"]),
        ("Of them again, with the same id (killed between the answer and our note)", seen["again"]),
        ("Differences from the straight look", len(wrong)),
    ]
    show(rows, wrong, took_s)


def show(rows: Sequence[tuple[str, int]], wrong: Sequence[str], took_s: float) -> None:
    """A table of counts, and the first differences."""
    print(f"| {os.cpu_count()} cores, {took_s:.0f} s | |\n|---|---:|")
    for name, value in rows:
        print(f"| {name} | {value:,} |")
    for text in wrong[:20]:
        print(text)


if __name__ == "__main__":
    raise SystemExit(main())
