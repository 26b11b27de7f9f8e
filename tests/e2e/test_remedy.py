"""The throttling story: seen, told once, remediated by a function and a lease, verified, restored.

And the same in a dry run, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import yaml

from collectors.collector import CLOUDWATCH_LAG
from core.facts import Target
from core.windows import MINUTE, floor
from quarterdeck.demo.settings import demo_settings
from quarterdeck.demo.stories import story
from store.schema import audit, held_change, incident, incident_event, outbox
from tests.e2e.processes import Service, demo_account, wait_for
from tests.e2e.receiver import Receiver, receiving
from tests.e2e.stage import Stage, fields

STARTED = datetime(2026, 3, 2, 14, 0, 30, tzinfo=UTC)
ACCOUNT, REGION, FUNCTION = story("throttled-pool").function
RULE, USUAL, LEASED = "sale-throttled", 8, 60
READS = ("Get", "List", "Filter", "Describe", "BatchGet", "Assume", "Lookup")

RULES = {
    "rules": [
        {
            "rule": RULE,
            "signal": "throttles",
            "above": 0,
            "severity": "warning",
            "where": {"function": FUNCTION},
            "act": [
                {"do": "invoke-function", "function": "ops-remediator", "wait": True, "mode": "automatic"},
                {
                    "do": "set-reserved-concurrency",
                    "limit": LEASED,
                    "lease": "45m",
                    "verify": {"within": "25m"},
                    "mode": "automatic",
                },
            ],
        }
    ]
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Sale(Stage):
    """A flash sale 7, 27, 47 ... minutes after the start, each throttled with 8 reserved."""

    def rows(self, table: sa.Table, *where: Any) -> Sequence[sa.Row[Any]]:
        return self._rows(sa.select(table).where(*where))

    def outcomes(self) -> list[tuple[str, str, str]]:
        rows = sorted(self.rows(audit), key=lambda row: row.ts)
        return [(row.action, row.mode, row.outcome) for row in rows]

    def why(self) -> str:
        return f"{self.outcomes()}, {len(self.chat.posted)} posted; {super().why()}"

    def is_told(self) -> bool:
        """Whether the service knows of every notice that it was delivered."""
        return all(row.state == "delivered" for row in self.rows(outbox))

    def stands(self) -> str | None:
        """The state of the change that is held, if there is one yet."""
        rows = self.rows(held_change)
        return rows[0].state if rows else None

    def held(self) -> sa.Row[Any]:
        [row] = self.rows(held_change)
        return row

    def reserved(self) -> int:
        puts = self.calls("PutFunctionConcurrency")
        return puts[-1]["params"]["ReservedConcurrentExecutions"] if puts else USUAL

    def calls(self, *operations: str) -> list[dict[str, Any]]:
        made = httpx.get(f"{self.endpoint}/demo/calls", timeout=30).json()
        return [call for call in made if call["operation"] in operations]

    def writes(self) -> list[str]:
        made = httpx.get(f"{self.endpoint}/demo/counts", timeout=30).json()
        names = [name.partition(":")[2] for name in made]
        return [name for name in names if not name.startswith(READS)]

    def _is_read(self) -> bool:
        newest = floor(self.now - CLOUDWATCH_LAG, MINUTE)
        read = self._store.covered("metrics", Target(ACCOUNT, REGION), FUNCTION)
        return any(window.end >= newest for window, _ in read)


def settings(endpoint: str, chat: Receiver, rules: Path, *, enabled: bool) -> dict[str, Any]:
    usual = demo_settings(endpoint)
    others = dict.fromkeys(usual["collect"], "1h")
    return usual | {
        "targets": [{"name": "meridian-prod", "regions": [REGION]}],
        "collect": others | {"metrics_every": "1s", "backfill": "5m", "backfill_coarse": "5m"},
        "alerts": {
            "channels": {"chat": {"kind": "slack", "url": chat.url}},
            "rules": [str(rules)],
            "starter": False,
            "actions": {"enabled": enabled},
        },
        "store": {"free_space_floor_mb": 0},
    }


def lived(folder: Path, *, enabled: bool) -> Iterator[Sale]:
    with demo_account(STARTED) as endpoint, receiving() as chat:
        file, rules = folder / "settings.yml", folder / "rules.yml"
        rules.write_text(yaml.safe_dump(RULES))
        file.write_text(yaml.safe_dump(settings(endpoint, chat, rules, enabled=enabled)))
        service = Service(file, folder / "store", endpoint, folder / "service.log")
        sale = Sale(endpoint, service, chat, STARTED, STARTED)
        try:
            live_through(sale, enabled=enabled)
            yield sale
        finally:
            sale.close()


def live_through(sale: Sale, *, enabled: bool) -> None:
    sale.move(5)
    sale.service.start()
    sale.judge()

    sale.move(11)  # the first sale was throttled
    sale.judge()
    wait_for(lambda: len(sale.outcomes()) == 2 and sale.chat.posted, sale.why)
    wait_for(sale.is_told, sale.why)  # killed between the post and its note, it would tell it once more
    if enabled:
        wait_for(lambda: sale.stands() == "held", sale.why)
    sale.end(SIGKILL)

    sale.move(32)  # the second one was not
    sale.service.start()
    sale.judge()
    if enabled:
        verified_and_restored(sale)
    else:
        wait_for(lambda: len(sale.outcomes()) == 2 * len(sale.rows(incident)), sale.why)
    assert sale.end(SIGTERM) == 0


def verified_and_restored(sale: Sale) -> None:
    sale.move(39)
    sale.judge()
    wait_for(lambda: sale.held().verified_at is not None, sale.why)
    sale.end(SIGKILL)

    sale.move(58)  # its lease ended while nobody was there
    sale.service.start()
    wait_for(lambda: sale.held().state == "restored", sale.why)
    sale.judge()


@pytest.fixture(scope="module")
def sale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sale]:
    yield from lived(tmp_path_factory.mktemp("sale"), enabled=True)


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sale]:
    yield from lived(tmp_path_factory.mktemp("dry"), enabled=False)


def test_the_throttles_are_one_incident_told_once(sale):
    found = sale.rows(incident)
    firing = [each.body for each in sale.chat.posted if fields(each.body).get("Rule") == RULE]

    assert [(row.subject, row.rule) for row in found] == [(FUNCTION, RULE)]
    assert found[0].resolved_at is not None
    titles = [body["blocks"][0]["text"]["text"] for body in firing]
    assert [title.startswith("Resolved") for title in titles] == [False, True]


def test_a_function_is_invoked_once_with_the_incident(sale):
    [call] = sale.calls("Invoke")

    assert call["params"]["FunctionName"] == "ops-remediator"
    assert f'"name": "{FUNCTION}"' in call["params"]["Payload"]


def test_the_leased_concurrency_is_set_once_verified_and_restored_after_a_restart(sale):
    limits = [c["params"]["ReservedConcurrentExecutions"] for c in sale.calls("PutFunctionConcurrency")]

    assert limits == [LEASED, USUAL]
    assert sale.held().verified_at is not None
    assert sale.held().state == "restored"
    assert "its lease of 45 min is over" in sale.held().said


def test_all_of_it_is_in_the_audit_and_in_the_timeline(sale):
    assert sale.outcomes() == [
        ("invoke-function", "apply", "applied"),
        ("set-reserved-concurrency", "apply", "applied"),
        ("undo set-reserved-concurrency", "apply", "applied"),
    ]
    for row in sale.rows(audit):
        assert row.request_id
        assert row.who == "quarterdeck"
    texts = [row.text for row in sale.rows(incident_event, incident_event.c.what == "action")]
    assert any("verified: reserved concurrency 60" in text for text in texts)
    assert any("is 8 again: its lease" in text for text in texts)


def test_a_dry_run_plans_the_same_for_each_incident_and_changes_nothing(dry):
    planned = [("invoke-function", "dry run", "planned"), ("set-reserved-concurrency", "dry run", "planned")]

    assert dry.outcomes() == planned * len(dry.rows(incident))
    assert dry.writes() == []
    assert dry.rows(held_change) == []


def test_the_next_sale_is_throttled_when_nothing_was_changed(dry):
    worst_at = [row for row in dry.rows(incident) if row.resolved_at is None]

    assert worst_at  # the second sale keeps it open, or opens another
