"""What the Cold starts page says of units of provisioned concurrency: a sentence, cards, assumptions."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from core.units import Step, break_even_use
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.figures import reason
from dashboard.what_if import LATEST, WhatIf
from dashboard.widgets import Card

MONTH = timedelta(hours=730)


def answer(found: WhatIf, chosen: Step | None) -> Answer:
    over = numbers.age(found.window.duration)
    if chosen is None:
        told = f"**Units would have spared nobody**: no cold start to avoid in {over}."
        return Answer("healthy", told)
    if not chosen.units:
        return Answer(
            "info", f"**Without units {numbers.count(chosen.cold_starts)} callers wait** in {over}."
        )
    whole = chosen.avoided + chosen.cold_starts
    text = (
        f"**{units(chosen.units)} would have avoided {numbers.count(chosen.avoided)} of "
        f"{numbers.count(whole)} cold starts** and spared callers {numbers.age(chosen.spared_s)}, "
        f"{money(chosen)} in {over}."
    )
    return Answer("info" if found.is_alike else "warning", text, _month(found, chosen))


def money(chosen: Step) -> str:
    net = chosen.net_usd
    if net is None:
        return "at a price that is not known"
    return f"for {_usd(abs(net))} {_more(net)} than on demand"


def _more(amount: Decimal) -> str:
    return "more" if amount >= 0 else "less"


def _month(found: WhatIf, chosen: Step) -> str:
    if chosen.net_usd is None:
        return ""
    a_month = abs(float(chosen.net_usd)) * (MONTH / found.window.duration)
    return f"at this rate {_usd(a_month)} {_more(chosen.net_usd)} a month"


def _usd(amount: Decimal | float) -> str:
    """Inside Markdown, where two dollar signs would be a formula."""
    return numbers.usd(amount).replace("$", "\\$")


def units(count: int) -> str:
    return f"{count:,} unit{'' if count == 1 else 's'}"


def cards(found: WhatIf, chosen: Step) -> list[Card]:
    marks: dict[str, Any] = {"partial": reason(found.state) is not None}
    even = break_even_use(found.prices)
    per_s = _per_second(chosen)
    return [
        Card(
            label="Cold starts left",
            value=numbers.count(chosen.cold_starts),
            help="Replayed arrivals that find neither a unit nor a warm environment.",
            delta=f"{numbers.count(found.steps[0].cold_starts)} without units",
            arrow="off",
            **marks,
        ),
        Card(
            label="Callers spared",
            value=numbers.age(chosen.spared_s),
            help=f"Cold starts avoided × {numbers.ms(_ms(found.wait_s))}, the mean wait recorded.",
            **marks,
        ),
        Card(
            label="Net cost",
            value=numbers.usd(chosen.net_usd),
            help="Capacity + duration at the provisioned price − what the same invocations, with the cold "
            "starts avoided, cost on demand. Today's list prices, without free tier or Savings Plan.",
            delta=f"{numbers.usd(chosen.capacity_usd)} capacity",
            arrow="off",
            **marks,
        ),
        Card(
            label="Per second spared",
            value=numbers.usd(per_s),
            help="Net cost / seconds that callers would not have waited.",
            **marks,
        ),
        Card(
            label="Units at work",
            value=numbers.percent(chosen.use),
            help="Handler time on units / (units × window). Above the break-even share, units cost less than "
            "on demand: capacity price / (on-demand − provisioned duration price).",
            delta=f"break-even {numbers.percent(even)}" if even is not None else None,
            arrow="off",
            **marks,
        ),
        Card(
            label="Units that pay",
            value=_paying(found, chosen),
            help="The most units whose net cost in this window is zero or less.",
            **marks,
        ),
    ]


def _paying(found: WhatIf, chosen: Step) -> str:
    if chosen.net_usd is None:
        return numbers.UNKNOWN
    return numbers.count(found.paying.units if found.paying else 0)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _per_second(chosen: Step) -> float | None:
    if chosen.net_usd is None or not chosen.spared_s:
        return None
    return float(chosen.net_usd) / chosen.spared_s


def curve(found: WhatIf) -> pd.DataFrame:
    """Per number of units: units, cold_starts, avoided, spared_s, net_usd, use."""
    columns = ["units", "cold_starts", "avoided", "spared_s", "net_usd", "use"]
    told = [[getattr(one, name) for name in columns] for one in found.steps]
    frame = pd.DataFrame(told, columns=pd.Index(columns))
    return frame.astype({"spared_s": float, "net_usd": float, "use": float})


def cautions(found: WhatIf, *, has_snap_start: bool) -> list[str]:
    """What to know before believing the answer."""
    said = []
    if why := reason(found.state):
        said.append(
            f"Its log was not read in full ({numbers.plain(why)}): arrivals are missing, and so is load."
        )
    if not found.is_alike:
        said.append(
            f"The replay does not tell the same as the log: cold starts {_compared(found)}. Take the answer "
            "as rough; another idle time may fit better."
        )
    if not found.has_lead:
        said.append("The hour before was not read: the first use of each environment counts as cold.")
    if found.is_cut:
        said.append(
            f"Only the newest {numbers.age(found.window.duration)} are replayed: there are too many records."
        )
    if found.versions == (LATEST,):
        said.append(
            "Callers use \\$LATEST, which cannot have units: publish a version and call it by an alias."
        )
    if has_snap_start:
        said.append("It has SnapStart, which does not go together with units: it would have to be off.")
    return said


def _compared(found: WhatIf) -> str:
    beside = f" with its {units(found.units_now)}" if found.units_now else ""
    replayed, recorded = numbers.count(found.replayed), numbers.count(found.recorded)
    return f"{replayed} replayed{beside}, {recorded} recorded"


def assumptions(found: WhatIf) -> list[str]:
    """What the answer supposes, in words."""
    idle = f"An environment is kept for {numbers.age(found.habits.idle)} without work"
    fitted = ", which reproduces the recorded cold starts best" if found.is_fitted else ", as chosen"
    life = (
        f", and for {numbers.age(found.habits.life)} in all, the longest that one was seen at work"
        if found.habits.life
        else ""
    )
    memory = f" at {numbers.megabytes(found.memory_mb)}" if found.memory_mb else ""
    return [
        f"{numbers.count(found.invocations)} recorded invocations are replayed; each arrived when it ended, "
        "less its duration and its wait for an environment. Who found one that was ready long before (a "
        "proactive one) did not wait.",
        f"{idle}{fitted}{life}: cold starts {_compared(found)}.",
        "An arrival takes a unit if one is free, else a warm environment of its version; else it is cold.",
        "Units stand ready from the first minute on, follow deploys and serve every version.",
        "An invocation keeps its environment busy for as long as it did when recorded, its cold start "
        "included: so units are worth a little more than shown.",
        f"A cold start that is avoided spares {numbers.ms(_ms(found.wait_s))}, the mean of those recorded.",
        f"Units cost list price{memory} for the whole window in steps of five minutes; what initializing the "
        "units themselves is billed is left out.",
    ]
