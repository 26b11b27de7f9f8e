"""How numbers and others' text read."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard import numbers

NAN = float("nan")


@pytest.mark.parametrize(
    "reads", [numbers.count, numbers.percent, numbers.ms, numbers.usd, numbers.megabytes]
)
@pytest.mark.parametrize("unknown", [None, NAN])
def test_the_unknown_reads_as_a_dash_and_never_as_zero(reads, unknown):
    assert reads(unknown) == "—"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1.25, "1.2"), (8, "8"), (12.4, "12"), (1234567, "1,234,567")]
)
def test_counts_are_grouped(value, text):
    assert numbers.count(value) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(0, "0%"), (0.0082, "0.82%"), (0.119, "11.9%"), (1, "100%"), (0.00004, "0%")]
)
def test_rates_are_percent_with_at_most_two_decimals(rate, text):
    assert numbers.percent(rate) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(5.25, "5.25 ms"), (288.4, "288 ms"), (9_999, "9,999 ms"), (12_340, "12.3 s"), (900_000, "15 min")],
)
def test_durations_are_ms_below_ten_seconds(value, text):
    assert numbers.ms(value) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(Decimal("9.987"), "$9.99"), (0, "$0.00"), (0.0042, "$0.0042"), (0.00001, "<$0.0001"), (-3, "-$3.00")],
)
def test_money_below_a_cent_is_not_shown_as_nothing(amount, text):
    assert numbers.usd(amount) == text


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(minutes=31), "31 min"),
        (15_120, "4 h 12 min"),
        (timedelta(days=3, hours=2, minutes=9), "3 d 2 h"),
    ],
)
def test_an_age_has_its_two_largest_units(length, text):
    assert numbers.age(length) == text


def test_a_time_of_another_day_says_its_day():
    zone, now = ZoneInfo("Europe/Berlin"), datetime(2026, 11, 21, 10, tzinfo=UTC)

    assert numbers.clock(now, zone, now=now) == "11:00"
    assert numbers.clock(now - timedelta(days=1), zone, now=now) == "Fri 20 Nov, 11:00"


APART = ":small[]"  # nothing: it only keeps two pieces of text apart


@given(some.text())
def test_text_of_others_cannot_start_markdown(text):
    shown = numbers.plain(text).replace(APART, "")

    unescaped = shown.replace("\\\\", "")
    for at, char in enumerate(unescaped):
        if char in "`*_{}[]()<>#+-!|~$:":
            assert at > 0
            assert unescaped[at - 1] == "\\"


@given(some.text())
def test_text_of_others_still_reads_as_it_is(text):
    shown = numbers.plain(text).replace(APART, "")

    said, escaped = [], False
    for char in shown:
        if char == "\\" and not escaped:
            escaped = True
            continue
        said.append(char)
        escaped = False
    line = " ".join(text.split())
    assert "".join(said) == "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://evil.example", r"https\::small[]//evil.example"),
        ("see www.evil.example", "see www:small[].evil.example"),
        ("a@evil.example", "a:small[]@evil.example"),
        ("@everyone", "@everyone"),
        (":material/home:", r"\:material:small[]/home\:"),
        ("a -> b", r"a \-:small[]\> b"),
        ("a <-- b", r"a \<:small[]\-:small[]\- b"),
        ("&copy;", r"\&copy;"),
        ("1. one", r"1\. one"),
        ("\x1b[31m\u202egnp", "\N{REPLACEMENT CHARACTER}\\[31m\N{REPLACEMENT CHARACTER}gnp"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_streamlit_would_turn_into_something_else_is_cut_or_escaped(text, shown):
    assert numbers.plain(text) == shown
