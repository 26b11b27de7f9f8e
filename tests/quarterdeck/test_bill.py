"""Bills on the command line, from a file to what is left unexplained."""

import json
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from core.entities import Charge, ChargedDay, EventSourceMapping, Function, Queue
from core.facts import Covered, Listed, Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint, QueueSample
from core.windows import Window
from store.store import Store
from tests.store.test_bills import CUR2, a_csv

TARGET = Target("111111111111", "eu-west-1")
DAY = datetime(2026, 10, 5, tzinfo=UTC)


QUEUE_PRICE = """
as_of: 2026-10-01
sources: {page: the pricing page}
prices: [{price: queue_requests, region: eu-west-1, usd: "0.0000004", source: page}]
"""


@contextmanager
def opened(folder):
    with closing(Store.open(StoreSettings(path=folder, free_space_floor_mb=0))) as store:
        yield store


def commit(store, window, facts, collector="metrics"):
    at = window.end + timedelta(hours=2)
    run = Run(
        collector=collector, target=TARGET, window=window, period_s=3600,
        started_at=at, finished_at=at, outcome="ok",
    )  # fmt: skip
    store.commit(run, facts, now=at)


@pytest.fixture
def counted(tmp_path):
    """A store that counted 1,000 GB-seconds of checkout on 5 October."""
    facts = [
        Function(
            name="checkout",
            arn="arn",
            runtime="python3.13",
            architecture="x86_64",
            memory_mb=1024,
            config_sha256="",
        ),
        Listed("function"),
        MetricPoint(
            scope="function",
            function="checkout",
            ts=DAY,
            period_s=3600,
            invocations=1.0,
            duration_sum_ms=999_999.5,  # billed to the next millisecond, half of one on average
            log_bytes=0.0,
        ),
    ]
    window = Window(DAY, DAY + timedelta(days=1))
    with opened(tmp_path / "store") as store:
        commit(store, window, [*facts, Covered("checkout", window, 3600)])
    return tmp_path / "store"


def test_a_bill_of_what_was_counted_leaves_nothing_unexplained(quarterdeck, counted, tmp_path):
    path = a_csv(tmp_path / "a.csv", CUR2)

    first = quarterdeck("--store", counted, "bill", "import", path)
    answer = json.loads(quarterdeck("--store", counted, "bill", "reconcile", "--json").stdout)

    assert "2026-10 of payer 999999999999 (cur): imported, 1 lines about Lambda" in first.stdout
    assert answer["unexplained_usd"] == 0
    assert answer["bill_usd"] == 0.0166667
    assert "can be trusted" in answer["says"]


def test_what_the_store_did_not_count_is_said_in_words(quarterdeck, counted, tmp_path):
    more = CUR2 | {"identity_line_item_id": "b", "line_item_unblended_cost": "0.0166667"}
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2, more))

    said = quarterdeck("--store", counted, "bill", "reconcile", "--month", "2026-10")

    assert "(50 %) are unexplained" in said.stdout
    assert "checkout" in said.stdout


def test_a_day_that_was_estimated_from_metrics_may_be_off_by_what_they_do_not_tell(
    quarterdeck, counted, tmp_path
):
    starts = CUR2 | {
        "identity_line_item_id": "b",
        "line_item_usage_amount": "200",
        "line_item_unblended_cost": "0.00333334",
        "pricing_public_on_demand_cost": "0.00333334",
    }
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2, starts))

    answer = json.loads(quarterdeck("--store", counted, "bill", "reconcile", "--json").stdout)

    reasons = {one["reason"]: one["names"] for one in answer["differences"]}
    assert reasons == {"known roughly": ["estimated from metrics"], "rounding": []}
    assert "$0.003333 (17 %) are known roughly" in answer["says"]


def test_a_day_of_which_the_metrics_were_not_read_in_full_is_not_called_unexplained(
    quarterdeck, counted, tmp_path
):
    with opened(counted) as store:
        window = Window(DAY, DAY + timedelta(hours=20))
        commit(store, window, [Function(name="new", arn="arn"), Covered("new", window, 3600)])
    more = CUR2 | {"identity_line_item_id": "b"}
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2, more))

    answer = json.loads(quarterdeck("--store", counted, "bill", "reconcile", "--json").stdout)

    reasons = {one["reason"]: one["names"] for one in answer["differences"]}
    assert reasons["days not collected"] == ["2026-10-05"]
    assert "unexplained" not in reasons


