"""Text of others in a terminal, a pipe, JSON and CSV: it drives nothing and runs nowhere."""

import csv
import json
from datetime import UTC, datetime

import pytest

from core.settings import StoreSettings
from store.store import Store
from tests import hostile
from tests.hostile import MARK, NAME
from tests.quarterdeck.questions import questions

NAMELESS = {"spend"}
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@pytest.fixture
def folder(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    hostile.fill(store, now=datetime.now(UTC)).close()
    return tmp_path / "store"


def steering(text):
    """Characters that move a cursor, set a colour or turn the direction of text."""
    return sorted({char for char in text if not char.isprintable() and char != "\n"})


@pytest.mark.parametrize("command", questions(NAME), ids=lambda words: " ".join(words)[:30])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
def test_no_command_lets_text_of_others_drive_the_terminal(quarterdeck, folder, command, form):
    result = quarterdeck("--store", folder, *command, *form)

    assert result.exit_code == 0, (result.output, result.exception)
    assert steering(result.output) == []
    assert MARK in result.output or command[0] in NAMELESS


def test_json_keeps_the_text_for_machines(quarterdeck, folder):
    rows = json.loads(quarterdeck("--store", folder, "fleet", "--json").stdout)["functions"]

    row = next(row for row in rows if row["function"] == NAME)
    assert row["tags"]["team"] == hostile.TEXT


def test_a_file_for_spreadsheets_holds_no_formula(quarterdeck, folder, tmp_path):
    quarterdeck("--store", folder, "cost", "--by", "function,tag:team", "--csv", tmp_path / "cost.csv")

    with (tmp_path / "cost.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any(MARK in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(STARTS_A_FORMULA)]
