"""What numbers in tables mean where their page says no more: a formula by the column's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import pandas as pd

MEANINGS: Mapping[str, str] = {
    # traffic
    "invocations": "Invocations that started in the window (CloudWatch Invocations).",
    "records": "Invocation records in the window: what functions' logs tell.",
    "errors": "Invocations that failed (CloudWatch Errors).",
    "error_rate": "Errors / invocations of the window.",
    "throttles": "Refused for want of concurrency; each try counts, and none is an invocation.",
    "share": "Of the column's sum in this window.",
    "concurrent_max": "The most at once in a minute of the window.",
    "above_usual": "Used − usual.",
    # time and memory
    "duration_ms": "From start to end, in ms.",
    "duration_avg_ms": "Sum of durations / invocations of the window.",
    "duration_max_ms": "The longest of the window.",
    "duration_p95_ms": "95 of 100 invocations were faster; from invocation records.",
    "response_ms": "Until the response was there.",
    "mean_ms": "Sum of durations / calls.",
    "max_ms": "The longest of the window.",
    "start_ms": "After the beginning of the trace.",
    "billed_ms": "What AWS charges for, as the REPORT line says.",
    "memory_mb": "Configured memory.",
    "package_mb": "Size of the code package, compressed.",
    # cold starts
    "cold_starts": "Records whose environment was started: with an Init or Restore Duration.",
    "cold_start_rate": "Cold starts / invocation records.",
    "init_p50_ms": "Half of the cold starts initialized faster.",
    "restore_p50_ms": "Half of the SnapStart restores took less.",
    "restore_p95_ms": "95 of 100 SnapStart restores took less.",
    "init_p95_ms": "95 of 100 cold starts initialized faster.",
    "init_max_ms": "The longest initialization of the window.",
    "init_cost_usd": "Billed initialization at list price.",
    "provisioned": "Provisioned concurrency that is allocated.",
    "before_records": "Invocation records before the deploy.",
    "after_records": "Invocation records after the deploy.",
    "before_init_p50_ms": "Half of the cold starts before it initialized faster.",
    "after_init_p50_ms": "Half of the cold starts after it initialized faster.",
    "before_init_p95_ms": "95 of 100 cold starts before it initialized faster.",
    "after_init_p95_ms": "95 of 100 cold starts after it initialized faster.",
    "after_cold_start_rate": "Cold starts / records, after the deploy.",
    "wait_share": "Seconds waited in this row / in all rows.",
    "functions": "How many functions the row is made of.",
    "requested": "Units that the configuration asks for.",
    "available": "Units that are ready to serve.",
    # queues, streams, asynchronous events
    "arrived": "Letters that came in the window.",
    "depth": "Messages waiting and in flight now.",
    "sent": "Messages sent to it in the window (NumberOfMessagesSent).",
    "deleted": "Messages deleted in the window: worked off (NumberOfMessagesDeleted).",
    "received": "Events that Lambda took in, in the window (AsyncEventsReceived).",
    "max_retries": "Tries after the first, as configured.",
    "offset_lag": "Records that wait behind the newest that was read.",
    # traces
    "calls": "How often, in the stretch that the table is about.",
    "failed": "Calls that failed: errors, faults and throttles.",
    "http_status": "What the caller was answered.",
    # cost
    "cost_usd": "At list price, before free tier, savings plans and credits.",
    "per_day_usd": "Cost of the window / its days.",
    "duration_usd": "Billed GB-seconds at list price.",
    "requests_usd": "Invocations at the price of requests.",
    "init_usd": "Billed initialization at list price.",
    "logs_usd": "Log lines taken in by CloudWatch, at list price.",
    "provisioned_usd": "Provisioned concurrency at list price, used or not.",
    "ephemeral_usd": "Storage in /tmp above 512 MB, at list price.",
    "usd_left": "What the calls that are left cost at list price.",
    "calls_left": "Calls to AWS until the history is read.",
    "read_share": "Hours read / hours of history that are wanted.",
    # messages
    "attempts": "How often it was tried to deliver it.",
    # collection and store
    "runs_24h": "Runs of the last 24 hours.",
    "failed_24h": "Runs of the last 24 hours that were refused, failed or skipped.",
    "targets": "Accounts and regions that it watches now.",
    "bytes": "On disk.",
    "files": "Telemetry files.",
    "rows": "Rows of all its files.",
    "version": "The version's number.",
    "latest": "The newest version there is.",
    "age_days": "Since that version was published.",
    # lines in cells
    "spark": "Over the window, oldest first.",
}

PANELS: Mapping[str, str] = {
    "Invocations and errors": "CloudWatch Invocations, and of them Errors, each in the minute it started.",
    "Invocations": "CloudWatch Invocations of an alias or version, each in the minute it started.",
    "Error rate": "Errors / invocations of the step; a gap where nothing was invoked.",
    "Duration": "Percentiles over all invocation records of the step, never an average of averages.",
    "Duration of each trace": "From its start to the response, as X-Ray tells it.",
    "Concurrent executions": "The most at once in a minute of the step, and tries that were refused.",
    "Concurrent executions by function": "The most at once in a minute of the step. Claimed: what counts "
    "against the account's limit, reservations and provisioned concurrency in full.",
    "Concurrency and throttles": "The most at once in a minute of the step, and tries that were refused.",
    "Throttles": "Tries that were refused, in the step; each counts, and none is an invocation.",
    "Cold starts": "Cold starts / invocation records of the step.",
    "Initialization": "Percentiles of Init Duration over the cold starts of the step.",
    "SnapStart restores": "Percentiles of Restore Duration over the restores of the step.",
    "Max memory used": "The most that an invocation record of the step used.",
    "Messages waiting and in flight": "The most in a minute of the step (visible, not visible).",
    "Age of the oldest message": "The oldest in the step (ApproximateAgeOfOldestMessage).",
    "In against out": "Messages sent, and messages deleted: worked off.",
    "Arrivals": "Messages that came into the dead-letter queue in the step.",
    "Received by functions": "Messages that were handed to pollers in the step.",
    "Longest wait of an async event": "The longest of the step (AsyncEventAge).",
    "Age of stream records when read": "The oldest of the step (IteratorAge).",
    "Kept lines": "Stored log lines that fit, by level.",
}
"""What panels of charts over time draw, by how their titles begin."""


def of_panels(titles: Iterable[str]) -> list[str]:
    """A line of Markdown for each title: its panel, and how its numbers are computed."""
    known = [next((name for name in _LONGEST_FIRST if title.startswith(name)), None) for title in titles]
    return [f"**{name}**: {PANELS[name]}" for name in dict.fromkeys(known) if name]


_LONGEST_FIRST = sorted(PANELS, key=len, reverse=True)


def with_meanings(
    frame: pd.DataFrame, config: Mapping[str, Any], order: Iterable[str] | None = None
) -> dict[str, Any]:
    """The column configuration with a help for every shown column of `MEANINGS` that has none."""
    said = {name: copy(one) for name, one in config.items()}
    for name in frame.columns if order is None else order:
        meaning, one = MEANINGS.get(str(name)), said.get(str(name))
        if meaning and isinstance(one, dict) and not one.get("help"):
            one["help"] = meaning
    return said
