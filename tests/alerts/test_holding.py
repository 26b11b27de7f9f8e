from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.holding import Deploy, Holds, gather, held
from alerts.incident import Incident
from alerts.ledger import Silence
from alerts.maintenance import Maintenance
from alerts.matchers import from_rows, parse_matcher, to_rows
from alerts.settings import AlertSettings
from core.entities import Version

NOW = datetime(2026, 11, 18, 3, 0, tzinfo=UTC)


@pytest.fixture
def incident():
    return Incident(
        id="i1", rule="error-rate", account="111122223333", region="eu-west-1", subject_kind="function",
        subject="checkout", severity="critical", title="t", text="x", opened_at=NOW,
        tags={"team": "payments"}, labels={"tier": "1"},
    )  # fmt: skip


def why(incident, reason="firing", *, now=NOW, silences=(), maintenance=(), deploys=()):
    return held(incident, reason, silences=silences, maintenance=maintenance, deploys=deploys, now=now)


def silenced(*matchers, start=NOW, hours=1):
    parsed = tuple(map(parse_matcher, matchers))
    return Silence(None, None, None, None, start, start + timedelta(hours=hours), "load test", "ada", parsed)


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        ("rule=error-rate", True),
        ("rule = error-*", True),
        ("rule!=error-*", False),
        ("rule=~error-(rate|count)", True),
        ("rule=~error", False),
        ("subject!~pay.*", True),
        ("severity=critical", True),
        ("region=us-*", False),
        ("account=111122223333", True),
        ("tag:team=payments", True),
        ("tag:team!=payments", False),
        ("tag:owner=", True),
        ("tag:owner!=ada", True),
        ("label:tier=~[12]", True),
        ("label:tier=3", False),
    ],
)
def test_a_matcher_fits_what_it_says(incident, matcher, fits):
    assert parse_matcher(matcher).matches(incident) is fits


@pytest.mark.parametrize("matcher", ["", "checkout", "team=payments", "tag=payments", "rule=~(", "title=x"])
def test_what_is_no_matcher_is_refused_in_a_sentence(matcher):
    with pytest.raises(ValueError, match=r"matche|regular expression"):
        parse_matcher(matcher)


@given(st.text(max_size=80))
def test_any_text_is_a_matcher_or_refused(text):
    try:
        found = parse_matcher(text)
    except ValueError:
        return
    assert from_rows(to_rows([found])) == (found,)
    assert parse_matcher(str(found)) == found


def test_a_silence_says_who_until_when_and_why(incident):
    assert why(incident, silences=[silenced("tag:team=payments")]) == (
        "firing: silenced by ada until 2026-11-18 04:00 UTC: load test"
    )


def test_all_matchers_of_a_silence_must_fit(incident):
    assert why(incident, silences=[silenced("tag:team=payments", "region=us-*")]) is None


def test_a_silence_holds_for_its_time_only(incident):
    silences = [silenced(start=NOW + timedelta(hours=1))]
    held_at = [why(incident, now=NOW + timedelta(minutes=at), silences=silences) for at in (59, 60, 119, 120)]

    assert [text is not None for text in held_at] == [False, True, True, False]


def test_nothing_holds_a_resolution_back(incident):
    assert why(incident, "resolved", silences=[silenced()]) is None


def nightly(**given):
    usual = {"name": "backup", "cron": "30 2 * * *", "duration": "1h", "reason": "restore test"}
    return Maintenance.model_validate(usual | given)


