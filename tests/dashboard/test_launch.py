"""The dashboard's command and environment."""

from pathlib import Path

import pytest

from core.settings import DashboardSettings, StoreSettings
from dashboard.launch import APP, STORE, launch, store_settings

AWS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_PROFILE": "prod", "PATH": "/bin"}


def start(settings=None, banner=None, environ=AWS):
    return launch(settings or DashboardSettings(), StoreSettings(path=Path("facts")), banner, environ=environ)


def test_listens_where_the_settings_say():
    argv, _ = start(DashboardSettings(address="0.0.0.0", port=9000, allow_anyone="viewer"))

    assert "--server.address=0.0.0.0" in argv
    assert "--server.port=9000" in argv
    assert str(APP) in argv


def test_hands_over_the_store_as_an_absolute_path():
    _, env = start()

    assert Path(env["QUARTERDECK_STORE"]).is_absolute()


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
