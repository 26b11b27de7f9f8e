"""Months whose days are known: the forecast meets them, and says nothing where it cannot."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.forecast import forecast

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
TODAY = NOW.date()


def days(count, usd):
    """Whole days before today; `usd` is what a day costs."""
    return {d: Decimal(str(usd(d))) for d in (TODAY - timedelta(days=n) for n in range(1, count + 1))}


def month_days(usd):
    return sum(Decimal(str(usd(date(2026, 11, n)))) for n in range(1, 31))


def so_far(usd):
    return sum(Decimal(str(usd(date(2026, 11, n)))) for n in range(1, 18)) + Decimal(str(usd(TODAY))) / 2


def test_days_that_are_all_alike_go_on():
    found = forecast(days(42, lambda d: 10), Decimal(175), now=NOW)

    assert (found.low_usd, found.usd, found.high_usd) == (300, 300, 300)


def test_quiet_weekends_are_foreseen():
    def usd(day):
        return 2 if day.weekday() >= 5 else 20

    found = forecast(days(42, usd), so_far(usd), now=NOW)

    assert abs(found.usd - month_days(usd)) < 1


def test_a_holiday_to_come_is_like_a_sunday():
    def usd(day):
        return 0 if day.weekday() == 6 else 20

    plain = forecast(days(42, usd), so_far(usd), now=NOW)
    found = forecast(days(42, usd), so_far(usd), now=NOW, holidays={date(2026, 11, 26)})

    assert 19 < plain.usd - found.usd < 21


def test_a_past_holiday_does_not_make_its_weekday_cheap():
    def usd(day):
        return 0 if day == date(2026, 11, 12) or day.weekday() == 6 else 20

    blind = forecast(days(42, usd), so_far(usd), now=NOW)
    told = forecast(days(42, usd), so_far(usd), now=NOW, holidays={date(2026, 11, 12)})

    assert abs(told.usd - month_days(usd)) < abs(blind.usd - month_days(usd))


def test_with_little_history_nothing_is_said():
    found = forecast(days(6, lambda d: 10), Decimal(60), now=NOW)

    assert found.usd is None
    assert found.why == "7 whole days are needed, 6 are known"


def test_restless_days_have_a_wider_band():
    calm = forecast(days(42, lambda d: 10 + d.day % 2), Decimal(175), now=NOW)
    restless = forecast(days(42, lambda d: 10 + 9 * (d.day % 2)), Decimal(175), now=NOW)

    assert restless.high_usd - restless.low_usd > 3 * (calm.high_usd - calm.low_usd)


def test_at_the_end_of_a_month_little_is_left_to_foresee():
    last = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    history = {last.date() - timedelta(days=n): Decimal(10) for n in range(1, 30)}

    found = forecast(history, Decimal(300), now=last)

    assert abs(found.usd - 300) < Decimal("0.01")


@given(st.lists(st.decimals(0, 10**5, places=4), min_size=7, max_size=42), st.decimals(0, 10**6, places=4))
def test_what_is_spent_is_never_given_back(costs, spent):
    history = {TODAY - timedelta(days=n + 1): usd for n, usd in enumerate(costs)}

    found = forecast(history, spent, now=NOW)

    assert spent <= found.low_usd <= found.usd <= found.high_usd
