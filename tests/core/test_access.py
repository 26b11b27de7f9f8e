"""Who gets which role by list, claim and default, and what of it still holds when a wish is carried out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.access import (
    AccessSettings,
    Granted,
    LoginSettings,
    Seen,
    granted,
    is_loopback,
    name_of,
    role_now,
)
from core.errors import SettingsError
from core.people import ROLES

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
LOGIN = {
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    "client_id": "quarterdeck",
    "client_secret": "hunter2",
}
ROLES_OF = AccessSettings.model_validate(
    {
        "roles": {"admin": ["maria@example.com"], "operator": ["*@ops.example.com"]},
        "claims": {"name": "groups", "admin": ["platform"], "operator": ["on-call"]},
    }
)


def claims(email="ada@example.com", **more):
    return {"email": email, "sub": "24400320", **more}


@pytest.mark.parametrize(
    ("said", "role", "source"),
    [
        (claims("Maria@Example.com"), "admin", "list"),
        (claims("jo@ops.example.com"), "operator", "list"),
        (claims("jo@ops.example.com.evil.com"), None, "list"),
        (claims(groups=["on-call", "sales"]), "operator", "claim"),
        (claims("jo@ops.example.com", groups=["platform"]), "admin", "claim"),
        (claims("maria@example.com", groups=["on-call"]), "admin", "list"),
        (claims(groups="on-call"), "operator", "claim"),
        (claims(groups="on-call platform"), None, "list"),
        (claims(groups=None), None, "list"),
        (claims(groups=[7, {"on-call": 1}]), None, "list"),
        (claims("maria@example.com", email_verified=False), None, "list"),
        (claims("maria@example.com", email_verified="false"), None, "list"),
    ],
)
def test_the_most_that_list_or_claim_gives(said, role, source):
    found = granted(ROLES_OF, said)

    assert (found.role, found.source if role else "list") == (role, source)


def test_the_default_role_is_that_of_people_nothing_else_names():
    access = ROLES_OF.model_copy(update={"default_role": "viewer"})

    assert granted(access, claims()).role == "viewer"
    assert granted(ROLES_OF, claims()).role is None


def test_a_role_says_what_gave_it():
    assert granted(ROLES_OF, claims("maria@example.com")).why == "access.roles.admin has maria@example.com"
    assert granted(ROLES_OF, claims(groups=["on-call"])).why == "the login's groups has on-call"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (claims(" Ada@Example.COM "), "ada@example.com"),
        (claims(email_verified=False), "sub:24400320"),
        ({"email": "quarterdeck", "sub": "quarterdeck"}, "sub:quarterdeck"),
        ({"email": 7}, None),
        ({"sub": " "}, None),
    ],
)
def test_people_are_called_by_a_checked_address_or_an_id_that_is_no_name_of_ours(said, name):
    assert name_of(said) == name


CLAIMS = st.sampled_from(["email", "sub", "groups", "email_verified", "iat"])
SAID = st.none() | st.text() | st.integers() | st.booleans() | st.lists(st.text() | st.integers())


@given(st.dictionaries(CLAIMS, SAID))
def test_no_claim_that_names_nobody_of_the_list_or_groups_gives_a_role(said):
    assert granted(ROLES_OF, said).role is None


# --- when a wish is carried out ----------------------------------------------------------------------------


def now(name, seen=None, *, access=ROLES_OF, anyone=None):
    return role_now(access, name, seen, anyone=anyone, now=NOW).role


def seen(role, source, ago=timedelta(0)):
    return Seen(role, source, NOW - ago)


def test_who_was_taken_off_the_list_has_no_role_any_more():
    assert now("ada@example.com", seen("operator", "list")) is None


def test_who_is_on_the_list_now_has_its_role_whatever_the_dashboard_kept():
    assert now("maria@example.com", seen(None, "default")) == "admin"


@pytest.mark.parametrize(("hours", "role"), [(23, "operator"), (24, "operator"), (25, None)])
def test_what_a_login_claimed_is_believed_for_a_day(hours, role):
    assert now("ada@example.com", seen("operator", "claim", timedelta(hours=hours))) == role


def test_who_was_refused_by_the_dashboard_has_no_role():
    assert now("ada@example.com", seen(None, "default")) is None


def test_who_only_uses_the_command_line_may_all_unless_the_list_says_otherwise():
    assert now("root") == "admin"
    assert now("jo@ops.example.com") == "operator"


@pytest.mark.parametrize(
    ("anyone", "hours", "role"),
    [("operator", 0, "operator"), ("viewer", 90, "viewer"), (None, 23, "admin"), (None, 25, None)],
)
def test_anyone_is_what_the_settings_say_else_what_the_dashboard_was_started_with(anyone, hours, role):
    assert now("anyone", seen("admin", "anyone", timedelta(hours=hours)), anyone=anyone) == role


def test_anyone_has_no_role_once_there_is_a_login():
    access = AccessSettings.model_validate({"login": LOGIN})

    assert now("anyone", seen("admin", "anyone"), access=access, anyone="admin") is None


@given(
    name=st.sampled_from(["maria@example.com", "jo@ops.example.com", "ada@example.com"]),
    role=st.sampled_from([*ROLES, None]),
    source=st.sampled_from(["list", "claim", "default"]),
    hours=st.integers(0, 100),
)
def test_nobody_gains_by_the_store_more_than_list_and_fresh_claims_give(name, role, source, hours):
    found = now(name, Seen(role, source, NOW - timedelta(hours=hours)))

    listed = {"maria@example.com": "admin", "jo@ops.example.com": "operator"}.get(name)
    claimed = role if source == "claim" and hours <= 24 else None
    assert found in {listed, claimed}


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["http://id.example.com/x", "ftp://id.example.com/x", "id.example.com", "http://127.0.0.1.example.com"],
)
def test_the_provider_is_asked_where_nobody_else_reads(url):
    with pytest.raises(ValidationError, match="must begin with https"):
        LoginSettings.model_validate(LOGIN | {"server_metadata_url": url})


def test_the_secret_may_lie_in_a_file_of_its_own(tmp_path):
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    rest = {name: value for name, value in LOGIN.items() if name != "client_secret"}

    assert LoginSettings.model_validate(rest | {"client_secret_file": file}).secret() == "hunter2"
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        LoginSettings.model_validate(rest | {"client_secret_file": tmp_path / "none"}).secret()
    with pytest.raises(ValidationError, match="and not both"):
        LoginSettings.model_validate(LOGIN | {"client_secret_file": file})


def test_no_text_of_the_settings_holds_a_secret():
    login = LoginSettings.model_validate(LOGIN | {"cookie_secret": "chocolate"})

    assert "hunter2" not in f"{login!r} {login} {login.model_dump_json()}"
    assert "chocolate" not in f"{login!r} {login} {login.model_dump_json()}"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("", False), ("192.168.1.4", False), ("my-machine", False),
        ("localhost.example.com", False),
    ],
)  # fmt: skip
def test_only_loopback_is_this_machine_alone(host, expected):
    assert is_loopback(host) is expected


def test_a_grant_of_nobody_is_less_than_a_viewers():
    assert granted(AccessSettings(), claims()) == Granted(None, "list", "no pattern of access.roles fits")
