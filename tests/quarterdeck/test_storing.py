"""The `store` commands: check, export, import, tables, ddl."""

import json

import pytest


def test_a_sound_store_is_said_to_be_sound(quarterdeck, filled):
    done = quarterdeck("--store", filled, "store", "check")

    assert done.exit_code == 0
    assert "as it was written" in done.stderr


def test_what_is_wrong_is_named_and_fails(quarterdeck, filled):
    (filled / "telemetry" / "left.parquet").write_bytes(b"half")

    done = quarterdeck("--store", filled, "store", "check", "--json")

    assert done.exit_code == 1
    [finding] = json.loads(done.stdout)["findings"]
    assert (finding["what"], finding["path"], finding["repaired"]) == ("unlisted", "left.parquet", False)


def test_a_repair_is_said_and_the_next_check_is_clean(quarterdeck, filled):
    (filled / "telemetry" / "left.parquet").write_bytes(b"half")

    assert quarterdeck("--store", filled, "store", "check", "--repair").exit_code == 0
    assert quarterdeck("--store", filled, "store", "check").exit_code == 0


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.jsonl"])
def test_a_table_moves_from_one_store_to_another(quarterdeck, filled, tmp_path, name):
    out = quarterdeck("--store", filled, "store", "export", "invocations", name, "--since", "3h")
    into = quarterdeck("--store", tmp_path / "other", "store", "import", "invocations", name)
    again = quarterdeck("--store", tmp_path / "other", "store", "import", "invocations", name)

    assert (out.exit_code, into.exit_code, again.exit_code) == (0, 0, 0)
    rows = int(out.stderr.split()[0])
    assert rows > 0
    assert f"{rows} rows read from {name}, {rows} of them new" in into.stderr
    assert f"{rows} rows read from {name}, 0 of them new" in again.stderr


def test_a_table_that_is_not_there_is_one_sentence(quarterdeck, filled):
    done = quarterdeck("--store", filled, "store", "export", "nonsense", "out.csv")

    assert done.exit_code == 1
    assert "no table 'nonsense'" in done.stderr
    assert "Traceback" not in done.stderr


def test_tables_are_listed_with_their_columns(quarterdeck):
    done = quarterdeck("store", "tables")

    assert done.exit_code == 0
    assert any(line.startswith("invocations") and "duration_ms" in line for line in done.stdout.splitlines())


@pytest.mark.parametrize("engine", ["athena", "trino", "spark", "duckdb"])
def test_ddl_is_printed_for_an_engine(quarterdeck, engine):
    done = quarterdeck("store", "ddl", "--for", engine, "--location", "s3://bucket/lake")

    assert done.exit_code == 0
    assert "s3://bucket/lake/kind=metrics" in done.stdout


def test_ddl_names_the_place_of_the_settings(quarterdeck, tmp_path):
    settings = tmp_path / "quarterdeck.yml"
    settings.write_text("store: {telemetry: 's3://fleet/quarterdeck'}")

    done = quarterdeck("--settings", settings, "store", "ddl")

    assert "LOCATION 's3://fleet/quarterdeck/kind=metrics/'" in done.stdout
