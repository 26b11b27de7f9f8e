"""The demo's HTTP server: our answers in front, moto behind for every service that we do not know."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.validate import ParamValidator
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request

from quarterdeck.demo.about import about
from quarterdeck.demo.account import Demo, account_of, caller, remember
from quarterdeck.demo.catalogue import Catalogue
from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.folder import open_folder
from quarterdeck.demo.model import Plan
from quarterdeck.demo.services.table import HANDLERS
from quarterdeck.demo.services.trail import record
from quarterdeck.demo.specs import Company
from quarterdeck.demo.wire import ApiError, Call, model, read_call, write_answer, write_fault
from quarterdeck.demo.world import Clock, FrozenClock, World, wall_clock

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

__all__ = ["DemoServer", "FrozenClock", "serve"]

HOST = "127.0.0.1"


class Application:
    """The WSGI application: `/demo` for people, our services, and moto for the rest."""

    def __init__(self, demo: Demo, behind: Callable[[], Wsgi]) -> None:
        self.demo = demo
        self._make_behind = behind
        self._behind: Wsgi | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith("/demo"):
            return about(self.demo, request)(environ, start_response)
        call: Call | None = None
        try:
            call = read_call(request)
            if call is None:
                return self._moto()(environ, start_response)
            response = write_answer(call, answer(self.demo, call))
        except ApiError as fault:
            response = write_fault(call, fault)
        return response(environ, start_response)

    def _moto(self) -> Wsgi:
        with self._lock:
            if self._behind is None:
                self._behind = self._make_behind()
            return self._behind


def answer(demo: Demo, call: Call) -> dict[str, Any]:
    """The answer to one call, which is remembered. Raises ApiError."""
    account = account_of(call.access_key)
    entry = remember(demo, account, call)
    try:
        return _answered(demo, account, call)
    except ApiError as error:
        entry["error"] = error.code
        demo.counts.failed(call)
        raise


def _answered(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    demo.faults.check(account, caller(account, call), call)
    handler = HANDLERS.get(call.service, {}).get(call.operation)
    if handler is None:
        message = f"The demo account does not know {call.service}:{call.operation}"
        raise ApiError("UnknownOperationException", message, status=404)
    _validate(call)
    made = handler(demo, account, call)
    record(demo, account, call)
    return made


def _validate(call: Call) -> None:
    shape = model(call.service).operation_model(call.operation).input_shape
    if shape is None:
        return
    report = ParamValidator().validate(call.params, shape)
    if report.has_errors():
        raise ApiError("ValidationException", report.generate_report())


def moto_application() -> Wsgi:
    """moto's server application, which answers for every other service."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    application: Wsgi = DomainDispatcherApplication(create_backend_app)
    return application


# --- the server --------------------------------------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        """Calls are remembered in `/demo/calls`."""


def _listen(port: int, application: Application) -> BaseWSGIServer:
    """A server bound to loopback. Raises OSError when the port is taken (werkzeug alone would exit)."""
    with socket.create_server((HOST, port)) as bound:
        return make_server(HOST, port, application, threaded=True, request_handler=_Quiet, fd=bound.fileno())


class DemoServer:
    """The demo account on loopback: `with DemoServer(folder) as server`, or start() and stop()."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        seed: int | None = None,
        port: int = 0,
        clock: Clock = wall_clock,
        starts: Sequence[datetime] = (),
        company: Company = MERIDIAN,
    ) -> None:
        """`starts` says when the demo was started, first start first: stories count from it. By default the
        folder remembers; without a folder this is the first start. `company` may be a `fleet`.
        """
        plan = (
            Plan(seed if seed is not None else 7, tuple(starts))
            if starts
            else open_folder(folder, seed, clock())
        )
        self.world = World(plan, clock, company)
        self.demo = Demo(self.world, Catalogue(self.world))
        self._server = _listen(port, Application(self.demo, moto_application))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="demo")

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self._server.socket.getsockname()[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> DemoServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def serve(
    *,
    folder: Path | None = None,
    seed: int | None = None,
    port: int = 0,
    now: datetime | None = None,
    company: Company = MERIDIAN,
    ready: Callable[[str], None] = lambda endpoint: None,
) -> None:
    """Serve until SIGTERM or SIGINT. `now` freezes the clock; `ready` gets the endpoint once it listens."""
    clock = FrozenClock(now) if now else wall_clock
    server = DemoServer(folder, seed=seed, port=port, clock=clock, company=company)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    server.start()
    ready(server.endpoint)
    done.wait()
    server.stop()
