from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import insights, logs
from collectors.collector import Ask, Expected
from collectors.insights import SUMS, cut, run, to_bin, to_number, to_time
from collectors.runner import collect_due
from core.entities import Function, LogGroup
from core.errors import AwsError, BudgetError
from core.facts import Covered, Gap, Inventory, Run, Target
from core.settings import CollectSettings, LogSettings
from core.telemetry import InvocationSummary, LogEvent
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 32, tzinfo=UTC)
TARGET = Target("111122223333", "eu-west-1")
WINDOW = Window(NOW - timedelta(hours=1), NOW)
READ = Window(datetime(2026, 11, 21, 9, 30, tzinfo=UTC), datetime(2026, 11, 21, 10, 10, tzinfo=UTC))
"""Whole bins of WINDOW that no longer change."""


NUMBERS = {
    "reports": 7,
    "inits": 2,
    "restores": 1,
    "timeouts": 1,
    "late_lines": 2,
    "out_of_memory": 1,
    "duration_sum": 700.5,
    "duration_p50": 90,
    "duration_p95": 200,
    "duration_p99": 300,
    "duration_max": 310.25,
    "billed_sum": 720,
    "init_sum": 400,
    "init_p50": 200,
    "init_p95": 220,
    "init_max": 230,
    "memory_max": 128,
}


def a_function(name: str, **fields) -> Function:
    return Function(name=name, arn=name, **{"log_group": f"/aws/lambda/{name}"} | fields)


def row(at: str = "09:35", group: str = "/aws/lambda/a", **numbers) -> dict[str, str]:
    fields = {"bin": f"2026-11-21 {at}:00.000", "@log": f"111122223333:{group}"}
    return fields | {name: str(value) for name, value in numbers.items()}


def line(message: str, *, at: str = "09:36", group: str = "/aws/lambda/a", stream: str = "2026/11/21/[7]x"):
    about = {"@timestamp": f"2026-11-21 {at}:00.500", "@message": message, "@logStream": stream}
    return about | {"@log": f"111122223333:{group}", "@ptr": "p"}


class Queries:
    """Answers queries as Logs Insights does; `statuses` are those of the looks before it is complete."""

    def __init__(self, sums=(), lines=(), *, statuses=(), scanned: int = 1000) -> None:
        self.sums, self.lines, self.statuses, self.scanned = list(sums), list(lines), list(statuses), scanned
        self.started: list[Mapping[str, Any]] = []
        self.paused: list[float] = []
        self.stopped: list[str] = []

    @property
    def answers(self) -> dict[str, Any]:
        return {"StartQuery": self.start, "GetQueryResults": self.results, "StopQuery": self.stop}

    def start(self, params):
        self.started.append(params)
        return {"queryId": f"q{len(self.started)}"}

    def results(self, params):
        status = self.statuses.pop(0) if self.statuses else "Complete"
        asked = self.started[int(params["queryId"][1:]) - 1]["queryString"]
        rows = self.sums if asked == SUMS else self.lines
        fields = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
        return {"status": status, "results": fields, "statistics": {"bytesScanned": float(self.scanned)}}

    def stop(self, params):
        self.stopped.append(params["queryId"])
        return {"success": True}

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)


def collected(aws, queries: Queries, *functions: Function, window=WINDOW, newest=True, **more):
    settings = CollectSettings(logs=LogSettings(mode="aggregated"))
    known = Inventory(functions=functions)
    ask = Ask(window=window, known=known, settings=settings, newest=newest, **more)
    return list(logs.collect(aws, ask, pause=queries.pause))


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


