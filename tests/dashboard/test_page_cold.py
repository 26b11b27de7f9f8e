"""The Cold starts page on a real store: every number against plain sums over the records."""

from dataclasses import replace
from datetime import timedelta
from statistics import mean

import pytest

from core.entities import Function, Provisioned, Version
from core.facts import Covered, Gap
from core.telemetry import EnvironmentStart, InvocationRecord
from core.windows import Window
from dashboard import numbers
from tests.dashboard.conftest import NOW, PROD
from tests.dashboard.conftest import commit as of_a_run
from tests.dashboard.every_page import table

WIDE = Window(NOW - timedelta(hours=4), NOW)
SHOWN = NOW - timedelta(hours=3)
DENIED = "logs:FilterLogEvents is not allowed"
HOSTILE = "=cmd|' /C calc'!A0 <script>alert(1)</script> **x** $a$"


def commit(store, collector, facts, **about):
    of_a_run(store, collector, facts, **({"window": WIDE} | about))


def function(name, **about):
    arn = f"arn:aws:lambda:{PROD.region}:{PROD.account}:function:{name}"
    plain = {"runtime": "java21", "memory_mb": 1024, "package_type": "Zip", "code_size_bytes": 8 * 2**20}
    return Function(name=name, arn=arn, **{**plain, **about})


def record(name, minutes_ago, *, init_ms=None, version="7", duration_ms=300.0, **about):
    return InvocationRecord(
        function=name,
        ts=NOW - timedelta(minutes=minutes_ago),
        event_id=f"{name}-{minutes_ago}",
        request_id=f"{name}-{minutes_ago}",
        stream=f"{name}-{minutes_ago // 60}",
        version=version,
        duration_ms=duration_ms,
        init_ms=init_ms,
        **{"billed_ms": duration_ms + (init_ms or 0), "memory_mb": 1024.0, **about},
    )


def words(app):
    kinds = ("markdown", "caption", "info", "warning")
    return "\n".join(element.value for kind in kinds for element in app.get(kind))


def metric(app, label):
    return next(m for m in app.metric if m.label.startswith(label))


@pytest.fixture
def waiting(store):
    """`slow` is called every 20 minutes and always cold; `fast` every two minutes, a tenth of it cold."""
    store.remember_target(PROD, "shop", now=NOW)
    slow = [record("slow", i * 20 + 5, init_ms=2000.0 + i) for i in range(12)]
    fast = [record("fast", i * 2 + 1, init_ms=None if i % 10 else 200.0) for i in range(120)]
    store.records = slow + fast
    versions = [Version(name="slow:7", function="slow", version="7", published=NOW - timedelta(hours=2))]
    about = {"runtime": "nodejs22.x", "architecture": "arm64", "code_size_bytes": 60 * 2**20}
    commit(store, "inventory", [function("slow"), function("fast", **about)])
    commit(store, "details", versions)
    commit(store, "logs", [*store.records, *(Covered(name, WIDE) for name in ("slow", "fast"))])
    return store


def shown(store, name=None):
    return [r for r in store.records if r.ts >= SHOWN and name in (None, r.function)]


def test_cards_are_sums_over_the_records_of_the_window(open_page, waiting):
    app = open_page("views/cold.py")

    mine = shown(waiting)
    cold = [r for r in mine if r.init_ms]
    assert metric(app, "Started cold").value == numbers.percent(len(cold) / len(mine))
    assert metric(app, "Cold starts").value == numbers.count(len(cold))
    assert metric(app, "Callers waited").value == numbers.age(sum(r.init_ms for r in cold) / 1000)


def test_the_table_has_the_longest_wait_first_with_a_remedy_and_its_reason(open_page, waiting):
    rows = table(open_page("views/cold.py"), "remedy")

    assert rows["function"].tolist() == ["slow", "fast"]
    assert (
        rows["remedy"].tolist() == ["One unit, or let them wait", "Leave as it is"]
        or rows["remedy"][0] == "SnapStart"
    )
    slow = [r.init_ms for r in shown(waiting, "slow")]
    assert rows["waited_s"][0] == pytest.approx(sum(slow) / 1000)
    assert "java21 takes" in rows["why"][0]


def test_units_of_the_function_that_is_waited_for_longest_are_shown_first(open_page, waiting):
    app = open_page("views/cold.py")

    slow = shown(waiting, "slow")
    spared = numbers.age(sum(r.init_ms for r in slow) / 1000)
    assert f"1 unit would have avoided {len(slow)} of {len(slow)} cold starts" in words(app)
    assert metric(app, "Callers spared").value == spared
    assert f"{len(slow)} recorded invocations are replayed" in words(app)
    assert numbers.ms(mean(r.init_ms for r in slow)) in words(app)


def test_the_number_of_units_is_in_the_address(open_page, waiting):
    app = open_page("views/cold.py", units="0")

    assert metric(app, "Cold starts left").value == str(len(shown(waiting, "slow")))
    assert "Without units" in words(app)


