"""What is drawn of a rule: value, limit or band of one subject; of a rule made of others, each part."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from alerts.retold import Retold, lost_parts, retold
from alerts.rule import Rule, Subject
from core.settings import StoreSettings
from core.windows import Window
from dashboard import figures_alerts
from dashboard.charts.alerts import alert_board, stretches
from store.store import Store
from tests.demo_store import NOW, days_store

CHECKOUT = ("111122223333", "eu-west-1", "checkout")
STOCK = ("111122223333", "eu-west-1", "inventory-reserve")


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    store = Store.open(StoreSettings(path=days_store(tmp_path_factory), free_space_floor_mb=0))
    yield store
    store.close()


@pytest.fixture
def trouble(world):
    """Ten good minutes, ten bad ones, ten good ones."""
    world.minutes(0, [0.0] * 10 + [50.0] * 10 + [0.0] * 10)
    return Window(world.at(0), world.at(30))


def made(rule, **words):
    return [
        rule("errors", above=0.1, part=True),
        rule("throttles", signal="throttles", above=5, part=True),
        Rule.model_validate({"rule": "both", "all": ["errors", "throttles"]} | words),
    ]


def test_of_a_rule_its_value_and_limit_are_told_minute_by_minute(store, world, rule, trouble):
    (one,) = retold(store, rule(above=0.1), CHECKOUT, trouble, now=world.at(60))

    assert list(one.minutes["value"]) == [0.0] * 10 + [0.5] * 10 + [0.0] * 10
    assert set(one.minutes["limit"]) == {0.1}
    assert one.minutes["ts"].iloc[0] == world.at(1)
    assert stretches(one.minutes) == [Window(world.at(10), world.at(20))]


def test_what_was_not_collected_is_unknown_and_not_zero(store, world, rule, trouble):
    later = Window(world.at(25), world.at(40))

    (one,) = retold(store, rule(above=0.1), CHECKOUT, later, now=world.at(60))

    assert one.minutes["value"].isna().sum() == 10


def test_what_it_does_not_cover_is_not_told(store, world, rule, trouble):
    gone = (*CHECKOUT[:2], "gone")

    assert retold(store, rule(), gone, trouble, now=world.at(60)) == []


def test_of_a_rule_made_of_others_each_part_is_told(store, world, rule, trouble):
    *parts, whole = made(rule)

    found = retold(store, whole, CHECKOUT, trouble, others=[*parts, whole], now=world.at(60))

    assert [one.rule.rule for one in found] == ["errors", "throttles"]
    assert found[0].minutes["fires"].sum() == 10
    assert found[1].minutes["fires"].sum() == 0


def test_parts_that_are_gone_are_named(store, world, rule, trouble):
    errors, _, whole = made(rule)

    found = retold(store, whole, CHECKOUT, trouble, others=[errors, whole], now=world.at(60))

    assert [one.rule.rule for one in found] == ["errors"]
    assert lost_parts(whole, [errors, whole]) == ["throttles"]
    said = figures_alerts.made_of(whole, found, ["throttles"])
    assert said.endswith("not in force any more\\: throttles.")


def test_a_signal_of_this_moment_has_nothing_to_draw(store, world, trouble):
    rule = Rule.model_validate({"rule": "stuck", "signal": "mapping_state", "above": 0})

    assert retold(store, rule, CHECKOUT, trouble, now=world.at(60)) == []


def test_what_is_normal_is_a_band_around_the_median_and_the_limit_is_its_edge(days):
    rule = Rule.model_validate({"rule": "traffic", "signal": "invocations", "above_normal": 5, "over": "5m"})

    (one,) = retold(days, rule, STOCK, Window(NOW - timedelta(hours=2), NOW), now=NOW)

    known = one.minutes.dropna(subset=["low", "high"])
    assert len(known) > 100
    assert (known["low"] < known["high"]).all()
    assert (known["limit"] == known["high"]).all()
    assert one.minutes["fires"].any()


def minutes(**columns):
    start = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
    usual = {"ts": pd.to_datetime([start + timedelta(minutes=n + 1) for n in range(3)], utc=True)}
    return pd.DataFrame(usual | {"limit": 0.05, "fires": False} | columns)


def board_of(*seen):
    window = Window(datetime(2026, 11, 18, 9, tzinfo=UTC), datetime(2026, 11, 18, 10, tzinfo=UTC))
    return alert_board(seen, fired=None, window=window, zone=UTC).option


def test_a_band_is_drawn_from_its_lower_edge_up_and_unknown_is_a_gap(rule):
    seasonal = Rule.model_validate({"rule": "t", "signal": "invocations", "above_normal": 5})
    seen = minutes(value=[1.0, np.nan, 3.0], low=[1.0, 1.0, np.nan], high=[4.0, 5.0, np.nan])

    option = board_of(Retold(seasonal, Subject("function", *CHECKOUT), seen))

    source = option["dataset"]["source"]
    assert source["width0"].tolist()[:2] == [3.0, 4.0]
    assert np.isnan(source["value0"][1])
    assert np.isnan(source["width0"][2])
    stacked = [series["encode"]["y"] for series in option["series"] if "stack" in series]
    assert stacked == ["low0", "width0"]


def test_each_part_has_a_panel_that_names_it_and_its_own_firing_time(rule):
    seen = [
        Retold(rule(name), Subject("function", *CHECKOUT), minutes(value=[0.0, 0.5, 0.5], fires=fires))
        for name, fires in (("errors", [False, True, True]), ("others", [False] * 3))
    ]

    option = board_of(*seen)

    assert [title["text"].split(":")[0] for title in option["title"]] == [
        "errors of checkout",
        "others of checkout",
    ]
    assert ["markArea" in series for series in option["series"]] == [True, False]
