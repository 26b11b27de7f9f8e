"""What a store holds, as values that can be compared, and passes over one target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import sqlalchemy as sa
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from collectors import aws as edge
from collectors import logs
from collectors.aws import Aws
from collectors.collector import Collector
from collectors.registry import COLLECTORS
from collectors.runner import collect_due
from core.entities import VOLATILE
from core.facts import Run, Target
from core.settings import AwsSettings, CollectSettings, StoreSettings
from core.telemetry import TELEMETRY
from core.windows import Window
from store import schema
from store.store import Store
from tests.collectors.proof.serving import READ_TIMEOUT_S

SETTINGS = CollectSettings(backfill=timedelta(hours=1), backfill_coarse=timedelta(hours=2))


PATIENT = tuple(
    replace(collector, collect=partial(logs.collect, pause=lambda seconds: None))
    if collector.name == "logs"
    else collector
    for collector in COLLECTORS
)
"""Every collector; they look again at once at queries that take a while."""


class Impatient:
    """A session whose clients give up waiting for an answer after a moment, and retry as `attempts` says.

    `gave_up` names the operations of answers that were not waited for.
    """

    def __init__(self, session: boto3.Session, attempts: int) -> None:
        self._session, self._attempts = session, attempts
        self.gave_up: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def client(self, service: str, *, config: Config, **words: Any) -> Any:
        retries: Any = {"mode": "standard", "total_max_attempts": self._attempts}
        quick = config.merge(Config(read_timeout=READ_TIMEOUT_S, retries=retries))
        client: Any = self._session.client(service, config=quick, **words)  # type: ignore[call-overload]
        client.meta.events.register("needs-retry.*", self._remember)
        return client

    def _remember(self, operation: Any, caught_exception: Exception | None, **_: Any) -> None:
        if isinstance(caught_exception, ReadTimeoutError):
            self.gave_up.append(f"{operation.service_model.service_name}:{operation.name}")


class ClosableAws(Aws):
    """An `Aws` that leaves no connection open."""

    @property
    def gave_up(self) -> list[str]:
        """Operations whose answer was not waited for, in a session of the impatient kind."""
        return list(self._session.gave_up)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def aws_at(url: str, target: Target, *, attempts: int = 2, impatient: bool = True) -> ClosableAws:
    """A connection as `connect` makes it, without asking who we are."""
    core = botocore.session.Session()
    core.set_credentials(f"ASIADEMO{target.account}", "secret")
    core.set_config_variable("region", target.region)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=edge.utc)
    session: Any = boto3.Session(botocore_session=core)
    settings = AwsSettings(endpoint_url=url, calls_per_s={})
    used = Impatient(session, attempts) if impatient else session
    return ClosableAws(used, target, settings, attempts=attempts)


@contextmanager
def opened(folder: Path) -> Iterator[Store]:
    store = Store.open(StoreSettings(path=folder, free_space_floor_mb=0))
    try:
        yield store
    finally:
        store.close()


def one_pass(
    aws: Aws,
    store: Store,
    now: datetime,
    settings: CollectSettings = SETTINGS,
    *,
    collectors: Sequence[Collector] = PATIENT,
    on_run: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Every collector once, in the order of the registry."""
    return [
        run
        for collector in collectors
        for run in collect_due(collector, aws, store, settings, now=now, on_run=on_run)
    ]


Content = dict[str, list[Any]]


def content(store: Store, window: Window) -> Content:
    """All telemetry, every entity, and what is settled of windows: not when or how often it was read."""
    kinds = [kind.KIND for kind in TELEMETRY]
    with store.snapshot(window, kinds) as snapshot:
        found = {kind: _rows(snapshot.frame(f"SELECT * FROM {kind} ORDER BY ALL")) for kind in kinds}
    with store.engine.connect() as connection:
        entity, changed = schema.entity.c, schema.change.c
        things = connection.execute(sa.select(entity.kind, entity.name, entity.body, entity.gone_at)).all()
        changes = sa.select(changed.kind, changed.name, changed.field, changed.old, changed.new)
        found["entity"] = sorted(
            repr((kind, name, _lasting(kind, body), gone)) for kind, name, body, gone in things
        )
        found["change"] = sorted(repr(tuple(row)) for row in connection.execute(changes))
        found["coverage"] = sorted(_settled(connection))
    return found


def _lasting(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that say how things were at the moment of a reading."""
    return {name: value for name, value in sorted(body.items()) if name not in VOLATILE.get(kind, ())}


def _rows(frame: Any) -> list[str]:
    return list(
        frame.to_json(orient="records", lines=True, date_format="iso", double_precision=15).splitlines()
    )


def _settled(connection: sa.Connection) -> Iterator[str]:
    windowed = [collector.name for collector in COLLECTORS if collector.reach]
    c = schema.coverage.c
    query = sa.select(schema.coverage).where(c.settled, c.collector.in_(windowed))
    for row in connection.execute(query):
        yield json.dumps([row.collector, row.scope, row.period_s, str(row.start), str(row.end)])
