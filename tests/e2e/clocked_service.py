"""The real service as a process whose clock is the demo account's, and which looks at its alerts often.

`clocked_service.py SETTINGS STORE ENDPOINT`
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from quarterdeck.service import Schedule
from quarterdeck.serving import serve
from quarterdeck.settings import load

OFTEN = timedelta(seconds=1)


def main(file, store, endpoint):
    def clock():
        return datetime.fromisoformat(httpx.get(f"{endpoint}/demo", timeout=30).json()["now"])

    settings = load([Path(file)], store=Path(store))
    return serve(settings, clock=clock, schedule=Schedule(evaluate=OFTEN, deliver=OFTEN, act=OFTEN))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
