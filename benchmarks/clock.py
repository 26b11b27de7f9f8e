"""Times of questions, as the store's benchmarks take them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Took:
    """Milliseconds of one question: the median on the wall, and the mean of CPU, which other work on the
    machine lengthens less."""

    wall_ms: float
    cpu_ms: float

    def __str__(self) -> str:
        return f"{self.wall_ms:.1f} ({self.cpu_ms:.1f})"


def measure(
    asked: Mapping[str, Callable[[], object]], *, rounds: int = 9, servers: Mapping[str, int] | None = None
) -> dict[str, Took]:
    """Each question after one warm-up, in turns: what else the machine does falls on all alike. `servers` are
    the processes whose CPU counts too."""
    wall: dict[str, list[float]] = {name: [] for name in asked}
    cpu = dict.fromkeys(asked, 0.0)
    for ask in asked.values():
        ask()
    for _ in range(rounds):
        for name, ask in asked.items():
            process = (servers or {}).get(name)
            before, began = _cpu_ms(process), time.perf_counter()
            ask()
            wall[name].append((time.perf_counter() - began) * 1000)
            cpu[name] += _cpu_ms(process) - before
    return {name: Took(statistics.median(wall[name]), cpu[name] / rounds) for name in asked}


def _cpu_ms(server: int | None) -> float:
    """CPU time so far of this process, and of a server's."""
    return time.process_time() * 1000 + (cpu_ms(server) if server is not None else 0)


def cpu_ms(process: int) -> float:
    """CPU time so far of another process."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * TICK_MS


def calibration() -> Took:
    """A fixed loop, so that runs on other machines, or on a busy one, can be compared."""
    return measure({"loop": _loop})["loop"]


def _loop() -> float:
    values = np.arange(2_000_000, dtype=np.float64)
    return float(np.sort((values * 1.6180339887) % 1.0).sum())


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """How a time grows: 1 is in proportion, 0 not at all."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
