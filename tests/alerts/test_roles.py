"""Whatever somebody does in the alert room asks for a role in the function that does it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import sqlalchemy as sa

import alerts
from alerts.people import Access, person_now
from core.access import AccessSettings, Granted
from core.errors import NotAllowedError
from core.people import SERVICE, Person
from store import schema
from store.people import remember

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
VIEWER = Person("vera")
OTHERWISE = {
    "alerts.actions.occasions.by_hand": "it is a value: `ask` and the command line ask for the role",
    "alerts.actions.undoing.restore": "the service does it, for whom `requests` asked the role again",
    "alerts.approvals.use": "the link from the chat is the right: signed, expiring, used once",
}
"""Who is told who did it, and does not ask for the role: why not."""


def deeds():
    """Public functions of the alert room that are told who does it."""
    for module in pkgutil.walk_packages(alerts.__path__, "alerts."):
        for name, deed in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            called = f"{deed.__module__}.{name}"
            is_ours = deed.__module__ == module.name and not name.startswith("_")
            if is_ours and deed.__annotations__.get("by") == "Person" and called not in OTHERWISE:
                yield pytest.param(deed, id=called.removeprefix("alerts."))


def anything(kind: Any, store: Any) -> Any:
    """A value of the parameter's type that means nothing: the role is asked for before it is looked at."""
    if kind is datetime:
        return NOW
    if kind is timedelta:
        return timedelta(hours=1)
    if kind in (str, int, bool):
        return kind(1)
    options = get_args(kind)
    if NoneType in options:
        return None
    if kind is Any or get_origin(kind) is not None or not inspect.isclass(kind):
        return options[0] if options and isinstance(options[0], str) else None
    return store if kind.__name__ == "Store" else None


@pytest.mark.parametrize("deed", list(deeds()))
def test_a_viewer_is_refused(deed, store):
    kinds = get_type_hints(deed)
    wanted = {
        name: VIEWER if name == "by" else anything(kinds[name], store)
        for name, parameter in inspect.signature(deed).parameters.items()
        if parameter.default is parameter.empty
    }

    with pytest.raises(NotAllowedError, match="vera is a viewer"):
        deed(**wanted)


def test_there_are_deeds_to_ask_of():
    assert len(list(deeds())) >= 8


# --- what the service goes by ------------------------------------------------------------------------------


def role(store, name, settings=None, **access):
    wanted = Access(AccessSettings.model_validate(settings or {}), **access)
    with store.engine.connect() as connection:
        return person_now(connection, name, wanted, now=NOW).role


LIST = {"roles": {"operator": ["olga@example.com"]}}


def test_a_role_taken_off_the_list_is_gone_when_the_service_acts(store):
    remember(store, "olga@example.com", Granted("operator", "list", "access.roles.operator"), at=NOW)

    assert role(store, "olga@example.com", LIST) == "operator"
    assert role(store, "olga@example.com") == "viewer"


def test_a_refusal_by_the_dashboard_is_none_by_the_command_line(store):
    remember(store, "mallory@example.com", Granted(None, "list", "nothing"), at=NOW)

    assert role(store, "mallory@example.com") == "viewer"
    assert role(store, "root") == "admin"


def test_a_claim_counts_from_when_the_provider_gave_its_word_and_an_older_word_replaces_none(store):
    claim = Granted("operator", "claim", "the login's groups has on-call")
    remember(store, "olga@example.com", claim, at=NOW - timedelta(hours=20))
    remember(store, "olga@example.com", Granted("admin", "claim", "before"), at=NOW - timedelta(hours=30))

    assert role(store, "olga@example.com") == "operator"
    with store.engine.connect() as connection:
        (kept,) = connection.execute(sa.select(schema.person))
    assert (kept.role, kept.why) == ("operator", "the login's groups has on-call")


def test_what_the_service_does_by_itself_asks_nobody(store):
    assert role(store, SERVICE.name) == "admin"
