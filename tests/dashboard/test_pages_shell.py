"""What every page shares, on an empty store, a filled one and none."""

import pytest

from core.facts import Target
from tests.dashboard.conftest import NOW

PAGES = ["overview", "function"]


@pytest.mark.parametrize("page", PAGES)
def test_opens_on_an_empty_store_with_a_sentence(open_page, page):
    app = open_page(f"views/{page}.py")

    assert not app.exception
    assert "Nothing has been collected yet." in app.info[0].value


def test_says_in_one_sentence_that_the_store_cannot_be_opened(open_page, tmp_path):
    (tmp_path / "store").write_text("a file where the folder should be")

    app = open_page()

    assert not app.exception
    assert str(tmp_path / "store").replace("_", "\\_").replace("-", "\\-") in app.error[0].value


def test_shows_the_banner_it_was_started_with(open_page, filled, monkeypatch):
    monkeypatch.setenv("QUARTERDECK_BANNER", "This is the demo account.")

    app = open_page()

    assert any("This is the demo account." in text.value for text in app.markdown)


def test_counts_firing_alerts_in_the_menu(open_page, firing):
    app = open_page()

    labels = [link.proto.label for link in app.sidebar.get("page_link")]
    assert "Alerts :red-badge[1]" in labels


def test_menu_links_carry_account_and_range(open_page, filled):
    app = open_page(account="111111111111", range="24h")

    cost = next(link for link in app.sidebar.get("page_link") if link.proto.label == "Spend")
    assert "account=111111111111" in cost.proto.query_string
    assert "range=24h" in cost.proto.query_string


def test_the_account_filter_hides_incidents_of_other_accounts(open_page, firing):
    app = open_page(account="222222222222")

    assert not any("error rate 12" in text.value for text in app.markdown)


def test_the_freshness_badge_names_the_last_complete_minute(open_page, filled):
    app = open_page()

    assert any("data to" in text.value for text in app.markdown)


def test_a_region_of_all_accounts_can_be_chosen(open_page, filled):
    for target in (Target("222222222222", "eu-west-1"), Target("222222222222", "us-east-1")):
        filled.remember_target(target, None, now=NOW)
    app = open_page()

    app.selectbox(key="_scope").set_value(".eu-west-1").run()

    assert "eu-west-1" in app.query_params["region"]
    assert "account" not in app.query_params
    assert app.selectbox(key="_scope").value == ".eu-west-1"
