"""Bills are imported as a whole or not at all, and once."""

import csv
import gzip
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billed import What
from core.errors import BillError
from store import bills
from store.bill_files import Key, bill_paths, gather

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
PAYER, ACCOUNT = "999999999999", "111111111111"
ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:checkout:7"
OCTOBER = Key("cur", PAYER, "2026-10")

CUR2 = {
    "identity_line_item_id": "a1",
    "bill_payer_account_id": PAYER,
    "bill_billing_period_start_date": "2026-10-01T00:00:00Z",
    "line_item_usage_account_id": ACCOUNT,
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": "2026-10-05T03:00:00Z",
    "line_item_product_code": "AWSLambda",
    "line_item_usage_type": "EU-Lambda-GB-Second",
    "line_item_usage_amount": "1000",
    "line_item_currency_code": "USD",
    "line_item_unblended_cost": "0.0166667",
    "product_region_code": "eu-west-1",
    "line_item_resource_id": ARN,
    "pricing_public_on_demand_cost": "0.0166667",
    "resource_tags": "=1+1,team",
}
LEGACY = {
    "identity_line_item_id": "identity/LineItemId",
    "bill_payer_account_id": "bill/PayerAccountId",
    "bill_billing_period_start_date": "bill/BillingPeriodStartDate",
    "line_item_usage_account_id": "lineItem/UsageAccountId",
    "line_item_line_item_type": "lineItem/LineItemType",
    "line_item_usage_start_date": "lineItem/UsageStartDate",
    "line_item_product_code": "lineItem/ProductCode",
    "line_item_usage_type": "lineItem/UsageType",
    "line_item_usage_amount": "lineItem/UsageAmount",
    "line_item_currency_code": "lineItem/CurrencyCode",
    "line_item_unblended_cost": "lineItem/UnblendedCost",
    "product_region_code": "product/region",
    "line_item_resource_id": "lineItem/ResourceId",
    "pricing_public_on_demand_cost": "pricing/publicOnDemandCost",
    "resource_tags": "resourceTags/user:team",
}
FOCUS = {
    "BillingAccountId": PAYER,
    "BillingPeriodStart": "2026-10-01 00:00:00",
    "BillingCurrency": "USD",
    "ChargePeriodStart": "2026-10-05 03:00:00",
    "ChargeCategory": "Usage",
    "BilledCost": "0.0166667",
    "EffectiveCost": "0.0166667",
    "ListCost": "0.0166667",
    "ConsumedQuantity": "1000",
    "RegionId": "eu-west-1",
    "x_ServiceCode": "AWSLambda",
    "x_UsageType": "EU-Lambda-GB-Second",
    "SubAccountId": ACCOUNT,
    "ResourceId": ARN,
    "CommitmentDiscountStatus": "",
}


def a_csv(path, *rows, names=None):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([(names or {}).get(column, column) for column in rows[0]])
    writer.writerows(row.values() for row in rows)
    written = text.getvalue().encode()
    path.write_bytes(gzip.compress(written) if path.name.endswith(".gz") else written)
    return path


def imported(store, *paths, **more):
    return bills.keep(store, gather(bill_paths(paths)), now=NOW, **more)


def a_parquet(path, *rows):
    exact = {"line_item_usage_amount", "line_item_unblended_cost", "pricing_public_on_demand_cost"}
    typed = [{k: float(v) if k in exact else v for k, v in row.items()} for row in rows]
    stamps = [
        {k: datetime.fromisoformat(v) if k.endswith("_date") else v for k, v in row.items()} for row in typed
    ]
    pq.write_table(pa.Table.from_pylist(stamps), path)
    return path


DAY = date(2026, 10, 5)
WANTED = What(DAY, ACCOUNT, "eu-west-1", "AWSLambda", "EU-Lambda-GB-Second", "checkout", "usage")


@pytest.mark.parametrize("form", ["cur2.csv", "legacy.csv", "legacy.csv.gz", "cur2.parquet", "focus.csv"])
def test_a_line_is_the_same_in_every_format(store, tmp_path, form):
    path = tmp_path / form
    if form.endswith("parquet"):
        a_parquet(path, CUR2)
    else:
        row = FOCUS if form.startswith("focus") else CUR2
        a_csv(path, row, names=LEGACY if form.startswith("legacy") else None)

    imported(store, path)

    source = "focus" if form.startswith("focus") else "cur"
    [(what, line)] = bills.bill(store, source, PAYER, "2026-10").items()
    assert what == WANTED
    assert (line.quantity, line.net_usd) == (Decimal(1000), Decimal("0.0166667"))


def test_the_same_file_twice_changes_nothing(store, tmp_path):
    path = a_csv(tmp_path / "a.csv", CUR2)
    imported(store, path)
    before = bills.imported(store)

    again = imported(store, path)

    assert again == {OCTOBER: "the same as before"}
    assert bills.imported(store) == before


def test_a_line_that_comes_twice_counts_once(store, tmp_path):
    first = a_csv(tmp_path / "a.csv", CUR2, CUR2 | {"identity_line_item_id": "a2"})
    second = a_csv(tmp_path / "b.csv", CUR2 | {"identity_line_item_id": "a2"}, CUR2)

    imported(store, first, second)

    assert bills.bill(store, *OCTOBER)[WANTED].quantity == 2000
    assert bills.imported(store)[0].repeated == 2


def test_a_newer_version_takes_the_place_of_an_older_one(store, tmp_path):
    imported(store, a_csv(tmp_path / "a.csv", CUR2))
    later = CUR2 | {"line_item_usage_start_date": "2026-10-09T00:00:00Z", "identity_line_item_id": "z"}

    did = imported(store, a_csv(tmp_path / "b.csv", later))

    assert did == {OCTOBER: "replaced"}
    assert [what.day for what in bills.bill(store, *OCTOBER)] == [date(2026, 10, 9)]