def test_reports_of_a_bin_become_a_sum(answered):
    queries = Queries([row(**NUMBERS)])

    (found,) = of(InvocationSummary, collected(answered(**queries.answers), queries, a_function("a")))

    assert (found.function, found.ts, found.period_s) == ("a", READ.start + timedelta(minutes=5), 300)
    assert (found.reports, found.cold_starts, found.timeouts, found.out_of_memory) == (7, 3, 2, 1)
    assert (found.duration_sum_ms, found.duration_p95_ms, found.duration_max_ms) == (700.5, 200, 310.25)
    assert (found.billed_sum_ms, found.init_sum_ms, found.init_max_ms) == (720, 400, 230)
    assert found.max_memory_mb == 128


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"out_of_memory": 0, "full_reports": 3, "killed_lines": 2}, 2),
        ({"out_of_memory": 0, "full_reports": 0, "killed_lines": 2}, 0),
        ({"out_of_memory": 2, "full_reports": 2, "killed_lines": 2}, 2),
        ({"out_of_memory": 2, "full_reports": 0, "killed_lines": 0}, 2),
        ({"out_of_memory": 1, "killed_lines": 1}, 1),
    ],
)
def test_kills_beside_used_up_memory_count_as_out_of_memory(told, found):
    bin_ = insights.to_bin(row(**(NUMBERS | {"out_of_memory": None} | told)))

    assert bin_.summary.out_of_memory == found


@pytest.mark.parametrize(("log_format", "errors"), [("JSON", 3), ("Text", None)])
def test_errors_are_known_where_reports_tell_of_them(answered, log_format, errors):
    queries = Queries([row(reports=7, failures=3)])
    function = a_function("a", log_format=log_format)

    (found,) = of(InvocationSummary, collected(answered(**queries.answers), queries, function))

    assert found.errors == errors


def test_only_whole_bins_that_no_longer_change_are_scanned(answered):
    queries = Queries()

    facts = collected(answered(**queries.answers), queries, a_function("a"))

    assert of(Covered, facts) == [Covered("a", READ, period_s=300)]
    assert {(q["startTime"], q["endTime"]) for q in queries.started} == {
        (READ.start.timestamp(), READ.end.timestamp())
    }
    assert [(f.gap.scope, f.gap.window) for f in of(Expected, facts)] == [("a", Window(READ.end, NOW))]


def test_history_is_scanned_to_its_end(answered):
    queries = Queries()

    facts = collected(answered(**queries.answers), queries, a_function("a"), window=READ, newest=False)

    assert of(Covered, facts) == [Covered("a", READ, period_s=300)]
    assert of(Expected, facts) == []


def test_a_window_without_a_whole_settled_bin_costs_nothing(answered):
    queries = Queries()
    window = Window(NOW - timedelta(minutes=20), NOW)

    collected(answered(**queries.answers), queries, a_function("a"), window=window)

    assert queries.started == []


def test_fifty_groups_share_a_query(answered):
    queries = Queries()
    aws = answered(**queries.answers)

    collected(aws, queries, *(a_function(f"f{n}") for n in range(60)))

    assert sorted(len(q["logGroupNames"]) for q in queries.started) == [10, 10, 50, 50]


def test_rows_belong_to_the_function_of_their_group(answered):
    queries = Queries([row(group="/aws/lambda/b", reports=1), row(reports=2)])

    found = of(
        InvocationSummary,
        collected(answered(**queries.answers), queries, a_function("a"), a_function("b")),
    )

    assert {(s.function, s.reports) for s in found} == {("a", 2), ("b", 1)}


def test_rows_of_a_shared_group_belong_to_the_function_their_stream_names(answered):
    rows = [row(group="/shop", owner="b", reports=1), row(group="/shop", owner="stranger", reports=9)]
    queries = Queries(rows, [line("[ERROR] KeyError: 1", group="/shop", stream="2026/11/21/b[7]x")])
    functions = [a_function(name, log_group="/shop") for name in "ab"]

    facts = collected(answered(**queries.answers), queries, *functions)

    assert [(s.function, s.reports) for s in of(InvocationSummary, facts)] == [("b", 1)]
    assert [e.function for e in of(LogEvent, facts)] == ["b"]


