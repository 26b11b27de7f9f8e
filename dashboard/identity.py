"""Who is using this page: whoever signed in, or without a login whoever started the dashboard."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import streamlit as st

from core.access import Granted, granted, name_of, person_of
from core.errors import NotAllowedError
from core.people import Person, Role
from dashboard.launch import ENTRANCE, Entrance
from dashboard.numbers import plain

ANYONE = "anyone"
"""Who did something, where nobody signs in and others than this machine's users come in."""


def person() -> Person:
    """Who is using this page. Whose sign-in has lapsed may nothing but read until the page asks again."""
    door = entrance()
    if not door.login:
        return Person(_user() if door.anyone is None else ANYONE, door.anyone or "admin")
    claims = st.user.to_dict()
    return person_of(name_of(claims) or "somebody", grant_of(door, claims, now=datetime.now(UTC)))


def lacks(role: Role, to: str) -> str | None:
    """Why a control is off, as Markdown: None for a person who may use it. `to` as in `Person.must_be`."""
    try:
        person().must_be(role, to)
    except NotAllowedError as error:
        return plain(error)
    return None


def grant_of(door: Entrance, claims: Mapping[str, Any], *, now: datetime) -> Granted:
    """What those claims give, nothing without a sign-in or after it has lapsed."""
    if not claims.get("is_logged_in") or name_of(claims) is None:
        return Granted(None, "default", "nobody has signed in")
    if has_lapsed(door, claims, now=now):
        return Granted(None, "default", "the sign-in has lapsed")
    return granted(door.access, claims)


def has_lapsed(door: Entrance, claims: Mapping[str, Any], *, now: datetime) -> bool:
    """Whether the provider's word (`iat`: when it gave it) is older than a sign-in lasts, or has no age."""
    given = claims.get("iat")
    return not isinstance(given, int | float) or now.timestamp() - given > door.lasts.total_seconds()


def entrance() -> Entrance:
    return _parsed(os.environ.get(ENTRANCE))


@lru_cache(maxsize=4)
def _parsed(text: str | None) -> Entrance:
    """Started past `launch`, nobody said who comes in: they may read."""
    return Entrance.model_validate_json(text) if text else Entrance(anyone="viewer")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return f"user {os.getuid()}"
