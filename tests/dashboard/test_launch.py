"""The dashboard's command and environment."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.access import AccessSettings, LoginSettings
from core.settings import CostSettings, DashboardSettings, StoreSettings
from dashboard.launch import APP, SERVED, STORE, ExposedError, cost_settings, entrance, launch, store_settings
from dashboard.login import login_file, secrets_toml

AWS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "prod", "PATH": "/bin"}


def start(settings=None, banner=None, environ=AWS):
    return launch(settings or DashboardSettings(), StoreSettings(path=Path("facts")), banner, environ=environ)


def test_listens_where_the_settings_say():
    argv, _ = start(DashboardSettings(address="0.0.0.0", port=9000, allow_anyone="viewer"))

    assert "--server.address=0.0.0.0" in argv
    assert "--server.port=9000" in argv
    assert str(SERVED) in argv


def test_hands_over_the_store_as_an_absolute_path():
    _, env = start()

    assert Path(env["QUARTERDECK_STORE"]).is_absolute()


def test_hands_over_who_pays_and_at_which_prices():
    told = CostSettings(payer={"org": ["1"]}, free_tier="elsewhere", prices=Path("prices.yml"))

    _, env = launch(DashboardSettings(), StoreSettings(path=Path("facts")), cost=told, environ={})

    found = cost_settings(env)
    assert found == told.model_copy(update={"prices": Path("prices.yml").absolute()})
    assert cost_settings({}) == CostSettings()


def test_hands_over_no_aws_credentials():
    _, env = start()

    assert not [name for name in env if name.startswith("AWS_")]
    assert env["PATH"] == "/bin"


def test_a_banner_of_an_earlier_process_does_not_leak_into_one_without():
    _, env = start(environ=AWS | {"QUARTERDECK_BANNER": "demo"})

    assert "QUARTERDECK_BANNER" not in env


def test_shows_the_banner_it_is_given():
    assert start(banner="This is the demo account.")[1]["QUARTERDECK_BANNER"] == "This is the demo account."


@pytest.mark.parametrize(("theme", "chosen"), [("dark", True), ("light", True), ("system", False)])
def test_a_colour_mode_is_fixed_only_when_it_is_not_the_systems(theme, chosen):
    argv, _ = start(DashboardSettings(theme=theme))

    assert (f"--theme.base={theme}" in argv) is chosen


def test_what_it_serves_beside_the_pages_is_there_with_the_fonts_licence():
    static = APP.parent / "static"

    assert {"icon.svg", "logo.svg", "inter-latin.woff2", "inter-LICENSE.txt"} <= {
        p.name for p in static.iterdir()
    }
    assert (APP.parent / ".streamlit" / "config.toml").exists()


def test_the_dashboard_opens_the_store_of_the_settings_wherever_it_is():
    store = StoreSettings(
        path=Path("/srv/store"),
        database="postgresql://u:hunter2@db/fleet",
        telemetry="s3://fleet/lake",
        retention={"metrics": "90d"},
    )

    _, env = launch(DashboardSettings(), store)

    assert store_settings(env) == store
    assert store_settings({STORE: "/srv/other"}) == StoreSettings(path=Path("/srv/other"))


def test_the_dashboard_keeps_the_credentials_that_telemetry_in_s3_is_read_with(tmp_path):
    store = StoreSettings(path=tmp_path, telemetry="s3://fleet/quarterdeck")

    _, env = launch(DashboardSettings(), store, environ=AWS)

    assert env["AWS_SECRET_ACCESS_KEY"] == "secret"


# --- who comes in ------------------------------------------------------------------------------------------

LOGIN = {
    "server_metadata_url": "https://id.example.com/.well-known/openid-configuration",
    "client_id": "quarterdeck",
    "client_secret": 'hun"ter2\\',
}
WITH_LOGIN = AccessSettings.model_validate({"login": LOGIN, "roles": {"admin": ["maria@example.com"]}})


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.4", "my-machine", ""])
def test_nobody_comes_in_from_elsewhere_without_a_login_or_a_word_that_they_may(address):
    with pytest.raises(ExposedError, match=r"access\.login.*--allow-anyone viewer"):
        start(DashboardSettings(address=address))


def test_on_loopback_it_is_whoever_started_it():
    door = entrance(DashboardSettings(allow_anyone="viewer"), AccessSettings())

    assert (door.login, door.anyone) == (False, None)


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
def test_with_a_login_everybody_signs_in_wherever_it_listens(address):
    door = entrance(DashboardSettings(address=address, allow_anyone="admin"), WITH_LOGIN)

    assert (door.login, door.anyone) == (True, None)
    assert door.access.roles.admin == ["maria@example.com"]


def test_no_secret_is_in_the_command_or_the_environment(tmp_path):
    with login_file(WITH_LOGIN.login, "https://deck.example.com") as secrets:
        argv, env = launch(
            DashboardSettings(), StoreSettings(path=tmp_path), access=WITH_LOGIN, secrets=secrets, environ={}
        )

    assert "ter2" not in f"{argv} {env}"


def test_the_login_is_in_a_file_for_this_user_alone_as_long_as_it_is_needed():
    with login_file(WITH_LOGIN.login, "https://deck.example.com") as secrets:
        found = tomllib.loads(secrets.read_text())["auth"]
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (secrets, secrets.parent)]

    assert modes == [0o600, 0o700]
    assert not secrets.parent.exists()
    assert found["client_secret"] == 'hun"ter2\\'
    assert found["redirect_uri"] == "https://deck.example.com/oauth2callback"
    assert found["client_kwargs"] == {"scope": "openid email profile"}


def test_cookies_are_signed_with_something_long_that_outlives_a_restart_and_is_not_the_clients_secret():
    first, second = (tomllib.loads(secrets_toml(WITH_LOGIN.login, "https://d")) for _ in range(2))

    assert first["auth"]["cookie_secret"] == second["auth"]["cookie_secret"]
    assert len(first["auth"]["cookie_secret"]) == 64
    assert "ter2" not in first["auth"]["cookie_secret"]


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_secret_survives_the_file(text):
    login = LoginSettings.model_validate(LOGIN | {"client_secret": text})

    assert tomllib.loads(secrets_toml(login, "https://d"))["auth"]["client_secret"] == text


def hosts(settings, **more):
    argv, _ = launch(settings, StoreSettings(path=Path("facts")), environ={}, **more)
    return {word.partition("=")[2] for word in argv if word.startswith("--server.allowedHosts=")}


def test_a_foreign_name_that_leads_to_loopback_opens_no_page():
    assert hosts(DashboardSettings()) == {"localhost", "127.0.0.1", "::1"}


def test_it_answers_to_the_name_that_links_lead_to_and_to_those_of_the_settings():
    told = {"access": WITH_LOGIN, "base_url": "https://deck.example.com"}

    assert hosts(DashboardSettings(hosts=["deck"]), **told) >= {"deck.example.com", "deck", "localhost"}


def test_it_answers_to_any_name_only_where_anybody_may_come_in():
    open_door = DashboardSettings(address="0.0.0.0", allow_anyone="viewer")

    assert hosts(open_door) == {"*"}
    assert "*" not in hosts(open_door.model_copy(update={"hosts": ["127.0.0.1"]}))


def test_protection_against_other_sites_stays_on():
    config = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text())
    argv, _ = start()

    assert not {"enableCORS", "enableXsrfProtection"} & config["server"].keys()
    assert not [word for word in argv if "CORS" in word or "Xsrf" in word]
