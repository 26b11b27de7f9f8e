"""The Savings page on a real store: its numbers against plain sums, its words, its button."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.entities import Function, Provisioned
from core.facts import Covered, Listed, Run, Target
from core.prices import prices
from core.telemetry import InvocationRecord
from core.windows import Window
from dashboard import numbers
from store.schema import action_request
from tests.dashboard.every_page import words

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")
DAYS = Window(NOW - timedelta(days=2), NOW)
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> **x** $a$"
PAGE = "views/savings.py"


def commit(store, collector, facts):
    times = {"started_at": NOW, "finished_at": NOW, "window": DAYS, "period_s": 60, "outcome": "ok"}
    store.commit(Run(collector=collector, target=PROD, **times), facts, now=NOW)


def function(name):
    about = {"runtime": "python3.13", "memory_mb": 1024, "timeout_s": 30, "ephemeral_mb": 512}
    return Function(name=name, arn=f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:{name}",
                    package_type="Zip", **about)  # fmt: skip


@pytest.fixture
def oversized(store):
    """Two days of a function that uses an eighth of its memory; one that nobody called, with idle units."""
    store.remember_target(PROD, "shop", now=NOW)
    records = [
        InvocationRecord(
            function=HOSTILE, ts=NOW - timedelta(minutes=n), event_id=str(n), request_id=str(n), stream="s",
            version="1", duration_ms=5_000.0, billed_ms=5_000.0, memory_mb=1024.0, max_memory_mb=128.0,
        )
        for n in range(1, 2 * 24 * 60)
    ]  # fmt: skip
    commit(store, "inventory", [function(HOSTILE), function("quiet"), Listed("function")])
    pool = Provisioned(name="quiet:gone", function="quiet", qualifier="gone", requested=3)
    commit(store, "details", [pool, Listed("version"), Listed("alias", "quiet")])
    commit(store, "logs", [*records, Covered(HOSTILE, DAYS), Covered("quiet", DAYS)])
    store.records = records
    return store


def table(app, column):
    return next(frame.value for frame in app.dataframe if column in frame.value)


def at_most_by_hand(store):
    """Half of a month's duration at 1,024 MB, if durations stay; idle units cost all they hold."""
    price = prices(PROD.region, "x86_64")
    gb_s = sum(r.billed_ms for r in store.records) / 1000 * 15
    return gb_s / 2 * float(price.duration), 3 * 30 * 86_400 * float(price.provisioned_capacity)


def test_the_largest_saving_comes_first_with_its_band(open_page, oversized):
    rows = table(open_page(PAGE), "low_usd")
    memory, units = at_most_by_hand(oversized)

    shown = dict(zip(rows["what"], rows["high_usd"], strict=True))
    assert shown["Memory"] == pytest.approx(memory)
    assert shown["Idle provisioned concurrency"] == pytest.approx(units)
    middle = ((rows["low_usd"] + rows["high_usd"]) / 2).dropna().tolist()
    assert middle == sorted(middle, reverse=True)


def test_the_costs_behind_proposals_can_be_had_as_focus(open_page, oversized):
    files = {one.proto.label for one in open_page(PAGE).get("download_button")}

    assert {"FOCUS CSV", "FOCUS Parquet"} <= files


def test_cards_count_only_the_larger_of_what_is_saved_twice(open_page, oversized):
    app = open_page(PAGE)
    rows = table(app, "low_usd").dropna(subset=["high_usd"])

    duration = rows[rows["what"].isin(["Memory", "Architecture"])]
    others = rows[~rows["what"].isin(["Memory", "Architecture"])]
    middle = (duration["low_usd"] + duration["high_usd"]) / 2
    expected = duration.loc[middle.idxmax(), "high_usd"] + others["high_usd"].sum()
    card = next(metric for metric in app.metric if metric.label.startswith("Saved at most"))
    assert card.value == numbers.usd(expected)


def test_what_is_not_known_stands_apart_with_what_is_missing(open_page, oversized):
    rows = table(open_page(PAGE), "missing")
    quiet = rows[(rows["function"] == "quiet") & (rows["what"] == "Memory")]

    assert "100 more invocation records" in quiet["missing"].iloc[0]
    assert quiet["high_usd"].isna().all()


def test_the_address_opens_a_proposal_with_its_change(open_page, oversized):
    app = open_page(PAGE, function=f"{PROD.account}.{PROD.region}.{HOSTILE}", kind="memory")

    assert "AWS Compute Optimizer: not asked" in words(app)
    code = [block.value for block in app.code]
    assert code[0].startswith("aws lambda update-function-configuration --function-name")
    assert "memory_size" in code[1]
    assert "quarterdeck act update-configuration" in code[2]


def test_names_of_others_show_as_they_are(open_page, oversized):
    app = open_page(PAGE, function=f"{PROD.account}.{PROD.region}.{HOSTILE}", kind="memory")

    assert not app.exception
    assert not [m for m in app.markdown if "<script>" in m.value and "\\<" not in m.value]


def test_planning_a_change_asks_for_the_action_and_changes_nothing(open_page, oversized):
    app = open_page(PAGE, function=f"{PROD.account}.{PROD.region}.quiet", kind="idle-provisioned")
    app.button(key="saving-plan").click().run()

    with oversized.transaction() as connection:
        (row,) = connection.execute(sa.select(action_request)).all()
    assert (row.state, row.subject) == ("asked", "quiet")
    assert row.action["do"] == "set-provisioned-concurrency"
    assert (row.action["qualifier"], row.action["count"]) == ("gone", 0)


def test_another_setup_is_replayed_beside_the_present_one(open_page, oversized):
    app = open_page(PAGE, function=f"{PROD.account}.{PROD.region}.{HOSTILE}", kind="memory", memory="512")
    told = table(app, "about").set_index("about")

    assert told.loc["Duration p95", "now"] == numbers.ms(5_000)
    assert told.loc["Duration p95", "then"] == f"{numbers.ms(5_000)} to {numbers.ms(10_000)}"
    assert "It would save" in words(app)


def test_a_function_that_the_address_names_and_nobody_knows_is_said(open_page, oversized):
    app = open_page(PAGE, function=f"{PROD.account}.{PROD.region}.ghost", kind="memory")

    assert "Nothing of that kind is known of ghost" in words(app)


def test_an_empty_store_says_what_is_missing(open_page, store):
    app = open_page(PAGE)

    assert not app.exception
    assert "No function is known yet" in words(app)
