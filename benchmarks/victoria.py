"""VictoriaMetrics for a benchmark: started on loopback over a temporary folder, filled, asked."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd

PROGRAM = "victoria-metrics"
MISSING = f"VictoriaMetrics is left out: there is no {PROGRAM}; `apt-get install {PROGRAM}` brings it"


class Victoria:
    """Asks over the API, as a dashboard would, and makes frames of the answers."""

    def __init__(self, http: httpx.Client, pid: int) -> None:
        self._http, self.pid = http, pid

    def fill(self, frame: pd.DataFrame, names: tuple[str, ...]) -> None:
        """Import the points of one stretch: rows by function and time, a series per name and function."""
        lines = []
        for function, rows in frame.groupby("function", observed=True):
            ms = rows["ts"].to_numpy()
            for name in names:
                values = rows[name].to_numpy(dtype=float)
                known = ~np.isnan(values)
                if known.any():
                    metric = {"__name__": name, "function": function}
                    points = {"values": values[known].tolist(), "timestamps": ms[known].tolist()}
                    lines.append(json.dumps({"metric": metric, **points}))
        self._http.post("/api/v1/import", content="\n".join(lines)).raise_for_status()

    def settle(self) -> None:
        """Make what was imported ready to be read, and merge its parts as time would."""
        for path in ("/internal/force_flush", "/internal/resetRollupResultCache", "/internal/force_merge"):
            self._http.get(path).raise_for_status()
        time.sleep(5)

    def now(self, query: str, at: float) -> list[Mapping[str, Any]]:
        return self._result("/api/v1/query", {"query": query, "time": str(at), "nocache": "1"})

    def range(self, query: str, start: float, end: float, step: str) -> list[Mapping[str, Any]]:
        asked = {"query": query, "start": str(start), "end": str(end), "step": step, "nocache": "1"}
        return self._result("/api/v1/query_range", asked)

    def export(self, match: str, start: float, end: float) -> list[Mapping[str, Any]]:
        asked = {"match[]": match, "start": str(start), "end": str(end)}
        answer = self._http.get("/api/v1/export", params=asked).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def _result(self, path: str, asked: dict[str, str]) -> list[Mapping[str, Any]]:
        answer = self._http.get(path, params=asked).raise_for_status()
        result: list[Mapping[str, Any]] = answer.json()["data"]["result"]
        return result


@contextmanager
def running(folder: Path) -> Iterator[Victoria | None]:
    """VictoriaMetrics with its data in `folder`; None where it is not installed."""
    if shutil.which(PROGRAM) is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    given = [f"-storageDataPath={folder}", f"-httpListenAddr={address}", "-retentionPeriod=100y"]
    process = subprocess.Popen([PROGRAM, *given, "-loggerLevel=ERROR"])
    try:
        with httpx.Client(base_url=f"http://{address}", timeout=300) as http:
            _wait(http)
            yield Victoria(http, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(http: httpx.Client) -> None:
    for _ in range(100):
        try:
            http.get("/health").raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError(f"{PROGRAM} does not answer")
