"""Statements add up: to the last decimal before rounding, to the cent after."""

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.chargeback import CENT, UNTAGGED, statement
from core.chargeback_page import statement_page
from core.windows import Window

USD = st.decimals(min_value=0, max_value=1_000_000, places=15, allow_nan=False, allow_infinity=False)
PARTS = st.dictionaries(st.sampled_from(["duration", "requests", "logs"]), USD, max_size=3)
DIRECT = st.dictionaries(st.sampled_from(["", "shop", "data", "media", "ops", "=cmd()"]), PARTS, max_size=6)
SHARED = st.dictionaries(st.just("calls"), USD, max_size=1)
WINDOW = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))


@given(DIRECT, SHARED)
def test_lines_add_up_to_the_total_to_the_cent(direct, shared):
    one = statement(direct, shared)

    paid = sum((usd for parts in (*direct.values(), shared) for usd in parts.values()), Decimal(0))
    assert one.total_usd == paid
    assert sum((line.cents_usd for line in one.lines), Decimal(0)) == paid.quantize(CENT)
    assert all(line.cents_usd == line.cents_usd.quantize(CENT) for line in one.lines)
    assert all(line.cents_usd >= 0 for line in one.lines)


@given(DIRECT, SHARED)
def test_no_line_is_a_cent_or_more_from_its_exact_cost(direct, shared):
    assert all(abs(line.rounding_usd) < 2 * CENT for line in statement(direct, shared).lines)


@given(DIRECT, SHARED, st.randoms())
def test_the_order_of_teams_does_not_matter(direct, shared, chance):
    names = list(direct)
    chance.shuffle(names)

    assert statement({name: direct[name] for name in names}, shared).lines == statement(direct, shared).lines


def test_the_cents_that_are_left_go_to_the_largest_remainders():
    third = {"duration": Decimal("3.33333")}

    one = statement({"a": third, "b": third, "c": {"duration": Decimal("3.33334")}}, {})

    assert {line.group: str(line.cents_usd) for line in one.lines} == {"a": "3.33", "b": "3.33", "c": "3.34"}
    assert one.cents_usd == Decimal("10.00")


def test_shared_costs_go_by_own_cost():
    one = statement({"a": {"duration": Decimal(3)}, "b": {"logs": Decimal(1)}}, {"calls": Decimal("0.4")})

    assert {line.group: line.shared_usd for line in one.lines} == {"a": Decimal("0.3"), "b": Decimal("0.1")}


def test_what_nobody_caused_is_on_the_untagged_line():
    one = statement({"a": {}}, {"calls": Decimal("0.4")})

    assert {line.group: line.usd for line in one.lines} == {"a": 0, UNTAGGED: Decimal("0.4")}


def test_the_untagged_line_is_the_last_and_its_own():
    one = statement({"": {"duration": Decimal(9)}, "a": {"duration": Decimal(1)}}, {})

    assert [line.group for line in one.lines] == ["a", ""]
    assert one.untagged_usd == 9


def test_a_statement_is_a_page_that_runs_nothing_that_a_tag_says():
    one = statement({"<script>alert(1)</script>": {"duration": Decimal("1.005")}}, {})

    page = statement_page(
        one, window=WINDOW, is_whole=False, by="<b>team</b>", words={"duration": "Duration"},
        lacks=["<i>x</i>"], made=WINDOW.end, prices="List prices.",
    )  # fmt: skip

    assert "<script" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "src=" not in page
    assert "href=" not in page
    assert "November 2026 so far" in page
    assert "$1.00" in page
