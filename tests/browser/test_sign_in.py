"""Chromium signs in at a real OpenID Connect provider, and may what the settings give to whom signed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from core.access import AccessSettings
from core.settings import StoreSettings
from store import schema
from store.store import Store
from tests.browser.conftest import LOCALE, SIZE, Dashboard
from tests.browser.provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
PEOPLE = {
    "olga": {"email": "olga@example.com", "email_verified": True, "groups": ["on-call"]},
    "vera": {"email": "vera@example.com", "groups": ["sales"]},
    "mallory": {"email": "mallory@elsewhere.com", "email_verified": False},
}
INCIDENT = {
    "id": "i1", "rule": "error-rate", "account": "111111111111", "region": "eu-west-1", "subject": "orders",
    "subject_kind": "function", "severity": "critical", "title": "orders: error rate 12 %",
    "text": "Error rate 12 %.", "opened_at": NOW - timedelta(minutes=30), "value": 0.12, "threshold": 0.05,
}  # fmt: skip


@pytest.fixture(scope="module")
def provider():
    with Provider(PEOPLE) as provider:
        yield provider


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("signed")
    store = Store.open(StoreSettings(path=path, free_space_floor_mb=0))
    with store.transaction() as connection:
        connection.execute(schema.incident.insert().values(**INCIDENT))
    yield store
    store.close()


@pytest.fixture(scope="module")
def url(serve, store, provider):
    login = {"server_metadata_url": provider.metadata_url, "client_id": CLIENT, "client_secret": SECRET}
    access = AccessSettings.model_validate(
        {
            "login": login,
            "roles": {"viewer": ["*@example.com"]},
            "claims": {"name": "groups", "operator": ["on-call"]},
        }
    )
    return serve(store.path, now=NOW.isoformat(), access=access)


@pytest.fixture
def tab(browser, url):
    """A tab of a browser that nobody has signed in with."""
    context = browser.new_context(viewport=SIZE, locale=LOCALE)
    tab = Dashboard(context.new_page(), url)
    yield tab
    assert not tab.problems()
    context.close()


def sign_in(tab, name, sees):
    """Open the incident's page, sign in, and wait for what is seen then: pages come and go meanwhile."""
    tab.open("/alerts", alert="i1")
    tab.page.get_by_role("button", name="Sign in").click()
    tab.page.get_by_role("link", name=name).click()
    tab.page.get_by_text(sees).first.wait_for()


def kept(store):
    with store.engine.connect() as connection:
        return {row.name: (row.role, row.source) for row in connection.execute(sa.select(schema.person))}


def test_nothing_of_the_fleet_is_told_before_somebody_signs_in(tab):
    tab.open("/alerts", alert="i1")

    everything = tab.page.content()
    assert "Sign in to see this fleet" in everything
    assert "orders" not in everything
    assert not tab.page.get_by_role("link", name="Overview").count()


def test_signing_in_leads_to_the_page_that_was_asked_for(tab, store):
    sign_in(tab, "olga", "orders: error rate 12 %")

    where = urlsplit(tab.page.url)
    assert (where.path, parse_qs(where.query)["alert"]) == ("/alerts", ["i1"])
    assert "olga@example.com · operator" in tab.text("[data-testid=stSidebar]")
    assert kept(store)["olga@example.com"] == ("operator", "claim")


def test_whom_nothing_gives_a_role_sees_nothing_and_may_leave(tab, store, provider):
    sign_in(tab, "mallory", "You signed in as sub:id-of-mallory, but nothing gives you a role here")

    assert "orders" not in tab.page.content()
    assert kept(store)["sub:id-of-mallory"] == ("none", "list")
    before = provider.signed_out
    tab.page.get_by_role("button", name="Sign out").click()
    tab.page.get_by_role("button", name="Sign in").wait_for()
    assert provider.signed_out == before + 1


def test_a_sign_in_ends_when_it_has_lasted_long_enough(tab, provider, monkeypatch):
    monkeypatch.setattr(provider, "age_s", 13 * 3600)

    sign_in(tab, "olga", "Your sign-in has lapsed")

    assert "orders" not in tab.page.content()


def test_a_viewer_reads_and_is_told_what_takes_more(tab, store):
    sign_in(tab, "vera", "orders: error rate 12 %")

    assert "vera@example.com · viewer" in tab.text("[data-testid=stSidebar]")
    tab.wait_for("vera@example.com is a viewer: to work on alerts takes an operator")
    assert not tab.page.get_by_role("button", name="Acknowledge").count()


def test_an_operator_acknowledges_under_the_name_of_the_login(tab, store):
    sign_in(tab, "olga", "orders: error rate 12 %")

    tab.page.get_by_role("button", name="Acknowledge").first.click()
    tab.page.get_by_role("button", name="Acknowledge this alert").click()
    tab.page.get_by_text("it is not repeated any more").first.wait_for()

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(schema.incident)).one()
    assert row.acked_by == "olga@example.com"
