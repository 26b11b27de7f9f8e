"""CPU time of each collector over that of plain boto3 making the very same calls and dropping the answers.

The demo account answers from a process of its own with its clock stopped, so both get the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3

from collectors.aws import Aws, connect
from collectors.collector import Ask, Collector, Learned
from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.settings import AwsSettings, CollectSettings, StoreSettings, TargetSettings
from quarterdeck.demo.settings import environment
from store.store import Store

FUNCTIONS = 300
SETTINGS = CollectSettings(backfill=timedelta(hours=3), backfill_coarse=timedelta(hours=3))
Call = tuple[str, str, dict[str, Any]]
"""Service, method and parameters."""


@contextlib.contextmanager
def demo(now: datetime) -> Iterator[str]:
    """A fleet's endpoint, from another process."""
    words = [
        "-m",
        "quarterdeck.demo",
        "--functions",
        str(FUNCTIONS),
        "--regions",
        "1",
        "--now",
        now.isoformat(),
    ]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield next(word for line in process.stdout for word in line.split() if word.startswith("http://"))
        process.terminate()


class Recorder:
    """The calls of one connection, and the CPU time inside `collect`."""

    def __init__(self, aws: Aws) -> None:
        self.calls: list[Call] = []
        self.cpu_s = 0.0
        for service in services():
            events = aws.client(service).meta.events
            events.register("provide-client-params.*", self._remember(service, aws.client(service)))

    def _remember(self, service: str, client: Any) -> Callable[..., None]:
        methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}

        def remember(params: Any, model: Any, **_: Any) -> None:
            self.calls.append((service, methods[model.name], params))

        return remember

    def timed(self, collector: Collector) -> Collector:
        def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
            began = time.process_time()
            found = list(collector.collect(aws, ask))
            self.cpu_s += time.process_time() - began
            yield from found

        return replace(collector, collect=collect)


def services() -> list[str]:
    prefixes = {action.split(":")[0] for collector in COLLECTORS for action in collector.permissions}
    return sorted({"tag": "resourcegroupstaggingapi"}.get(prefix, prefix) for prefix in prefixes)


def replay(file: Path, endpoint: str, region: str, key: str) -> dict[str, float]:
    """CPU seconds of plain boto3 for the calls of each collector."""
    session = boto3.Session(key, "demo", region_name=region)
    clients = {name: session.client(name, endpoint_url=endpoint) for name in services()}  # type: ignore[call-overload]
    clients["lambda"].get_account_settings()
    taken = {}
    for name, calls in pickle.loads(file.read_bytes()).items():
        began = time.process_time()
        for service, method, params in calls:
            with contextlib.suppress(clients[service].exceptions.ClientError):
                getattr(clients[service], method)(**params)
        taken[name] = time.process_time() - began
    return taken


def measure(endpoint: str, work: Path, now: datetime) -> list[tuple[str, int, float, float]]:
    """Per collector: name, calls, CPU seconds of collecting, and of collecting and keeping."""
    wanted = AwsSettings(endpoint_url=endpoint, calls_per_s={})
    (aws,), _ = connect([TargetSettings(regions=["eu-west-1"])], wanted)
    store = Store.open(StoreSettings(path=work / "store", free_space_floor_mb=0))
    recorder, calls, rows = Recorder(aws), {}, []
    for collector in COLLECTORS:
        recorder.calls, recorder.cpu_s = [], 0.0
        began = time.process_time()
        collect_due(recorder.timed(collector), aws, store, SETTINGS, now=now)
        rows.append((collector.name, len(recorder.calls), recorder.cpu_s, time.process_time() - began))
        calls[collector.name] = recorder.calls
    store.close()
    (work / "calls").write_bytes(pickle.dumps(calls))
    return rows


def main() -> None:
    now = datetime.now(UTC).replace(second=30, microsecond=0)
    with tempfile.TemporaryDirectory() as folder, demo(now) as endpoint:
        os.environ |= environment(endpoint, "")
        rows = measure(endpoint, Path(folder), now)
        words = [__file__, "--replay", str(Path(folder) / "calls"), endpoint]
        told = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True).stdout
    plain = json.loads(told)
    print(f"{FUNCTIONS} functions, three hours; CPU seconds\n")
    heads = ("calls", "plain boto3", "collect", "ratio", "and keep", "ratio")
    print(f"{'collector':<12}" + "".join(f"{head:>13}" for head in heads))
    for name, count, cpu_s, kept_s in [*rows, ("all", *map(sum, list(zip(*rows, strict=True))[1:]))]:
        base_s = plain.get(name) or sum(plain.values())
        figures = (base_s, cpu_s, cpu_s / base_s, kept_s, kept_s / base_s)
        print(f"{name:<12}{count:>13}" + "".join(f"{figure:>13.2f}" for figure in figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--replay"]:
        print(json.dumps(replay(Path(sys.argv[2]), sys.argv[3], "eu-west-1", "AKIADEMO")))
    else:
        main()
