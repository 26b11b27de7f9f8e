"""The real service as a process whose clock is the demo account's, and which looks at its alerts often."""

import os
import sys
from datetime import datetime, timedelta

import httpx

from quarterdeck.service import Schedule
from quarterdeck.serving import serve
from quarterdeck.settings import load

OFTEN = timedelta(seconds=1)


def run(settings, store, endpoint, log, environ):
    """Serve until a signal, in a process of its own; what is said goes to the end of `log`."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environ)

    def clock():
        return datetime.fromisoformat(httpx.get(f"{endpoint}/demo", timeout=30).json()["now"])

    schedule = Schedule(evaluate=OFTEN, deliver=OFTEN, act=OFTEN)
    sys.exit(serve(load([settings], store=store), clock=clock, schedule=schedule))
