"""What the Traces page says: its answer, its numbers, its tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from core.formulas import rate
from core.graph import CLIENT, Graph, Tally
from core.signatures import without_layout
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.charts.service_map import kind_word
from dashboard.figures import reason
from dashboard.numbers import plain
from dashboard.widgets import Card
from store.readers.states import Seen

Totals = Mapping[str, float | None]
FAILURES = ("fault", "error", "throttle")


def failed(totals: Totals) -> float:
    return sum(totals[word] or 0 for word in FAILURES)


def answer(totals: Totals, seen: Seen | None, roots: pd.DataFrame) -> Answer:
    """How many traces failed and where, or why there are none."""
    why = reason(seen.state()) if seen is not None else "traces were not read yet"
    more = f"not all of this window was read: {plain(why)}" if why else ""
    if not totals["traces"]:
        return Answer("not collected" if why else "info", "**No trace fits in this window.**", more)
    count = failed(totals)
    if not count:
        waited = f"95 of 100 took less than {numbers.ms(totals['p95_ms'])}"
        return Answer(
            "healthy", f"**None of {numbers.count(totals['traces'])} traces failed**; {waited}.", more
        )
    share = rate(count, totals["traces"])
    of = f"{numbers.count(count)} of {numbers.count(totals['traces'])} traces"
    text = f"**{of} failed** ({numbers.percent(share)})."
    worst = roots[roots["failed"] > 0].sort_values("failed", ascending=False) if len(roots) else roots
    where = f"most enter at {plain(worst['root'].iloc[0])}" if len(worst) else ""
    return Answer(
        "critical" if (share or 0) >= 0.05 else "warning", text, " · ".join(filter(None, [where, more]))
    )


def unread(seen: Seen) -> str:
    """That not all traces of a window were read, and why, as a caption."""
    return f":orange[:material/visibility_off:] Part of the traces was not read: {plain(seen.why)}."


def cards(totals: Totals, seen: Seen | None) -> list[Card]:
    marks: dict[str, Any] = {
        "provisional": bool(seen and seen.provisional),
        "partial": seen is None or not seen.complete,
    }
    hole = "" if seen is None or seen.complete else f" Not all was read: {plain(seen.why)}."
    sampled = "X-Ray samples: these are the traces that were kept, not all requests."

    def card(label: str, value: str, help: str, under: str | None = None) -> Card:
        return Card(label=label, value=value, help=f"{help}{hole}", delta=under, arrow="off", **marks)

    total = totals["traces"]
    said = " · ".join(f"{numbers.count(totals[w])} {w}s" for w in FAILURES if totals[w]) or "no failure"
    share = rate(failed(totals), total)
    return [
        card(
            "Traces", numbers.count(total), sampled, f"{numbers.count(totals['read_in_full'])} read in full"
        ),
        card("Failed", numbers.percent(share), "Traces with a fault, an error or a throttle, of all.", said),
        card("Still running", numbers.count(totals["running"]), "Traces whose end X-Ray has not told yet."),
        card("Median", numbers.ms(totals["p50_ms"]), _TOOK),
        card("p95", numbers.ms(totals["p95_ms"]), f"95 of 100 were faster. {_TOOK}"),
        card("Slowest", numbers.ms(totals["max_ms"]), _TOOK),
    ]


_TOOK = "How long the caller waited for the response; without one, until the last part ended."


def rows(found: pd.DataFrame) -> pd.DataFrame:
    """The list as a table: the reader's columns with `took`, and `outcome` as a list of one word."""
    took = pd.to_numeric(found["response_ms"], errors="coerce")
    words: dict[str, Any] = {
        "took": took.fillna(pd.to_numeric(found["duration_ms"], errors="coerce")),
        "outcome": [[word] for word in found["outcome"]],
        "in_full": ["yes" if full else "summary" for full in found["has_segments"]],
    }
    return found.assign(**words)


def title(record: Any) -> str:
    """One trace in a line of Markdown: entry, outcome in a word, how long."""
    word = outcome(record)
    took = record.response_ms if record.response_ms is not None else record.duration_ms
    status = f" · HTTP {record.http_status}" if record.http_status else ""
    name = plain(record.root or ", ".join(record.functions) or "a trace")
    return f"**{name}** · {word}{status} · {numbers.ms(took)}"


def outcome(record: Any) -> str:
    flags = {"fault": record.has_fault, "throttle": record.has_throttle, "error": record.has_error}
    found = next((word for word, is_so in flags.items() if is_so), None)
    return found or ("still running" if record.partial else "ok")


def marks(lines: pd.DataFrame, spans: pd.DataFrame, began: datetime | None) -> pd.DataFrame:
    """Kept lines (ts, function, signature) that were written while a trace ran, oldest first, on its time
    axis: offset_ms, part, label. `spans` are the trace's; others of the same requests are left out."""
    columns = pd.Index(["offset_ms", "part", "label"])
    if began is None or lines.empty:
        return pd.DataFrame(columns=columns)
    ends = pd.to_numeric(spans["offset_ms"]) + pd.to_numeric(spans["duration_ms"]).fillna(0.0)
    lasted = timedelta(milliseconds=min(float(ends.max()), LONGEST_MS))
    least, most = began - SKEW, began + lasted + SKEW
    found = [
        {
            "offset_ms": max(0.0, (row["ts"] - began) / timedelta(milliseconds=1)),
            "part": f"log of {row['function']}",
            "label": without_layout(str(row["signature"])),
        }
        for row in lines.sort_values("ts", kind="stable").to_dict("records")
        if least <= row["ts"] <= most
    ]
    return pd.DataFrame(found, columns=columns)


LONGEST_MS = 86_400_000.0
"""A span that claims to last longer tells nothing."""

SKEW = timedelta(seconds=1)
"""How far the clocks of X-Ray and of a log may differ."""


def calls(graph: Graph) -> pd.DataFrame:
    """The service map as a table, most failures first: caller, callee, kind, calls, failed, failed_rate,
    errors, faults, throttles, mean_ms, max_ms."""
    found = [
        {
            "caller": "callers" if source == CLIENT else source[0],
            "callee": target[0],
            "kind": kind_word(target[1]),
            **_told(tally),
        }
        for (source, target), tally in graph.edges.items()
    ]
    columns = ["caller", "callee", "kind", *_told(Tally())]
    frame = pd.DataFrame(found, columns=pd.Index(columns))
    return frame.sort_values(["failed", "calls"], ascending=False, kind="stable").reset_index(drop=True)


def _told(tally: Tally) -> dict[str, float | None]:
    return {
        "calls": tally.calls,
        "failed": tally.failed,
        "failed_rate": rate(tally.failed, tally.calls),
        "errors": tally.errors,
        "faults": tally.faults,
        "throttles": tally.throttles,
        "mean_ms": tally.duration_sum_ms / tally.timed if tally.timed else None,
        "max_ms": tally.duration_max_ms,
    }
