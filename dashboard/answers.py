"""A page's question answered in words: frames in, a sentence out. Names are escaped, unknown is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from alerts.quiet import Quiet
from core.formulas import rate
from dashboard import numbers
from dashboard.charts.concurrency import danger
from dashboard.numbers import plain


@dataclass(frozen=True, slots=True)
class Answer:
    """`state` is a name of `widgets.STATES`; `text` and `more` are Markdown."""

    state: str
    text: str
    more: str = ""


def cold_answer(functions: pd.DataFrame) -> Answer:
    """From the `cold_starts` reader's frame."""
    records, cold = total(functions["records"]), total(functions["cold_starts"])
    if not records or cold is None:
        return Answer("not collected", "**No invocation records in this window.**", first_why(functions))
    proactive = total(functions["proactive"]) or 0
    if cold == proactive:
        text = f"**Nobody waited for a cold start** in {numbers.count(records)} invocations."
        return Answer("healthy", text, f"{numbers.count(cold)} started ahead of a request" if cold else "")
    worst = functions.sort_values("waited_s", ascending=False).iloc[0]
    waited = numbers.age(total(functions["waited_s"]))
    share = numbers.percent(cold / records)
    of_all = f"{numbers.count(proactive)} of {numbers.count(cold)} cold starts"
    spared = f"; for {of_all} nobody did" if proactive else ""
    text = f"**{share} of invocations started cold**; callers waited {waited} together{spared}."
    more = f"Most of it on {plain(worst['function'])}: {numbers.percent(worst['cold_start_rate'])} cold, "
    return Answer("info", text, more + f"init p95 {numbers.ms(worst['init_p95_ms'])}")


def concurrency_answer(limits: pd.DataFrame) -> Answer:
    """From the `limits` reader's frame with `place`: the account and region nearest its limit."""
    known = limits.dropna(subset=["utilization"])
    if known.empty:
        return Answer("not collected", "**How much concurrency is claimed is not known.**", first_why(limits))
    worst = known.sort_values("utilization", ascending=False).iloc[0]
    text = (
        f"**{plain(worst['place'])} claimed {numbers.percent(worst['utilization'])} of its "
        f"{numbers.count(worst['limit'])}** at its busiest moment: {numbers.count(worst['headroom'])} left."
    )
    return Answer(danger(worst["utilization"]), text, throttled(limits))


def throttled(limits: pd.DataFrame) -> str:
    throttles = total(limits["throttles"])
    if throttles is None:
        return "throttles are not known"
    return f"{numbers.count(throttles)} invocations throttled" if throttles else "nothing was throttled"


def queues_answer(queues: pd.DataFrame, also: str = "") -> Answer:
    """From the `queues` reader's frame: what lies in dead-letter queues, and what passed through them.
    `also` tells what else is lost or waits: events without a dead-letter queue, mappings; "" if nothing."""
    told = _letters(queues)
    if not also:
        return told
    state = "warning" if told.state in {"healthy", "info"} else told.state
    return Answer(state, told.text, " · ".join(part for part in (also, told.more) if part))


def _letters(queues: pd.DataFrame) -> Answer:
    dead = queues[queues["role"] == "dead-letter"]
    holding = dead[dead["depth"] > 0]
    arrived = total(dead["arrivals"]) or 0
    more = f"{numbers.count(arrived)} arrived in this window" if arrived else ""
    if not holding.empty:
        oldest = numbers.age(holding["oldest_age_s"].max())
        return Answer(
            "critical" if arrived else "warning",
            f"**{numbers.many(len(holding), 'dead-letter queue holds', 'dead-letter queues hold')} "
            f"{numbers.count(holding['depth'].sum())} messages**, the oldest for {oldest}.",
            more,
        )
    if arrived:
        text = (
            f"**{numbers.count(arrived)} messages arrived in dead-letter queues** and were taken out again."
        )
        return Answer("warning", text, "the queues are empty now: whoever drains them may hide lost work")
    if dead["depth"].isna().any():
        return Answer("not collected", "**Some dead-letter queues could not be read.**", first_why(dead))
    if dead.empty:
        return Answer("info", "**No dead-letter queue is known** in what is watched.")
    empty = numbers.many(len(dead), "dead-letter queue is", "dead-letter queues are")
    return Answer("healthy", f"**{empty} empty**, none arrived.")


