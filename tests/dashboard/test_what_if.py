"""What the Cold starts page says of units, of groups and of deploys, from frames."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest

from core.prices import prices
from core.windows import Window
from dashboard import figures_cold, figures_cold_groups, figures_what_if
from dashboard.charts.what_if import cold_starts_left, net_cost
from dashboard.what_if import LATEST, what_if
from store.readers.starts import Recorded

NAN = float("nan")
START = datetime(2026, 11, 20, 9, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=3))
MINUTE_MS = 60_000


def recorded(*, every_min=20, count=9, **about):
    """A caller every so many minutes, each cold: 2 s for the environment, half a second of work."""
    first = int(START.timestamp() * 1000)
    starts = [first + i * every_min * MINUTE_MS for i in range(count)]
    frame = pd.DataFrame(
        {
            "start_ms": starts,
            "end_ms": [ms + 2500 for ms in starts],
            "version": "1",
            "duration_ms": 500.0,
            "waited_ms": 2000.0,
            "init_billed_ms": 2000.0,
            "memory_mb": 1024.0,
            "is_counted": True,
        }
    )
    plain = {"window": WINDOW, "state": None, "has_lead": True, "is_cut": False, "oldest": None}
    frame = frame.assign(**about.pop("columns", {}))
    return Recorded(frame=frame, **{**plain, **about})


def asked(told=None, *, region="us-east-1", **about):
    return what_if(told or recorded(), prices=prices(region, "x86_64"), **{"units_now": 0} | about)


def test_the_replay_without_units_counts_what_was_recorded():
    found = asked()

    assert (found.recorded, found.replayed) == (9, 9)
    assert found.is_alike
    assert found.steps[0].cold_starts == 9


def test_one_unit_spares_every_caller_who_comes_alone():
    one = asked().enough

    assert (one.units, one.avoided, one.spared_s) == (1, 9, 18.0)


def test_what_a_unit_costs_is_its_capacity_and_duration_less_work_and_initialization_on_demand():
    told = prices("us-east-1", "x86_64")

    net = asked().enough.net_usd

    capacity = 3 * 3600 * told.provisioned_capacity
    assert net == pytest.approx(
        capacity + Decimal("4.5") * told.provisioned_duration - Decimal("22.5") * told.duration
    )


def test_records_before_the_window_only_tell_which_environments_were_there():
    every_five = recorded(
        every_min=5, columns={"is_counted": [False] + [True] * 8, "waited_ms": [2000.0] + [NAN] * 8}
    )

    found = asked(every_five)

    assert (found.invocations, found.recorded, found.replayed) == (8, 0, 0)
    assert found.enough is None


def test_a_chosen_idle_time_is_used_and_said():
    found = asked(idle=timedelta(minutes=30))

    assert found.replayed == 1
    assert not found.is_alike
    said = " ".join(figures_what_if.assumptions(found))
    assert "kept for 30 min without work, as chosen" in said
    assert "cold starts 1 replayed, 9 recorded" in " ".join(
        figures_what_if.cautions(found, has_snap_start=False)
    )


def test_the_units_that_are_there_already_stand_beside_what_was_recorded():
    provisioned = recorded(columns={"waited_ms": NAN, "init_billed_ms": NAN})

    found = asked(provisioned, units_now=1)

    assert (found.recorded, found.replayed) == (0, 0)
    assert found.is_alike


def test_nothing_to_replay_is_no_answer():
    assert asked(recorded(columns={"is_counted": False})) is None


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (recorded(state="not collected: 40 of 180 minutes: throttled"), "not read in full (throttled)"),
        (recorded(has_lead=False), "hour before was not read"),
        (recorded(is_cut=True), "Only the newest 3 h"),
        (recorded(columns={"version": LATEST}), "publish a version"),
    ],
)
def test_what_weakens_the_answer_is_said(told, words):
    assert words in " ".join(figures_what_if.cautions(asked(told), has_snap_start=False))


def test_a_sound_answer_has_no_cautions_and_snap_start_has_one():
    assert figures_what_if.cautions(asked(), has_snap_start=False) == []
    assert "SnapStart" in figures_what_if.cautions(asked(), has_snap_start=True)[0]


def test_the_answer_tells_what_is_avoided_spared_and_paid():
    found = asked()

    said = figures_what_if.answer(found, found.enough)

    assert "1 unit would have avoided 9 of 9 cold starts" in said.text
    assert "spared callers 18 s, for \\$0.04 more than on demand in 3 h" in said.text
    assert "a month" in said.more


def test_a_price_that_is_not_known_is_said_and_never_free():
    found = asked(region="nowhere")

    said = figures_what_if.answer(found, found.enough)
    shown = {card.label: card.value for card in figures_what_if.cards(found, found.enough)}

    assert "price that is not known" in said.text
    assert (shown["Net cost"], shown["Per second spared"], shown["Units that pay"]) == ("—", "—", "—")


def test_cards_are_the_chosen_step():
    found = asked()

    shown = {card.label: card for card in figures_what_if.cards(found, found.enough)}

    assert shown["Cold starts left"].value == "0"
    assert shown["Cold starts left"].delta == "9 without units"
    assert shown["Callers spared"].value == "18 s"
    assert shown["Units at work"].value == "0.04%"
    assert shown["Units at work"].delta.startswith("break-even 60")


def test_curves_mark_the_chosen_units_and_keep_what_is_unknown_out():
    found = asked(region="nowhere")
    curve = figures_what_if.curve(found)

    left = cold_starts_left(curve, units=1, recorded=9).to_dict()
    cost = net_cost(curve, units=1).to_dict()

    assert curve["net_usd"].isna().tolist() == [False, True]
    assert any("units === 1" in str(layer.get("transform")) for layer in left["layer"])
    assert cost["title"]["text"] == "Net cost, USD in this window"


# --- groups -------------------------------------------------------------------------------------------------


def group(**columns):
    plain = {
        "told": "on-demand", "records": 10.0, "cold_starts": 2.0, "cold_start_rate": 0.2,
        "provisioned_inits": 0.0, "proactive": 0.0, "init_p50_ms": 1.0, "init_p95_ms": 1.0,
        "init_max_ms": 1.0, "waited_s": 3.0, "init_gb_s": 100.0, "functions": 3, "unread": 0,
    }  # fmt: skip
    return pd.DataFrame({name: [value] for name, value in {**plain, **columns}.items()})


def test_a_group_costs_its_gigabyte_seconds_at_the_price_of_each_place():
    parts = pd.concat(
        [
            group(region="us-east-1", architecture="x86_64", init_gb_s=10.0),
            group(region="us-east-1", architecture="arm64", init_gb_s=20.0),
        ]
    )

    (usd,) = figures_cold_groups.priced(group(), parts, ["told"], prices)["init_cost_usd"]

    x86, arm = prices("us-east-1", "x86_64").duration, prices("us-east-1", "arm64").duration
    assert usd == 10 * x86 + 20 * arm


@pytest.mark.parametrize("about", [{"init_gb_s": NAN}, {"region": "nowhere"}])
def test_a_group_with_an_unknown_part_has_no_cost(about):
    part = group(**{"region": "us-east-1", "architecture": "arm64", **about})

    (usd,) = figures_cold_groups.priced(group(), part, ["told"], prices)["init_cost_usd"]

    assert usd is None


def test_ways_to_start_have_names():
    told = pd.concat(
        [group(), group(told=None, waited_s=1.0, unread=2), group(told="x", cold_starts=0.0, waited_s=0.0)]
    )

    rows = figures_cold_groups.rows(told.assign(init_cost_usd=None).reset_index(drop=True), ["told"])

    assert rows["group"].tolist() == ["On demand", "Not told by the log"]
    assert rows["wait_share"].tolist() == [0.75, 0.25]
    assert rows["data"].tolist() == ["read in full", "2 of 3 logs not read in full"]


def test_the_label_of_a_group_says_what_is_not_known():
    label = figures_cold_groups.label

    assert label((1024.0,), ["memory_mb"]) == "1,024 MB"
    assert label(("Zip", None), ["package_type", "package_size"]) == "Zip · not known"
    assert label(("orders", "3"), ["function", "version"]) == "orders · 3"


# --- deploys ------------------------------------------------------------------------------------------------


def deploy(**columns):
    sides = {
        f"{side}_{name}": value
        for side in ("before", "after")
        for name, value in (
            ("records", 100.0), ("cold_start_rate", 0.02), ("init_p50_ms", 400.0), ("state", None),
        )
    }  # fmt: skip
    return pd.DataFrame({name: [value] for name, value in {"side_s": 5400.0, **sides, **columns}.items()})


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({}, "no clear change"),
        ({"after_cold_start_rate": 0.05}, "more start cold"),
        ({"after_cold_start_rate": 0.0, "after_init_p50_ms": NAN}, "fewer start cold"),
        ({"after_init_p50_ms": 500.0}, "slower to start"),
        ({"after_cold_start_rate": 0.05, "after_init_p50_ms": 200.0}, "more start cold, faster to start"),
        ({"after_records": 12.0}, "too few records: 100 before, 12 after"),
        ({"before_state": "not collected: denied"}, "before: not collected, denied"),
        ({"after_state": "provisional"}, "no clear change"),
    ],
)
def test_a_deploy_is_judged_by_both_sides(about, verdict):
    assert figures_cold_groups.effects(deploy(**about))["verdict"][0] == verdict


def test_records_of_a_side_that_was_not_read_are_unknown_not_zero():
    told = deploy(before_records=0.0, before_state="not collected: denied", after_records=0.0)

    found = figures_cold_groups.effects(told)

    assert pd.isna(found["before_records"][0])
    assert found["after_records"][0] == 0
    assert found["each_side"][0] == "1 h 30 min"


# --- remedies -----------------------------------------------------------------------------------------------


def test_each_function_gets_the_remedy_that_its_settings_call_for():
    keys = {"account": "1", "region": "us-east-1"}
    functions = pd.DataFrame(
        [
            {
                **keys,
                "function": "api",
                "records": 900.0,
                "cold_starts": 90.0,
                "proactive": 0.0,
                "waited_s": 180.0,
                "runtime": "java21",
            },
            {
                **keys,
                "function": "gone",
                "records": 900.0,
                "cold_starts": 90.0,
                "proactive": 0.0,
                "waited_s": 180.0,
                "runtime": None,
            },
            {
                **keys,
                "function": "dark",
                "records": NAN,
                "cold_starts": NAN,
                "proactive": NAN,
                "waited_s": NAN,
                "runtime": "java21",
            },
        ]
    )
    settings = pd.DataFrame(
        [
            {
                **keys, "function": name, "package_type": "Zip", "package_mb": 4.0, "ephemeral_mb": 512,
                "has_file_system": False, "snap_start": False, "crashes": 0.0, "units": 0, "orphan": None,
            }
            for name in ("api", "dark")
        ]
    )  # fmt: skip

    found = figures_cold.advised(functions, settings, WINDOW)

    assert found["remedy"].tolist() == ["SnapStart", "Provisioned concurrency", "Not known"]
    assert found["has_snap_start"].tolist()[0] is False
    assert figures_cold.counted(found, shown=2) == "2 waited for · 1 not known"
