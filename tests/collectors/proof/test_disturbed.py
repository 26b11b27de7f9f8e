"""Whatever happens to answers on their way, the store ends as if nothing had, and no call is made in vain."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, note, settings
from hypothesis import strategies as st

from collectors.registry import COLLECTORS
from core.facts import Run, Target
from core.windows import MINUTE, Window, settled_until
from quarterdeck.demo.wire import Call
from tests.collectors.proof.content import PATIENT, Content, aws_at, content, one_pass, opened
from tests.collectors.proof.endpoint import SKEW_REFUSED, WHIMS, Endpoint
from tests.collectors.proof.serving import FAULTS, Proxy, Seen, Server, endpoint
from tests.collectors.proof.world import ACCOUNT, REGION, World

EXAMPLES = int(os.environ.get("QUARTERDECK_DISTURBED_EXAMPLES", "5"))
FIRST = datetime(2026, 11, 18, 10, 15, 30, tzinfo=UTC)
"""All passes, clock skew included, are within one hour: history then begins at the same whole hour."""
DISTURBED, CALM = 3, 2
PASSES = [FIRST + number * timedelta(minutes=6) for number in range(DISTURBED + CALM)]
EVERYTHING = Window(FIRST - timedelta(days=1), FIRST + timedelta(hours=2))


@dataclass(frozen=True)
class Weather:
    """One pass: how far our clock is ahead, whether AWS minds, and what happens to which call (by number)."""

    ahead: timedelta = timedelta()
    minds: bool = False
    faults: Mapping[int, str] = field(default_factory=dict)

    def fate(self, number: int) -> str | None:
        return "skewed" if self.minds and abs(self.ahead) > SKEW_REFUSED else self.faults.get(number)


FINE = Weather()


@st.composite
def weathers(draw: st.DrawFn) -> Weather:
    """Mostly single faults, some that last for several calls so that retries are used up."""
    strokes = draw(
        st.lists(
            st.tuples(st.integers(0, 60), st.integers(1, 6), st.sampled_from([*FAULTS, *WHIMS])), max_size=14
        )
    )
    faults = {
        first + more: fault
        for first, length, fault in strokes
        for more in range(1 if fault == "timeout" else length)  # which takes its time
    }
    ahead = draw(st.sampled_from([0, 0, 0, -10, -4, 4, 10]))
    return Weather(timedelta(minutes=ahead), draw(st.booleans()), faults)


@dataclass
class Stage:
    """A world behind an endpoint behind a proxy; `calls` are those of each pass, run by run."""

    endpoint: Endpoint
    proxy: Proxy
    front: Server

    def play(self, folder: Path, days: list[Weather]) -> tuple[Content, list[Pass]]:
        self.endpoint.now, self.front.ahead_s, self.proxy.fate = FIRST, 0.0, lambda call: None
        aws = aws_at(self.front.url, Target(ACCOUNT, REGION))
        with closing(aws), opened(folder) as store:
            one_pass(aws, store, FIRST, collectors=PATIENT[:2])  # what a thing is says what is asked about it
            made = [self._pass(aws, store, at, sky) for at, sky in zip(PASSES, days, strict=True)]
            return content(store, EVERYTHING), made

    def _pass(self, aws: Any, store: Any, at: datetime, sky: Weather) -> Pass:
        self.endpoint.now, self.front.ahead_s = at, -sky.ahead.total_seconds()
        self.proxy.seen.clear()
        self.proxy.fate = lambda call: sky.fate(len(self.proxy.seen))
        made = Pass(at, sky)

        def on_run(run: Run) -> None:
            made.runs.append((run, list(self.proxy.seen[made.calls :])))
            made.calls = len(self.proxy.seen)

        before = len(aws.gave_up)
        one_pass(aws, store, at + sky.ahead, on_run=on_run)
        made.gave_up = aws.gave_up[before:]
        return made


@dataclass
class Pass:
    """The runs of a pass in their order, with the calls of each."""

    at: datetime
    sky: Weather
    runs: list[tuple[Run, list[Seen]]] = field(default_factory=list)
    calls: int = 0
    gave_up: list[str] = field(default_factory=list)

    @property
    def seen(self) -> list[Seen]:
        return [call for _, calls in self.runs for call in calls]


@contextmanager
def stage(seed: int) -> Iterator[Stage]:
    made = Endpoint(World(seed, FIRST - timedelta(hours=4), PASSES[-1]), FIRST)

    with Server(endpoint(made.answer)).running() as back:
        proxy = Proxy(back.url)
        with closing(proxy), Server(proxy).running() as front:
            yield Stage(made, proxy, front)


@cache
def undisturbed(seed: int) -> tuple[Content, list[Pass]]:
    with tempfile.TemporaryDirectory() as folder, stage(seed) as quiet:
        return quiet.play(Path(folder), [FINE] * len(PASSES))


@pytest.fixture
def no_waiting(monkeypatch):
    """Retries follow at once."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)