def test_a_shared_group_with_a_stream_of_nobody_is_incomplete(answered):
    queries = Queries([row(group="/shop", owner="b", reports=1), row(group="/shop", reports=9)])
    functions = [a_function(name, log_group="/shop") for name in "ab"]

    facts = collected(answered(**queries.answers), queries, *functions, window=READ, newest=False)

    gaps = [f.gap for f in of(Expected, facts)]
    assert [(gap.scope, gap.window) for gap in gaps] == [("a reports", READ), ("b reports", READ)]
    assert "does not say whose" in gaps[0].why


def test_reports_that_the_log_level_suppresses_are_missing_in_sums_too(answered):
    quiet = a_function("a", log_format="JSON", system_log_level="WARN")
    queries = Queries()

    facts = collected(answered(**queries.answers), queries, quiet, window=READ, newest=False)

    (gap,) = [f.gap for f in of(Expected, facts)]
    assert (gap.scope, gap.window) == ("a reports", READ)
    assert "WARN" in gap.why


def test_a_bin_in_which_lambda_dropped_logs_is_incomplete(answered):
    queries = Queries([row("09:35", reports=7, drops=2), row("09:40", reports=7, drops=0)])

    facts = collected(answered(**queries.answers), queries, a_function("a"), window=READ, newest=False)

    (gap,) = [f.gap for f in of(Expected, facts)]
    assert gap.window == Window(READ.start + timedelta(minutes=5), READ.start + timedelta(minutes=10))
    assert "dropped" in gap.why


def test_a_row_at_the_end_of_the_window_belongs_to_the_next(answered):
    queries = Queries([row("10:10", reports=1), row("10:05", reports=2)])

    found = of(InvocationSummary, collected(answered(**queries.answers), queries, a_function("a")))

    assert [s.reports for s in found] == [2]


def test_error_lines_are_kept_masked_and_with_a_signature(answered):
    queries = Queries(lines=[line("[ERROR] LoginError: password=hunter2 is wrong for 17\n")])

    (found,) = of(LogEvent, collected(answered(**queries.answers), queries, a_function("a")))

    assert (found.function, found.level, found.version) == ("a", "error", "7")
    assert "hunter2" not in found.message + found.signature
    assert found.ts == READ.start + timedelta(minutes=6, seconds=0.5)


def test_a_line_that_is_read_twice_has_one_id(answered):
    queries = Queries(lines=[line("[ERROR] KeyError: 1"), line("[ERROR] KeyError: 2")])
    aws = answered(**queries.answers)

    once, again = (of(LogEvent, collected(aws, queries, a_function("a"))) for _ in range(2))

    assert [e.event_id for e in once] == [e.event_id for e in again]
    assert len({e.event_id for e in once}) == 2


def test_a_running_query_is_looked_at_until_it_is_complete(answered):
    queries = Queries([row(reports=1)], statuses=["Scheduled", "Running", "Unknown"])
    aws = answered(**queries.answers)

    rows = run(aws, SUMS, ["/g"], READ, pause=queries.pause)

    assert len(rows) == 1
    assert queries.paused == list(insights.PAUSES_S[:3])
    assert queries.stopped == []


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "Timeout"])
def test_a_part_of_the_sums_is_not_taken_for_the_whole(answered, status):
    queries = Queries([row(reports=1)], statuses=[status])

    facts = collected(answered(**queries.answers), queries, a_function("a"))

    assert of(InvocationSummary, facts) == []
    assert of(Covered, facts) == []
    assert [(g.scope, g.window) for g in of(Gap, facts)] == [("a", READ)]
    assert status in of(Gap, facts)[0].why


def test_a_query_that_takes_too_long_is_stopped(answered):
    queries = Queries([row(reports=1)], statuses=["Running"] * 100)
    aws = answered(**queries.answers)

    facts = collected(aws, queries, a_function("a"))

    assert queries.stopped == ["q1"]
    assert aws.asked["GetQueryResults"] == len(insights.PAUSES_S) + 1
    assert "took longer than 60 s" in of(Gap, facts)[0].why