@pytest.mark.parametrize("units", ["999", "-1", "x"])
def test_a_number_of_units_that_makes_no_sense_falls_back_to_what_is_enough(units, open_page, waiting):
    assert "1 unit would have avoided" in words(open_page("views/cold.py", units=units))


def test_the_function_in_the_address_is_the_one_replayed(open_page, waiting):
    app = open_page("views/cold.py", fn=f"{PROD.account}.{PROD.region}.fast")

    assert f"{len(shown(waiting, 'fast'))} recorded invocations are replayed" in words(app)


def test_units_that_are_there_are_replayed_beside_what_was_recorded(open_page, waiting):
    pool = Provisioned(name="slow:7", function="slow", qualifier="7", requested=3)
    commit(waiting, "details", [pool])

    app = open_page("views/cold.py")

    recorded = len(shown(waiting, "slow"))
    assert f"cold starts 0 replayed with its 3 units, {recorded} recorded" in words(app)
    assert table(app, "remedy")["remedy"][0] == "Look at its units"


def test_a_function_without_records_is_a_sentence(open_page, waiting):
    app = open_page("views/cold.py", fn=f"{PROD.account}.{PROD.region}.gone")

    assert "No invocation record of gone in this window" in words(app)
    assert not app.exception


def test_deploys_are_compared_over_the_same_time_on_both_sides(open_page, waiting):
    app = open_page("views/cold.py", view="deploys")

    (row,) = table(app, "verdict").to_dict("records")
    deployed = NOW - timedelta(hours=2)
    after = [r for r in waiting.records if r.function == "slow" and r.ts >= deployed]
    assert row["each_side"] == "2 h"
    assert row["after_records"] == len(after)
    assert row["verdict"].startswith("too few records: ")
    assert "equally long" in words(app)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("start", {"Not told by the log": (None, None), "Proactive": None, "Unused": None}),
        ("runtime", {"java21": "slow", "nodejs22.x": "fast"}),
        ("architecture", {"x86_64": "slow", "arm64": "fast"}),
        ("package", {"Zip · 5 to 10 MB": "slow", "Zip · 50 to 100 MB": "fast"}),
        ("memory", {"1,024 MB": (None, None)}),
        ("version", {"slow · 7": "slow", "fast · 7": "fast"}),
    ],
)
def test_cold_starts_are_split_by_what_they_may_depend_on(by, groups, open_page, waiting):
    rows = table(open_page("views/cold.py", view="groups", by=by), "wait_share").set_index("group")

    assert set(rows.index) == set(groups)
    for label, name in groups.items():
        if name is not None:
            mine = shown(waiting, name if isinstance(name, str) else None)
            assert rows.loc[label, "cold_starts"] == sum(r.init_ms is not None for r in mine)
            assert rows.loc[label, "waited_s"] == pytest.approx(sum(r.init_ms or 0 for r in mine) / 1000)


def test_each_group_tells_the_ways_in_which_it_started(open_page, ahead):
    """Of java21 two were proactive, three restored and one provisioned; of the other runtime none."""
    one = record("slow", 21)
    told = [replace(one, event_id=f"r{i}", stream=f"r{i}", restore_ms=300.0 + i) for i in range(3)]
    told.append(record("slow", 22, init_ms=9.0, init_type="provisioned-concurrency"))
    commit(ahead, "logs", told)

    rows = table(open_page("views/cold.py", view="groups", by="runtime"), "wait_share").set_index("group")

    ways = ["restores", "proactive", "provisioned_inits"]
    assert rows.loc["java21", ways].tolist() == [3, 2, 1]
    assert rows.loc["nodejs22.x", ways].tolist() == [0, 0, 0]
    assert rows.loc["java21", "restore_p50_ms"] == 301
    assert rows["restore_p50_ms"].isna().tolist() == [False, True]


def test_ways_that_no_function_takes_have_no_column(open_page, waiting):
    rows = table(open_page("views/cold.py", view="groups", by="runtime"), "wait_share")

    assert not {"restores", "proactive", "provisioned_inits", "restore_p50_ms"} & set(rows)


def test_groups_cost_together_what_the_functions_cost(open_page, waiting):
    whole = table(open_page("views/cold.py"), "remedy")["init_cost_usd"].sum()

    for by in ("runtime", "version"):
        rows = table(open_page("views/cold.py", view="groups", by=by), "wait_share")
        assert rows["init_cost_usd"].sum() == pytest.approx(whole)


def test_what_was_started_ahead_is_unknown_not_zero_where_no_first_line_was_read(open_page, waiting):
    app = open_page("views/cold.py", view="groups")

    last = table(app, "wait_share").set_index("group").loc[["Proactive", "Unused"]]
    assert last.drop(columns="data").isna().all(axis=None)
    assert last["data"].str.startswith("not collected").all()
    assert "do not say whether an environment was provisioned" in words(app)
    assert "None was read of this window" in words(app)


