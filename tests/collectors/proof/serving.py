"""HTTP on loopback: an endpoint made of a function of calls, and a proxy that sees, disturbs and refuses."""

from __future__ import annotations

import http.client
import io
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from werkzeug.wrappers import Request, Response

from quarterdeck.demo.wire import ApiError, Call, read_call, write_answer, write_fault

WHIM = "X-Whim"
"""The header by which the proxy has the endpoint answer badly."""

READ_TIMEOUT_S = 1.5
"""How long clients of these tests wait for an answer."""

FAULTS = (
    "throttled",
    "too many",
    "server error",
    "web page",
    "login page",
    "timeout",
    "cut",
    "closed",
    "lost",
)
"""What may happen to a call on its way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An HTTP request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def call(self) -> Call | None:
        return read_call(Request(self._environ()))

    def _environ(self) -> dict[str, Any]:
        parts = urlsplit(self.path)
        named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        return {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": unquote(parts.path),
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(self.body)),
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(self.body),
            **named,
        }


@dataclass(frozen=True, slots=True)
class Said:
    """An HTTP answer; `sent` is how much of the body is sent before the connection is cut (None: all)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: int | None = None


Answering = Callable[[Asked], Said | None]
"""None: the connection is closed without a word."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that do not wait for their answer are part of the play."""


class Server:
    """Answers each request with a function, over connections that stay open. `ahead_s`: its clock is off."""

    def __init__(self, answer: Answering) -> None:
        self.ahead_s = 0.0
        self._http = _Quiet(("127.0.0.1", 0), _handler(answer, self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[Server]:
        self._thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            self._thread.join()


def _handler(answer: Answering, server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = answer(Asked(self.command, self.path, dict(self.headers), body))
            if said is None:
                self.close_connection = True
                return
            head = [
                f"HTTP/1.1 {said.status} x",
                f"Date: {formatdate(time.time() + server.ahead_s, usegmt=True)}",
            ]
            head += [f"{name}: {value}" for name, value in said.headers.items()]
            head += [f"Content-Length: {len(said.body)}", "", ""]
            self.wfile.write("\r\n".join(head).encode() + said.body[: said.sent])
            self.close_connection = said.sent is not None

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - names of the base class

        def log_message(self, *args: Any) -> None:
            """What was asked is recorded by whoever answers."""

    return Handler


def said(response: Response) -> Said:
    headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
    return Said(response.status_code, headers, response.get_data())


def endpoint(answer: Callable[[Call, str | None], dict[str, Any]]) -> Answering:
    """An AWS endpoint; `answer` gets a call, and how to answer it badly if so."""

    def answering(asked: Asked) -> Said:
        call = asked.call()
        try:
            assert call is not None, f"{asked.path} is for no service that is known here"
            return said(write_answer(call, answer(call, asked.headers.get(WHIM))))
        except ApiError as fault:
            return said(write_fault(call, fault))

    return answering


@dataclass(frozen=True, slots=True)
class Seen:
    """A call that reached the proxy; `fault` is what became of it, `answer` what was sent back in full."""

    call: Call
    fault: str | None
    answer: Said | None = None

    @property
    def is_answered(self) -> bool:
        return self.answer is not None and self.answer.status < 300 and self.fault != "login page"

    @property
    def name(self) -> str:
        return f"{self.call.service}:{self.call.operation}"


@dataclass
class Proxy:
    """Forwards what it gets to `upstream`, unless `fate` of the call says otherwise; remembers all of it."""

    upstream: str
    fate: Callable[[Call], str | None] = field(default=lambda call: None)
    seen: list[Seen] = field(default_factory=list)
    _open: threading.local = field(default_factory=threading.local)
    _links: list[http.client.HTTPConnection] = field(default_factory=list)

    def close(self) -> None:
        for link in self._links:
            link.close()

    def __call__(self, asked: Asked) -> Said | None:
        call = asked.call()
        if call is None:
            return self._forward(asked, None)
        fault = self.fate(call)
        answer = self._suffer(asked, call, fault)
        arrived = answer if answer is not None and answer.sent is None else None
        self.seen.append(Seen(call, fault, arrived))
        return answer

    def _suffer(self, asked: Asked, call: Call, fault: str | None) -> Said | None:
        if fault in _ERRORS:
            return said(write_fault(call, _ERRORS[fault]))
        if fault == "web page":
            return Said(502, {"Content-Type": "text/html"}, b"<html><body>Bad gateway</body></html>")
        if fault == "login page":
            return Said(200, {"Content-Type": "text/html"}, b"<html><body>Please log in</body></html>")
        if fault == "closed":
            return None
        if fault == "timeout":
            time.sleep(READ_TIMEOUT_S * 1.2)
            return None
        answer = self._forward(asked, fault)
        if fault == "lost":
            return None
        if fault == "cut":
            return Said(answer.status, answer.headers, answer.body, sent=len(answer.body) // 2)
        return answer

    def _forward(self, asked: Asked, whim: str | None) -> Said:
        link = getattr(self._open, "link", None)
        if link is None:
            link = self._open.link = http.client.HTTPConnection(urlsplit(self.upstream).netloc)
            self._links.append(link)
        extra = {WHIM: whim} if whim else {}
        link.request(asked.method, asked.path, asked.body, {**asked.headers, **extra})
        answer = link.getresponse()
        headers = {k: v for k, v in answer.getheaders() if k.lower() not in _OF_THE_CONNECTION}
        return Said(answer.status, headers, answer.read())


_OF_THE_CONNECTION = frozenset({"content-length", "date", "connection", "server", "transfer-encoding"})
_ERRORS = {
    "throttled": ApiError("ThrottlingException", "Rate exceeded"),
    "too many": ApiError("TooManyRequestsException", "Rate exceeded", status=429),
    "server error": ApiError("InternalFailure", "We are sorry", status=500),
    "denied": ApiError("AccessDeniedException", "User is not authorized to perform this action", status=403),
    "skewed": ApiError("InvalidSignatureException", "Signature expired: now is later", status=403),
}
