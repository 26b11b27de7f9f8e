"""A made-up month whose use is known: the bill made of it is explained, and what was left out is named."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import reconciling as r
from core.billed import Billed, Line, What, add
from core.meters import METERS, Used
from core.prices import packaged_book
from core.reconciled import sentence

OCTOBER = date(2026, 10, 1)
A, B, PAYER = "111111111111", "222222222222", "999999999999"
BOOK = packaged_book()
TYPES = {
    "requests": "Request",
    "duration": "Lambda-GB-Second",
    "ephemeral": "Lambda-Storage-GB-Second",
    "provisioned_capacity": "Lambda-Provisioned-Concurrency",
    "queue_requests": "Requests-Tier1",
    "log_ingest": "VendedLog-Bytes",
}
PREFIX = {"eu-west-1": "EU-", "us-east-1": "", "us-east-2": "USE2-"}


def used(function, day=5, quantity="1000", meter="duration", account=A, region="eu-west-1", arch="x86_64"):
    key = (OCTOBER + timedelta(days=day - 1), function)
    return Used(key, account, region, arch, meter, Decimal(quantity))


def charged(one, free=Decimal(0)):
    """Lines that AWS would write of a use: what is free of it costs nothing, the rest its list price."""
    meter, (day, function) = METERS[one.meter], one.key
    usd = BOOK.of(meter, one.region, one.architecture, on=date(2026, 10, 31)).usd
    arm = "-ARM" if one.architecture == "arm64" and meter.by_architecture else ""
    what = What(
        day,
        one.account,
        one.region,
        meter.service,
        PREFIX[one.region] + TYPES[one.meter] + arm,
        function,
        "usage",
    )
    cost = ((one.quantity - free) * usd).quantize(Decimal("1e-10"))
    yield what, Billed(one.quantity - free, cost, cost, cost)
    if free:
        yield what._replace(kind="free"), Billed(free, Decimal(0), Decimal(0), Decimal(0))


def bill_of(*all_used, free=Decimal(0), more=()):
    bill = {}
    for one in all_used:
        for what, billed in charged(one, min(free, one.quantity)):
            add(bill, Line(PAYER, OCTOBER, what, billed))
    for what, usd in more:
        add(bill, Line(PAYER, OCTOBER, what, Billed(Decimal(0), None, Decimal(usd), Decimal(usd))))
    return bill


def known(all_used, **more):
    names, days = {}, {}
    for one in all_used:
        names.setdefault((one.account, one.region), set()).add(one.key[1])
        days.setdefault((one.account, one.region), set()).add(one.key[0])
    return r.Known(names, days, **more)


def reconciled(ours, bill, knows=None):
    return r.reconcile(ours, bill, BOOK, knows or known(ours), month=OCTOBER)


def adds_up(found):
    return all(one.estimate_usd + sum(d.usd for d in one.differences) == one.bill_usd for one in found.cells)


uses = st.builds(
    used,
    st.sampled_from(["checkout", "etl", "mail"]),
    st.integers(1, 31),
    st.integers(1, 10**9),
    st.sampled_from(["requests", "duration", "ephemeral", "provisioned_capacity"]),
    st.sampled_from([A, B]),
    st.sampled_from(list(PREFIX)),
    st.sampled_from(["x86_64", "arm64"]),
).filter(lambda one: BOOK.of(METERS[one.meter], one.region, one.architecture, on=OCTOBER) is not None)
months = st.lists(uses, min_size=1, max_size=40)


@given(months, st.integers(0, 10**6), st.lists(st.decimals(-100, 100, places=2), max_size=3))
def test_a_month_of_which_nothing_is_left_out_is_explained_to_the_last_digit(month, free, credits):
    credit = [
        (What(OCTOBER, A, "eu-west-1", "AWSLambda", "EU-Request", "", "credit"), usd) for usd in credits
    ]

    found = reconciled(month, bill_of(*month, free=Decimal(free), more=credit))

    assert found.unexplained_usd == 0
    assert adds_up(found)
    assert set(found.by_reason()) <= {r.FREE_TIER, r.CREDITS, r.ROUNDING}


@given(months, st.data())
def test_what_the_estimate_lacks_is_named_and_valued(month, data):
    lost = data.draw(st.sampled_from([one.key[1] for one in month]))
    ours = [one for one in month if one.key[1] != lost]
    knows = known(ours)

    found = reconciled(ours, bill_of(*month), knows)

    assert adds_up(found)
    assert found.unexplained_usd == 0
    of_lost = [one for one in month if one.key[1] == lost and (one.account, one.region) in knows.names]
    counted = {r.cell_of(one).meter for one in ours}
    if any(r.cell_of(one).meter in counted for one in of_lost):
        assert lost in found.by_reason()[r.UNWATCHED][1]


@given(months)
def test_the_order_of_uses_does_not_matter(month):
    bill = bill_of(*month)

    assert reconciled(month, bill) == reconciled(month[::-1], dict(reversed(bill.items())))


def test_use_that_only_the_bill_has_is_unexplained_and_names_the_function():
    ours = [used("checkout", quantity=1000), used("etl", quantity=400)]
    bill = bill_of(used("checkout", quantity=1000), used("etl", quantity=500))

    found = reconciled(ours, bill)

    price = BOOK.of(METERS["duration"], "eu-west-1", "x86_64", on=date(2026, 10, 31)).usd
    assert found.by_reason() == {r.UNEXPLAINED: (100 * price, ("etl",))}
    assert "unexplained" in sentence(found)


def test_use_that_the_bill_lacks_altogether_names_the_function():
    ours = [used("checkout"), used("etl", meter="ephemeral", quantity=10**6)]

    assert reconciled(ours, bill_of(ours[0])).by_reason()[r.UNEXPLAINED][1] == ("etl",)


def test_too_much_here_and_too_little_there_do_not_cancel_out():
    ours = [used("checkout", quantity=2000), used("etl", quantity=1000, region="us-east-1")]
    bill = bill_of(used("checkout", quantity=1000), used("etl", quantity=2000, region="us-east-1"))

    assert reconciled(ours, bill).unexplained_usd > 0


def test_an_account_that_no_target_covers_is_named():
    ours = [used("checkout")]

    found = reconciled(ours, bill_of(*ours, used("secret", account=B)))

    assert found.by_reason()[r.ELSEWHERE][1] == (f"{B} eu-west-1",)
    assert found.unexplained_usd == 0


def test_days_of_which_the_store_has_nothing_are_named():
    ours = [used("checkout", day=5)]

    found = reconciled(ours, bill_of(*ours, used("checkout", day=6)))

    assert found.by_reason()[r.UNREAD][1] == ("2026-10-06",)


def test_days_that_the_bill_lacks_are_late_usage():
    ours = [used("checkout", day=5), used("checkout", day=30)]
    knows = known(ours, settled_before=date(2026, 10, 30))

    found = reconciled(ours, bill_of(ours[0]), knows)

    assert found.by_reason()[r.LATE][1] == ("2026-10-30",)
    assert found.unexplained_usd == 0


@pytest.mark.parametrize(
    ("charged", "share", "reason"),
    [(1200, "0.25", r.ROUGHLY), (2000, "0.25", r.UNEXPLAINED), (2000, "1", r.ROUGHLY)],
)
def test_a_day_that_is_known_roughly_explains_as_much_as_may_be_off_for_it(charged, share, reason):
    ours = [used("checkout", quantity=1000)]
    rough = {ours[0].key[0]: r.Rough("estimated from metrics", Decimal(share))}
    knows = known(ours, roughly={(A, "eu-west-1", "duration"): rough})

    found = reconciled(ours, bill_of(used("checkout", quantity=charged)), knows)

    names = ("estimated from metrics",) if reason == r.ROUGHLY else ("checkout",)
    assert {name: of for name, (_, of) in found.by_reason().items()} == {reason: names}
    assert found.doubtful_usd == found.bill_usd - found.estimate_usd
    assert f"are {reason}." in sentence(found)
    assert found.verdict == "off"


def test_a_month_most_of_which_was_not_read_is_not_judged():
    read = [used("checkout", day=5)]
    charged = [used("checkout", day=day) for day in range(5, 11)]

    found = reconciled(read, bill_of(*charged))

    assert found.unexplained_usd == 0
    assert found.verdict == "too early"
    assert "cannot be judged yet" in sentence(found)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("tax", r.TAXES),
        ("refund", r.CREDITS),
        ("discount", r.DISCOUNTS),
        ("commitment", r.PLANS),
        ("Fee of a new kind", r.FEES),
    ],
)
def test_lines_that_are_no_use_are_told_by_their_kind(kind, reason):
    ours = [used("checkout")]
    line = What(OCTOBER, A, "eu-west-1", "AWSLambda", "EU-Lambda-GB-Second", "", kind)

    found = reconciled(ours, bill_of(*ours, more=[(line, "7.5")]))

    assert found.by_reason()[reason][0] == Decimal("7.5")
    assert found.unexplained_usd == 0


def test_what_a_savings_plan_covers_is_told_apart_from_a_lower_price():
    ours = [used("checkout", quantity=1000)]
    [(what, line)] = bill_of(*ours).items()
    covered = {
        what._replace(kind="covered"): Billed(line.quantity, line.list_usd, line.cost_usd, Decimal("0.01"))
    }

    found = reconciled(ours, covered)

    assert list(found.by_reason()) == [r.PLANS]


def test_a_usage_type_that_nobody_counts_is_named():
    ours = [used("checkout")]
    extra = What(OCTOBER, A, "eu-west-1", "AWSLambda", "EU-Lambda-New-Thing", "checkout", "usage")
    bill = bill_of(*ours) | {extra: Billed(Decimal(3), Decimal(9), Decimal(9), Decimal(9))}

    found = reconciled(ours, bill)

    assert found.by_reason() == {r.NOT_ESTIMATED: (Decimal(9), ("Lambda-New-Thing",))}


def test_a_region_without_a_price_is_no_difference_that_is_unexplained():
    ours = [used("checkout"), used("far", region="mars-north-1")]
    far = What(OCTOBER, A, "mars-north-1", "AWSLambda", "MN1-Lambda-GB-Second", "far", "usage")
    bill = bill_of(ours[0]) | {far: Billed(Decimal(1000), Decimal(1), Decimal(1), Decimal(1))}

    found = reconciled(ours, bill)

    assert found.by_reason()[r.NO_PRICE] == (Decimal(1), ("duration in mars-north-1",))
    assert found.unexplained_usd == 0


def test_a_price_of_the_bill_that_is_not_ours_is_told():
    ours = [used("checkout", quantity=1000)]
    [(what, line)] = bill_of(*ours).items()
    dearer = {what: Billed(line.quantity, *[line.net_usd * 2] * 3)}

    assert list(reconciled(ours, dearer).by_reason()) == [r.PRICE]


def test_cheaper_tiers_are_told_as_such():
    ours = [used("checkout", quantity=10**9)]
    [(what, line)] = bill_of(*ours).items()
    price = BOOK.of(METERS["duration"], "eu-west-1", "x86_64", on=date(2026, 10, 31))
    cheaper = {what: Billed(line.quantity, *[line.quantity * price.tiers[1].usd] * 3)}

    assert list(reconciled(ours, cheaper).by_reason()) == [r.TIERS]


def by_day_alone(bill):
    """As Cost Explorer tells it: no resources, no list prices, a day's free use in one line with the rest."""
    merged = {}
    for what, line in bill.items():
        one = Billed(line.quantity, None, line.cost_usd, line.net_usd)
        kind = "usage" if line.net_usd or what.kind == "free" else what.kind
        add(merged, Line(PAYER, OCTOBER, what._replace(resource="", kind=kind), one))
    return {what._replace(kind="usage" if line.net_usd else "free"): line for what, line in merged.items()}


