"""The real service without AWS: each read of a target and each change of a function is told to a web server.

An empty `database` keeps state in the folder.
"""

import io
import os
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

import httpx

from alerts.rule import Rule
from collectors.clock import Clock
from collectors.collector import Collector
from core.entities import Function
from core.facts import Listed, Target
from core.settings import AwsSettings, StoreSettings
from quarterdeck.lock import living
from quarterdeck.service import Schedule, Service
from quarterdeck.settings import Settings
from quarterdeck.sharing import new_holder
from store import postgres
from store.store import Store

TARGETS = [Target(f"{n:012}", "eu-west-1") for n in range(4)]
BEAT_S = 0.8
STOPPED_S = 4
"""A write that stands still for so long is undone."""

ACTION = {"do": "invoke-function", "function": "mend", "enabled": True, "max_per_hour": 99}


class FakeAws:
    """A target whose Lambda is a web server."""

    alias, settings, where = "prod", AwsSettings(), "prod"

    def __init__(self, target, chat):
        self.target, self.clock, self.chat = target, Clock(), chat

    def take_usage(self):
        return ()

    def client(self, service):
        return self

    def get_function_configuration(self, **_):
        return {"State": "Active", "Environment": {"Variables": {}}}

    def invoke(self, **call):
        httpx.post(f"{self.chat}/invoke", content=call["Payload"], timeout=30)
        return {"StatusCode": 202, "ResponseMetadata": {"RequestId": "r"}, "Payload": io.BytesIO()}


def run(log, up, folder, database, chat):
    """Serve until SIGTERM; what is said goes to `log`, and `up` is set when it watches."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    sys.exit(serve(up, folder, database, chat))


def serve(up, folder, database, chat):
    postgres.IDLE_S = STOPPED_S
    store = Store.open(StoreSettings(path=Path(folder), free_space_floor_mb=0, database=database or None))
    channel = {"kind": "webhook", "url": f"{chat}/notice"}
    delivery, actions = {"per_hour": 999}, {"enabled": True, "max_per_hour": 99}
    settings = Settings(
        collect={"metrics_every": "1s"},
        alerts={"channels": {"chat": channel}, "delivery": delivery, "actions": actions},
    )
    rules = [Rule.model_validate({"rule": "broken", "signal": "error_rate", "above": 0.1, "act": ACTION})]
    often, never = timedelta(seconds=0.3), timedelta(days=1)
    schedule = Schedule(
        beat=timedelta(seconds=BEAT_S), deliver=often, act=often, evaluate=never, pack=never, relieve=never
    )

    def collect(aws, ask):
        httpx.post(f"{chat}/read", json={"holder": holder, "account": aws.target.account}, timeout=30)
        yield Function(name="f", arn="arn:f")
        yield Listed("function")

    look = Collector(name="inventory", what="x", every="metrics_every", permissions=(), collect=collect)
    told, holder = threading.Event(), new_holder()
    signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    beside = living(Path(folder), holder, only_here=not database)
    with beside as neighbours, httpx.Client(timeout=10) as http:
        service = Service(
            settings, store, rules, http,
            schedule=schedule, collectors=[look], holder=holder, neighbours=neighbours,
        )  # fmt: skip
        service.duty.evaluate = lambda: None  # incidents are the test's
        service.start()
        service.watch(*(FakeAws(target, chat) for target in TARGETS))
        up.set()
        told.wait()
        service.stop()
    store.close()
    return os.EX_OK
