"""What the Function cost page says: a sentence, cards, what bought nothing, before and after deploys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

import pandas as pd

from core.cost_anomalies import CostAnomaly
from core.cost_words import COMPONENT_WORDS
from core.windows import Window
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.figures_cost import DAY, components
from dashboard.numbers import plain
from dashboard.seen import seen
from dashboard.widgets import Card
from store.readers.budgets import UnusualDays

Row = Mapping[str, Any]

MEANS = {
    "errors": "requests and billed time of invocations that failed, timed out or were killed",
    "timeouts": "requests and billed time of invocations that timed out; they are errors, too",
    "retries": "requests and billed time of records whose request id came before: Lambda's own retries",
    "cold starts": "billed initialization",
}


def row(costs: pd.DataFrame) -> Row | None:
    """The one function's row of the `costs` reader; None when nothing of it is known."""
    return {str(name): value for name, value in costs.iloc[0].items()} if len(costs) else None


def per_thousand(one: Row | None) -> Decimal | None:
    """USD per thousand invocations; None when none is known."""
    if one is None or not numbers.known(one["cost_usd"]) or not one["invocations"]:
        return None
    return Decimal(one["cost_usd"] / Decimal(str(one["invocations"])) * 1000)


def answer(one: Row, *, window: Window) -> Answer:
    """What it costs, per thousand, and what drives it."""
    parts = {name: one[f"{name}_usd"] for name in components(pd.DataFrame([one])) if one[f"{name}_usd"]}
    usd = one["cost_usd"]
    per_day = numbers.usd(float(usd) / (window.duration / DAY))
    text = f"**{plain(numbers.usd(usd))} in this window**, {plain(per_day)} a day"
    each = per_thousand(one)
    text += "." if each is None else f"; {plain(numbers.usd(each))} per thousand invocations."
    if not parts or not usd:
        return Answer("info", text)
    most = max(parts, key=lambda name: parts[name])
    share = numbers.percent(float(parts[most] / usd))
    return Answer("info", text, f"driven by {COMPONENT_WORDS[most].lower()}: {share} of it")


def answer_of_all(shown: pd.DataFrame, *, window: Window) -> Answer:
    """What the functions of `dearest` cost together, which of them costs most, and why."""
    known, first = shown["cost_usd"].dropna(), shown.iloc[0]
    usd = float(known.sum())
    if not usd:
        return Answer("info", "What these functions cost in this window is not known.")
    functions = f"{numbers.count(len(known))} function{'' if len(known) == 1 else 's'}"
    text = f"**{plain(numbers.usd(usd))} for {functions} in this window**"
    text += f", {plain(numbers.usd(usd / (window.duration / DAY)))} a day."
    most = f"{plain(first['function'])} costs most: {plain(numbers.usd(first['cost_usd']))}"
    share = numbers.percent(first["cost_usd"] / usd)
    return Answer("info", text, f"{most}, {share} of it, driven by {first['driver'].lower()}")


def cards(one: Row, before: Row | None, wasted: pd.DataFrame) -> list[Card]:
    frames = pd.DataFrame([one]), pd.DataFrame([before] if before else [], columns=list(one))
    here, there = (seen(frame, ["function"]) for frame in frames)
    is_same = before is not None and before["basis"] == one["basis"]
    was = before if is_same else None
    each, each_was = per_thousand(one), per_thousand(was)
    return [
        Card(
            label="Cost",
            value=numbers.usd(one["cost_usd"]),
            help=here.help("All components at list price, in this window."),
            **here.marks(),
            **here.moved(there, one["cost_usd"], was["cost_usd"] if was else None),
        ),
        Card(
            label="Per thousand",
            value=numbers.usd(each),
            help=here.help("Cost / invocations × 1,000."),
            **here.marks(),
            **here.moved(there, each, each_was),
        ),
        *(_wasted_card(kind, label, wasted, one) for kind, label in LABELS.items()),
    ]


LABELS = {"errors": "Errors", "timeouts": "Timeouts", "retries": "Retries", "cold starts": "Cold starts"}


def _wasted_card(kind: str, label: str, wasted: pd.DataFrame, one: Row) -> Card:
    mine = wasted[wasted["kind"] == kind]
    if mine.empty:
        why = "No invocation record tells in this window."
        return Card(label=label, value=numbers.UNKNOWN, help=f"{MEANS[kind]}. {why}")
    told, usd, n = seen(mine, ["kind"]), mine["cost_usd"].iloc[0], mine["invocations"].iloc[0]
    whole = one["cost_usd"]
    share = f"{numbers.percent(float(usd / whole))}, " if usd is not None and whole else ""
    return Card(
        label=label,
        value=numbers.usd(usd),
        help=told.help(f"What it cost: {MEANS[kind]}, at list price. Kinds overlap."),
        delta=f"{share}{numbers.count(n)} invocations",
        arrow="off",
        **told.marks(),
    )


