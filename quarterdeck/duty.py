"""What one service does for all of them: alerts, actions and the pace. On the others its jobs do nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import httpx

from alerts.actions.runner import act_due
from alerts.approvals import linker
from alerts.engine import evaluate
from alerts.outbox import Ways
from alerts.people import Access
from alerts.postman import Postman
from alerts.rules import Rule
from alerts.settings import AlertSettings
from collectors.aws import Aws
from core.errors import AwsError, LeaseLostError
from core.facts import Target
from core.settings import CostSettings
from quarterdeck.pacing import Pacer
from quarterdeck.sharing import DUTY, Sharing


class Duty:
    """All writes go through a store that refuses them once another service is on duty."""

    def __init__(
        self,
        sharing: Sharing,
        rules: Sequence[Rule],
        settings: AlertSettings,
        http: httpx.Client,
        pacer: Pacer,
        reached: Mapping[Target, Aws],
        clock: Callable[[], datetime],
        access: Access,
        cost: CostSettings,
    ) -> None:
        self._sharing, self._rules, self._settings, self._http = sharing, rules, settings, http
        self._pacer, self._reached, self._clock = pacer, reached, clock
        self._store, self._access, self._cost = sharing.fenced(DUTY), access, cost
        approving = linker(settings, self._store.path, clock=clock)
        self._postman = Postman(
            Ways(
                store=self._store, settings=settings, http=http, clock=clock, aws_for=self.aws_for,
                may_send=self.is_ours, after=self._count, links=approving,
            )
        )  # fmt: skip

    def is_ours(self) -> bool:
        return self._sharing.is_mine(DUTY)

    def evaluate(self) -> None:
        if self.is_ours():
            evaluate(self._store, self._rules, self._settings, now=self._clock(), cost=self._cost)

    def deliver(self) -> None:
        if self.is_ours():
            self._postman.deliver()

    def _count(self) -> None:
        """What this thread's notices cost in AWS."""
        for aws in self._reached.values():
            if usage := aws.take_usage():
                self._store.count(aws.target, "notices", usage, now=self._clock())

    def act(self) -> None:
        if self.is_ours():
            now, access = self._clock(), self._access
            act_due(
                self._store,
                self._rules,
                self._settings,
                self.aws_for,
                access=access,
                now=now,
                cost=self._cost,
            )

    def pace(self) -> None:
        """The pace is decided over all targets; the others follow what was decided."""
        if not self.is_ours():
            self._pacer.follow()
        elif self._reached:
            self._pacer.set_pace(list(self._reached), now=self._clock())

    def aws_for(self, target: Target) -> Aws:
        """Where an action is planned or carried out; asked right before, so a pause doubles none.

        Raises AwsError for a target that is not reached, and LeaseLostError.
        """
        if not self.is_ours():
            raise LeaseLostError("alerts are now the part of another service: nothing was done")
        if target not in self._reached:
            raise AwsError(f"{target.account} {target.region} is not reached now; see `quarterdeck doctor`")
        return self._reached[target]
