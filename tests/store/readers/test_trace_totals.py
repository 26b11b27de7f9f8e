"""Traces as numbers, against a computation over the same facts; and the names that are known."""

import random
from statistics import median

import pytest

from core.facts import Covered, Gap
from core.telemetry import TraceRecord
from store.readers.names import function_names
from store.readers.trace_totals import trace_roots, trace_totals
from store.store import Filter


def a_trace(world, number, minutes_ago, took):
    return TraceRecord(
        trace_id=f"1-{number:08x}-{number:024x}",
        ts=world.at(minutes_ago),
        duration_ms=took + 5,
        response_ms=None if number % 5 == 0 else took,
        has_fault=number % 7 == 0,
        has_error=number % 4 == 0,
        has_throttle=number % 9 == 0,
        partial=number % 11 == 0,
        root=("api", "timer", None)[number % 3],
        functions=("orders",) if number % 2 else ("stock",),
        document="[]" if number % 3 else None,
    )


@pytest.fixture
def traced(world):
    chance = random.Random(3)
    facts = [a_trace(world, n, chance.uniform(1, 170), chance.uniform(1, 900)) for n in range(1, 60)]
    world.run("traces", [*facts, Covered("", world.window())])
    return world, facts


def outcome(fact):
    if fact.has_fault:
        return "fault"
    if fact.has_throttle:
        return "throttle"
    return "error" if fact.has_error else "running" if fact.partial else "ok"


def took(fact):
    return fact.duration_ms if fact.response_ms is None else fact.response_ms


@pytest.mark.parametrize("function", [None, "orders"])
def test_totals_are_those_of_the_traces(traced, function):
    world, facts = traced
    mine = [fact for fact in facts if function is None or function in fact.functions]

    totals, seen = trace_totals(world.store, world.window(), where=Filter(function=function), now=world.now)

    assert totals["traces"] == len(mine)
    for word in ("fault", "error", "throttle", "running"):
        assert totals[word] == sum(outcome(fact) == word for fact in mine)
    assert totals["read_in_full"] == sum(fact.document is not None for fact in mine)
    assert totals["p50_ms"] == pytest.approx(median(map(took, mine)), rel=1e-4)
    assert totals["max_ms"] == pytest.approx(max(map(took, mine)), rel=1e-4)
    assert seen.complete


def test_filters_count_only_what_they_let_through(traced):
    world, facts = traced

    totals, _ = trace_totals(
        world.store,
        world.window(),
        where=Filter(),
        now=world.now,
        failed=True,
        slower_than_ms=300,
        root="api",
    )

    wanted = [f for f in facts if outcome(f) not in ("ok", "running") and took(f) > 300 and f.root == "api"]
    assert totals["traces"] == len(wanted) > 0


def test_without_a_trace_durations_are_unknown_and_a_hole_is_told(world):
    world.run("traces", [Gap("", world.window(), "the role lacks xray:GetTraceSummaries")])

    totals, seen = trace_totals(world.store, world.window(), where=Filter(), now=world.now)

    assert (totals["traces"], totals["p50_ms"], totals["max_ms"]) == (0, None, None)
    assert seen.state() == "not collected: the role lacks xray:GetTraceSummaries"


def test_entries_come_most_used_first_with_their_failures(traced):
    world, facts = traced

    roots = trace_roots(world.store, world.window(), where=Filter()).set_index("root")

    for root in ("api", "timer"):
        mine = [fact for fact in facts if fact.root == root]
        assert roots.loc[root, "traces"] == len(mine)
        assert roots.loc[root, "failed"] == sum(outcome(f) in ("fault", "error", "throttle") for f in mine)
    assert roots["traces"].is_monotonic_decreasing


def test_names_are_sorted_by_function_and_kept_within_the_filter(world):
    world.run("inventory", [world.function("stock"), world.function("orders")])

    assert function_names(world.store, world.window())["function"].tolist() == ["orders", "stock"]
    assert function_names(world.store, world.window(), where=Filter(region="us-east-1")).empty
