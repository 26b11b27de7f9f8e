"""What a person does about an incident from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from alerts import ledger
from alerts.incident import Incident
from core.settings import StoreSettings
from quarterdeck.cli import app
from store.store import Store

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)


@pytest.fixture
def run(no_aws, tmp_path):
    """Types a command about a store with one open incident."""
    store = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    made = Incident(
        id="3f2a91aa", rule="error-rate", account="111122223333", region="eu-west-1", subject_kind="function",
        subject="checkout", severity="critical", title="checkout: error rate 12 %\x1b[31m", text="bad",
        opened_at=NOW,
    )  # fmt: skip
    with store.transaction() as connection:
        ledger.open_incident(connection, made)
    store.close()
    return lambda *words: CliRunner().invoke(app, ["--store", str(tmp_path / "store"), *words])


def test_an_incident_is_told_with_its_timeline_and_drives_no_terminal(run):
    told = run("incident", "3f2a")

    assert told.exit_code == 0
    assert "firing since 2026-11-18T03:00:00Z, critical, rule error-rate" in told.stdout
    assert "opened: bad" in told.stdout
    assert "\x1b" not in told.stdout


def test_an_incident_is_exported_as_one_file(run, tmp_path):
    run("assign", "3f2a", "maria", "--as", "ada")
    done = run("incident", "3f2a", "--html", str(tmp_path / "outage.html"))

    assert done.exit_code == 0
    assert "maria" in (tmp_path / "outage.html").read_text()


def test_a_file_that_cannot_be_written_is_a_sentence(run, tmp_path):
    done = run("incident", "3f2a", "--html", str(tmp_path / "no" / "outage.html"))

    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_who_was_assigned_is_in_the_json(run):
    run("assign", "3f2a", "maria", "--as", "ada")
    document = json.loads(run("incident", "3f2a", "--json").stdout)

    assert document["incident"]["assignee"] == "maria"
    assert [event["who"] for event in document["timeline"] if event["what"] == "assigned"] == ["ada"]


def test_a_silence_takes_matchers_and_says_what_is_none(run):
    good = run("silence", "--for", "2h", "--reason", "x", "--where", "severity=critical")
    bad = run("silence", "--for", "2h", "--reason", "x", "--where", "team=x")

    assert good.exit_code == 0
    assert bad.exit_code == 2
    assert "nothing is matched by 'team'" in bad.stderr
