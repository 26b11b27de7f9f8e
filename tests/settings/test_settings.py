"""Every settings file here loads (`*.ok.yml`), or fails as its first line promises (`*.bad.yml`)."""

from pathlib import Path

import pytest

from core.errors import SettingsError
from quarterdeck.settings import Settings, load, settings_files

HERE = Path(__file__).parent
OK, BAD = sorted(HERE.glob("*.ok.yml")), sorted(HERE.glob("*.bad.yml"))


def mistakes_of(file):
    with pytest.raises(SettingsError) as failure:
        load([file])
    return failure.value.mistakes


@pytest.mark.parametrize("file", OK, ids=lambda file: file.stem)
def test_a_good_file_loads(file):
    assert isinstance(load([file]), Settings)


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_file_fails_with_the_message_on_its_first_line(file):
    promised = file.read_text().splitlines()[0].removeprefix("# ")

    assert any(mistake.startswith(f"{file}{promised}") for mistake in mistakes_of(file)), mistakes_of(file)


def test_every_mistake_of_a_file_is_named_in_the_order_of_its_lines(tmp_path):
    file = tmp_path / "q.yml"
    file.write_text("colour: red\ndashboard:\n  port: x\n  theme: y\nstore: {pat: z}\n")

    lines = [int(mistake.removeprefix(f"{file}:").split(":")[0]) for mistake in mistakes_of(file)]

    assert lines == [1, 3, 4, 5]


def test_mistakes_of_several_files_are_told_together(tmp_path):
    first, second = tmp_path / "a.yml", tmp_path / "b.yml"
    first.write_text("colour: red\n")
    second.write_text("shape: round\n")

    with pytest.raises(SettingsError) as failure:
        load([first, second])

    assert len(failure.value.mistakes) == 2


def test_a_mistake_never_repeats_a_value_that_may_be_a_secret(tmp_path):
    file = tmp_path / "q.yml"
    file.write_text(
        "alerts: {channels: {ops: {kind: slack, url: 'https://example.com/s3cr3t', extra: s3cr3t}}}\n"
    )

    assert "s3cr3t" not in "".join(mistakes_of(file))


def test_a_file_that_is_not_there_is_a_mistake(tmp_path):
    assert "cannot be read" in mistakes_of(tmp_path / "none.yml")[0]


def test_a_file_that_is_not_text_is_a_mistake(tmp_path):
    file = tmp_path / "q.yml"
    file.write_bytes(b"\xff\xfe\x00")

    assert "not UTF-8" in mistakes_of(file)[0]


def test_paths_are_meant_from_where_the_file_stands(tmp_path):
    file = tmp_path / "q.yml"
    file.write_text("store: {path: data}\nalerts: {rules: [mine.yml, /etc/rules.yml]}\n")

    settings = load([file])

    assert settings.store.path == tmp_path / "data"
    assert settings.alerts.rules == [tmp_path / "mine.yml", Path("/etc/rules.yml")]


def test_a_later_file_replaces_whole_sections_of_an_earlier_one(tmp_path):
    first, second = tmp_path / "a.yml", tmp_path / "b.yml"
    first.write_text("dashboard: {port: 8600, theme: dark}\ncollect: {metrics_every: 1m}\n")
    second.write_text("dashboard: {port: 8700}\n")

    settings = load([first, second])

    assert (settings.dashboard.port, settings.dashboard.theme) == (8700, "system")
    assert settings.collect.metrics_every.total_seconds() == 60


@pytest.mark.parametrize(
    ("named", "environment", "expected"),
    [("/named", {"QUARTERDECK_STORE": "/env"}, "/named"), (None, {"QUARTERDECK_STORE": "/env"}, "/env")],
)
def test_the_option_wins_over_the_variable_and_that_over_the_file(tmp_path, named, environment, expected):
    file = tmp_path / "q.yml"
    file.write_text("store: {path: /file}\n")

    settings = load([file], store=named and Path(named), environment=environment)

    assert settings.store.path == Path(expected)


def test_the_variable_may_name_several_files(tmp_path):
    assert settings_files([], {"QUARTERDECK_SETTINGS": "a.yml:b.yml"}) == [Path("a.yml"), Path("b.yml")]


def test_links_lead_to_the_dashboards_own_port_unless_the_file_says_where(tmp_path):
    file = tmp_path / "q.yml"
    file.write_text("dashboard: {port: 8600}\n")

    assert load([file]).alerts.base_url == "http://127.0.0.1:8600"
    assert load([HERE / "everything.ok.yml"]).alerts.base_url == "https://quarterdeck.example.com"


def test_a_broken_price_file_stops_the_start_with_its_own_file_and_line(tmp_path):
    (tmp_path / "prices.yml").write_text(
        "as_of: 2026-11-01\nprices:\n  - {price: requests, region: eu-west-1, usd: -1}\n"
    )
    file = tmp_path / "q.yml"
    file.write_text("cost: {prices: prices.yml}\n")

    (mistake,) = mistakes_of(file)

    assert mistake.startswith(f"{tmp_path}/prices.yml:3: prices.0.usd: ")


def test_a_price_file_that_is_not_there_is_named(tmp_path):
    file = tmp_path / "q.yml"
    file.write_text("cost: {prices: prices.yml}\n")

    assert mistakes_of(file) == (
        f"{tmp_path}/prices.yml: the price file cannot be read: No such file or directory",
    )


def test_a_good_price_file_is_meant_from_where_the_settings_stand(tmp_path):
    (tmp_path / "prices.yml").write_text("as_of: 2026-11-01\nprices: []\n")
    file = tmp_path / "q.yml"
    file.write_text("cost: {prices: prices.yml}\n")

    assert load([file]).cost.prices == tmp_path / "prices.yml"
