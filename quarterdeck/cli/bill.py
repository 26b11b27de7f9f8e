"""Commands about AWS's bills: bill import, list, reconcile, forget."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.context import Json, front, note, now_utc
from quarterdeck.mistakes import UsageMistakeError

bill = typer.Typer(no_args_is_help=True, help="Import AWS's bills, and hold the estimate against them.")

Month = Annotated[str | None, typer.Option(help="2026-10. Default: the newest with a bill.", metavar="MONTH")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(bill, name="bill", rich_help_panel="Questions to the store")


@bill.command("import")
def import_(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(help="CSV, CSV.gz, Parquet, or folders of them.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a bill by an older one.")] = False,
    as_json: Json = False,
) -> None:
    """Import Cost and Usage Reports or FOCUS exports: all of what is named, or nothing.

    Give all parts of a report at once: a payer's month replaces what is held of it.

    Examples:

        quarterdeck bill import cur/20261001-20261101/

        quarterdeck bill import focus-2026-10.parquet
    """
    from quarterdeck import billing, output

    mine = front(context)
    paths = files or mine.settings.cost.bills
    if not paths:
        raise UsageMistakeError("name files to import, or list them as cost.bills in the settings")
    with mine.store(create=True) as store:
        done = billing.import_bills(store, paths, now=now_utc(), force=force)
    if as_json:
        output.print_json({"bills": done})
        return
    for one in done:
        typer.echo(billing.import_sentence(one))
    if not done:
        note("the files have no line about Lambda, its logs, traces or queues: nothing was imported")


@bill.command("list")
def list_(context: typer.Context, as_json: Json = False) -> None:
    """The bills that were imported, the newest month first.

    Example:

        quarterdeck bill list
    """
    from quarterdeck import billing, output

    with front(context).store() as store:
        document = billing.bills_document(store)
    if as_json:
        output.print_json(document)
        return
    output.print_table(billing.BILLS, document["bills"], nothing="No bill was imported yet.")


@bill.command("reconcile")
def reconcile(
    context: typer.Context,
    month: Month = None,
    against: Annotated[
        str | None, typer.Option(help="imported, or cost explorer. Default: what was imported, if there is.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hold the estimate against the bill: every difference by its reason, and what is left.

    Examples:

        quarterdeck bill reconcile --month 2026-10

        quarterdeck bill reconcile --against "cost explorer"

        quarterdeck bill reconcile --json | jq '.differences'
    """
    from quarterdeck import billing, output

    mine = front(context)
    with mine.store() as store:
        asked = billing.month_of(month, store)
        document = billing.reconcile_document(
            store, asked, mine.settings.cost, now=now_utc(), against=billing.source_of(against)
        )
    if as_json:
        output.print_json(document)
        return
    typer.echo(document["says"])
    totals = output.dollars(document["estimate_usd"]), output.dollars(document["bill_usd"])
    typer.echo(f"Estimate at list price {totals[0]}, bill {totals[1]}; the difference is:")
    output.print_table(billing.DIFFERENCES, document["differences"], nothing="There is none.")
    output.print_title("By account, region and meter; most unexplained first")
    output.print_table(billing.CELLS, document["cells"], nothing="Nothing was charged or counted.")
    for caveat in billing.caveats(document):
        note(caveat)


@bill.command("forget")
def forget(
    context: typer.Context, month: Annotated[str, typer.Argument(help="2026-10", metavar="MONTH")]
) -> None:
    """Remove what was imported of a month.

    Example:

        quarterdeck bill forget 2026-10
    """
    from quarterdeck import billing
    from store import bills

    with front(context).store() as store:
        asked = billing.month_of(month, store)
        gone = bills.forget(store, f"{asked:%Y-%m}")
    note(f"{gone} {'bill' if gone == 1 else 'bills'} of {asked:%Y-%m} removed")