def test_too_many_rows_are_an_error_rather_than_a_part(answered):
    queries = Queries([row(reports=1)] * insights.MOST_ROWS)

    with pytest.raises(AwsError, match="more than 10,000 rows"):
        run(answered(**queries.answers), SUMS, ["/g"], READ, pause=queries.pause)


def test_too_many_queries_at_once_are_told(answered, refusing):
    aws = answered(StartQuery=refusing("LimitExceededException"))

    facts = collected(aws, Queries(), a_function("a"))

    assert "too many Logs Insights queries run at once" in of(Gap, facts)[0].why


def test_a_role_without_the_right_is_named_its_missing_action_after_a_few_tries(answered, refusing):
    aws = answered(StartQuery=refusing("AccessDeniedException"))

    facts = collected(aws, Queries(), *(a_function(f"f{n}") for n in range(40)))

    assert {g.permission for g in of(Gap, facts)} == {"logs:StartQuery"}
    assert len(of(Gap, facts)) == 40
    assert aws.asked["StartQuery"] == 4


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_one_group_that_refuses_leaves_the_others(answered, refusing, code):
    queries = Queries([row(reports=2)])

    def start(params):
        return refusing(code)(params) if "/aws/lambda/b" in params["logGroupNames"] else queries.start(params)

    facts = collected(
        answered(**queries.answers | {"StartQuery": start}), queries, a_function("a"), a_function("b")
    )

    assert [s.reports for s in of(InvocationSummary, facts)] == [2]
    assert [c.scope for c in of(Covered, facts)] == ["a"]


def test_a_group_that_is_known_not_to_be_there_is_not_asked_for(answered):
    queries = Queries()
    known = Inventory(
        functions=(a_function("a"), a_function("b")), log_groups=(LogGroup(name="/aws/lambda/a"),)
    )
    settings = CollectSettings(logs=LogSettings(mode="aggregated"))
    ask = Ask(window=WINDOW, known=known, settings=settings)

    facts = list(logs.collect(answered(**queries.answers), ask, pause=queries.pause))

    assert {tuple(q["logGroupNames"]) for q in queries.started} == {("/aws/lambda/a",)}
    assert ("b", True) in [(f.gap.scope, "does not exist" in f.gap.why) for f in of(Expected, facts)]


class NoMoney:
    def take(self, usd) -> None: ...
    def settle(self, usd) -> None: ...
    def ensure(self, usd) -> None:
        if usd > 0:
            raise BudgetError("the budget would be passed")


def test_a_query_that_the_budget_does_not_cover_is_not_started(answered):
    queries = Queries()
    aws = answered(**queries.answers)

    with aws.spending(NoMoney()):
        facts = collected(aws, queries, a_function("a"), held={"a": 10**9})

    assert queries.started == []
    assert "the budget would be passed" in [f.gap.why for f in of(Expected, facts)]


def test_what_was_scanned_is_billed_once(answered):
    queries = Queries(statuses=["Running", "Running"], scanned=2_000_000_000)
    aws = answered(**queries.answers)

    collected(aws, queries, a_function("a"))

    (usage,) = [u for u in aws.take_usage() if u.operation == "StartQuery"]
    assert (usage.units, usage.cost_usd) == (4_000_000_000, "0.02")


def test_a_run_is_priced_before_it_is_made():
    settings = CollectSettings(logs=LogSettings(mode="aggregated"))
    known = Inventory(functions=(a_function("a"), a_function("b")))
    ask = Ask(window=WINDOW, known=known, settings=settings, held={"a": 36 * 10**9, "b": 0})

    assert float(logs.estimate_usd(ask)) == pytest.approx(36 * 0.005 * 2 * 40 / 1440)


def test_a_run_that_reads_records_as_well_is_not_held_back_for_the_sums():
    settings = CollectSettings(logs=LogSettings(functions={"a": "aggregated"}))
    known = Inventory(functions=(a_function("a"), a_function("b")))

    assert logs.estimate_usd(Ask(window=WINDOW, known=known, settings=settings, held={"a": 10**12})) == 0


