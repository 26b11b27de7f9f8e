"""The commands that start the dashboard refuse to open it to others unless somebody says so."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from quarterdeck.cli import app
from quarterdeck.cli.context import operator
from quarterdeck.settings import Settings, load


def type_in(*words):
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("command", [["run", "--demo"], ["dashboard"]])
def test_it_refuses_with_one_sentence_that_says_what_to_do(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    answer = type_in(*command, "--address", "0.0.0.0")

    assert answer.exit_code == 1
    assert "0.0.0.0" in answer.stderr
    assert "--allow-anyone viewer" in answer.stderr
    assert "access.login" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_there_is_no_role_but_those_three(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert type_in("dashboard", "--address", "0.0.0.0", "--allow-anyone", "root").exit_code == 2


@pytest.mark.parametrize("command", ["run", "dashboard"])
def test_the_help_of_the_flag_says_what_it_gives_up(command):
    said = " ".join(type_in(command, "--help").stdout.replace("│", " ").split())

    assert "gives up knowing who it was" in said


def test_relative_paths_of_secrets_are_meant_from_where_the_settings_stand(tmp_path):
    file = tmp_path / "quarterdeck.yml"
    url = "https://id.example.com/.well-known/openid-configuration"
    file.write_text(
        f"access: {{login: {{server_metadata_url: '{url}', client_id: q, client_secret_file: secret}}}}"
    )
    (tmp_path / "secret").write_text("hunter2\n")

    assert load([file]).access.login.secret() == "hunter2"


def test_whoever_types_is_an_admin_under_the_name_of_the_system_or_the_given_one(monkeypatch):
    monkeypatch.setenv("LOGNAME", "maria")

    assert (operator(None).name, operator(None).role) == ("maria", "admin")
    assert operator("jo").name == "jo"


def test_the_list_of_the_settings_holds_for_the_command_line_too():
    settings = Settings.model_validate({"access": {"roles": {"viewer": ["intern"]}}})

    assert operator("intern", settings).role == "viewer"
    assert operator("maria", settings).role == "admin"
