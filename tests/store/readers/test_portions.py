"""Percentiles of more records than fit in memory: asked a part at a time, they are what they are of all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.readers import distributions, fleet, portions, rightsizing
from store.readers.totals import weighted
from store.snapshot import Snapshot
from tests.store.readers.conftest import NOW

FUNCTIONS = ["carts", "orders", "stock"]


@pytest.fixture
def asked(monkeypatch):
    """The questions of records that a snapshot is asked."""
    told = []
    frame = Snapshot.frame

    def note(self, sql, params=None, **about):
        told.append((sql, params))
        return frame(self, sql, params, **about)

    monkeypatch.setattr(Snapshot, "frame", note)
    return told


@pytest.fixture(scope="module")
def filled(lasting_world):
    world, chance = lasting_world, np.random.default_rng(7)
    world.run("inventory", [world.function(name) for name in FUNCTIONS])
    drawn = zip(chance.uniform(1, 179, 300), chance.lognormal(4, 1, 300), strict=True)
    records = [
        world.record(minute, ms, function=FUNCTIONS[n % 3], init_ms=None if n % 5 else 80.0)
        for n, (minute, ms) in enumerate(drawn)
    ]
    world.run("logs", records)
    return world


QUESTIONS = {
    "fleet": lambda w: fleet.fleet(w.store, w.window(), now=NOW),
    "fleet_series": lambda w: fleet.fleet_series(w.store, w.window(), now=NOW),
    "memory_use": lambda w: distributions.memory_use(w.store, w.window(), now=NOW),
    "observed": lambda w: pd.DataFrame(rightsizing.observed(w.store, w.window(), now=NOW)),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_of_many_records_is_put_in_parts_and_answered_as_a_whole(name, filled, monkeypatch, asked):
    whole, at_once = QUESTIONS[name](filled), len(asked)

    monkeypatch.setattr(portions, "MOST_ROWS", 50)
    parts = QUESTIONS[name](filled)

    assert len(asked) - at_once > at_once
    pd.testing.assert_frame_equal(parts, whole)


def test_nothing_is_asked_for_a_part_of_a_step(world, monkeypatch):
    world.run("logs", [world.record(30, 100.0) for _ in range(20)])
    monkeypatch.setattr(portions, "MOST_ROWS", 2)

    frame = fleet.fleet_series(world.store, world.window(), now=NOW)

    assert frame["duration_p50_ms"].dropna().tolist() == [100.0]


@given(st.lists(st.tuples(st.floats(0, 900_000), st.integers(1, 5)), min_size=1, max_size=30))
def test_percentiles_of_counted_values_are_those_of_each_value_as_often_as_it_came(told):
    values, counts = (np.array(column) for column in zip(*sorted(told), strict=True))

    found = weighted(values, counts, [0.0, 0.5, 0.95, 0.99, 1.0])

    each = np.repeat(values, counts)
    assert found == pytest.approx(np.quantile(each, [0.0, 0.5, 0.95, 0.99, 1.0]), rel=1e-9, abs=1e-9)
