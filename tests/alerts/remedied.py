"""A demo account that actions change, as they reach it, for tests of this folder."""

from __future__ import annotations

import boto3
from botocore.config import Config

from core.facts import Target

EU = Target("111122223333", "eu-west-1")
US = Target("111122223333", "us-east-1")
WRITES = ("Put", "Delete", "Update", "Invoke", "Start", "Publish")


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