@pytest.fixture
def ahead(waiting):
    """Two environments of `slow` were ready long before their first invocation, two never had one; a caller
    of `fast` came after seven seconds, while its environment still initialized."""
    one = record("slow", 100, init_ms=2000.0)
    first = [replace(one, stream=name, event_id=name) for name in ("p", "q")]
    soon = record("fast", 100, init_ms=8000.0)
    waiting.records += [*first, soon]
    begun = [start(name, NOW - timedelta(minutes=120)) for name in ("p", "q", "none", "none either")]
    came = soon.ts - timedelta(milliseconds=soon.duration_ms + soon.init_ms + 7000)
    begun.append(replace(start(soon.stream, came), function="fast"))
    commit(waiting, "logs", [*first, soon, *begun])
    return waiting


def test_proactive_and_unused_environments_are_counted_from_their_first_lines(open_page, ahead):
    app = open_page("views/cold.py", view="groups")

    rows = table(app, "wait_share").set_index("group")
    assert rows.loc["Unused", "nobody_waited"] == 2
    assert rows.loc["Proactive", ["nobody_waited", "init_p50_ms"]].tolist() == [2, 2000]
    assert rows.loc[["Proactive", "Unused"], "waited_s"].tolist() == [0, 0]
    assert rows.loc["Not told by the log", "nobody_waited"] == 2
    assert "what callers waited is without them" in words(app)


def test_nobody_waited_for_what_was_started_ahead(open_page, ahead):
    """On the card, in the table and the answer; a cold start it stays, as AWS reports it."""
    app = open_page("views/cold.py")

    cold = [r for r in shown(ahead) if r.init_ms]
    met = [r for r in cold if r.stream not in ("p", "q")]
    assert len(cold) == len(met) + 2
    share = numbers.percent(len(met) / len(shown(ahead)))
    assert f"for which nobody waited: {share}" in metric(app, "Started cold").help
    assert metric(app, "Cold starts").value == numbers.count(len(cold))
    assert metric(app, "Callers waited").value == numbers.age(sum(r.init_ms for r in met) / 1000)
    rows = table(app, "remedy").set_index("function")
    assert rows["waited_s"].to_dict() == pytest.approx(
        {name: sum(r.init_ms for r in met if r.function == name) / 1000 for name in ("slow", "fast")}
    )
    assert rows["proactive"].to_dict() == {"slow": 2, "fast": 0}
    assert "proactive" not in table(open_page("views/cold.py", range="1h"), "remedy")
    assert f"for 2 of {len(cold)} cold starts nobody did" in words(app)


def test_units_spare_nobody_who_did_not_wait(open_page, ahead):
    app = open_page("views/cold.py")

    met = [r for r in shown(ahead, "slow") if r.stream not in ("p", "q")]
    assert f"{len(met)} recorded." in words(app)
    assert numbers.ms(mean(r.init_ms for r in met)) in words(app)


def start(stream, ts):
    return EnvironmentStart(function="slow", ts=ts, event_id=f"{stream}-{ts}", stream=stream, version="7")


@pytest.mark.parametrize("view", ["units", "deploys", "groups", "week", "nonsense"])
def test_every_view_opens_where_there_is_nothing_and_where_logs_are_denied(view, open_page, store):
    commit(store, "inventory", [function("slow")])
    why = Gap(scope="", window=WIDE, why=DENIED, permission="logs:FilterLogEvents")
    commit(store, "logs", [why], outcome="denied", error=DENIED)

    app = open_page("views/cold.py", view=view)

    assert not app.exception
    assert DENIED in words(app).replace("\\", "")
    assert not app.metric


@pytest.mark.parametrize("view", ["units", "deploys", "groups"])
def test_names_of_others_stay_text(view, open_page, store):
    told = [record("x", i * 20 + 5, init_ms=2000.0, version=HOSTILE) for i in range(9)]
    commit(store, "inventory", [function("x", runtime=HOSTILE, description=HOSTILE)])
    commit(store, "logs", [*told, Covered("x", WIDE)])

    app = open_page("views/cold.py", view=view, by="version")

    assert not app.exception
    assert "<script>" not in words(app)
    assert "**x**" not in words(app)


@pytest.mark.parametrize("collector", ["inventory", "details", "metrics", "changes"])
def test_records_are_told_whatever_else_is_denied(collector, open_page, waiting):
    gap = Gap(scope="", window=WIDE, why="not allowed", permission="lambda:ListFunctions")
    commit(waiting, collector, [gap], outcome="denied", error="not allowed")

    app = open_page("views/cold.py", view="deploys")

    assert metric(app, "Cold starts").value == numbers.count(
        sum(r.init_ms is not None for r in shown(waiting))
    )
    assert not app.exception
