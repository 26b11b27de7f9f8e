"""Parse rate of REPORT lines, as a ratio to a loop that only splits each line: both in one run, best of many.

Also what a real mixture costs: the reader that collectors use (reports, errors, phases) per log event.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from collectors.joining import Event, join
from core.report import parse_platform, parse_report

LINES = 20_000
ROUNDS = 7


def text_lines(chance: random.Random) -> list[str]:
    """Reports as Lambda writes them: some cold, some traced, some failed."""
    found = []
    for n in range(LINES):
        line = (
            f"REPORT RequestId: 0b1c2d3e-0000-4000-8000-{n:012x}\tDuration: {chance.uniform(1, 900):.2f} ms\t"
        )
        line += (
            f"Billed Duration: {chance.randrange(1, 900)} ms\tMemory Size: 1024 MB\tMax Memory Used: 93 MB\t"
        )
        line += f"Init Duration: {chance.uniform(90, 900):.2f} ms\t" if n % 50 == 0 else ""
        line += "Status: timeout\t" if n % 200 == 0 else ""
        line += (
            "\nXRAY TraceId: 1-6ac7c67a-dc4b7c435e930451b9f3d413\tSegmentId: 1a2b\t" if n % 20 == 0 else ""
        )
        found.append(line + "\n")
    return found


def json_line(n: int) -> str:
    metrics = '{"durationMs":12.5,"billedDurationMs":13,"memorySizeMB":1024,"maxMemoryUsedMB":93}'
    record = f'{{"requestId":"0b1c2d3e-0000-4000-8000-{n:012x}","metrics":{metrics},"status":"success"}}'
    return f'{{"time":"2026-11-21T10:00:00.000Z","type":"platform.report","record":{record}}}'


def split_only(lines: list[str]) -> None:
    for line in lines:
        for field in line.split("\t"):
            field.partition(":")


def parse_all(lines: list[str]) -> None:
    for line in lines:
        parse_report(line)


def parse_any(lines: list[str]) -> None:
    for line in lines:
        parse_platform(line)


def join_all(lines: list[str]) -> None:
    join(Event(n, "2026/11/21/[7]aa", str(n), line) for n, line in enumerate(lines))


def best_s(work: Callable[[list[str]], None], lines: list[str]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work(lines)
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    text, objects = text_lines(random.Random(7)), [json_line(n) for n in range(LINES)]
    floor_s = best_s(split_only, text)
    print(f"{'':34} {'lines/s':>10} {'x split':>8}")
    for name, work, lines in (
        ("split the line only", split_only, text),
        ("REPORT text", parse_all, text),
        ("platform.report JSON", parse_any, objects),
        ("joined into records, text", join_all, text),
        ("joined into records, JSON", join_all, objects),
    ):
        took_s = best_s(work, lines)
        print(f"{name:34} {LINES / took_s:10,.0f} {took_s / floor_s:8.1f}")


if __name__ == "__main__":
    main()
