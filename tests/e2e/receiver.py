"""A chat's incoming webhook as a real HTTP server on loopback: keeps what came and how it was answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "T0QUARTER/B0DECK/xoxSecretOfTheHook"
PATH = f"/services/{SECRET}"
ACCEPT, REFUSE, HOLD = "accept", "refuse", "hold"


@dataclass
class Posted:
    """One request: its body, and what became of it (ACCEPT, REFUSE or HOLD, which never answers)."""

    body: dict[str, Any]
    answer: str


@dataclass
class Receiver:
    """`choose` says how to answer a body; it may be replaced at any time."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    choose: Callable[[dict[str, Any]], str] = lambda body: ACCEPT
    closing: threading.Event = field(default_factory=threading.Event)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer as `choose` says. A refusal repeats the secret path, as web servers do."""
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        answer = self.choose(body) if handler.path == PATH else REFUSE
        self.posted.append(Posted(body, answer))
        if answer == HOLD:
            self.closing.wait()
            return
        text = b"ok" if answer == ACCEPT else f"no service at {handler.path}".encode()
        handler.send_response(200 if answer == ACCEPT else 500)
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(OSError):  # whoever posted was killed meanwhile
                receiver.take(self)

        def log_message(self, *_: Any) -> None: ...

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    try:
        yield receiver
    finally:
        receiver.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
