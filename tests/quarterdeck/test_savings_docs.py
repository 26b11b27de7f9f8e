"""Examples and thresholds of docs/savings.md are what the code does."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from core.prices import prices
from core.rightsizing import ENOUGH_RECORDS, KINDS
from core.rightsizing_memory import HEADROOM, TIMEOUT_SHARE, curve
from quarterdeck.cli import app
from tests.core.test_rightsizing import observed

TEXT = (Path(__file__).parents[2] / "docs" / "savings.md").read_text()
LINES = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]


def test_the_worked_example_is_what_the_curve_says():
    sizes = curve(observed(), lambda name: prices("us-east-1", name))
    now, half = (next(s for s in sizes if s.memory_mb == mb) for mb in (1024, 512))

    told = [f"${number}" for number in re.findall(r"= \$(\d\.\d{4})\n", TEXT)]
    assert told == [f"${now.usd.low:.4f}", f"${half.usd.low:.4f}", f"${half.usd.high:.4f}"]
    assert f"${now.usd.low - half.usd.high:.4f} to ${now.usd.low - half.usd.low:.4f} a month" in TEXT


def test_every_kind_is_told():
    assert [kind for kind in KINDS if f"\n| {kind} |" not in TEXT] == []


def test_thresholds_are_those_of_the_code():
    assert f"× {HEADROOM}" in TEXT
    assert f"fewer than {ENOUGH_RECORDS} records" in TEXT
    assert f"{TIMEOUT_SHARE:.0%}".replace("%", " %") in TEXT


@pytest.mark.parametrize("line", LINES)
def test_every_command_is_one_that_is_read(line):
    _, name, *words = shlex.split(line)
    command = typer.main.get_command(app).commands[name]

    command.make_context(name, words)
