"""Prometheus for a benchmark: filled from a file of points, started on loopback, asked."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pandas as pd

PROGRAMS = ("prometheus", "promtool")
MISSING = "Prometheus is left out: `apt-get install prometheus` brings it"


class Prometheus:
    def __init__(self, http: httpx.Client, pid: int) -> None:
        self._http, self.pid = http, pid

    def now(self, query: str, at: float) -> list[Mapping[str, Any]]:
        answer = self._http.get("/api/v1/query", params={"query": query, "time": str(at)}).raise_for_status()
        result: list[Mapping[str, Any]] = answer.json()["data"]["result"]
        return result

    def minutes(self, queries: Sequence[str], start: float, end: float) -> None:
        """Evaluate each at every minute of a stretch."""
        for query in queries:
            asked = {"query": query, "start": str(start), "end": str(end), "step": "60s"}
            self._http.get("/api/v1/query_range", params=asked).raise_for_status()

    def group_s(self) -> tuple[float, float]:
        """When its rule group was evaluated last, and how long that took, by its own word."""
        groups = self._http.get("/api/v1/rules").raise_for_status().json()["data"]["groups"]
        return groups[0]["lastEvaluation"], float(groups[0]["evaluationTime"])


def fill(folder: Path, frame: pd.DataFrame, names: tuple[str, ...]) -> None:
    """Make blocks of the points (function, ts in milliseconds, a gauge per name)."""
    file = folder / "points.txt"
    with file.open("w") as out:
        for name in names:
            out.write(f"# TYPE {name} gauge\n")
            for function, rows in frame[["function", "ts", name]].dropna().groupby("function", observed=True):
                pairs = zip(rows[name].tolist(), (rows["ts"] / 1000).tolist(), strict=True)
                out.writelines(f'{name}{{function="{function}"}} {value} {ts}\n' for value, ts in pairs)
        out.write("# EOF\n")
    made = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(file), str(folder / "data")]
    subprocess.run(made, check=True, capture_output=True)
    file.unlink()


def installed() -> bool:
    return all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def running(folder: Path, rules: str) -> Iterator[Prometheus]:
    """Prometheus over the blocks in `folder`, with these rules evaluated every five seconds."""
    (folder / "rules.yml").write_text(rules)
    (folder / "prometheus.yml").write_text("global: {evaluation_interval: 5s}\nrule_files: [rules.yml]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    given = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    given += [f"--web.listen-address={address}", "--log.level=error", "--storage.tsdb.retention.time=100y"]
    process = subprocess.Popen([PROGRAMS[0], *given])
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=300) as http:
            _wait(http)
            yield Prometheus(http, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(http: httpx.Client) -> None:
    for _ in range(300):
        try:
            http.get("/-/ready").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("prometheus does not answer")
