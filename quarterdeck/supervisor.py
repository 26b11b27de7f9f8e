"""Starts the parts of Quarterdeck as processes, restarts one that dies, and stops all of them together."""

from __future__ import annotations

import ctypes
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from core.errors import QuarterdeckError

LOOK_EVERY_S = 0.2
PATIENCE_S = 8.0
"""How long parts may take to stop before they are killed; a kill loses nothing that was acknowledged."""

STEADY_S = 60.0
"""A part that lived this long begins again with the shortest wait."""

MAX_WAIT_S = 60.0
GAVE_UP = frozenset({1, 2})
"""Exit codes by which a part says that it cannot start and has said why."""

Say = Callable[[str], None]


class PortInUseError(QuarterdeckError):
    """Something else listens where the dashboard should."""


@dataclass(slots=True)
class Part:
    """One process: how it is started, and how it fares. A quiet one's stdout is not for people."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    quiet: bool = False
    may_start: Callable[[], bool] = lambda: True
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    deaths: int = 0

    def start(self, *, now: float) -> None:
        self.process = subprocess.Popen(
            list(self.argv), env=dict(self.env), stdin=subprocess.DEVNULL, start_new_session=True,
            stdout=subprocess.DEVNULL if self.quiet else None,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        self.started_at = now

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def wait_s(deaths: int) -> float:
    """Seconds before the restart after so many deaths in a row: 1, 2, 4 ... 60."""
    return float(min(MAX_WAIT_S, 2.0 ** (deaths - 1)))


class Supervisor:
    """Keeps parts running until `stop` is asked for, or a part says that it cannot start."""

    def __init__(
        self, parts: Sequence[Part], *, say: Say, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.parts, self.say, self.clock = list(parts), say, clock
        self.asked_to_stop = False

    def run(self, *, each_look: Callable[[], None]) -> int:
        """Supervise; returns the exit code. `each_look` is called five times a second."""
        try:
            while not self.asked_to_stop:
                for part in self.parts:
                    code = self._look_at(part)
                    if code is not None:
                        return code
                each_look()
                time.sleep(LOOK_EVERY_S)
            return 0
        finally:
            self.stop_all()

    def _look_at(self, part: Part) -> int | None:
        """Start or restart a part that should run. Returns an exit code when it never can."""
        now = self.clock()
        if part.alive():
            return None
        if part.process is not None:
            code, lived = part.process.returncode, now - part.started_at
            if code in GAVE_UP and part.deaths == 0 and lived < STEADY_S:
                return int(code)
            part.deaths = 1 if lived >= STEADY_S else part.deaths + 1
            part.restart_at = now + wait_s(part.deaths)
            part.process = None
            self.say(
                f"the {part.name} ended ({ending(code)}); it starts again in {wait_s(part.deaths):.0f} s"
            )
        if now >= part.restart_at and part.may_start():
            part.start(now=now)
        return None

    def stop_all(self) -> None:
        """Ask the parts to end, the last one first: what it needs outlives it. Kill what does not listen."""
        deadline = time.monotonic() + PATIENCE_S
        for part in reversed(self.parts):
            process = part.process
            if process is None or process.poll() is not None:
                continue
            process.terminate()
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _die_with_parent() -> None:
    """Linux: ask to be terminated when the supervisor is gone, however it went."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@contextmanager
def stopped_by_signals(supervisor: Supervisor) -> Iterator[None]:
    """SIGTERM and Ctrl-C ask the supervisor to stop."""

    def ask(number: int, frame: FrameType | None) -> None:
        supervisor.asked_to_stop = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def require_free(address: str, port: int) -> None:
    """Raises PortInUseError when nobody could listen there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise PortInUseError(
                f"the dashboard cannot listen on {address}:{port}: {error.strerror}; "
                "choose another with --port or dashboard.port in the settings"
            ) from error


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(address: str, port: int, path: str) -> bool:
    """Whether an HTTP GET there is answered with 200."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def child(*words: str) -> list[str]:
    """The command line of one of our own commands as a process. `-P`: folders named like ours where it is
    started from are not imported."""
    return [sys.executable, "-P", "-m", "quarterdeck", *words]