def test_pieces_fit_an_answer_and_cover_the_window():
    window = Window(READ.start, READ.start + timedelta(hours=12))

    pieces = cut(window, writers=500)

    assert [p.end for p in pieces[:-1]] == [p.start for p in pieces[1:]]
    assert (pieces[0].start, pieces[-1].end) == (window.start, window.end)
    assert all(p.duration <= timedelta(minutes=5 * 19) for p in pieces)


@pytest.mark.parametrize("name", [*NUMBERS, "failures", "full_reports", "killed_lines", "drops"])
def test_the_query_names_what_its_reader_looks_for(name):
    assert f" as {name}" in SUMS


@given(st.dictionaries(st.sampled_from(["bin", "bin(5m)", "@log", "reports", "init_p50"]), st.text()))
def test_any_row_can_be_read(fields):
    found = to_bin(fields)

    assert found is None or found.summary.reports == found.summary.reports


@given(st.text())
def test_any_text_is_a_number_a_time_or_neither(text):
    assert to_number(text) is None or abs(to_number(text)) < 1e300
    assert to_time(text) is None or to_time(text).tzinfo is UTC


def committed(store, *facts, collector="inventory", now=NOW):
    run = Run(
        collector=collector,
        target=TARGET,
        window=Window(now - timedelta(minutes=10), now),
        period_s=0,
        started_at=now,
        finished_at=now,
        outcome="ok",
    )
    store.commit(run, facts, now=now)


def a_pass(aws, store, queries, *, now, mode="aggregated"):
    settings = CollectSettings(logs=LogSettings(mode=mode), backfill=timedelta(hours=1))
    collector = replace(logs.COLLECTOR, collect=partial(logs.collect, pause=queries.pause))
    return collect_due(collector, aws, store, settings, now=now)


def test_no_stretch_is_scanned_twice(answered, store):
    queries = Queries([row("09:35", reports=3)])
    aws = answered(**queries.answers)
    committed(store, a_function("a"))

    for minutes in (0, 5, 10, 15):
        a_pass(aws, store, queries, now=NOW + timedelta(minutes=minutes))

    sums = sorted((q["startTime"], q["endTime"]) for q in queries.started if q["queryString"] == SUMS)
    assert len(sums) >= 4
    assert [end for _, end in sums[:-1]] == [start for start, _ in sums[1:]]


def test_what_the_sums_lack_is_not_scanned_for_again(answered, store):
    queries = Queries([row("09:35", reports=3, drops=1)])
    aws = answered(**queries.answers)
    committed(store, a_function("a", log_format="JSON", system_log_level="WARN"))

    for minutes in (0, 5):
        a_pass(aws, store, queries, now=NOW + timedelta(minutes=minutes))

    sums = sorted((q["startTime"], q["endTime"]) for q in queries.started if q["queryString"] == SUMS)
    assert [end for _, end in sums[:-1]] == [start for start, _ in sums[1:]]


def test_a_change_of_mode_goes_on_where_the_other_ended(answered, store):
    queries = Queries()
    read: list[tuple[float, float]] = []

    def filtered(params):
        read.append((params["startTime"] / 1000 + 60, params["endTime"] / 1000 - 60))
        return {"events": []}

    aws = answered(**queries.answers, FilterLogEvents=filtered)
    committed(store, a_function("a"))

    a_pass(aws, store, queries, now=NOW)
    scanned_to = max(q["endTime"] for q in queries.started)
    a_pass(aws, store, queries, now=NOW + timedelta(minutes=5), mode="every")
    a_pass(aws, store, queries, now=NOW + timedelta(minutes=10), mode="aggregated")

    assert [start for start, _ in read] == [scanned_to]
    settled = (NOW - timedelta(minutes=13)).timestamp()
    assert min(q["startTime"] for q in queries.started[2:]) == settled - settled % 300
