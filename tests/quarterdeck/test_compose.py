"""The compose files: they parse, call commands that there are, and hold no password."""

from pathlib import Path

import pytest
import typer
import yaml

from core.errors import StoreError
from quarterdeck.cli import app
from quarterdeck.running import run
from quarterdeck.settings import DATABASE_VARIABLE, load

ROOT = Path(__file__).parents[2]
PLAIN, POSTGRES = ROOT / "docker-compose.yml", ROOT / "docker-compose.postgres.yml"
PASSWORD = "${QUARTERDECK_DATABASE_PASSWORD:?choose a password}"


def services(file):
    return yaml.safe_load(file.read_text())["services"]


def words_of(service):
    """The command lines of ours in a service: what it runs and its health check."""
    yield service.get("command", [])
    test = service.get("healthcheck", {}).get("test", [])
    if test[1:2] == ["quarterdeck"]:
        yield test[2:]


@pytest.mark.parametrize("name", ["service", "dashboard", "demo"])
def test_every_command_and_option_is_one_of_ours(name):
    commands = typer.main.get_command(app).commands

    for words in words_of(services(PLAIN)[name]):
        command = commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_what_postgresql_adds_is_for_services_that_there_are():
    assert services(POSTGRES).keys() - {"database"} <= services(PLAIN).keys()


def test_the_password_comes_from_the_environment_alone():
    every = services(POSTGRES)

    assert every["database"]["environment"]["POSTGRES_PASSWORD"] == PASSWORD
    for name in ("service", "dashboard"):
        url = every[name]["environment"][DATABASE_VARIABLE]
        assert url == f"postgresql://quarterdeck:{PASSWORD}@database/quarterdeck"


@pytest.mark.parametrize("name", ["service", "dashboard"])
def test_what_the_file_hands_over_is_where_state_is_kept(name):
    environment = services(POSTGRES)[name]["environment"]
    given = {key: value.replace(PASSWORD, "secret") for key, value in environment.items()}

    settings = load([], environment=given)

    assert given.keys() == {DATABASE_VARIABLE}
    assert (
        settings.store.database.get_secret_value() == "postgresql://quarterdeck:secret@database/quarterdeck"
    )


def test_everything_that_stays_up_has_a_health_check():
    merged = services(PLAIN) | {"database": services(POSTGRES)["database"]}

    assert all("healthcheck" in merged[name] for name in ("service", "dashboard", "database"))
    assert services(POSTGRES)["service"]["depends_on"] == {"database": {"condition": "service_healthy"}}


def test_the_demo_is_never_put_into_a_database(tmp_path):
    settings = load([], store=tmp_path, environment={DATABASE_VARIABLE: "postgresql://u:hunter2@db/fleet"})

    with pytest.raises(StoreError, match=r"the demo account keeps its store in a folder") as error:
        run([], settings, demo=True, say=print)

    assert "hunter2" not in str(error.value)