def test_the_day_on_which_a_free_amount_runs_out_is_explained_without_list_prices():
    ours = [used("checkout", day=day, quantity=1000) for day in (1, 2, 3)]
    bill = bill_of(ours[0], free=Decimal(1000))
    for what, line in [*bill_of(ours[1], free=Decimal(300)).items(), *bill_of(ours[2]).items()]:
        add(bill, Line(PAYER, OCTOBER, what, line))

    found = reconciled(ours, by_day_alone(bill))

    price = BOOK.of(METERS["duration"], "eu-west-1", "x86_64", on=date(2026, 10, 31)).usd
    assert set(found.by_reason()) <= {r.FREE_TIER, r.ROUNDING}
    assert found.by_reason()[r.FREE_TIER][0] == pytest.approx(-1300 * price)


def test_a_lower_price_on_a_later_day_is_not_called_free():
    ours = [used("checkout", day=day, quantity=1000) for day in (1, 2)]
    bill = by_day_alone(bill_of(*ours))
    (last, line) = next((what, line) for what, line in bill.items() if what.day.day == 2)
    bill[last] = Billed(line.quantity, None, line.cost_usd / 2, line.net_usd / 2)

    assert r.PRICE in reconciled(ours, bill).by_reason()


@given(months)
def test_days_add_up_to_estimate_and_bill(month):
    found = reconciled(month, bill_of(*month))

    days = found.by_day().values()
    assert sum(day.estimate_usd for day in days) == found.estimate_usd
    assert sum(day.bill_usd for day in days) == found.bill_usd
    assert list(found.by_day()) == sorted(found.by_day())


