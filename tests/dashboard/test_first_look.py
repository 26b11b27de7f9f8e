"""The first minute of a store: what the page waits for, and that it follows by itself."""

from __future__ import annotations

import pandas as pd
import pytest

from dashboard.first_look import Progress, progress

TARGETS = pd.DataFrame({"account": ["1", "1"], "region": ["eu-west-1", "us-east-1"]})


@pytest.mark.parametrize(
    ("ran", "metrics", "complete"),
    [
        ([], 0, False),
        (["inventory", "metrics"], 1, False),
        (["inventory", "metrics", "logs", "queues", "traces", "details"], 1, False),
        (["inventory", "metrics", "logs"] * 2, 2, True),
    ],
)
def test_is_through_when_every_target_had_its_first_runs(ran, metrics, complete):
    found = progress(TARGETS, pd.DataFrame({"collector": pd.Series(ran, dtype=str)}))

    assert (found.metrics, found.complete) == (metrics, complete)


def test_waits_on_while_no_target_is_known():
    assert not progress(TARGETS[:0], pd.DataFrame({"collector": pd.Series([], dtype=str)})).complete
    assert Progress(0, 0, 0).complete is False


def test_says_how_far_the_first_pass_is(open_page, filled_inventory):
    app = open_page()

    assert any("1 of 3 reads done" in caption.value for caption in app.caption)


def test_says_nothing_of_it_later(open_page, filled):
    assert not any("first pass" in caption.value for caption in open_page().caption)
