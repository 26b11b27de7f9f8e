"""Regular expressions that would keep a machine busy are told from those that people search with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patterns import LARGEST, size, why_refused

USUAL = [
    "timeout",
    r"\b(Key|Value)Error\b.*line \d+",
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    r"^\s*at .{0,200}\(.+:\d{1,5}:\d{1,5}\)$",
    r"(?i)iban|bic",
    r"status[:=]\s*5\d\d",
    r"(a+)+$",
    r"\pL+ \p{Lu}",
    r"[\]a-z]+",
]
COSTLY = [
    r"(a?){500}(a){500}b",
    r"((a?){20}){20}(a{20}){20}",
    r"(\pL?){20}(\pL){20}1",
    r"[\p{L}]{30}",
    "a{400}",
    "(x{40}y{40}){5}",
]


@pytest.mark.parametrize("pattern", USUAL)
def test_what_people_search_with_is_searched_for(pattern):
    assert why_refused(pattern) is None


@pytest.mark.parametrize("pattern", COSTLY)
def test_what_makes_a_large_program_is_refused(pattern):
    assert "repeats too much" in why_refused(pattern)


@given(st.text(alphabet="ab?*+(){}[]\\,p0123456789|^$.L", max_size=60))
def test_any_text_has_a_size(text):
    assert size(text) >= 0


@given(st.integers(1, 60), st.integers(1, 60))
def test_nested_counts_multiply(inner, outer):
    assert size(f"(a{{{inner}}}){{{outer}}}") == inner * outer
    assert (why_refused(f"(a{{{inner}}}){{{outer}}}") is None) == (inner * outer <= LARGEST)
