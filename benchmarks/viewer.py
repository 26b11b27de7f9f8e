"""A dashboard process, and one viewer of it without a browser: the websocket, spoken as a tab does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from core.settings import DashboardSettings, StoreSettings
from dashboard.launch import launch

PATIENCE_S = 180


@dataclass(frozen=True)
class Server:
    """A running server: where it answers, and whose CPU and memory to look at."""

    url: str
    pid: int

    def memory_mb(self) -> float:
        """What the process holds now (PSS: shared pages by their part)."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def dashboard_on(store: Path, **environ: str) -> Iterator[Server]:
    """The dashboard on a store, started as the service starts it."""
    port = free_port()
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "QUARTERDECK_"))}
    settings = StoreSettings(path=store, free_space_floor_mb=0)
    argv, env = launch(DashboardSettings(port=port), settings, environ=keep | environ)
    with serving(argv, env, port) as server:
        yield server


@contextmanager
def one_line() -> Iterator[Server]:
    """What Streamlit itself takes: a page that says one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.py"
        page.write_text('import streamlit as st\n\nst.write("Nothing else is on this page.")\n')
        port = free_port()
        options = {"server.address": "127.0.0.1", "server.port": port, "server.headless": "true"}
        quiet = {"server.fileWatcherType": "none", "browser.gatherUsageStats": "false"}
        told = [f"--{name}={value}" for name, value in (options | quiet).items()]
        argv = [sys.executable, "-m", "streamlit", "run", str(page), *told]
        with serving(argv, os.environ, port) as server:
            yield server


@contextmanager
def serving(argv: Sequence[str], env: Mapping[str, str], port: int) -> Iterator[Server]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, env=env, stdout=log, stderr=log)
        try:
            server = Server(f"http://127.0.0.1:{port}", process.pid)
            _await(f"{server.url}/_stcore/health", process)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} did not answer (exit code {process.poll()})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Answer:
    """What one run of the script sent."""

    bytes: int = 0
    ms: float = 0.0
    errors: list[str] = field(default_factory=list)
    again: dict[str, float] = field(default_factory=dict)
    """Fragments that want to be run again, and after how many seconds."""


class Viewer:
    """A tab on one page. It keeps what a tab keeps: the page's hash, messages that need not come again."""

    def __init__(self, server: Server, page: str = "", **query: str) -> None:
        self._page, self._query, self._hash = page, query, ""
        self._kept: set[str] = set()
        self._socket: ClientConnection = connect(
            server.url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            ping_timeout=None,
        )

    def ask(self, fragment: str = "") -> Answer:
        """Run the page again, or one fragment of it, and read until the script has finished."""
        began = time.perf_counter()
        self._socket.send(self._request(fragment).SerializeToString())
        answer = self._read()
        answer.ms = (time.perf_counter() - began) * 1000
        return answer

    def close(self) -> None:
        self._socket.close()

    def _request(self, fragment: str) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string = urlencode(self._query)
        state.page_script_hash, state.page_name = self._hash, "" if self._hash else self._page
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        state.cached_message_hashes.extend(self._kept)
        state.context_info.timezone, state.context_info.locale = "Europe/Berlin", "en-GB"
        return message

    def _read(self) -> Answer:
        answer, kept = Answer(), set[str]()
        while True:
            payload = self._socket.recv(timeout=PATIENCE_S)
            assert isinstance(payload, bytes)
            answer.bytes += len(payload)
            message = ForwardMsg.FromString(payload)
            kind = message.WhichOneof("type")
            if kind == "ref_hash" or message.metadata.cacheable:
                kept.add(message.ref_hash or message.hash)
            if kind == "navigation":
                self._hash = message.navigation.page_script_hash
            elif kind == "auto_rerun":
                answer.again[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                answer.errors.append(message.delta.new_element.exception.message)
            elif kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self._kept |= kept
                return answer
