"""How invocations read, what they cost by part, and what a change's diff says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from core.windows import Window
from dashboard import figures_calls, figures_changes, figures_cold_tab, figures_parts, figures_versions
from dashboard.charts import spread

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = Window(NOW - timedelta(days=1), NOW)
NAN = float("nan")


def histogram(timeout_ms=1000.0):
    rows = [(100, 200, 5, 0, 0), (200, 500, 3, 1, 0), (500, 1000, 2, 2, 1)]
    frame = pd.DataFrame(rows, columns=["from_ms", "to_ms", "records", "failed", "timeouts"])
    return frame.assign(timeout_ms=timeout_ms, beyond_share=[1.0, 0.5, 0.2], cold=0)


def test_durations_are_counted_against_half_of_the_timeout():
    assert figures_calls.durations(histogram()) == (
        "10 invocation records; 1 ran into a timeout, 2 took half of the 1,000 ms or more (by bucket)."
    )


def test_an_unknown_timeout_is_said_and_no_line_is_drawn_for_it():
    assert figures_calls.durations(histogram(NAN)).endswith("The timeout is not known.")
    assert len(spread.durations(histogram(NAN)).layer) == 2


def test_the_timeout_is_a_line_with_its_words():
    drawn = spread.durations(histogram(15_000.0))

    assert [layer.mark.type for layer in drawn.layer] == ["rect", "rect", "rule", "text"]
    assert drawn.layer[3].data["label"].iloc[0] == "timeout 15 s"


def test_memory_is_drawn_against_what_is_configured():
    used = pd.DataFrame({"from_share": [0.4], "to_share": [0.45], "records": [7.0], "out_of_memory": [0.0]})

    assert spread.memory(used).layer[2].data["at"].iloc[0] == 1.0


def test_rows_say_how_many_lines_are_kept_and_whether_there_is_a_trace():
    found = pd.DataFrame({"lines": [0, 3], "trace_id": [NAN, "1-abc"]})

    shown = figures_calls.rows(found)

    assert list(shown["log"]) == ["search", "3 kept"]
    assert list(shown["trace"].fillna("")) == ["", "open"]


def costs(**amounts):
    rows = [
        {"component": name, "cost_usd": Decimal(usd), "state": state, "basis": "records"}
        for name, (usd, state) in amounts.items()
    ]
    return pd.DataFrame(rows)


def test_a_component_that_was_not_collected_is_not_known_and_one_that_costs_nothing_is_zero():
    found = costs(
        duration=("0.75", None),
        init=("0.25", "provisional"),
        ephemeral=("0", None),
        provisioned=("0", "not collected: provisioned: denied"),
    )

    shown = figures_parts.parts(found, DAY).set_index("component")

    assert shown.loc["Duration", "cost_usd"] == 0.75
    assert shown.loc["Initialization", "share"] == 0.25
    assert shown.loc["Ephemeral storage", "cost_usd"] == 0
    assert pd.isna(shown.loc["Provisioned concurrency", "cost_usd"])
    assert (shown["formula"] != "").all()


def test_a_day_at_this_pace_is_the_window_cut_to_a_day():
    two_days = Window(NOW - timedelta(days=2), NOW)

    assert figures_parts.parts(costs(duration=("3", None)), two_days)["per_day_usd"].iloc[0] == 1.5


def test_the_cost_names_the_dollars_of_cold_starts():
    said = figures_parts.answer(costs(duration=("0.75", None), init=("0.25", None)), DAY).replace("\\", "")

    assert said.startswith("**$1.00** in this window")
    assert "Cold starts: **$0.25** of billed initialization (25.0% of it)." in said


def test_unknown_costs_are_no_zero():
    unknown = costs(init=("0", "not collected: denied"))

    assert figures_parts.answer(unknown, DAY) == "What it costs is not known in this window."


def test_cold_starts_say_how_many_how_long_and_what_they_cost():
    row = {
        "cold_starts": 4.0,
        "records": 200.0,
        "init_p50_ms": 300.0,
        "init_p95_ms": 450.0,
        "init_max_ms": 500.0,
        "waited_s": 1.4,
        "init_cost_usd": Decimal("0.05"),
        "state": "not collected: 3 of 180 minutes: denied",
    }

    first, _, why = figures_cold_tab.answer(row)

    assert first.replace("\\", "") == (
        "**4 cold starts** of 200 invocation records (2%): initialization p50 300 ms, p95 450 ms, "
        "at most 500 ms; callers waited 1 s in all. Billed initialization: **$0.05**."
    )
    assert "denied" in why


def test_aliases_carry_their_shares_and_what_nothing_was_told_of_is_not_zero():
    aliases = pd.DataFrame(
        [("dev", "$LATEST", 1.0, "dev"), ("live", "7", 0.9, "live@7"), ("live", "8", 0.1, "live@8")],
        columns=["alias", "version", "asked_share", "resource"],
    )
    counted = pd.DataFrame(
        {
            "resource": ["live@7", "live@8"],
            "invocations": [75.0, 25.0],
            "errors": [0.0, 5.0],
            "error_rate": [0.0, 0.2],
            "duration_avg_ms": 10.0,
            "duration_max_ms": 20.0,
            "concurrent_max": 1.0,
            "state": None,
        }
    )

    shown = figures_versions.alias_rows(aliases, counted)

    assert list(shown["share"])[1:] == [0.75, 0.25]
    assert list(shown["error_rate"])[1:] == [0.0, 0.2]
    assert shown.loc[0, ["invocations", "share"]].isna().all()
    assert shown.loc[0, "state"] == "nothing counted"


def test_only_versions_at_work_are_listed():
    versions = pd.DataFrame(
        {"version": ["3", "2", "1"], "aliases": [["live"], [], []], "invocations": [0.0, 4.0, 0.0]}
    )

    assert list(figures_versions.at_work(versions)["version"]) == ["3", "2"]


def changes(*kinds):
    return pd.DataFrame({"ts": pd.to_datetime([NOW] * len(kinds)), "kind": kinds})


def test_a_deploy_is_compared_over_the_minutes_that_it_takes_and_a_setting_at_its_moment():
    deploy, setting = figures_changes.span(changes("deploy", "alias")), figures_changes.span(changes("alias"))

    assert deploy == Window(NOW - timedelta(minutes=10), NOW + timedelta(minutes=10))
    assert setting.end == NOW
    assert setting.duration < timedelta(seconds=1)


@pytest.mark.parametrize("asked", ["", "soon", "2026-11-20T12:00:00", "2026-11-20T12:00:01+00:00"])
def test_a_moment_without_a_change_finds_none(asked):
    assert figures_changes.at(changes("alias"), asked).empty


def test_a_moment_finds_all_changes_of_it_in_any_zone():
    assert len(figures_changes.at(changes("alias", "deploy"), "2026-11-20T13:00:00+01:00")) == 2


def diff(*rows):
    names = ["kind", "name", "title", "field", "label", "old", "new", "says"]
    return pd.DataFrame(rows, columns=names, dtype=object)


def test_a_field_that_a_version_tells_of_is_not_told_again_by_the_function():
    version = diff(("version", "o:2", "Version 1 → 2", "memory_mb", "Memory", "512 MB", "1,024 MB", ""))
    rest = diff(
        ("function", "o", "Function", "memory_mb", "Memory", "512 MB", "1,024 MB", ""),
        ("function", "o", "Function", "role", "Role", "a", "b", ""),
        ("alias", "o:live", "Alias live", "version", "Version", "1", "2", ""),
    )

    both = figures_changes.both([version], rest)

    assert list(both["field"]) == ["memory_mb", "role", "version"]


@pytest.mark.parametrize(
    ("new", "before", "after"), [("appeared", "not there", "appeared"), ("gone", "there", "gone")]
)
def test_a_thing_that_appeared_or_went_has_no_fields(new, before, after):
    shown = figures_changes.diff_table(diff(("alias", "o:live", "Alias live", "", "", "", new, "")))

    assert shown.to_dict("records") == [
        {"thing": "Alias live", "setting": "itself", "before": before, "after": after}
    ]


def test_an_empty_diff_of_a_time_that_nobody_watched_says_so():
    span = Window(NOW - timedelta(minutes=1), NOW)

    assert "not watched then" in figures_changes.nothing(span, NOW)
    assert figures_changes.nothing(span, span.start) == "No field that is kept here differs."
    later = figures_changes.compared(span, NOW, zone=UTC, now=NOW).replace("\\", "")
    assert later == (
        "Configuration at 11:59:00 against 12:00:00. It is watched since 12:00: what changed earlier is not "
        "known, only that it did."
    )


def test_a_setting_that_was_never_seen_to_change_says_so_with_the_date_of_aws():
    times = pd.Series(pd.to_datetime([NOW, None], utc=True))
    settings = pd.DataFrame({"field": ["last_modified"], "value": ["2026-11-19 08:00 UTC"]})

    assert figures_changes.changed_text(times, zone=UTC) == ["20 Nov 2026, 12:00", "before we watched"]
    said = figures_changes.watched(settings, NOW - timedelta(hours=1), zone=UTC, now=NOW).replace("\\", "")
    assert said == (
        "Watched since 11:00. AWS dates the last change of its code or configuration 2026-11-19 08:00 UTC."
    )