def test_cost_explorer_is_compared_where_no_bill_was_imported_and_when_asked_for(
    quarterdeck, counted, tmp_path
):
    with opened(counted) as store:
        lines = [
            Charge("AWSLambda", "EU-Lambda-GB-Second", "Usage", "1000", "0.0166667"),
            Charge("AWSLambda", "EU-Lambda-GB-Second", "Credit", "0", "-2.5"),
        ]
        days = [DAY + timedelta(days=n) for n in range(2)]
        commit(store, Window(DAY, DAY + timedelta(days=1)), [
            ChargedDay(name=f"{day:%Y-%m-%d}", is_estimated=True, charges=tuple(lines if day == DAY else ()))
            for day in days
        ])  # fmt: skip
    alone = json.loads(quarterdeck("--store", counted, "bill", "reconcile", "--json").stdout)
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2))

    asked = quarterdeck("--store", counted, "bill", "reconcile", "--against", "cost explorer", "--json")
    usual = json.loads(quarterdeck("--store", counted, "bill", "reconcile", "--json").stdout)

    assert alone == json.loads(asked.stdout)
    assert (alone["against"], usual["against"]) == ("cost explorer", "imported")
    assert (alone["unexplained_usd"], alone["is_final"]) == (0, False)
    assert {one["reason"] for one in alone["differences"]} <= {"credits and refunds", "rounding"}
    assert quarterdeck("--store", counted, "bill", "reconcile", "--against", "x").exit_code == 2


def test_a_queue_is_known_by_the_name_that_a_bill_has_for_it(quarterdeck, counted, tmp_path):
    queue = "arn:aws:sqs:eu-west-1:111111111111:orders"
    window = Window(DAY, DAY + timedelta(days=1))
    with opened(counted) as store:
        mapping = EventSourceMapping(name="m", function="checkout", source_arn=queue, state="Enabled")
        sample = QueueSample(queue=queue, ts=DAY, period_s=3600, sent=1e6, received=1e6, deleted=1e6)
        facts = [mapping, Queue(name=queue), sample, Covered(queue, window, 3600)]
        commit(store, window, facts, collector="queues")
    line = CUR2 | {
        "line_item_product_code": "AWSQueueService",
        "line_item_usage_type": "EU-Requests-RBP",
        "line_item_usage_amount": "3000000",
        "line_item_resource_id": queue,
    }
    other = line | {"identity_line_item_id": "b", "line_item_resource_id": f"{queue}-of-others"}
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2, line, other))
    (tmp_path / "p.yml").write_text(QUEUE_PRICE)
    (tmp_path / "s.yml").write_text(f"cost: {{prices: {tmp_path / 'p.yml'}}}")

    told = quarterdeck("--settings", tmp_path / "s.yml", "--store", counted, "bill", "reconcile", "--json")

    answer = json.loads(told.stdout)
    shared = next(one for one in answer["differences"] if one["reason"] == "shared with other services")
    assert shared["names"] == ["orders-of-others"]


def test_a_broken_file_ends_with_one_and_names_its_line(quarterdeck, counted, tmp_path):
    path = a_csv(tmp_path / "a.csv", CUR2 | {"line_item_currency_code": "EUR"})

    failed = quarterdeck("--store", counted, "bill", "import", path)

    assert failed.exit_code == 1
    assert f"{path}:2: the currency is EUR: only bills in USD are compared" in failed.stderr


def test_nothing_to_import_and_no_bill_are_mistakes_of_the_command(quarterdeck, counted):
    assert quarterdeck("--store", counted, "bill", "import").exit_code == 2
    assert quarterdeck("--store", counted, "bill", "reconcile").exit_code == 2
    assert "no month such as" in quarterdeck("--store", counted, "bill", "forget", "x").stderr


def test_a_month_can_be_forgotten(quarterdeck, counted, tmp_path):
    quarterdeck("--store", counted, "bill", "import", a_csv(tmp_path / "a.csv", CUR2))

    quarterdeck("--store", counted, "bill", "forget", "2026-10")

    assert json.loads(quarterdeck("--store", counted, "bill", "list", "--json").stdout) == {"bills": []}


def test_files_of_the_settings_are_imported_when_none_is_named(quarterdeck, counted, tmp_path):
    folder = tmp_path / "bills"
    folder.mkdir()
    a_csv(folder / "a.csv", CUR2)
    settings = tmp_path / "s.yml"
    settings.write_text(f"cost: {{bills: [{folder}]}}")

    said = quarterdeck("--settings", settings, "--store", counted, "bill", "import")

    assert "imported" in said.stdout


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_costs_are_written_as_focus(quarterdeck, filled, tmp_path, ending):
    path = tmp_path / f"focus.{ending}"

    said = quarterdeck("--store", filled, "cost", "--by", "account,region,function", "--focus", path)

    frame = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert f"wrote {len(frame)} rows" in said.stderr
    assert {"BilledCost", "ServiceName", "x_Component"} <= set(frame.columns)
    assert len(frame)


def test_a_focus_file_is_csv_or_parquet(quarterdeck, filled):
    assert quarterdeck("--store", filled, "cost", "--focus", "a.xlsx").exit_code == 2


def test_budgets_say_where_they_stand(quarterdeck, filled, tmp_path):
    path = tmp_path / "b.yml"
    path.write_text("cost: {budgets: [{name: everything, usd_per_month: 100}]}")

    answer = json.loads(quarterdeck("--settings", path, "--store", filled, "budgets", "--json").stdout)
    said = quarterdeck("--settings", path, "--store", filled, "budgets")

    assert answer["budgets"][0]["spent_usd"] == answer["total"]["spent_usd"]
    assert "where the month will end is not known: 7 whole days are needed" in said.stdout