def avoidable_table(wasted: pd.DataFrame, one: Row) -> pd.DataFrame:
    """kind, cost_usd (float), share (of the function's cost), invocations, means, state."""
    whole = float(one["cost_usd"] or 0)
    usd = wasted["cost_usd"].astype("float64")
    return pd.DataFrame(
        {
            "kind": [LABELS[kind] for kind in wasted["kind"]],
            "cost_usd": usd,
            "share": usd / whole if whole else float("nan"),
            "invocations": wasted["invocations"].astype("float64"),
            "means": [MEANS[kind] for kind in wasted["kind"]],
            "state": [state if isinstance(state, str) else "settled" for state in wasted["state"]],
        }
    ).sort_values("cost_usd", ascending=False, kind="stable", ignore_index=True)


def deploy_table(deploys: pd.DataFrame, *, zone: tzinfo) -> pd.DataFrame:
    """ts (in the reader's zone), what, who, before and after per thousand (floats), moved (of what it was),
    most (the component), lengths and invocations of both windows, state."""
    before = deploys["before_per_thousand_usd"].astype("float64")
    after = deploys["after_per_thousand_usd"].astype("float64")
    most = [
        "" if not usd else f"{COMPONENT_WORDS.get(name, name)} {'+' if usd > 0 else ''}{numbers.usd(usd)}"
        for name, usd in zip(deploys["most"], deploys["most_usd"], strict=True)
    ]
    return pd.DataFrame(
        {
            "ts": [ts.astimezone(zone) for ts in deploys["ts"]],
            "what": deploys["what"].astype(str),
            "before_usd": before,
            "after_usd": after,
            "moved_share": (after - before) / before.where(before > 0),
            "most": most,
            "before": [_looked_at(window) for window in deploys["before"]],
            "after": [_looked_at(window) for window in deploys["after"]],
            "before_invocations": deploys["before_invocations"].astype("float64"),
            "after_invocations": deploys["after_invocations"].astype("float64"),
            "who": [who if isinstance(who, str) else "" for who in deploys["who"]],
            "state": [state if isinstance(state, str) else "settled" for state in deploys["state"]],
        }
    )


def _looked_at(window: Window) -> str:
    return numbers.age(window.duration)


def deploy_file(deploys: pd.DataFrame) -> pd.DataFrame:
    """Exact amounts, and the windows compared in UTC."""
    file = deploys.drop(columns=["before", "after"])
    for name in ("before", "after"):
        file[f"{name}_from"] = [window.start.isoformat() for window in deploys[name]]
        file[f"{name}_to"] = [window.end.isoformat() for window in deploys[name]]
    return file


def deploy_sentence(deploys: pd.DataFrame) -> str:
    """What the newest deploy that can be compared did to a thousand invocations, as Markdown."""
    for one in deploys.to_dict("records"):
        before, after = one["before_per_thousand_usd"], one["after_per_thousand_usd"]
        if before and after is not None:
            moved = f"{float(after / before - 1) * 100:+,.0f}%"
            return (
                f"Since **{plain(one['what'])}** a thousand invocations cost {plain(numbers.usd(after))}, "
                f"before {plain(numbers.usd(before))} ({plain(moved)})."
            )
    return "Of no deploy is both known: what invocations cost before it, and after."


def unusual_sentence(told: UnusualDays) -> str:
    """How many of the days are unusual; and how many could not be judged, which are not called usual."""
    unjudged = told.days - told.judged
    lacking = f" {unjudged} of {told.days} days could not be judged." if unjudged else ""
    if not told.judged:
        return f"None of {told.days} days can be judged: seven earlier days, collected in full, are needed."
    if not told.found:
        return f"None of {told.judged} days.{lacking}"
    excess = numbers.usd(sum(one.excess_usd for one in told.found))
    n = len(told.found)
    return f"**{n} of {told.judged} days**, {plain(excess)} above what is usual.{lacking}"


def unusual_table(found: Sequence[CostAnomaly]) -> pd.DataFrame:
    """day (aware, its begin), cost_usd, usual_usd, above_usd (floats), component, cause, says."""
    rows = [
        (
            datetime(one.day.year, one.day.month, one.day.day, tzinfo=UTC),
            one.usd,
            one.expected_usd,
            one.excess_usd,
            COMPONENT_WORDS.get(one.component, one.component),
            one.cause,
            one.says,
        )
        for one in found
    ]
    columns = ["day", "cost_usd", "usual_usd", "above_usd", "component", "cause", "says"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


def dearest(costs: pd.DataFrame) -> pd.DataFrame:
    """account, region, function, cost_usd, share, per_thousand_usd (floats), driver, invocations, state."""
    names = components(costs)
    usd, calls = costs["cost_usd"].astype("float64"), costs["invocations"].astype("float64")
    whole = float(sum(costs["cost_usd"], Decimal(0)))
    parts = costs[[f"{name}_usd" for name in names]].astype("float64")
    driver = [str(name).removesuffix("_usd") for name in parts.fillna(0).idxmax(axis=1)]
    return costs[["account", "region", "function"]].assign(
        cost_usd=usd,
        share=usd / whole if whole else float("nan"),
        per_thousand_usd=usd / calls.where(calls > 0) * 1000,
        driver=[COMPONENT_WORDS[name] if spent else "" for name, spent in zip(driver, usd, strict=True)],
        invocations=calls,
        state=[state if isinstance(state, str) else "settled" for state in costs["state"]],
    )