def test_an_older_version_is_left_out_unless_it_is_forced(store, tmp_path):
    later = CUR2 | {"line_item_usage_start_date": "2026-10-09T00:00:00Z"}
    imported(store, a_csv(tmp_path / "b.csv", later))
    older = a_csv(tmp_path / "a.csv", CUR2)

    assert imported(store, older) == {OCTOBER: "older than what is held"}
    assert WANTED not in bills.bill(store, *OCTOBER)
    assert imported(store, older, force=True) == {OCTOBER: "replaced"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"line_item_currency_code": "CNY"}, "a.csv:3: the currency is CNY"),
        ({"line_item_usage_amount": "many"}, "a.csv:3: line_item_usage_amount is no number: 'many'"),
        ({"line_item_unblended_cost": "NaN"}, "a.csv:3: line_item_unblended_cost is no number"),
        ({"line_item_usage_start_date": "yesterday"}, "a.csv:3: line_item_usage_start_date is no time"),
        ({"bill_payer_account_id": ""}, "a.csv:3: bill_payer_account_id is empty"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_imported(store, tmp_path, change, said):
    path = a_csv(tmp_path / "a.csv", CUR2, CUR2 | change)

    with pytest.raises(BillError) as failure:
        imported(store, path)

    assert said in str(failure.value)
    assert bills.imported(store) == []


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_missing_columns_are_named_and_nothing_is_imported(store, tmp_path, ending):
    row = {name: value for name, value in CUR2.items() if "usage_amount" not in name and "region" not in name}
    write = a_parquet if ending == ".parquet" else a_csv
    good, bad = a_csv(tmp_path / "a.csv", CUR2), write(tmp_path / f"b{ending}", row)

    with pytest.raises(BillError) as failure:
        imported(store, good, bad)

    missing = "line_item_usage_amount, product_region_code or product_region"
    assert f"{bad}:1: columns missing from the Cost and Usage Report: {missing}" in str(failure.value)
    assert bills.imported(store) == []


@pytest.mark.parametrize("form", ["cur2", "focus"])
def test_tags_with_commas_and_formulas_change_nothing_and_are_not_kept(store, tmp_path, form):
    plain, name = (FOCUS, "Tags") if form == "focus" else (CUR2, "resource_tags")
    tag = '=HYPERLINK("http://x"),"a, ""b""",\r\n@SUM(1)'
    imported(store, a_csv(tmp_path / "a.csv", plain | {name: tag}))

    [(what, line)] = bills.bill(store, bills.imported(store)[0].source, PAYER, "2026-10").items()

    assert (what, line.quantity) == (WANTED, Decimal(1000))
    assert "HYPERLINK" not in repr((what, line, bills.imported(store)))


@pytest.mark.parametrize("ending", [".csv.gz", ".parquet", ".csv"])
def test_a_file_that_is_cut_off_imports_nothing(store, tmp_path, ending):
    path = tmp_path / f"a{ending}"
    (a_parquet if ending == ".parquet" else a_csv)(path, *[CUR2] * 50)
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(BillError, match=rf"a{ending}:"):
        imported(store, path)

    assert bills.imported(store) == []


def test_one_wrong_file_of_several_stops_them_all(store, tmp_path):
    good = a_csv(tmp_path / "a.csv", CUR2)
    bad = a_csv(tmp_path / "b.csv", CUR2 | {"line_item_currency_code": "EUR"})

    with pytest.raises(BillError, match="nothing was imported"):
        imported(store, good, bad)

    assert bills.imported(store) == []


def test_credits_are_negative_and_stay_so(store, tmp_path):
    credit = CUR2 | {"line_item_line_item_type": "Credit", "line_item_unblended_cost": "-5.25"}

    imported(store, a_csv(tmp_path / "a.csv", credit))

    assert bills.bill(store, *OCTOBER)[WANTED._replace(kind="credit")].net_usd == Decimal("-5.25")


def test_what_is_not_about_lambda_is_passed_over(store, tmp_path):
    ec2 = CUR2 | {"line_item_product_code": "AmazonEC2", "line_item_currency_code": "EUR"}

    imported(store, a_csv(tmp_path / "a.csv", CUR2, ec2))

    assert bills.imported(store)[0].read == 1


def test_savings_plans_cost_what_they_really_cost(store, tmp_path):
    effective = "savings_plan_savings_plan_effective_cost"
    covered = CUR2 | {"line_item_line_item_type": "SavingsPlanCoveredUsage", effective: "0.0138"}
    negation = CUR2 | {
        "line_item_line_item_type": "SavingsPlanNegation",
        "line_item_unblended_cost": "-0.0166667",
        effective: "0",
    }

    imported(store, a_csv(tmp_path / "a.csv", covered, negation))

    assert sum(line.net_usd for line in bills.bill(store, *OCTOBER).values()) == Decimal("0.0138")


@given(st.lists(st.decimals(-1000, 1000, places=10), min_size=1, max_size=20))
def test_lines_add_up_to_the_last_digit(tmp_path_factory, costs):
    rows = [
        CUR2 | {"identity_line_item_id": str(i), "line_item_unblended_cost": str(usd)}
        for i, usd in enumerate(costs)
    ]
    path = a_csv(tmp_path_factory.mktemp("bill") / "a.csv", *rows)

    found = gather([path])[OCTOBER].bill

    assert sum(line.cost_usd for line in found.values()) == sum(costs)
