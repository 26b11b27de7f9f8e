"""Who comes in without a login, under which name, and what the store keeps of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.access import AccessSettings
from dashboard.identity import grant_of, has_lapsed
from dashboard.launch import ENTRANCE, Entrance
from store import schema

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
DOOR = Entrance(login=True, access=AccessSettings.model_validate({"roles": {"admin": ["maria@example.com"]}}))


def kept(store):
    with store.engine.connect() as connection:
        return [(row.name, row.role, row.source) for row in connection.execute(sa.select(schema.person))]


def texts(app):
    return " ".join(each.value for kind in ("title", "markdown", "caption") for each in app.get(kind))


def test_the_user_of_this_machine_comes_in_and_nothing_is_kept_of_it(open_page, filled):
    app = open_page()

    assert not app.exception
    assert kept(filled) == []
    assert not [button for button in app.button if button.label == "Sign out"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_anyone_is_told_as_what_and_the_service_can_know(open_page, filled, monkeypatch, role):
    monkeypatch.setenv(ENTRANCE, Entrance(anyone=role).model_dump_json())
    app = open_page()

    assert f"anyone · {role}" in texts(app)
    assert kept(filled) == [("anyone", role, "anyone")]


def test_started_past_the_launch_everybody_only_reads(open_page, filled, monkeypatch):
    monkeypatch.delenv(ENTRANCE)

    assert "anyone · viewer" in texts(open_page())


def test_where_there_is_a_login_nobody_comes_in_without(open_page, filled, monkeypatch):
    monkeypatch.setenv(ENTRANCE, DOOR.model_dump_json())
    app = open_page()

    assert [button.label for button in app.button] == ["Sign in"]
    assert "orders" not in texts(app)
    assert kept(filled) == []


# --- claims of a cookie ------------------------------------------------------------------------------------


def claims(**more):
    issued = (NOW - timedelta(hours=1)).timestamp()
    return {"is_logged_in": True, "email": "maria@example.com", "iat": issued, **more}


def test_a_sign_in_gives_the_role_of_the_list():
    assert grant_of(DOOR, claims(), now=NOW).role == "admin"


@pytest.mark.parametrize(
    "said",
    [
        claims(is_logged_in=False), claims(iat=(NOW - timedelta(hours=12, seconds=1)).timestamp()),
        claims(iat=None), claims(iat="soon"), claims(email=None), {},
    ],
)  # fmt: skip
def test_without_a_sign_in_of_the_last_hours_there_is_no_role(said):
    assert grant_of(DOOR, said, now=NOW).role is None


def test_a_sign_in_lasts_as_long_as_the_settings_say():
    door = DOOR.model_copy(update={"lasts": timedelta(minutes=30)})

    assert has_lapsed(door, claims(), now=NOW)
    assert not has_lapsed(DOOR, claims(), now=NOW)
