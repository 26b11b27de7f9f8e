"""The demo account and the service as processes of their own, told to move, stop or die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx

from quarterdeck.demo.settings import environment
from quarterdeck.running import without_aws
from tests.e2e import clocked_service
from tests.warm import forking


@contextmanager
def demo_account(now: datetime) -> Iterator[str]:
    """The endpoint of a demo account that is started at `now`, where its clock stands still."""
    argv = [sys.executable, "-m", "quarterdeck.demo", "--now", now.isoformat()]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.wait(60)


def set_clock(endpoint: str, now: datetime) -> None:
    """Move the clock of the demo account, and of the services that follow it."""
    httpx.post(f"{endpoint}/demo/clock", json={"now": now.isoformat()}, timeout=30).raise_for_status()


def wait_for(what: Callable[[], object], why: Callable[[], str], *, seconds: float = 120) -> None:
    """Look ten times a second until `what()` is true. Fails with `why()` when the time is over."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why()
        time.sleep(0.1)


@dataclass
class Service:
    """The service on one store; every start is a new process, and all of them print to `log`."""

    settings: Path
    store: Path
    endpoint: str
    log: Path
    process: ForkServerProcess | None = None

    def start(self) -> None:
        env = without_aws(os.environ) | environment(self.endpoint, self.settings)
        words = (self.settings, self.store, self.endpoint, self.log, env)
        self.process = forking().Process(target=clocked_service.run, args=words)
        self.process.start()

    def end(self, number: signal.Signals) -> int:
        """Send a signal; the exit code, negative when the signal killed it."""
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, number)
        self.process.join(60)
        code, self.process = self.process.exitcode, None
        assert code is not None, f"the service goes on after {number.name}"
        return code

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join(60)