@pytest.mark.parametrize(("charged", "said"), [("999", "(0.10 %)"), ("2000", "(50 %)"), ("10", "(99 %)")])
def test_the_sentence_tells_the_share_in_plain_digits(charged, said):
    ours = [used("checkout", quantity=1000)]

    assert said in sentence(reconciled(ours, bill_of(used("checkout", quantity=charged))))


def there(function, **more):
    """Use in a region of which every price is known."""
    return used(function, region="us-east-1", **more)


def unnamed(bill):
    """As Cost Explorer and reports without resource ids tell it."""
    found = {}
    for what, line in bill.items():
        add(found, Line(PAYER, OCTOBER, what._replace(resource=""), line))
    return found


@pytest.mark.parametrize(
    ("meter", "usage_type"), [("queue_requests", "Requests-Tier1"), ("log_ingest", "VendedLog-Bytes")]
)
def test_what_other_services_use_of_queues_and_logs_is_no_error_of_ours_and_is_named(meter, usage_type):
    ours = [there("checkout", quantity=10**6), there("checkout", quantity=1000, meter=meter)]
    others = there("web", quantity=9 * 10**6, meter=meter)

    found = reconciled(ours, unnamed(bill_of(*ours, others)))

    price = BOOK.of(METERS[meter], "us-east-1", "", on=date(2026, 10, 31)).usd
    assert found.by_reason()[r.SHARED] == (9 * 10**6 * price, (usage_type,))
    assert found.unexplained_usd == 0
    assert found.verdict == "trusted"
    assert "another service used them" in sentence(found)
    assert adds_up(found)


