"""Forks the service with a frozen clock and kills it, again and again, then lets a pass finish.

Forking from one warm process makes a kill cost no start-up: `frozen_service.py SETTINGS STORE NOW DELAY...`
"""

import os
import signal
import sys
import time
import traceback
from datetime import datetime
from pathlib import Path

from core.settings import StoreSettings
from quarterdeck.collecting import collect_once
from quarterdeck.serving import serve
from quarterdeck.settings import load
from store.store import Store


def forked(work):
    """Run `work` in a child; its process id."""
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = work()
        except BaseException:  # noqa: BLE001 - a child must end here, whatever happened
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return pid


def main(file, store, instant, *delays):
    now = datetime.fromisoformat(instant)
    settings = load([Path(file)], store=Path(store))
    killed = 0
    for delay in delays:
        pid = forked(lambda: serve(settings, clock=lambda: now))
        time.sleep(float(delay))
        os.kill(pid, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    finished = forked(lambda: finish(settings, now))
    code = os.waitstatus_to_exitcode(os.waitpid(finished, 0)[1])
    print(killed)
    return code


def finish(settings, now):
    """One whole pass, undisturbed."""
    opened = Store.open(StoreSettings(path=settings.store.path))
    document = collect_once(settings, opened, now=now, reach=None)
    opened.close()
    for run in document["runs"]:
        print(run["collector"], run["region"], run["outcome"], run["error"], file=sys.stderr)
    return int(any(run["outcome"] == "failed" for run in document["runs"]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
