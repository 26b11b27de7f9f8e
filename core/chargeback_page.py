"""A month's statement as a page that needs nothing else: HTML without scripts, links or pictures."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.chargeback import ROUNDING_RULE, RULE, Statement
from core.windows import Window

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884; }
.n { text-align: right; } tfoot td { font-weight: 600; border-top: 2px solid currentColor; }
p.small { font-size: .85rem; opacity: .85; }
@media print { body { margin: 0; max-width: none; } }
"""


def statement_page(
    one: Statement,
    *,
    window: Window,
    is_whole: bool,
    by: str,
    words: Mapping[str, str],
    lacks: Sequence[str],
    made: datetime,
    prices: str,
) -> str:
    """The statement for people: `by` is what it is divided by, `words` name components, `lacks` says what the
    sums lack, `prices` which prices they rest on."""
    month = f"{window.start:%B %Y}"
    so_far = "" if is_whole else f" so far (to {window.end:%d %B %H:%M} UTC)"
    title = f"AWS Lambda, {month}{so_far}: statement by {by}"
    rows = [
        [name(line.group), dollars(line.direct_usd), dollars(line.shared_usd), f"${line.cents_usd:,.2f}"]
        for line in one.lines
    ]
    total = ["Total", dollars(sum((line.direct_usd for line in one.lines), Decimal(0))),
             dollars(one.shared_usd), f"${one.cents_usd:,.2f}"]  # fmt: skip
    used = [part for part in words if any(line.components.get(part) for line in one.lines)]
    parts = [
        [name(line.group), *(dollars(line.components.get(part, Decimal(0))) for part in used)]
        for line in one.lines
    ]
    sums = ["Total", *(dollars(_sum(line.components.get(part) for line in one.lines)) for part in used)]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{html.escape(title)}</h1>",
            f'<p class="small">Made {made:%Y-%m-%d %H:%M} UTC by Quarterdeck. {html.escape(prices)}</p>',
            _table([by.capitalize(), "Own", "Shared", "Charged"], rows, total),
            "<h2>By component</h2>",
            _table([by.capitalize(), *(words[part] for part in used)], parts, sums),
            "<h2>How it adds up</h2>",
            f"<p>{html.escape(RULE)}</p><p>{html.escape(ROUNDING_RULE)}</p>",
            f"<p>Exact total: {one.total_usd:f} USD; charged: {one.cents_usd:.2f} USD; difference by "
            f"rounding: {one.cents_usd - one.total_usd:f} USD.</p>",
            "<h2>What it lacks</h2>",
            _list(lacks or ["Nothing that is known: every number is complete and final."]),
            "</body></html>\n",
        ]
    )


def name(group: str) -> str:
    """How a group reads; an empty tag is `untagged`."""
    return group or "untagged"


def dollars(usd: Decimal) -> str:
    """Four decimals: finer than what is charged, so that small parts are seen."""
    return f"${usd:,.4f}"


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((usd for usd in amounts if usd is not None), Decimal(0))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str]) -> str:
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return (
        f"<table><thead><tr>{_cells('th', head)}</tr></thead><tbody>{body}</tbody>"
        f"<tfoot><tr>{_cells('td', total)}</tr></tfoot></table>"
    )


def _cells(tag: str, cells: Sequence[str]) -> str:
    first, *others = (html.escape(cell) for cell in cells)
    return f"<{tag}>{first}</{tag}>" + "".join(f'<{tag} class="n">{cell}</{tag}>' for cell in others)


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"