def test_queues_that_no_function_has_are_others():
    ours = [there("checkout")]
    others = there("web", meter="queue_requests")

    assert list(reconciled(ours, unnamed(bill_of(*ours, others))).by_reason()) == [r.SHARED]


def test_where_the_bill_names_queues_ours_are_told_apart():
    ours = [there("checkout"), there("orders", quantity=1000, meter="queue_requests")]
    bill = bill_of(ours[0], there("orders", quantity=5000, meter="queue_requests"))
    bill |= bill_of(there("web", quantity=7000, meter="queue_requests"))

    found = reconciled(ours, bill, known(ours))

    price = BOOK.of(METERS["queue_requests"], "us-east-1", "", on=date(2026, 10, 31)).usd
    assert found.by_reason()[r.SHARED] == (7000 * price, ("web",))
    assert found.by_reason()[r.UNEXPLAINED][0] == 4000 * price


def test_what_we_count_of_queues_beyond_the_whole_account_is_our_error():
    ours = [there("checkout", quantity=5000, meter="queue_requests")]

    found = reconciled(ours, unnamed(bill_of(there("checkout", quantity=1000, meter="queue_requests"))))

    assert list(found.by_reason()) == [r.UNEXPLAINED]
    assert found.verdict == "off"


def test_what_others_use_does_not_make_an_error_of_lambda_look_small():
    ours = [there("checkout", quantity=10**6)]
    bill = bill_of(
        there("checkout", quantity=2 * 10**6), there("web", quantity=10**12, meter="queue_requests")
    )

    assert reconciled(ours, unnamed(bill), known(ours)).verdict == "off"


def test_what_others_use_free_of_charge_leaves_the_bill_of_functions_whole():
    ours = [there("checkout", quantity=10**6)]
    free = bill_of(there("web", quantity=10**5, meter="queue_requests"), free=Decimal(10**5))

    found = reconciled(ours, unnamed(bill_of(*ours) | free))

    assert found.shared_usd == 0
    assert found.verdict == "trusted"


@pytest.mark.parametrize(("charged", "reason"), [(200, r.ROUGHLY), (1200, r.UNEXPLAINED)])
def test_what_is_known_at_most_explains_a_bill_below_it_only(charged, reason):
    ours = [there("checkout", quantity=1000)]
    rough = {ours[0].key[0]: r.Rough("at most", Decimal("0.9"), is_most=True)}
    knows = known(ours, roughly={(A, "us-east-1", "duration"): rough})

    assert list(reconciled(ours, bill_of(there("checkout", quantity=charged)), knows).by_reason()) == [reason]
