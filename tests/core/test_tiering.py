"""Allocation adds up, whatever was used: to the payer's total, to the last decimal, in any order."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.meters import FREE_A_MONTH, METERS, Used
from core.price_book import PriceBook
from core.prices import GRAIN_USD, packaged_book
from core.settings import CostSettings, SavingsPlanSettings
from core.sharing import share_out
from core.tiering import Line, charge, effective_rates, left_out, line_of, unused_commitment_usd

MONTH = date(2026, 10, 1)
BOOK = packaged_book()
PLAIN = CostSettings(free_tier=False)
TOGETHER = CostSettings(payer="all")
PLAN = SavingsPlanSettings(discount=Decimal("0.12"), commitment_usd_per_hour=Decimal("0.5"))


def used(meter, quantity, *, key="f", account="1", region="us-east-1", architecture="x86_64"):
    return Used(key, account, region, architecture, meter, Decimal(quantity))


def net(charges):
    return sum((c.net_usd for c in charges if c.net_usd is not None), Decimal(0))


quantities = st.decimals(0, 10**11, places=7) | st.integers(0, 10**11).map(Decimal)
uses = st.builds(
    Used,
    key=st.sampled_from(["a", "b", ("c", 1)]),
    account=st.sampled_from(["111", "222", "333"]),
    region=st.sampled_from(["us-east-1", "eu-west-1", "af-south-1", "ap-south-2"]),
    architecture=st.sampled_from(["x86_64", "arm64"]),
    meter=st.sampled_from(sorted(METERS)),
    quantity=quantities,
)
settings = st.builds(
    CostSettings,
    payer=st.sampled_from(["each", "all", {"org": ["111", "222"]}]),
    free_tier=st.sampled_from([True, False, "elsewhere"]),
    savings_plan=st.sampled_from([None, PLAN, SavingsPlanSettings(discount=Decimal("0.17"))]),
)


def by_hand(uses, settings):
    """What each payer owes, by another way: in fractions, from the whole down, no line ever divided."""
    pools = defaultdict(Fraction)
    for u in uses:
        meter = METERS[u.meter]
        architecture = u.architecture if meter.by_architecture else ""
        pools[settings.payer_of(u.account), u.region, architecture, meter.pool, meter] += Fraction(u.quantity)
    merged = defaultdict(Fraction)
    first = {}
    for (*pool, meter), quantity in pools.items():
        first.setdefault(tuple(pool), meter)
        merged[tuple(pool)] += quantity
    owed = defaultdict(Fraction)
    for payer in {pool[0] for pool in merged}:
        mine = {pool: quantity for pool, quantity in merged.items() if pool[0] == payer}
        billable = {}
        for pool, quantity in mine.items():
            free = first[pool].free if settings.free_tier is True else None
            whole = sum(q for p, q in mine.items() if first[p].free == free) if free else 0
            left = max(Fraction(0), 1 - Fraction(FREE_A_MONTH[free]) / whole) if free and whole else 1
            billable[pool] = quantity * left
        prices = {p: BOOK.of(first[p], p[1], p[2], on=date(2026, 10, 31)) for p in mine}
        plan = settings.savings_plan
        rate = 1 - Fraction(plan.discount) if plan else Fraction(1)
        eligible = sum(
            billable[p] * Fraction(prices[p].usd) * rate for p in mine if prices[p] and first[p].savings_plan
        )
        share = Fraction(0)
        if plan:
            committed = plan.commitment_usd_per_hour and Fraction(plan.commitment_usd_per_hour) * 24 * 31
            share = Fraction(1) if committed is None or eligible <= committed else committed / eligible
        for p, price in prices.items():
            if price is None:
                continue
            covered = billable[p] * share if first[p].savings_plan else Fraction(0)
            rest = billable[p] - covered
            owed[payer] += covered * Fraction(price.usd) * rate
            for at, tier in enumerate(price.tiers):
                top = Fraction(price.tiers[at + 1].above) if at + 1 < len(price.tiers) else rest
                owed[payer] += Fraction(tier.usd) * max(Fraction(0), min(rest, top) - Fraction(tier.above))
    return owed


# --- properties ---------------------------------------------------------------------------------------------


@given(st.lists(uses, max_size=12), settings)
def test_the_charges_add_up_to_what_the_payers_owe(uses, settings):
    found = net(charge(uses, BOOK, settings, month=MONTH))

    assert abs(Fraction(found) - sum(by_hand(uses, settings).values())) < Fraction(1, 10**8)


@given(st.lists(uses, max_size=12), settings)
def test_allocation_adds_up_to_the_lines_to_the_last_decimal(uses, settings):
    charges = charge(uses, BOOK, settings, month=MONTH)

    totals = defaultdict(Decimal)
    for u in uses:
        architecture = u.architecture if METERS[u.meter].by_architecture else ""
        totals[Line(u.account, u.region, architecture, u.meter, MONTH)] += u.quantity
    rates = effective_rates(totals, BOOK, settings).values()
    known = [c for c in charges if c.net_usd is not None]
    assert sum(r.net_usd or 0 for r in rates) == net(charges)
    assert sum(r.list_usd or 0 for r in rates) == sum(c.list_usd for c in known)


@given(st.lists(uses, max_size=12), settings)
def test_nothing_is_negative_or_dearer_than_the_list(uses, settings):
    for c in charge(uses, BOOK, settings, month=MONTH):
        assert c.net_usd is None or 0 <= c.net_usd <= c.list_usd + GRAIN_USD


@given(st.lists(uses, max_size=10), settings, st.randoms(use_true_random=False))
def test_order_does_not_matter(uses, settings, random):
    other = list(uses)
    random.shuffle(other)

    def charged(uses):
        return sorted(map(repr, charge(uses, BOOK, settings, month=MONTH)))

    assert charged(uses) == charged(other)


@given(st.lists(uses, max_size=8), uses, settings)
def test_using_more_never_costs_a_payer_less(uses, more, settings):
    before, after = by_payer(uses, settings), by_payer([*uses, more], settings)

    slack = 20 * GRAIN_USD + Decimal("1e-9")  # free amounts are divided to a billionth of a unit
    assert all(after[payer] >= usd - slack for payer, usd in before.items())


def by_payer(uses, settings):
    found = defaultdict(Decimal)
    for payer in {settings.payer_of(u.account) for u in uses}:
        mine = [u for u in uses if settings.payer_of(u.account) == payer]
        found[payer] = net(charge(mine, BOOK, settings, month=MONTH))
    return found


@given(st.lists(uses, max_size=8), settings)
def test_to_split_a_function_in_two_leaves_the_total_as_it_is(uses, settings):
    halves = [
        Used((u.key, half), u.account, u.region, u.architecture, u.meter, u.quantity / 2)
        for u in uses
        for half in (1, 2)
    ]

    whole, split = charge(uses, BOOK, settings, month=MONTH), charge(halves, BOOK, settings, month=MONTH)

    assert net(whole) == net(split)


@given(st.decimals(0, 10**9, places=15), st.dictionaries(st.text(max_size=3), quantities, max_size=9))
def test_shares_add_up_and_stay_near_their_proportion(total, weights):
    shares = share_out(total, weights, GRAIN_USD)

    whole = sum(weights.values(), Decimal(0))
    assert sum(shares.values(), Decimal(0)) == (total if whole else 0)
    for name, share in shares.items():
        exact = Fraction(total) * Fraction(weights[name]) / Fraction(whole) if whole else 0
        assert abs(Fraction(share) - exact) < Fraction(GRAIN_USD)


@given(st.permutations("abc"))
def test_who_bears_the_last_grain_does_not_hang_on_the_order(names):
    weights = dict.fromkeys(names, Decimal(1))

    assert share_out(GRAIN_USD, weights, GRAIN_USD) == {"a": GRAIN_USD, "b": 0, "c": 0}


# --- by example ---------------------------------------------------------------------------------------------


def test_accounts_that_pay_together_reach_the_next_tier_together():
    uses = [used("duration", 4 * 10**9, account=a, key=a) for a in ("1", "2")]
    alone = charge(uses, BOOK, PLAIN, month=MONTH)
    together = charge(uses, BOOK, CostSettings(free_tier=False, payer="all"), month=MONTH)

    assert [c.net_usd for c in alone] == [c.list_usd for c in alone]
    whole = 6 * 10**9 * Decimal("0.0000166667") + 2 * 10**9 * Decimal("0.000015")
    assert [c.net_usd for c in together] == [whole / 2, whole / 2]


def test_tiers_are_of_one_architecture_and_region():
    uses = [
        used("duration", 4 * 10**9, key=1),
        used("duration", 4 * 10**9, key=2, architecture="arm64"),
        used("duration", 4 * 10**9, key=3, region="eu-west-1"),
    ]

    assert all(c.net_usd == c.list_usd for c in charge(uses, BOOK, PLAIN, month=MONTH))


def test_the_free_amount_is_one_for_all_regions_and_architectures_of_a_payer():
    uses = [
        used("duration", 300_000, key=1, account="1"),
        used("init", 100_000, key=2, account="2", architecture="arm64"),
        used("duration", 400_000, key=3, account="2", region="eu-west-1"),
    ]

    found = {c.key: c for c in charge(uses, BOOK, TOGETHER, month=MONTH)}

    assert all(c.net_usd == c.list_usd / 2 for c in found.values())


def test_what_is_provisioned_draws_on_no_free_amount():
    found = charge(
        [used("provisioned_duration", 1000), used("provisioned_capacity", 1000)],
        BOOK,
        CostSettings(),
        month=MONTH,
    )

    assert all(c.net_usd == c.list_usd > 0 for c in found)


@pytest.mark.parametrize("free_tier", [False, "elsewhere"])
def test_nothing_is_free_where_others_use_it_up(free_tier):
    (found,) = charge([used("requests", 10)], BOOK, CostSettings(free_tier=free_tier), month=MONTH)

    assert found.net_usd == found.list_usd == Decimal("0.000002")


def test_a_commitment_covers_as_much_as_it_pays_for():
    # 31 x 24 hours at 0.0744 USD are 55.3536 USD: at 12 % off, 62.901818... USD of list cost.
    plan = SavingsPlanSettings(discount=Decimal("0.12"), commitment_usd_per_hour=Decimal("0.0744"))

    (found,) = charge(
        [used("duration", 6_000_000)],
        BOOK,
        CostSettings(free_tier=False, savings_plan=plan),
        month=MONTH,
    )

    committed, listed = Decimal("55.3536"), Decimal("100.0002")
    assert abs(found.net_usd - (committed + listed - committed / Decimal("0.88"))) < Decimal("1e-12")


def test_a_commitment_of_a_month_that_goes_on_is_that_of_its_hours_so_far():
    settings = CostSettings(
        free_tier=False,
        savings_plan=SavingsPlanSettings(discount=Decimal("0.5"), commitment_usd_per_hour=Decimal(1)),
    )

    (found,) = charge(
        [used("duration", 60_000_000)],
        BOOK,
        settings,
        month=MONTH,
        until=datetime(2026, 10, 5, tzinfo=UTC),
    )

    assert found.list_usd - found.net_usd == 96  # 96 hours pay 96 USD for what lists at 192


def unused(settings, *uses, until=None):
    totals = {line_of(one, MONTH): one.quantity for one in uses}
    return unused_commitment_usd(totals, BOOK, settings, until=until)


def test_what_of_a_commitment_pays_for_no_use_is_told():
    plan = SavingsPlanSettings(discount=Decimal("0.5"), commitment_usd_per_hour=Decimal(1))
    settings = CostSettings(free_tier=False, savings_plan=plan)
    little, much = used("duration", 30_000_000), used("duration", 600_000_000)

    # 30 million GB-seconds list at 500.001 USD, of which the plan charges half.
    assert unused(settings, little) == 744 - Decimal("250.0005")
    assert unused(settings, little, until=datetime(2026, 10, 11, tzinfo=UTC)) == 0
    assert unused(settings, used("requests", 10**9)) == 744
    assert unused(settings, much) == 0
    assert unused(settings, little, used("duration", 1, account="2")) > 744 - Decimal("250.0005") + 743
    assert unused(PLAIN, little) is None


@given(st.lists(uses, max_size=8), settings)
def test_what_is_covered_and_what_is_not_used_are_the_commitment(uses, settings):
    settings = settings.model_copy(update={"payer": "all", "savings_plan": PLAN})
    totals = defaultdict(Decimal)
    for one in uses:
        totals[line_of(one, MONTH)] += one.quantity
    without = settings.model_copy(update={"savings_plan": None})

    left = unused_commitment_usd(totals, BOOK, settings)
    with_plan, alone = (
        sum((r.net_usd for r in effective_rates(totals, BOOK, each).values() if r.price), Decimal(0))
        for each in (settings, without)
    )

    assert 0 <= left <= 744 * PLAN.commitment_usd_per_hour
    # What the plan took off is 12 % of what its used part covers, at first tier prices or cheaper ones.
    paid = 744 * PLAN.commitment_usd_per_hour - left if totals else Decimal(0)
    assert alone - with_plan <= paid / (1 - PLAN.discount) * PLAN.discount + GRAIN_USD * (1 + len(totals))


def test_a_plan_is_its_payers_only_and_covers_no_requests():
    plan = SavingsPlanSettings(discount=Decimal("0.12"), payer="org")
    settings = CostSettings(free_tier=False, savings_plan=plan, payer={"org": ["1"]})
    uses = [
        used("duration", 100, key="covered"),
        used("requests", 100, key="requests"),
        used("duration", 100, key="other", account="2"),
    ]

    found = {c.key: c.net_usd / c.list_usd for c in charge(uses, BOOK, settings, month=MONTH)}

    assert found == {"covered": Decimal("0.88"), "requests": 1, "other": 1}


def test_a_region_without_a_known_price_is_unknown_and_says_why():
    found = charge(
        [used("duration", 5, region="ap-south-2"), used("requests", 0, region="ap-south-2")],
        BOOK,
        PLAIN,
        month=MONTH,
    )

    assert found[0].net_usd is None
    assert found[0].why == "no price of duration (x86_64) in ap-south-2 is known"
    assert (found[1].net_usd, found[1].why) == (0, None)  # nothing costs nothing, whatever the price


def test_what_totals_lack_is_counted_by_reason():
    uses = [used("duration", 5, key=key, region="ap-south-2") for key in range(3)]
    uses += [used("traces", 5, region="eu-west-3"), used("requests", 5)]

    assert left_out(charge(uses, BOOK, PLAIN, month=MONTH)) == {
        "no price of duration (x86_64) in ap-south-2 is known": 3,
        "no price of traces in eu-west-3 is known": 1,
    }


def test_use_that_is_not_known_has_no_cost():
    (found,) = charge([used("requests", "NaN")], BOOK, PLAIN, month=MONTH)

    assert (found.list_usd, found.why) == (None, "how much was used is not known")


@pytest.mark.parametrize(
    ("meter", "quantity", "why"),
    [
        ("requests", -1, "-1 of requests in us-east-1 cannot have been used"),
        ("reqests", 1, "no meter 'reqests'"),
    ],
)
def test_what_cannot_be_is_refused(meter, quantity, why):
    with pytest.raises(ValueError, match=why):
        charge([used(meter, quantity)], BOOK, PLAIN, month=MONTH)


def test_the_same_key_twice_is_one_charge():
    found = charge([used("requests", 1), used("requests", 2)], BOOK, PLAIN, month=MONTH)

    assert [c.list_usd for c in found] == [Decimal("0.0000006")]


def test_an_empty_book_knows_no_price():
    (found,) = charge([used("requests", 1)], PriceBook(), PLAIN, month=MONTH)

    assert found.net_usd is None


def test_meters_that_are_charged_together_are_alike():
    alike = defaultdict(set)
    for meter in METERS.values():
        alike[meter.pool].add(
            (meter.price, meter.by_architecture, meter.free, meter.savings_plan, meter.unit)
        )

    assert all(len(kinds) == 1 for kinds in alike.values())
    assert {m.free for m in METERS.values() if m.free} == set(FREE_A_MONTH)
