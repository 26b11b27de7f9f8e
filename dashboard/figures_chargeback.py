"""What the Chargeback page says: a sentence, cards, the statement as a table and as files."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pandas as pd

from core.chargeback import Statement
from core.chargeback_page import name
from dashboard import numbers
from dashboard.answers import Answer
from dashboard.numbers import plain
from dashboard.widgets import Card
from store.readers.chargeback import Chargeback

COLUMNS = (
    "name",
    "charged_usd",
    "share",
    "list_usd",
    "own_usd",
    "shared_usd",
    "exact_usd",
    "rounding_usd",
    "state",
)


UNUSED = "the Savings Plan's commitment pays for no use: the payer is charged it, and no line bears it"


def month_words(found: Chargeback) -> str:
    return f"{found.window.start:%B %Y}" + ("" if found.is_whole else " so far")


def answer(found: Chargeback, *, what: str) -> Answer:
    one = found.statement
    total = plain(f"${one.cents_usd:,.2f}")
    text = f"**{total} for {month_words(found)}**, by {plain(what)}; the lines add up to it to the cent."
    if not one.lines or not one.total_usd:
        return Answer("info", text)
    first = max(one.lines, key=lambda line: line.usd)
    most = f"most: {plain(name(first.group))}, {numbers.percent(float(first.usd / one.total_usd))}"
    lacking = f" · {len(found.states)} of {len(one.lines)} lines lack something" if found.states else ""
    return Answer("info", text, most + lacking)


def cards(found: Chargeback) -> list[Card]:
    one, partial = found.statement, bool(found.states)
    untagged = one.untagged_usd
    return [
        Card(
            label="Charged",
            value=f"${one.cents_usd:,.2f}",
            help="Net, after free amounts, tiers and plan: the month's exact total, rounded to a cent once.",
            partial=partial,
        ),
        Card(
            label="Shared",
            value=numbers.usd(one.shared_usd),
            help="What no function causes: Quarterdeck's own calls to AWS. In proportion to own cost.",
            partial=bool(found.unpriced_calls),
        ),
        Card(
            label="Without the tag",
            value=numbers.percent(float(untagged / one.total_usd) if one.total_usd else None),
            help="The untagged line / the total. Nobody else pays for it.",
            delta=numbers.usd(untagged),
            arrow="off",
            partial=partial,
        ),
        Card(
            label="Rounding",
            value=numbers.usd(abs(one.cents_usd - one.total_usd)),
            help="What is charged and the exact total differ by: half a cent at most.",
        ),
    ]


def table(found: Chargeback) -> pd.DataFrame:
    """`COLUMNS`, a row per line and the total last; floats but for charged_usd, which is cents."""
    one = found.statement
    rows = [
        [
            name(line.group), float(line.cents_usd), _share(line.usd, one),
            float(found.list_usd.get(line.group, 0)), float(line.direct_usd),
            float(line.shared_usd), float(line.usd), float(line.rounding_usd),
            found.states.get(line.group, "settled"),
        ]
        for line in one.lines
    ]  # fmt: skip
    own = float(sum((line.direct_usd for line in one.lines), Decimal(0)))
    total = [
        "Total", float(one.cents_usd), _share(one.total_usd, one),
        float(sum(found.list_usd.values(), Decimal(0))), own, float(one.shared_usd),
        float(one.total_usd), float(one.cents_usd - one.total_usd), "",
    ]  # fmt: skip
    return pd.DataFrame([*rows, total], columns=pd.Index(COLUMNS))


def _share(usd: Decimal, one: Statement) -> float:
    return float(usd / one.total_usd) if one.total_usd else float("nan")


def export(found: Chargeback, by: str) -> pd.DataFrame:
    """What the file holds: a row per line, exact, with each component; no total, so that it can be summed."""
    parts = list(dict.fromkeys(part for line in found.statement.lines for part in line.components))
    rows = [
        {
            "from": found.window.start.isoformat(),
            "to": found.window.end.isoformat(),
            by: line.group,
            "charged_usd": line.cents_usd,
            "list_usd": found.list_usd.get(line.group, Decimal(0)),
            "own_usd": line.direct_usd,
            "shared_usd": line.shared_usd,
            "rounding_usd": line.rounding_usd,
            **{f"{part}_usd": line.components.get(part, Decimal(0)) for part in parts},
            "state": found.states.get(line.group),
        }
        for line in found.statement.lines
    ]
    return pd.DataFrame(rows)


def lacks(found: Chargeback) -> list[str]:
    """What the sums lack, in words, each reason with the lines it is said of."""
    said: dict[str, list[str]] = {}
    for group, state in found.states.items():
        said.setdefault(state, []).append(name(group))
    calls = found.unpriced_calls
    own = [f"{calls:,} of Quarterdeck's calls have no known price"] if calls else []
    unused = [f"{numbers.usd(found.unused_usd)} of {UNUSED}"] if found.unused_usd else []
    return [*(f"{state}: {_listed(groups)}" for state, groups in said.items()), *own, *unused]


def _listed(groups: list[str]) -> str:
    more = len(groups) - 8
    return ", ".join(groups[:8]) + (f" and {more:,} more" if more > 0 else "")


def bars(found: Chargeback, words: Mapping[str, str]) -> pd.DataFrame:
    """group, part (component in words, or Shared), cost_usd (floats): what each line is made of."""
    rows = [
        (name(line.group), words.get(part, part), float(usd))
        for line in found.statement.lines
        for part, usd in {**line.components, "Shared": line.shared_usd}.items()
        if usd
    ]
    return pd.DataFrame(rows, columns=pd.Index(["group", "part", "cost_usd"]))
