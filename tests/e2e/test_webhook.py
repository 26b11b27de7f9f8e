"""One incident told to a chat while the service is stopped and killed at every point of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
import yaml

from quarterdeck.demo.settings import demo_settings
from tests.e2e.processes import Service, demo_account
from tests.e2e.receiver import ACCEPT, HOLD, REFUSE, Receiver, receiving
from tests.e2e.stage import ACCOUNT, FUNCTION, REGION, Stage, fields, holds_secret, is_ours

STARTED = datetime(2026, 3, 2, 14, 0, 30, tzinfo=UTC)
ALIAS, LINKS = "meridian-prod", "https://deck.example.com"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The stage after the whole incident was lived through."""
    folder = tmp_path_factory.mktemp("webhook")
    with demo_account(STARTED) as endpoint, receiving() as chat:
        file = folder / "settings.yml"
        file.write_text(yaml.safe_dump(settings(endpoint, chat)))
        service = Service(file, folder / "store", endpoint, folder / "service.log")
        stage = Stage(endpoint, service, chat, STARTED, STARTED)
        try:
            live_through(stage)
            yield stage
        finally:
            stage.close()


def settings(endpoint: str, chat: Receiver) -> dict[str, Any]:
    """One account and region, the starter rules, and metrics every second."""
    usual = demo_settings(endpoint)
    others = dict.fromkeys(usual["collect"], "1h")
    return usual | {
        "targets": [{"name": ALIAS, "regions": [REGION]}],
        "collect": others | {"metrics_every": "1s", "backfill": "1h", "backfill_coarse": "1h"},
        "alerts": {"channels": {"chat": {"kind": "slack", "url": chat.url}}, "base_url": LINKS},
        "store": {"free_space_floor_mb": 0},
    }


def live_through(stage: Stage) -> None:
    """Fire, tell, recover and tell, with a new process of the service for every step."""
    service, chat = stage.service, stage.chat
    service.start()
    stage.judge()
    assert stage.end(SIGTERM) == 0

    stage.move(5)  # it has begun, and is too young to fire
    service.start()
    stage.judge()
    assert stage.end(SIGKILL) == -SIGKILL
    assert stage.notices() == []

    stage.move(12)
    chat.choose = lambda body: REFUSE if is_ours(body) else ACCEPT
    service.start()
    stage.wait_for_error("answered 500: no service at ***")
    stage.end(SIGKILL)

    stage.move(12.5)  # the wait after a refusal is over
    chat.choose = lambda body: ACCEPT
    service.start()
    stage.wait_for_notice("firing", "delivered")
    stage.end(SIGKILL)

    stage.move(14)  # still going on
    service.start()
    stage.judge()
    assert stage.end(SIGTERM) == 0
    assert stage.notices() == [("firing", "delivered")]

    stage.move(70)  # over for longer than the rule goes on through, on settled data
    chat.choose = lambda body: HOLD if is_ours(body) else ACCEPT
    service.start()
    stage.wait_for_post("resolved", HOLD)
    stage.end(SIGKILL)
    assert stage.notices() == [("firing", "delivered"), ("resolved", "queued")]

    stage.move(71)
    chat.choose = lambda body: ACCEPT
    service.start()
    stage.wait_for_notice("resolved", "delivered")
    assert stage.end(SIGTERM) == 0

    stage.move(85)
    service.start()
    stage.judge()
    assert stage.end(SIGTERM) == 0


def test_the_chat_accepts_one_firing_and_then_one_resolved_message(told):
    accepted = [reason for reason, answer in told.posted() if answer == ACCEPT]

    assert accepted == ["firing", "resolved"]
    assert len(told.incidents()) == 1


def test_a_message_that_is_refused_or_not_answered_is_sent_once_more(told):
    assert told.posted() == [
        ("firing", REFUSE),
        ("firing", ACCEPT),
        ("resolved", HOLD),
        ("resolved", ACCEPT),
    ]


def test_a_message_says_the_same_when_it_is_sent_again(told):
    firing, firing_again, resolved, resolved_again = (each.body for each in told.messages())

    assert firing_again == firing
    assert resolved_again == resolved


def test_both_messages_name_function_account_and_region_and_link_to_the_incident(told):
    [incident] = told.incidents()
    accepted = [each.body for each in told.messages() if each.answer == ACCEPT]

    assert len(accepted) == 2
    for body in accepted:
        said = fields(body)
        assert said["Function"] == FUNCTION
        assert said["Account"] == f"{ALIAS} ({ACCOUNT})"
        assert said["Region"] == REGION
        urls = [button["url"] for block in body["blocks"] for button in block.get("elements", ())]
        assert f"{LINKS}/alerts?alert={incident.id}" in urls


def test_the_secret_of_the_webhook_is_in_no_file_of_the_store_and_in_no_output(told):
    assert told.leaks == []
    assert told.service.log.stat().st_size > 0
    assert not holds_secret(told.service.log)
    assert holds_secret(told.service.settings)
