"""Numbers of pages about ourselves against plain sums over what was committed, seeded."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from core.entities import Function, LogMode
from core.facts import Covered, Gap, Usage
from core.windows import Window
from dashboard import numbers
from store import schema
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAD = ("denied", "failed", "skipped")


@pytest.fixture
def ran(store):
    """Three days of runs of four collectors, oldest first, each with what its calls cost."""
    chance, told = random.Random(3), []
    store.remember_target(PROD, "shop", now=NOW)
    commit(store, "inventory", [], at=NOW - 4 * DAY, usage=())
    ends = sorted(NOW - timedelta(minutes=chance.randint(1, 72 * 60)) for _ in range(120))
    for end in ends:
        collector = chance.choice(["metrics", "logs", "queues", "traces"])
        outcome = chance.choice(["ok", "ok", "ok", "partial", *BAD])
        calls = chance.randint(1, 9)
        units, usd = calls * chance.randint(1, 500), Decimal(chance.randint(0, 99_999)) / 10**7
        operation = chance.choice(["GetMetricData", "FilterLogEvents"])
        usage = Usage(service="monitoring", operation=operation, calls=calls, units=units, cost_usd=str(usd))
        window = Window(end - HOUR, end)
        error = None if outcome == "ok" else "it was so"
        commit(store, collector, [], at=end, window=window, outcome=outcome, error=error, usage=(usage,))
        told.append((collector, outcome, end, operation, calls, units, usd))
    return told


def test_rows_of_collectors_count_their_runs_of_a_day_and_tell_the_newest(open_page, ran):
    rows = table(open_page("views/collection.py"), "runs_24h").set_index("collector")

    for collector in {each[0] for each in ran}:
        mine = [(outcome, end) for name, outcome, end, *_ in ran if name == collector]
        day = [outcome for outcome, end in mine if end > NOW - DAY]
        assert rows.loc[collector, "runs_24h"] == len(day)
        assert rows.loc[collector, "failed_24h"] == sum(outcome in BAD for outcome in day)
        assert rows.loc[collector, "last_run"] == mine[-1][1]
        newest_good = max(end for outcome, end in mine if outcome in ("ok", "partial"))
        assert rows.loc[collector, "last_ok"] == newest_good
        assert rows.loc[collector, "age"] == numbers.age(NOW - newest_good)


def test_what_watching_costs_is_a_sum_over_the_calls_of_the_month(open_page, ran):
    app = open_page("views/collection.py")

    by_collector = next(one.value for one in app.dataframe if one.proto.alt.startswith("Cost per collector"))
    by_call = next(one.value for one in app.dataframe if one.proto.alt.startswith("Calls, billed units"))
    for shown, keys in ((by_collector, ["collector"]), (by_call, ["collector", "operation"])):
        sums = defaultdict(lambda: [0, 0, Decimal(0)])
        for collector, _, _, operation, calls, units, usd in ran:
            of = sums[(collector, operation)[: len(keys)]]
            of[0], of[1], of[2] = of[0] + calls, of[1] + units, of[2] + usd
        rows = {tuple(row[name] for name in keys): row for row in shown.to_dict("records")}
        assert rows.keys() == sums.keys()
        for key, (calls, units, usd) in sums.items():
            assert (rows[key]["calls"], rows[key]["units"]) == (calls, units)
            assert rows[key]["cost_usd"] == pytest.approx(float(usd))


def test_gaps_and_modes_of_logs_are_counted_as_they_were_told(open_page, ran, store):
    lost = Window(WINDOW.start + HOUR, WINDOW.start + HOUR + timedelta(minutes=25))
    gaps = [Gap(name, lost, "the API said no", None) for name in ("a", "b", "c")]
    read = [Window(WINDOW.start, lost.start), Window(lost.end, WINDOW.end)]
    read = [*(Covered(name, part) for name in "abc" for part in read), Covered("d", WINDOW)]
    functions = [Function(name=name, arn=f"arn:{name}") for name in "abcd"]
    commit(store, "inventory", functions)
    modes = {"a": "every", "b": "every", "c": "aggregated", "d": "off"}
    commit(store, "logs", [*gaps, *read, *(LogMode(name=n, mode=m, why="so") for n, m in modes.items())],
           outcome="partial", error="it was so")  # fmt: skip

    said = [each.value.replace("\\", "") for kind in ("markdown", "caption") for each in open_page(
        "views/collection.py", **{"from": WINDOW.start.isoformat(), "to": WINDOW.end.isoformat()}
    ).get(kind)]  # fmt: skip

    line = next(text for text in said if "the API said no" in text)
    assert "3 of them, such as a · 25 min up to 10:25" in line
    assert any(text.startswith("2 every invocation, 1 aggregated, 1 off") for text in said)


def test_a_channels_line_counts_its_messages(open_page, store):
    chance = random.Random(5)
    notices = [
        {
            "id": f"n{at}", "seq": at, "incident": f"i{at}", "channel": chance.choice(["chat", "mail"]),
            "reason": "firing", "notice": {"title": "t"}, "attempts": 1, "created_at": created,
            "state": (state := chance.choice(["queued", "delivered", "dead", "folded"])),
            "next_at": created, "delivered_at": created if state == "delivered" else None,
        }
        for at in range(80)
        if (created := NOW - timedelta(minutes=chance.randint(1, 60 * 48)))
    ]  # fmt: skip
    with store.transaction() as connection:
        connection.execute(sa.insert(schema.outbox), notices)
        for name in ("chat", "mail"):
            about = {"channel": name, "kind": "slack", "state": "working", "said": "", "target": "x"}
            connection.execute(sa.insert(schema.channel_state).values(since=NOW, failures=0, **about))

    lines = [
        each.value for each in open_page("views/channels.py").markdown if "delivered in 24 h" in each.value
    ]

    for name in ("chat", "mail"):
        mine = [each for each in notices if each["channel"] == name]
        count = {
            state: sum(each["state"] == state and each["created_at"] > NOW - DAY for each in mine)
            for state in ("delivered", "folded")
        }
        waits = [each["created_at"] for each in mine if each["state"] == "queued"]
        dead = sum(each["state"] == "dead" for each in mine)
        line = next(each for each in lines if f"**{name}**" in each)
        assert f"{count['delivered']} delivered in 24 h · {count['folded']} told in digests" in line
        assert f"{len(waits)} waiting, the oldest for {numbers.age(NOW - min(waits))}" in line
        assert f"{dead} given up" in line
