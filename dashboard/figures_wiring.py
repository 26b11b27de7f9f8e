"""What a function's page says of what invokes it, what ages, and why a trace is missing: as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.tracing import Reason
from dashboard.numbers import plain

FINE = frozenset({"", "OK", "No records processed"})
"""Last results of a mapping that mean no trouble."""

Row = Mapping[Any, Any]

OFF, FAILING, PUBLIC, FINE_NOW = "off", "failing", "public", "fine"
LOUD = {
    FAILING: ":red[:material/error:] ",
    OFF: ":orange[:material/pause_circle:] ",
    PUBLIC: ":red[:material/public:] ",
    FINE_NOW: "",
}
"""How a trigger's standing is marked, the loudest first; words say the same beside it."""

ENDED, ENDING = {"ended", "create blocked", "update blocked"}, {"ending"}


def standing(trigger: Row) -> str:
    """`failing`, `off`, `public` or `fine`, for a row of the `triggers` reader."""
    if not trigger["enabled"]:
        return OFF
    if str(trigger["last_result"] or "") not in FINE:
        return FAILING
    return PUBLIC if trigger["is_public"] else FINE_NOW


def trigger_words(triggers: pd.DataFrame, *, most: int) -> list[str]:
    """What invokes a function, those that need a look first: `SQS orders (Enabled)`."""
    rows = sorted(triggers.to_dict("records"), key=lambda row: list(LOUD).index(standing(row)))
    said = [_trigger(row) for row in rows[:most]]
    return said + ([f"and {len(rows) - most} more"] if len(rows) > most else [])


def shouts(triggers: pd.DataFrame, reserved: float | None, *, most: int) -> list[str]:
    """What keeps work from reaching a function, as Markdown for the head of its page: triggers that are off
    or fail, a concurrency of zero."""
    rows = [row for row in triggers.to_dict("records") if standing(row) in {OFF, FAILING}]
    said = [_shout(row) for row in rows[:most]]
    if len(rows) > most:
        said.append(f"and {len(rows) - most} more triggers that are off or fail")
    if reserved == 0:
        stopped = _badge("red", "block", "Throttled to zero")
        said.insert(0, f"{stopped} Reserved concurrency is 0: **every invocation is turned away**")
    return said


def _shout(row: Row) -> str:
    is_off = standing(row) == OFF
    badge = _badge("red", *(("pause_circle", "Trigger off") if is_off else ("error", "Trigger failing")))
    why = (row["state"] or row["detail"] or "not enabled") if is_off else row["last_result"]
    return f"{badge} **{_name(row)}** {'does not invoke it' if is_off else 'reports'}: {plain(why)}"


def quiet(triggers: pd.DataFrame) -> pd.DataFrame:
    """The triggers that work."""
    keep = [standing(row) not in {OFF, FAILING} for row in triggers.to_dict("records")]
    return triggers[pd.Series(keep, index=triggers.index, dtype=bool)]


def _name(row: Row) -> str:
    source = str(row["source"]).rsplit(":", 1)[-1]
    return plain(row["title"]) + ("" if source == row["title"] else f" {plain(source)}")


def _trigger(row: Row) -> str:
    said = {
        OFF: f"off: {row['state'] or row['detail'] or 'not enabled'}",
        FAILING: f"failing: {row['last_result']}",
        PUBLIC: "public: anyone may invoke it",
        FINE_NOW: row["schedule"] or row["state"],
    }[standing(row)]
    return LOUD[standing(row)] + _name(row) + (f" ({plain(said)})" if said else "")


def trigger_rows(triggers: pd.DataFrame) -> pd.DataFrame:
    """The table of triggers: the reader's columns with `standing` (a list of one word), trouble first."""
    words = [standing(row) for row in triggers.to_dict("records")]
    rank = [list(LOUD).index(word) for word in words]
    lists: dict[str, list[Any]] = {"standing": [[word] for word in words], "rank": rank}
    rows = triggers.assign(**lists)
    return rows.sort_values("rank", kind="stable").drop(columns="rank").reset_index(drop=True)


def aging(runtimes: pd.DataFrame, pools: pd.DataFrame) -> list[str]:
    """Badges of what ends or serves nobody: the runtime's support, orphaned provisioned concurrency."""
    said = []
    for row in runtimes.to_dict("records"):
        if row["state"] in ENDED | ENDING:
            colour = "red" if row["state"] in ENDED else "orange"
            said.append(_badge(colour, "event_busy", f"{row['runtime']}: {row['said']}"))
    for row in pools.to_dict("records"):
        if row["orphan"]:
            what = f"{row['requested']} provisioned on {row['qualifier']} serve nobody: {row['orphan']}"
            said.append(_badge("orange", "speed", what))
    return said


def _badge(colour: str, icon: str, text: str) -> str:
    return f":{colour}-badge[:material/{icon}: {plain(text)}]"


def incomplete(completeness: pd.DataFrame) -> list[str]:
    """Why numbers from the function's log are incomplete, as Markdown; none when they are complete."""
    reasons = [str(reason) for reasons in completeness["reasons"] for reason in reasons]
    return [plain(reason[:1].upper() + reason[1:]) for reason in reasons]


CERTAIN = {"certain": "red", "likely": "orange", "possible": "gray"}


def no_trace(reasons: Sequence[Reason]) -> list[str]:
    """Why there is no trace, the surest reason first, each with what to do."""
    return [
        f":{CERTAIN.get(reason.certainty, 'gray')}-badge[{plain(reason.certainty)}] **{plain(reason.what)}**"
        + (f"  \n:small[:gray[{plain(reason.do)}]]" if reason.do else "")
        for reason in reasons
    ]


def spans(bars: pd.DataFrame) -> pd.DataFrame:
    """The waterfall as a table: name (indented by depth), kind, start_ms, duration_ms, status, cause."""
    names = [
        "\N{EM SPACE}" * int(depth) + str(name)
        for depth, name in zip(bars["depth"], bars["name"], strict=True)
    ]
    return bars.assign(name=names).rename(columns={"offset_ms": "start_ms"})
