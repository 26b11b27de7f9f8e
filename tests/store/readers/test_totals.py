"""Percentiles over many functions come from every record, never from functions' percentiles."""

import numpy as np

from store.readers.totals import record_totals
from store.store import Filter


def test_percentiles_are_those_of_all_records_together(world):
    durations = [*range(1, 91), *range(1000, 1010)]
    world.run("logs", [world.record(i, d, function=f"f{d % 3}") for i, d in enumerate(durations, 1)])

    found = record_totals(world.store, world.window())

    assert found["records"] == 100
    assert found["duration_p95_ms"] == np.percentile(durations, 95)


def test_nothing_recorded_is_unknown_and_not_zero(world):
    found = record_totals(world.store, world.window())

    assert found["duration_p95_ms"] is None
    assert found["cold_start_rate"] is None


def test_a_filter_leaves_other_accounts_out(world):
    world.run("logs", [world.record(1, 100)])

    found = record_totals(world.store, world.window(), where=Filter(account="999999999999"))

    assert found["records"] == 0