def test_maintenance_holds_back_while_it_lasts_and_says_so(incident):
    assert why(incident, maintenance=[nightly()]) == (
        "firing: maintenance backup until 2026-11-18 03:30 UTC: restore test"
    )
    assert why(incident, maintenance=[nightly()], now=NOW + timedelta(minutes=30)) is None
    assert why(incident, maintenance=[nightly(where="tag:team=search")]) is None


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ((2026, 3, 28), "01:30"),  # winter
        ((2026, 3, 29), "01:00"),  # 02:30 does not exist: right after the hour that is skipped
        ((2026, 3, 30), "00:30"),  # summer
        ((2026, 10, 25), "00:30"),  # 02:30 comes twice: the first
        ((2026, 10, 26), "01:30"),
    ],
)
def test_maintenance_keeps_local_time_through_daylight_saving(day, begins):
    window = nightly(timezone="Europe/Berlin")
    minutes = [datetime(*day, tzinfo=UTC) + timedelta(minutes=at) for at in range(0, 300, 10)]
    inside = [at for at in minutes if window.ends(at) is not None]

    assert [f"{inside[0]:%H:%M}", len(inside)] == [begins, 6]


@given(
    st.integers(0, 7 * 1440), st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
)
def test_a_window_lasts_as_long_as_it_says_wherever_the_clock_moves(minutes, zone):
    now = datetime(2026, 10, 22, tzinfo=UTC) + timedelta(minutes=minutes)
    window = nightly(timezone=zone, duration="2h")
    end = window.ends(now)

    assert end is None or now < end <= now + timedelta(hours=2)


def test_sunday_is_what_cron_calls_zero():
    weekly = nightly(cron="0 12 * * 0")

    assert weekly.ends(datetime(2026, 11, 22, 12, 30, tzinfo=UTC))
    assert weekly.ends(datetime(2026, 11, 23, 12, 30, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cron": "61 * * * *"}, "no cron expression"),
        ({"timezone": "Mars/Base"}, "no time zone"),
        ({"duration": "30d"}, "from 1m to 7d"),
        ({"where": "team=x"}, "nothing is matched by 'team'"),
        ({"reason": ""}, "at least 1 character"),
    ],
)
def test_a_maintenance_window_that_cannot_be_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        nightly(**given)


def test_what_begins_shortly_after_a_deploy_waits(incident):
    deploy = Deploy(
        "111122223333", "eu-west-1", "checkout", NOW - timedelta(minutes=3), NOW + timedelta(minutes=2), "v7"
    )
    held_at = [why(incident, deploys=[deploy], now=NOW + timedelta(minutes=at)) for at in (0, 2)]

    assert held_at == ["firing: quiet until 2026-11-18 03:02 UTC, after v7", None]


def test_what_fired_before_the_deploy_does_not_wait(incident):
    later = NOW + timedelta(minutes=1)
    deploy = Deploy("111122223333", "eu-west-1", "checkout", later, later + timedelta(minutes=5), "v7")

    assert why(incident, deploys=[deploy], now=later) is None


def test_a_deploy_quiets_its_own_function_only(incident):
    deploy = Deploy("111122223333", "eu-west-1", "search", NOW, NOW + timedelta(minutes=5), "v7")

    assert why(incident, deploys=[deploy]) is None


def test_what_somebody_has_is_not_repeated(incident):
    acked = dataclasses.replace(incident, acked_at=NOW, acked_by="ada")

    assert why(acked, "repeat") == "repeat: ada has it since 2026-11-18 03:00 UTC"
    assert why(acked, "firing") is None


def test_deploys_are_read_from_the_store_for_rules_that_want_quiet(world, store, rule, settings, incident):
    world.known(
        Version(name="checkout:7", function="checkout", version="7", published=world.at(0)), now=world.at(1)
    )
    rules = [rule("error-rate", quiet_after_deploy="5m"), rule("throttles", signal="throttles", above=1)]
    holds = gather(store, rules, settings(), now=world.at(3))

    assert isinstance(holds, Holds)
    assert [one.quiet_until for one in holds.deploys["error-rate"]] == [world.at(5)]
    assert "throttles" not in holds.deploys


def test_the_example_of_the_docs_loads():
    text = (Path(__file__).parents[2] / "docs" / "incidents.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```yaml settings\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    loaded = AlertSettings.model_validate(yaml.safe_load(example)["alerts"])

    assert [str(matcher) for matcher in loaded.maintenance[0].where] == [
        "tag:team=payments",
        "severity!=critical",
    ]
    assert loaded.quiet_after_deploy == timedelta(minutes=5)
