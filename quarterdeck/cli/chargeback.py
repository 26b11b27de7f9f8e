"""The command that states a month per team."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.asking import PANEL
from quarterdeck.cli.context import Account, Json, Region, front, note, now_utc, where


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(chargeback)


def chargeback(
    context: typer.Context,
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="This month without it.")] = None,
    by: Annotated[str, typer.Option(help="tag:NAME, account, region or function.")] = "tag:team",
    account: Account = None,
    region: Region = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the lines to a CSV file too.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the statement as a page for people too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Who bears what of a month: lines in cents that add up to the total, shared costs allocated.

    Examples:

        quarterdeck chargeback --month 2026-10

        quarterdeck chargeback --by tag:cost-center --html statement.html
    """
    now = now_utc()
    from core.errors import QuarterdeckError
    from quarterdeck import answers, charging, output, tables
    from store.readers.chargeback import chargeback as read
    from store.readers.prices import price_sources

    first, group = charging.read_month(month, now=now), charging.read_by(answers.grouping(by))
    mine = front(context)
    with mine.store() as store:
        found = read(
            store, first, now=now, by=group, where=where(account, region), settings=mine.settings.cost
        )
        sources = price_sources(store)
    document = charging.chargeback_document(found, by=group)
    if csv:
        output.write_csv(csv, charging.chargeback_rows(document))
        note(f"wrote {len(document['lines'])} rows to {csv}")
    if html:
        try:
            html.write_text(charging.chargeback_html(found, by=group, prices=sources, now=now), "utf-8")
        except OSError as error:
            raise QuarterdeckError(f"cannot write {html}: {error.strerror}") from error
        note(f"wrote the statement to {html}")
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.chargeback_columns(group), document["lines"], nothing=tables.NO_COST)
    note(f"total {document['charged_usd']} USD for {document['month']}{'' if found.is_whole else ' so far'}")
