"""Five rules over 2,000 functions: 10,000 pairs in a pass, beside Prometheus with the same points and rules.

`rules.py [functions] [history]`. Both hold the same minutes, as an exporter of CloudWatch would bring them.
Prometheus evaluates one instant with its own rule group (timed by its own `evaluationTime`), and the same 45
minutes by range queries. Quarterdeck judges the newest 45 minutes each time, since their data may have come
late: a pass right after new data came, and one with nothing new. The functions beyond each threshold at the
newest minute are compared; they must be the same. With `history`, rules that look back on days are timed
instead, each by itself, over three days of minutes: the first pass of a service, the next, and one half an
hour later.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import load
import prometheus
import pyarrow as pa
from clock import Took, calibration, cpu_ms, measure
from load import HOUR, NOW, Fleet
from prometheus import Prometheus

from alerts.judge import BREACH, Judgement
from alerts.judging import judge_all
from alerts.rule import Rule
from core.entities import Function
from core.settings import StoreSettings
from core.windows import Window
from store.store import Store

FUNCTIONS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
LOOKS_BACK = "history" in sys.argv
HOURS = 76 if LOOKS_BACK else 3
NAMES = ("invocations", "errors", "throttles", "duration_p95_ms", "concurrent_max")
RULES = (
    {"rule": "error-rate", "signal": "error_rate", "above": 0.05, "over": "5m", "minimum_samples": 20},
    {"rule": "throttles", "signal": "throttles", "above": 5, "over": "5m", "for": "2m"},
    {"rule": "slow", "signal": "duration_p95", "above": 2000, "over": "5m", "for": "3m"},
    {"rule": "errors", "signal": "errors", "above": 100, "over": "1h"},
    {"rule": "busy", "signal": "AWS/Lambda.ConcurrentExecutions", "above": 50, "over": "15m"},
)
QUERIES = {
    "error-rate": "sum_over_time(errors[5m]) / sum_over_time(invocations[5m]) > 0.05"
    " and sum_over_time(invocations[5m]) >= 20",
    "throttles": "sum_over_time(throttles[5m]) > 5",
    "slow": "max_over_time(duration_p95_ms[5m]) > 2000",
    "errors": "sum_over_time(errors[1h]) > 100",
    "busy": "max_over_time(concurrent_max[15m]) > 50",
}
HISTORICAL = (
    {"rule": "unusual", "signal": "invocations", "above_normal": 5, "over": "5m"},
    {"rule": "objective", "signal": "error_rate", "slo": 0.999},
    {
        "rule": "slowly", "signal": "error_rate", "slo": 0.999,
        "windows": [{"long": "3d", "short": "6h", "above": 1}],
    },
)  # fmt: skip
WAITS = {"throttles": "2m", "slow": "3m"}


def fill_store(store: Store, fleet: Fleet) -> None:
    known = [
        Function(name=name, arn="arn", runtime="python3.13", timeout_s=3, memory_mb=512)
        for name in fleet.names
    ]
    begin = Window(NOW - HOURS * HOUR, NOW - HOURS * HOUR)
    store.commit(replace(load.a_run(begin), collector="inventory"), known, now=begin.end)
    for hour in load.hours(Window(NOW - HOURS * HOUR, NOW)):
        store.commit(load.a_run(hour), [fleet.metrics(hour.start)], now=hour.end)
    store.pack(now=NOW)


def points(store: Store) -> pa.Table:
    with store.snapshot(Window(NOW - HOURS * HOUR, NOW), ("metrics",)) as snapshot:
        sql = f'SELECT "function", epoch_ms(ts) AS ts, {", ".join(NAMES)} FROM metrics ORDER BY ALL'
        return pa.Table.from_batches(snapshot.batches(sql, rows=100_000))


def rule_file() -> str:
    lines = ["groups:", "- name: ours", "  rules:"]
    for name, query in QUERIES.items():
        lines += [f"  - alert: {name}", f"    expr: '{query}'"]
        lines += [f"    for: {WAITS[name]}"] if name in WAITS else []
    return "\n".join(lines) + "\n"


def compare(judged: list[Judgement], server: Prometheus, at: float) -> None:
    """The same functions are beyond the thresholds at the newest minute."""
    for one in judged:
        newest = (one.verdict[:, -1] == BREACH).nonzero()[0]
        ours = {one.grid.subjects[row].name for row in newest}
        theirs = {line["metric"]["function"] for line in server.now(QUERIES[one.rule.rule], at)}
        assert ours == theirs, (one.rule.rule, sorted(ours ^ theirs)[:5])
        print(f"{one.rule.rule}: {len(ours)} functions, the same")


def group(server: Prometheus, rounds: int = 9) -> Took:
    """Its own times of as many evaluations, and the CPU that its process took for each."""
    times = dict[str, float]()
    began_ms = 0.0
    while len(times) <= rounds:
        when, took = (str(server.group_s()[0]), server.group_s()[1])
        if when not in times and not times:
            began_ms = cpu_ms(server.pid)
        times[when] = took * 1000
        time.sleep(1)
    return Took(median(list(times.values())[1:]), (cpu_ms(server.pid) - began_ms) / rounds)


def history() -> None:
    """How long rules take that look back on days."""
    print("| | first pass, s (CPU s) | the next minute | half an hour later |\n| --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as name:
        settings = StoreSettings(path=Path(name) / "store", free_space_floor_mb=0)
        with closing(Store.open(settings)) as store:
            fill_store(store, Fleet(FUNCTIONS))
            for rule in map(Rule.model_validate, HISTORICAL):
                started = NOW - timedelta(minutes=40)
                passes = [timed(store, rule, started + timedelta(minutes=at)) for at in (0, 1, 35)]
                print(f"| `{rule.rule}` | {' | '.join(passes)} |", flush=True)


def timed(store: Store, rule: Rule, now: datetime) -> str:
    wall, cpu = time.perf_counter(), time.process_time()
    judge_all(store, [rule], now=now + timedelta(seconds=30))
    return f"{time.perf_counter() - wall:.2f} ({time.process_time() - cpu:.2f})"


def main() -> None:
    if LOOKS_BACK:
        history()
        return
    fleet, now = Fleet(FUNCTIONS), NOW + timedelta(seconds=30)
    rules = [Rule.model_validate(rule) for rule in RULES]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        settings = StoreSettings(path=Path(name) / "store", free_space_floor_mb=0)
        store = stack.enter_context(closing(Store.open(settings)))
        fill_store(store, fleet)
        frame = points(store).to_pandas()
        print(f"{FUNCTIONS} functions x {len(RULES)} rules; the calibration loop takes {calibration()} ms")
        ours = measure(
            {
                "new data": lambda: judge_all(store.fenced(lambda _: None), rules, now=now),
                "nothing new": lambda: judge_all(store, rules, now=now),
            }
        )
        if not prometheus.installed():
            print(prometheus.MISSING)
            print(ours)
            return
        shift_ms = int(time.time()) // 60 * 60_000 - int(NOW.timestamp() * 1000)
        prometheus.fill(Path(name), frame.assign(ts=frame["ts"] + shift_ms), NAMES)
        server = stack.enter_context(prometheus.running(Path(name), rule_file()))
        at = (NOW.timestamp() * 1000 + shift_ms) / 1000 - 1
        compare(judge_all(store, rules, now=now), server, at)
        theirs = {"its rule group, one instant": group(server)} | measure(
            {"the same 45 minutes": lambda: server.minutes(list(QUERIES.values()), at - 44 * 60, at)},
            servers={"the same 45 minutes": server.pid},
        )
        print("\n| Quarterdeck, 45 minutes: ms (CPU ms) | Prometheus | | times faster (in CPU) |")
        print("| --- | --- | ---: | --- |")
        for what, took in ours.items():
            for which, other in theirs.items():
                ratio = f"{other.wall_ms / took.wall_ms:.2f} ({other.cpu_ms / took.cpu_ms:.2f})"
                print(f"| {what}: {took} | {which} | {other} | {ratio} |")


if __name__ == "__main__":
    main()
