"""What a function's page says of its cold starts, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboard import figures_environments, numbers
from dashboard.figures import PROVISIONAL, reason
from dashboard.figures_environments import Ahead
from dashboard.numbers import plain

Row = Mapping[Any, Any]

FORMULA = (
    "Records with an initialization or a restore / invocation records; dollars are the GB-seconds billed "
    "beyond the handler's time × the price of the architecture."
)


def answer(row: Row) -> list[str]:
    """A row of `cold_starts` as lines of Markdown: how many, how long, what they cost, how that is known."""
    cold, records = row["cold_starts"], row["records"]
    share = numbers.percent(cold / records) if numbers.known(cold) and records else numbers.UNKNOWN
    said = f"**{numbers.count(cold)} cold starts** of {numbers.count(records)} invocation records ({share})"
    if cold:
        waited = numbers.age(float(row["waited_s"])) if row["waited_s"] >= 1 else f"{row['waited_s']:.1f} s"
        said += (
            f": initialization p50 {numbers.ms(row['init_p50_ms'])}, p95 {numbers.ms(row['init_p95_ms'])}, "
            f"at most {numbers.ms(row['init_max_ms'])}; callers waited {waited} in all"
        )
    dollars = row["init_cost_usd"]
    paid = plain(numbers.usd(dollars)) if dollars is not None else "an unknown amount"
    lines = [f"{said}. Billed initialization: **{paid}**.", f":small[:gray[{FORMULA}]]"]
    why = reason(row["state"])
    if why:
        lines.append(
            f":small[:orange[:material/visibility_off: Part of the log was not read: {plain(why)}.]]"
        )
    elif row["state"] == PROVISIONAL:
        lines.append(":small[:gray[Provisional: the newest minutes may still change.]]")
    return lines


def ahead(told: Ahead) -> list[str]:
    """What of its environments nobody waited for, as lines of Markdown; nothing where none began."""
    if not (told.begun or told.prepared or told.startless):
        return []
    about = f":small[:gray[{figures_environments.sentences(told)}]]"
    if not told.is_known:
        return [about]
    return [
        f"Of **{numbers.count(told.begun)}** environments that began on demand, {_ahead(told)}.",
        about,
    ]


def _ahead(told: Ahead) -> str:
    if not (told.proactive or told.unused):
        return "none is known to have been started ahead of a request"
    proactive, unused = numbers.count(told.proactive), numbers.count(told.unused)
    return f"**{proactive}** were ready before a request (proactive) and **{unused}** served none (unused)"
