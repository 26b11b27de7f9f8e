"""Since when anything was collected."""

from datetime import UTC, datetime, timedelta

from store.readers.beginning import first_run

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_an_empty_store_has_no_first_run(store):
    assert first_run(store) is None


def test_the_first_run_is_the_oldest_that_is_kept(world):
    days_ago = NOW - timedelta(days=2)
    world.run("inventory", started_at=days_ago, finished_at=days_ago)
    world.run("metrics")

    assert first_run(world.store) == days_ago
