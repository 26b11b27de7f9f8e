"""A demo account that actions change, as they reach it, for tests of this folder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3
import sqlalchemy as sa
from botocore.config import Config

from alerts.actions import held
from alerts.actions.runner import act_due
from alerts.incident import Incident
from alerts.ledger import close_incident, open_incident
from alerts.people import Access
from core.facts import Target
from store.schema import audit, held_change

EU = Target("111122223333", "eu-west-1")
US = Target("111122223333", "us-east-1")
FUNCTION = "inventory-reserve"
NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
"""When the demo account of these tests was started: a Wednesday."""

WRITES = ("Put", "Delete", "Update", "Invoke", "Start", "Publish", "Receive")


class DemoAws:
    """One account and region of a demo server. `dies_before` and `dies_after` name an operation at which the
    process is as good as killed."""

    def __init__(self, server, target=EU):
        self.server, self.target = server, target
        self.dies_before = self.dies_after = None
        self._clients = {}

    def client(self, service):
        if service not in self._clients:
            made = boto3.client(
                service,
                region_name=self.target.region,
                endpoint_url=self.server.endpoint,
                aws_access_key_id=f"ASIADEMO{self.target.account}",
                aws_secret_access_key="demo",
                config=Config(retries={"total_max_attempts": 1}),
            )
            made.meta.events.register("before-call.*", self._before)
            made.meta.events.register("after-call.*", self._after)
            self._clients[service] = made
        return self._clients[service]

    def take_usage(self):
        return ()

    def _before(self, model, **_):
        if self.dies_before == model.name:
            raise KeyboardInterrupt

    def _after(self, model, **_):
        if self.dies_after == model.name:
            raise KeyboardInterrupt

    def writes(self):
        """Operations that changed something, or may have, oldest first."""
        made = [call["operation"] for call in self.server.demo.calls]
        return [name for name in made if name.startswith(WRITES)]


class Room:
    """Rules about one function, an open incident of it, and a service that acts every so often."""

    def __init__(self, store, aws, rule, settings):
        self.store, self.aws, self._rule, self._settings = store, aws, rule, settings
        self.now, self.rules, self.access = NOW, [], Access()
        self.chosen = settings(actions={"enabled": True})

    def says(self, name="throttles", **act):
        usual = {"do": "set-reserved-concurrency", "limit": 40, "mode": "automatic", "lease": "30m"}
        if "do" in act:
            usual = {"mode": "automatic"}
        self.rules.append(self._rule(name, signal="throttles", above=0, act=usual | act))

    def opens(self, id="i1", rule="throttles", subject=FUNCTION, at=None, kind="function"):
        incident = Incident(
            id=id, rule=rule, account=EU.account, region=EU.region, subject_kind=kind, subject=subject,
            severity="warning", title=f"{subject}: throttles 60", text="bad", opened_at=at or self.now,
            value=60, threshold=0,
        )  # fmt: skip
        with self.store.transaction() as connection:
            open_incident(connection, incident)

    def resolves(self, id="i1"):
        with self.store.transaction() as connection:
            close_incident(connection, id, self.now, "over")

    def acts(self, after=timedelta(0)):
        self.now += after
        return act_due(
            self.store, self.rules, self.chosen, lambda _: self.aws, access=self.access, now=self.now
        )

    def reserved(self):
        answer = self.aws.client("lambda").get_function_concurrency(FunctionName=FUNCTION)
        return answer.get("ReservedConcurrentExecutions")

    def somebody_sets(self, limit):
        self.aws.client("lambda").put_function_concurrency(
            FunctionName=FUNCTION, ReservedConcurrentExecutions=limit
        )

    def change(self):
        with self.store.engine.connect() as connection:
            rows = connection.execute(sa.select(held_change).order_by(held_change.c.applied_at)).all()
        return held.to_held(rows[-1])

    def audited(self):
        with self.store.engine.connect() as connection:
            rows = connection.execute(sa.select(audit).order_by(audit.c.ts, audit.c.id)).all()
        return [(row.action, row.outcome) for row in rows]

    def why(self):
        with self.store.engine.connect() as connection:
            return list(connection.execute(sa.select(audit.c.answer)).scalars())