def cost_answer(groups: pd.DataFrame, components: Mapping[str, Any], *, days: float, what: str) -> Answer:
    """`groups` as the `costs` reader returns them, with `name`; `components` are USD per our word."""
    spent = total(groups["cost_usd"])
    if spent is None:
        return Answer("not collected", "**What this window cost is not known.**", first_why(groups))
    text = f"**{numbers.usd(spent)} in this window**, {numbers.usd(spent / days)} a day."
    if not spent:
        return Answer("info", text)
    dearest = (
        groups.assign(usd=groups["cost_usd"].astype("float64")).sort_values("usd", ascending=False).iloc[0]
    )
    part = max(components, key=lambda name: components[name] or 0)
    more = f"dearest {what}: {plain(dearest['name'])}, {numbers.percent(dearest['usd'] / spent)}"
    share = rate(float(components[part] or 0), spent)
    return Answer("info", text, f"{more} · {part.lower()} is {numbers.percent(share)} of it")


def alerts_answer(firing: pd.DataFrame, acknowledged: int, held: int, silence: Quiet) -> Answer:
    """`firing` are the incidents that nobody has and nothing holds back, the worst first."""
    parts = [f"{acknowledged} acknowledged"] if acknowledged else []
    parts += [f"{held} held back"] if held else []
    if len(firing):
        text = f"**{numbers.many(len(firing), 'alert fires', 'alerts fire')}** that nobody has acknowledged."
        return Answer(str(firing["severity"].iloc[0]), text, ", ".join(parts))
    if parts:
        return Answer("warning", f"**Nothing new is firing**: {', '.join(parts)}.")
    return Answer(silence.state, f"**{silence.text}.**")


class Trouble(NamedTuple):
    """What is wrong beside collectors: critical or warning, and words to go on a sentence with."""

    state: str
    text: str


def collection_answer(
    collectors: pd.DataFrame,
    *,
    late: pd.Series[bool],
    holes: pd.DataFrame,
    troubles: Sequence[Trouble] = (),
) -> Answer:
    """From the `collectors` reader's frame; `late` says which rows have data that is too old, `holes` what of
    the window was not read (`figures_collection.holes`), `troubles` what else is wrong, worst first."""
    bad = ~collectors["outcome"].isin(["ok"])
    beside = " · ".join(trouble.text for trouble in troubles)
    if collectors.empty:
        return Answer("not collected", "**Nothing has been collected yet.**", beside)
    if not bad.any() and not late.any():
        if troubles:
            text = f"**All {len(collectors)} collectors are on time, but {troubles[0].text}.**"
            return Answer(troubles[0].state, text, " · ".join(trouble.text for trouble in troubles[1:]))
        return _all_on_time(len(collectors), holes[holes["hides"] != ""])
    troubled = int((bad | late).sum())
    text = (
        f"**{troubled} of {len(collectors)} collectors need a look**: numbers that rest on them have holes."
    )
    errors = collectors[bad & collectors["error"].notna()]
    more = plain(errors["error"].iloc[0]) if len(errors) else ""
    is_worse = bad.any() or any(trouble.state == "critical" for trouble in troubles)
    return Answer("critical" if is_worse else "late", text, " · ".join(filter(None, [more, beside])))


def _all_on_time(n: int, hiding: pd.DataFrame) -> Answer:
    if hiding.empty:
        return Answer("healthy", f"**You can believe what you see**: all {n} collectors are on time.")
    first = hiding.iloc[0]
    text = (
        f"**All {n} collectors are on time, but {numbers.many(len(hiding), 'gap', 'gaps')} of this window "
        f"{'hides' if len(hiding) == 1 else 'hide'} something.**"
    )
    more = f"{plain(first['collector'])}: {plain(first['why'])}; not seen: {plain(first['hides'])}"
    return Answer("info", text, more)


def total(column: pd.Series[Any]) -> float | None:
    """The sum of what is known; None when nothing is."""
    known = [float(value) for value in column if numbers.known(value)]
    return sum(known) if known else None


def first_why(frame: pd.DataFrame) -> str:
    """Why the first row that is not collected is not, as plain text; empty when no row says so."""
    for state in frame.get("state", ()):
        if isinstance(state, str) and state.startswith("not collected"):
            return plain(state)
    return ""
