"""What a person's question to the logs in AWS is turned into."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.live import EVENTS, QUERY, TAIL, filter_pattern, insights_query, narrowing, scan_usd


@given(st.text(max_size=60))
def test_a_pattern_never_leaves_its_quotes_and_lets_through_what_holds_the_text(text):
    part = narrowing(text)

    assert part in text
    assert not set(part) & {'"', "\\", "\n"}
    assert filter_pattern(text) == (f'"{part}"' if part else "")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("boom", '"boom"'), ('say "hello there" now', '"hello there"'), ("", ""), ('"\\"', "")],
)
def test_what_aws_would_not_take_as_it_is_is_left_out(text, pattern):
    assert filter_pattern(text) == pattern


def test_a_query_of_everything_has_no_filter():
    assert "filter" not in insights_query("")
    assert '| filter @message like "boom"' in insights_query("boom")


@pytest.mark.parametrize(
    ("how", "size_bytes", "usd"),
    [
        (EVENTS, None, Decimal(0)),
        (TAIL, 10**12, Decimal(0)),
        (QUERY, None, None),
        (QUERY, 2 * 10**9, Decimal("0.01")),
    ],
)
def test_only_what_logs_insights_scans_costs_and_an_unknown_volume_has_no_price(how, size_bytes, usd):
    assert scan_usd(how, size_bytes) == usd
