"""What Collection health says of the store: what it keeps of each kind, since when, and what it lost."""

from __future__ import annotations

from datetime import tzinfo

import pandas as pd

from dashboard.numbers import plain

WORDS = {
    "metrics": "metrics",
    "mapping_samples": "metrics of mappings",
    "capacity_samples": "metrics of provisioned capacity",
    "queue_samples": "queues",
    "invocations": "invocation records",
    "invocation_summaries": "invocations, summed up",
    "log_events": "log lines",
    "batch_failures": "failures inside batches",
    "environment_starts": "starts of environments",
    "traces": "traces",
    "api_calls": "changes in CloudTrail",
    "metered": "usage, as it is billed",
}
"""Kinds of telemetry as people call them."""


def word(kind: str) -> str:
    return WORDS.get(kind, kind.replace("_", " "))


def stored_rows(kept: pd.DataFrame, state_bytes: float) -> pd.DataFrame:
    """The `kept` reader's frame as a table, largest first, with the state database as its last row."""
    told = kept.assign(
        kind=[word(kind) for kind in kept["kind"]],
        rows=kept["rows"] + kept["waiting_rows"],
        size=kept["bytes"] + kept["waiting_bytes"],
        waiting=kept["waiting_bytes"],
    ).sort_values(["size", "kind"], ascending=[False, True])
    names = ["kind", "rows", "files", "size", "waiting", "since", "fine_since"]
    state = pd.DataFrame([{"kind": "state: configuration, coverage, alerts", "size": state_bytes}])
    counts = ["rows", "files", "size", "waiting"]
    shown = pd.concat([told[names].astype(dict.fromkeys(counts, "float64")), state], ignore_index=True)
    return shown[names]


def lost_line(lost: pd.DataFrame, *, zone: tzinfo) -> str | None:
    """What the reader `lost` found, as a sentence; None when all can be read."""
    if lost.empty:
        return None
    kinds = ", ".join(sorted({word(kind) for kind in lost["kind"]}))
    first, last = lost["start"].min(), lost["end"].max()
    began, ended = (f"{ts.tz_convert(zone):%-d %b %H:%M}" for ts in (first, last))
    return (
        f"{files(lost)} of the store cannot be read ({kinds}; {began} to {ended}): that time counts as not "
        "collected. `quarterdeck store check` says which and why; with `--repair` it is read again as far as "
        "AWS has it."
    )


def files(lost: pd.DataFrame) -> str:
    return "1 file" if len(lost) == 1 else f"{len(lost):,} files"


def lost_rows(lost: pd.DataFrame) -> pd.DataFrame:
    """The reader `lost` as a table: kind in words, account, region, start, end, why."""
    return lost.assign(kind=[word(kind) for kind in lost["kind"]])


def room_lines(sentences: list[str]) -> list[str]:
    """The reader's sentences as Markdown; they name a bucket."""
    return [plain(sentence) for sentence in sentences]
