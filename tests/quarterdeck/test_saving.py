"""`quarterdeck savings` and `quarterdeck whatif`: documents, words, and what they refuse."""

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.entities import Function
from core.facts import Covered, Listed
from core.settings import StoreSettings
from core.telemetry import InvocationRecord
from core.windows import Window, floor
from quarterdeck.saving import saved_words
from quarterdeck.tables import cost_rows
from store.store import Store
from tests.quarterdeck.conftest import keep

HOSTILE = "=f';touch x #"


@pytest.fixture
def sized(tmp_path):
    """Two days of a function with eight times the memory it uses, and one that nobody called."""
    settings = StoreSettings(path=tmp_path / "store", free_space_floor_mb=0)
    store, end = Store.open(settings), floor(datetime.now(UTC), timedelta(minutes=1))
    days = Window(end - timedelta(days=2), end)
    names = (HOSTILE, "quiet")
    functions = [
        Function(name=name, arn=f"arn:{name}", memory_mb=1024, timeout_s=30, runtime="python3.13",
                 package_type="Zip", ephemeral_mb=512)
        for name in names
    ]  # fmt: skip
    records = [
        InvocationRecord(
            function=HOSTILE, ts=end - timedelta(minutes=n), event_id=str(n), request_id=str(n), stream="s",
            version="1", duration_ms=9_000.0, billed_ms=9_000.0, memory_mb=1024.0, max_memory_mb=128.0,
        )
        for n in range(1, 2 * 24 * 60)
    ]  # fmt: skip
    keep(store, "inventory", days, [*functions, Listed("function")])
    keep(store, "logs", days, [*records, *(Covered(name, days) for name in names)])
    store.close()
    return settings.path


def test_proposals_come_with_band_risk_evidence_and_the_change(quarterdeck, sized):
    told = json.loads(quarterdeck("savings", "--json", "--store", sized).stdout)

    memory = next(row for row in told["proposals"] if row["kind"] == "memory")
    assert memory["saves_low_usd"] == 0 < memory["saves_high_usd"]
    assert memory["risk"]
    assert memory["evidence"]
    assert memory["cli"][0].startswith("aws lambda update-function-configuration --function-name '=f'")
    assert memory["act"].startswith("quarterdeck act update-configuration")
    assert "memory_size" in memory["terraform"]
    assert memory["compute_optimizer"]["says"].startswith("not asked")


def test_what_is_not_known_is_told_apart_with_what_is_missing(quarterdeck, sized):
    told = json.loads(quarterdeck("savings", "--json", "--store", sized).stdout)

    quiet = [row for row in told["unknown"] if row["function"] == "quiet" and row["kind"] == "memory"]
    assert quiet[0]["missing"]
    assert quiet[0]["saves_high_usd"] is None


def test_the_table_says_what_is_missing_too(quarterdeck, sized):
    told = quarterdeck("savings", "--store", sized)

    assert told.exit_code == 0
    assert "1,024 MB to 512 MB" in told.stdout
    assert "Not known, and what is missing" in told.stdout


def test_the_file_runs_nothing_in_a_spreadsheet(quarterdeck, sized, tmp_path):
    quarterdeck("savings", "--csv", tmp_path / "x.csv", "--store", sized)

    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as file:
        assert {row["function"] for row in csv.DictReader(file)} == {f"'{HOSTILE}", "quiet"}


def test_a_change_of_memory_is_told_as_a_band_with_what_it_supposes(quarterdeck, sized):
    told = json.loads(quarterdeck("whatif", HOSTILE, "--memory", "512", "--json", "--store", sized).stdout)

    assert told["records"] == 2 * 24 * 60 - 1
    assert told["then"]["memory_mb"] == 512
    assert told["then"]["low"]["p95_ms"] == 9_000
    assert told["then"]["high"]["p95_ms"] == 18_000
    assert told["saves_low_usd"] < told["saves_high_usd"]
    assert any("no other size was seen" in text for text in told["assumptions"])


def test_a_question_in_words(quarterdeck, sized):
    told = quarterdeck("whatif", HOSTILE, "--provisioned", "1", "--timeout", "5", "--store", sized)

    assert "then: 1,024 MB, x86_64, 1 provisioned, timeout 5 s" in told.stdout
    assert "would time out at most" in told.stdout


def test_too_few_records_are_no_prediction(quarterdeck, sized):
    told = quarterdeck("whatif", "quiet", "--memory", "512", "--store", sized)

    assert "Not known. Missing: 100 more invocation records" in told.stdout


@pytest.mark.parametrize(
    "words",
    [("nobody", "--memory", "512"), (HOSTILE, "--memory", "64"), (HOSTILE, "--arch", "arm"), (HOSTILE,)],
)
def test_a_question_that_cannot_be_meant_is_refused(quarterdeck, sized, words):
    assert quarterdeck("whatif", *words, "--store", sized).exit_code == 2


def test_a_function_is_sought_where_it_was_asked_for(quarterdeck, sized):
    told = quarterdeck("whatif", "quiet", "--memory", "512", "--region", "mars-1", "--store", sized)

    assert "no function quiet in mars-1: 0 functions are known there" in told.stderr


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        ("1", "2.5", "saves a month: $1.00 to $2.50"),
        ("-21.31", "-21.26", "costs more a month: $21.26 to $21.31"),
        ("-0.6", "-0.001", "costs more a month: $0.00 to $0.60"),
        ("-0.6", "0.4", "saves a month: -$0.60 to $0.40, so it may cost $0.60 more"),
        ("-0.001", "0", "saves a month: $0.00 to $0.00"),
    ],
)
def test_what_a_change_saves_or_costs_is_said_in_words(low, high, said):
    assert saved_words(Decimal(low), Decimal(high)) == said


def test_a_table_of_costs_shows_what_costs_most_and_the_rest_in_one():
    names = ("requests", "duration", "init", "pollers", "logs", "queues", "tracing", "edge")
    rows = [
        {
            "function": name,
            "cost_usd": 28 * times,
            "net_usd": 0,
            **{f"{part}_usd": n * times for n, part in enumerate(names)},
        }
        for name, times in (("a", 1), ("b", 2))
    ]

    shown, parts = cost_rows(rows, ["function"])

    assert parts == [f"{name}_usd" for name in (*names[:1:-1], "others")]
    assert all(sum(row[key] for key in parts) == row["cost_usd"] for row in shown)
