"""The demo account, the service that watches it and the chat that it tells: one incident, step by step."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from collectors.collector import CLOUDWATCH_LAG
from core.facts import Target
from core.settings import StoreSettings
from core.windows import MINUTE, floor
from quarterdeck.demo.stories import story
from store.schema import incident, outbox, rule_state
from store.store import Store
from tests.e2e.processes import Service, set_clock, wait_for
from tests.e2e.receiver import SECRET, Posted, Receiver

ACCOUNT, REGION, FUNCTION = story("live-incident").function
RULE = "error-rate"
OURS = (incident.c.subject == FUNCTION, incident.c.rule == RULE)


@dataclass
class Stage:
    """`started` is when the demo account was: its incident begins three minutes later, and lasts twelve."""

    endpoint: str
    service: Service
    chat: Receiver
    started: datetime
    now: datetime
    leaks: list[Path] = field(default_factory=list)

    def move(self, minute: float) -> None:
        """Set everybody's clock to so many minutes after the start."""
        self.now = self.started + minute * MINUTE
        set_clock(self.endpoint, self.now)

    def judge(self) -> None:
        """Wait until the metrics that can be known are read, and then judged a few seconds later."""
        wait_for(self._is_read, self.why)
        self.move((self.now - self.started) / MINUTE + 0.1)
        wait_for(lambda: self._judged_at() == self.now, self.why)

    def wait_for_notice(self, reason: str, state: str) -> None:
        wait_for(lambda: (reason, state) in self.notices(), self.why)

    def wait_for_error(self, text: str) -> None:
        """Wait until a notice about the incident is kept with this error."""
        wait_for(lambda: any(text in (row.error or "") for row in self._notices()), self.why)

    def wait_for_post(self, reason: str, answer: str) -> None:
        wait_for(lambda: (reason, answer) in self.posted(), self.why)

    def notices(self) -> list[tuple[str, str]]:
        """Reason and state of every notice about the incident's function and rule, oldest first."""
        return [(row.reason, row.state) for row in self._notices()]

    def incidents(self) -> Sequence[sa.Row[Any]]:
        return self._rows(sa.select(incident).where(*OURS))

    def end(self, number: signal.Signals) -> int:
        """End the service with a signal, and note the files of its store that hold the secret then.

        Reading a file that SQLite has open in the same process would drop its locks, so ours is closed first.
        """
        code = self.service.end(number)
        self._close_store()
        files = [file for file in self.service.store.rglob("*") if file.is_file()]
        self.leaks += [file for file in files if holds_secret(file)]
        return code

    def posted(self) -> list[tuple[str, str]]:
        """Reason and answer of every message about them that came to the chat."""
        return [(reason_of(each), each.answer) for each in self.messages()]

    def messages(self) -> list[Posted]:
        return [each for each in self.chat.posted if is_ours(each.body)]

    def why(self) -> str:
        seen = f"at {self.now}: {self.notices()} in the outbox, {self.posted()} posted"
        return f"{seen}; the service says:\n{self.service.log.read_text()[-3000:]}"

    def _notices(self) -> Sequence[sa.Row[Any]]:
        found = sa.select(outbox).join(incident, incident.c.id == outbox.c.incident)
        return self._rows(found.where(*OURS).order_by(outbox.c.seq))

    def _is_read(self) -> bool:
        newest = floor(self.now - CLOUDWATCH_LAG, MINUTE)
        read = self._store.covered("metrics", Target(ACCOUNT, REGION), FUNCTION)
        return any(window.end >= newest for window, _ in read)

    def _judged_at(self) -> datetime | None:
        rows = self._rows(sa.select(sa.func.min(rule_state.c.evaluated_at).label("at")))
        return rows[0].at

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self._store.engine.connect() as connection:
            return connection.execute(query).all()

    @cached_property
    def _store(self) -> Store:
        return Store.open(StoreSettings(path=self.service.store))

    def close(self) -> None:
        self.service.close()
        self._close_store()

    def _close_store(self) -> None:
        if opened := self.__dict__.pop("_store", None):
            opened.close()


def is_ours(body: dict[str, Any]) -> bool:
    said = fields(body)
    return (said.get("Function"), said.get("Rule")) == (FUNCTION, RULE)


def fields(body: dict[str, Any]) -> dict[str, str]:
    """The facts of a Slack message by their label."""
    texts = [field["text"] for block in body["blocks"] for field in block.get("fields", ())]
    return {label.strip("*"): value for label, value in (text.split("\n", 1) for text in texts)}


def reason_of(posted: Posted) -> str:
    title = posted.body["blocks"][0]["text"]["text"]
    prefixes = {"Resolved: ": "resolved", "Still firing: ": "repeat"}
    return next((reason for prefix, reason in prefixes.items() if title.startswith(prefix)), "firing")


def holds_secret(file: Path) -> bool:
    """Whether any part of the webhook's secret path is in the bytes of a file."""
    content = file.read_bytes()
    return any(part.encode() in content for part in SECRET.split("/"))
