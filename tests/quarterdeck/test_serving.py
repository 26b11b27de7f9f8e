"""The service's process: targets out of reach are told and tried again, and a stop is clean."""

import os
import signal
import threading
import time
from datetime import UTC, datetime

import pytest
import yaml

from core.settings import StoreSettings
from quarterdeck import serving
from quarterdeck.demo.server import DemoServer
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.settings import load
from store.readers.budget import unreached
from store.store import Store

US, LATER = "us-east-1", "444455556666"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def serve(no_aws, tmp_path):
    """Serve the demo's two accounts, of which the second denies its role; `watching` runs meanwhile."""
    with DemoServer(tmp_path / "account", seed=7) as demo:
        wanted = demo_settings(demo.endpoint)
        wanted["targets"] = [target | {"regions": [US]} for target in wanted["targets"]]
        wanted["collect"] |= {"backfill": "1h", "backfill_coarse": "1h"}
        wanted |= {"alerts": {"starter": False}, "store": {"free_space_floor_mb": 0}}
        file = tmp_path / "settings.yml"
        file.write_text(yaml.safe_dump(wanted))
        for name, value in environment(demo.endpoint, file).items():
            no_aws.setenv(name, value)
        settings = load([file], store=tmp_path / "store")
        no_aws.setattr(serving, "RETRY_S", 0.2)

        def run(watching):
            found = []

            def watch():
                store = None
                try:
                    deadline = time.monotonic() + 60
                    while not (tmp_path / "store" / "state.db").exists() and time.monotonic() < deadline:
                        time.sleep(0.05)
                    store = Store.open(StoreSettings(path=tmp_path / "store"))
                    found.append(watching(store))
                except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
                    found.append(error)
                finally:
                    if store:
                        store.close()
                    os.kill(os.getpid(), signal.SIGTERM)

            thread = threading.Thread(target=watch)
            thread.start()
            code = serving.serve(settings)
            thread.join()
            assert code == 0
            if isinstance(found[0], BaseException):
                raise found[0]
            return found[0]

        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        yield demo, run
        for number, handler in before.items():
            signal.signal(number, handler)


def until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError("not in time")


def accounts(store):
    return {target.account for target in store.targets(since=LONG_AGO)}


def test_a_target_out_of_reach_is_told_and_watched_once_it_answers(serve):
    demo, run = serve
    faults = demo.demo.faults
    faults.deny(["sts:GetCallerIdentity"], account=LATER)

    def watching(store):
        (lost,) = until(lambda: unreached(store))
        until(lambda: len(accounts(store)) == 1)
        since = lost.since
        until(lambda: unreached(store)[0].next_try > lost.next_try)
        assert unreached(store)[0].since == since, "since when it is lost does not move with each try"
        faults.allow_all()
        until(lambda: LATER in accounts(store))
        until(lambda: not unreached(store))
        return lost.why

    why = run(watching)

    assert "sts:GetCallerIdentity" in why
