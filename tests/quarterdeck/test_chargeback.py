"""`quarterdeck chargeback` on a filled store, as a person and a script use it."""

import csv
import io
import json
from decimal import Decimal

import pytest


@pytest.fixture
def answer(quarterdeck, filled):
    return lambda *words: quarterdeck("--store", filled, "chargeback", *words)


def test_lines_add_up_to_the_total_to_the_cent(answer):
    document = json.loads(answer("--by", "function", "--json").stdout, parse_float=Decimal)

    assert document["lines"]
    assert sum(Decimal(str(line["charged_usd"])) for line in document["lines"]) == Decimal(
        str(document["charged_usd"])
    )
    exact = [Decimal(str(line["own_usd"])) + Decimal(str(line["shared_usd"])) for line in document["lines"]]
    assert sum(exact) == Decimal(str(document["exact_usd"]))
    assert len(document["rules"]) == 2


def test_files_hold_the_lines_and_the_page(answer, tmp_path):
    rows, page = tmp_path / "lines.csv", tmp_path / "statement.html"

    result = answer("--by", "function", "--csv", str(rows), "--html", str(page))

    assert result.exit_code == 0, result.output
    names = [row["function"] for row in csv.DictReader(io.StringIO(rows.read_text("utf-8")))]
    assert names
    assert all(name in page.read_text(encoding="utf-8") for name in names)


def test_what_of_a_commitment_is_not_used_is_told_and_in_no_line(quarterdeck, filled, tmp_path):
    path = tmp_path / "plan.yml"
    path.write_text("cost: {savings_plan: {discount: 0.12, commitment_usd_per_hour: 1000}}")

    said = quarterdeck("--settings", path, "--store", filled, "chargeback", "--by", "function", "--json")

    document = json.loads(said.stdout)
    assert document["unused_commitment_usd"] > 1000 > document["charged_usd"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--month", "November"), "is not a month such as"),
        (("--month", "2099-01"), "has not begun"),
        (("--by", "function,account"), "divided by one thing"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(answer, words, said):
    result = answer(*words)

    assert result.exit_code != 0
    assert said in " ".join(result.output.split()) + " ".join(result.stderr.split())
