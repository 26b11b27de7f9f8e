from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.quiet import LATE, quiet

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("late", "state", "says"),
    [
        (timedelta(), "healthy", "Nothing is firing"),
        (LATE, "healthy", "Nothing is firing"),
        (timedelta(minutes=40), "warning", "40 min ago"),
        (timedelta(hours=5), "warning", "5 h ago"),
    ],
)
def test_silence_counts_only_while_somebody_looks(late, state, says):
    found = quiet(NOW - late, now=NOW)

    assert found.state == state
    assert says in found.text


def test_silence_before_the_first_look_is_unknown():
    assert quiet(None, now=NOW).state == "not collected"