def named(seen: Seen) -> tuple[str, str]:
    """An operation and all that it was asked."""
    return seen.name, repr(sorted(seen.call.params.items()))


# --- which part of which thing a call reads ---

Reading = tuple[tuple[Any, ...], Window]


def readings(call: Call) -> list[Reading]:
    """The things whose past a call asks for, and the stretch of it."""
    params = call.params
    if call.operation == "GetMetricData":
        window = Window(params["StartTime"], params["EndTime"])
        return [(_metric(query["MetricStat"]), window) for query in params["MetricDataQueries"]]
    if call.operation == "FilterLogEvents":
        start, end = (datetime.fromtimestamp(params[name] / 1000, UTC) for name in ("startTime", "endTime"))
        beside = 2 * MINUTE  # lines beside a window's edges tell how invocations within it ended
        inside = Window(start + beside, max(start + beside, end - beside))
        return [((params["logGroupName"], params.get("filterPattern")), inside)]
    if call.operation == "GetTraceSummaries":
        return [(("traces",), Window(params["StartTime"], params["EndTime"]))]
    return []


def _metric(stat: Mapping[str, Any]) -> tuple[Any, ...]:
    metric = stat["Metric"]
    dimensions = tuple(sorted((d["Name"], d["Value"]) for d in metric.get("Dimensions", ())))
    return metric["Namespace"], metric["MetricName"], dimensions, stat["Stat"], stat["Period"]


def read_again(passes: list[Pass]) -> list[str]:
    """Readings of what an earlier run had read well when it could no longer change."""
    done: dict[tuple[Any, ...], list[Window]] = {}
    found = []
    for one in passes:
        settled = settled_until(min(one.at, one.at + one.sky.ahead))
        for run, calls in one.runs:
            asked = dict.fromkeys(reading for seen in calls for reading in readings(seen.call))
            found += [
                f"{run.collector} at {one.at:%H:%M}: {thing} {window}"
                for thing, window in asked
                if _overlaps(window, done.get(thing, ()))
            ]
            refused = {thing for seen in calls if not seen.is_answered for thing, _ in readings(seen.call)}
            for thing, window in asked if run.outcome == "ok" else ():
                old = window.overlap(Window(EVERYTHING.start, settled))
                if old and thing not in refused:
                    done.setdefault(thing, []).append(old)
    return found


def _overlaps(window: Window, others: Iterable[Window]) -> bool:
    return any(window.overlap(other) for other in others)


# --- the proofs ---


@pytest.mark.timeout(300 + 30 * EXAMPLES)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, *([Phase.shrink] if EXAMPLES > 100 else [])],
    report_multiple_bugs=False,
)
@example(seed=1, days=[Weather(ahead=timedelta(minutes=10))] * DISTURBED)
@example(seed=1, days=[Weather(ahead=timedelta(minutes=-10), minds=True)] * DISTURBED)
@example(seed=2, days=[Weather(faults=dict.fromkeys(range(0, 80, 3), "cut"))] * DISTURBED)
@given(seed=st.integers(1, 2), days=st.lists(weathers(), min_size=DISTURBED, max_size=DISTURBED))
def test_disturbed_passes_end_with_the_store_of_undisturbed_ones(seed, days, no_waiting):
    expected, quiet = undisturbed(seed)
    with tempfile.TemporaryDirectory() as folder, stage(seed) as stormy:
        found, passes = stormy.play(Path(folder), [*days, *[FINE] * CALM])
    for one in passes:
        note(
            f"{one.at:%H:%M} {[(run.collector, run.outcome, run.error) for run, _ in one.runs if run.error]}"
        )
    for what, rows in expected.items():
        assert found[what] == rows, what
    assert read_again(passes) == []
    assert twice(passes) == []
    assert set(map(named, passes[-1].seen)) == set(map(named, quiet[-1].seen))


def twice(passes: list[Pass]) -> list[tuple[str, str]]:
    """Calls that were made again within a pass although their answer had arrived: in time, as a stalled
    machine may send one too late."""
    found = []
    for one in passes:
        counts = Counter(named(seen) for seen in one.seen if seen.is_answered)
        found += [call for call, count in counts.items() if count > 1 and call[0] not in one.gave_up]
    return found


def test_the_undisturbed_store_holds_what_the_world_did():
    """Else equal stores would prove little."""
    held, _ = undisturbed(1)
    world = World(1, FIRST - timedelta(hours=4), PASSES[-1])
    since = FIRST.replace(minute=0, second=0) - timedelta(hours=1)
    reported = [
        line
        for line in world.lines
        if since <= line.ts and line.ingested <= PASSES[-1] and "REPORT" in line.message.upper()
    ]
    assert len(held["invocations"]) == len(
        [line for line in reported if line.ts < PASSES[-1].replace(second=0)]
    )
    assert {collector.name for collector in COLLECTORS if collector.reach} >= {"metrics", "logs", "traces"}
    assert len(held["metrics"]) > 100
