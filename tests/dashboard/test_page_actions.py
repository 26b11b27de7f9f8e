"""The Actions page: what waits is decided by a press, what is held is restored by one; a link only shows."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from alerts.actions.registry import read_action
from alerts.actions.requests import ask
from alerts.approvals import key_of, make
from alerts.settings import AlertSettings
from core.facts import Target
from core.people import Person
from dashboard.launch import ENTRANCE, Entrance
from store import schema
from tests.dashboard.every_page import words

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")
ADA = Person("ada", "operator")
PAGE = "views/actions.py"
SET = {"do": "set-reserved-concurrency", "limit": 40, "lease": "30m"}
PLAN = {
    "action": "set-reserved-concurrency", "sentence": "Change reserved concurrency of orders from 8 to 40",
    "target": {"account": PROD.account, "region": PROD.region}, "request": {}, "undo": "8 is restored",
    "warnings": ["<b>hostile</b> [warning](http://x.example)"], "what": "reserved concurrency",
    "thing": "orders", "subject": "orders", "before": 8, "after": 40, "touches": ["orders"],
    "cost": "nothing", "effect": "at most 40 at once",
}  # fmt: skip


@pytest.fixture
def waiting(filled):
    """A request that was planned."""
    id = ask(filled, read_action(SET), PROD, "orders", by=ADA, now=NOW, within=timedelta(minutes=30))
    table = schema.action_request
    with filled.transaction() as connection:
        connection.execute(sa.update(table).where(table.c.id == id).values(state="planned", plan=PLAN))
    return id


@pytest.fixture
def held(filled):
    """A change that is held for 20 minutes more."""
    row = {
        "id": "h1", "who": "quarterdeck", "action": SET, "account": PROD.account, "region": PROD.region,
        "subject": "orders", "what": "reserved concurrency", "thing": "orders", "before": 8, "after": 40,
        "applied_at": NOW - timedelta(minutes=10), "expires_at": NOW + timedelta(minutes=20),
        "state": "held", "said": "",
    }  # fmt: skip
    with filled.transaction() as connection:
        connection.execute(sa.insert(schema.held_change).values(row))
    return "h1"


def state_of(store, table, id):
    with store.engine.connect() as connection:
        return connection.execute(sa.select(table).where(table.c.id == id)).one()


def press(page, key):
    return page.button(key=key).click().run()


def test_says_that_nothing_waits_on_an_empty_store(store, open_page):
    page = open_page(PAGE)

    assert not page.exception
    assert "Nothing waits for a decision" in words(page)


def test_shows_a_plan_with_its_effect_its_way_back_and_no_markdown_of_others(waiting, open_page):
    text = words(open_page(PAGE))

    assert "**8 → 40**" in text
    assert "8 is restored" in text
    assert "at most 40 at once" in text
    assert "http://x.example" not in text


def test_a_press_approves_under_the_name_of_whoever_uses_the_page(waiting, filled, open_page):
    press(open_page(PAGE), f"approve-{waiting}")
    row = state_of(filled, schema.action_request, waiting)

    assert (row.state, row.decided_by) == ("approved", getpass.getuser())


def test_a_press_declines(waiting, filled, open_page):
    press(open_page(PAGE), f"decline-{waiting}")

    assert state_of(filled, schema.action_request, waiting).state == "declined"


def test_a_viewer_cannot_press(waiting, held, open_page, monkeypatch):
    monkeypatch.setenv(ENTRANCE, Entrance(anyone="viewer").model_dump_json())
    page = open_page(PAGE)

    assert page.button(key=f"approve-{waiting}").disabled
    assert page.button(key="keep-h1").disabled


def test_shows_how_long_a_change_is_held(held, open_page):
    text = words(open_page(PAGE))

    assert "20 min left" in text
    assert "8 → 40" in text


def test_restoring_asks_the_service(held, filled, open_page):
    press(open_page(PAGE), "restore-h1")
    with filled.engine.connect() as connection:
        [row] = connection.execute(sa.select(schema.action_request)).all()

    assert (row.undo_of, row.state, row.decided_by) == ("h1", "approved", getpass.getuser())
    assert state_of(filled, schema.held_change, "h1").state == "held"


def test_keeping_and_extending_change_no_aws(held, filled, open_page):
    press(open_page(PAGE), "extend-h1-2 h")
    assert state_of(filled, schema.held_change, "h1").expires_at >= NOW + timedelta(hours=2)

    press(open_page(PAGE), "keep-h1")

    assert state_of(filled, schema.held_change, "h1").state == "kept"


@pytest.fixture
def token(waiting, filled):
    with filled.transaction() as connection:
        return make(connection, waiting, "on-call", key_of(AlertSettings(), filled.path), now=NOW)


def test_opening_a_link_from_chat_decides_nothing(token, waiting, filled, open_page):
    text = words(open_page(PAGE, approve=token))

    assert "Sent to on" in text
    assert state_of(filled, schema.action_request, waiting).state == "planned"


def test_a_press_behind_a_link_approves_also_for_a_viewer(token, waiting, filled, open_page, monkeypatch):
    monkeypatch.setenv(ENTRANCE, Entrance(anyone="viewer").model_dump_json())
    press(open_page(PAGE, approve=token), f"approve-{waiting}")

    assert state_of(filled, schema.action_request, waiting).decided_by == "link sent to on-call"


def test_a_link_that_is_not_ours_is_told_so(waiting, open_page):
    assert "not one of ours" in words(open_page(PAGE, approve="a.1.b"))
