"""Commands about the store itself: check, export, import, ddl."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.context import (
    Account,
    Json,
    Region,
    Until,
    front,
    note,
    now_utc,
    window,
)

PANEL = "Upkeep"
store_commands = typer.Typer(no_args_is_help=True, help="Check, export and import what is stored.")


class Engine(StrEnum):
    ATHENA = "athena"
    TRINO = "trino"
    SPARK = "spark"
    DUCKDB = "duckdb"


def add_to(app: typer.Typer) -> None:
    app.add_typer(store_commands, name="store", rich_help_panel=PANEL)


@store_commands.command("check")
def check(
    context: typer.Context,
    repair: Annotated[
        bool, typer.Option("--repair", help="Take out what cannot be read, so that it is collected again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read every stored byte and compare it with the catalogue. Exit code 1 if something stays wrong.

    Examples:

        quarterdeck store check
        quarterdeck store check --repair
    """
    from quarterdeck import output, storing

    with front(context).store() as store:
        found = store.check()
        if repair and found:
            found = store.repair(found, now=now_utc())
    rows = [storing.finding_row(finding) for finding in found]
    if as_json:
        output.print_json({"findings": rows})
    else:
        output.print_table(
            storing.FINDINGS, rows, nothing="Everything stored can be read and is as it was written."
        )
    raise typer.Exit(1 if any(not finding.repaired for finding in found) else 0)


@store_commands.command("export")
def export(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A table; `store tables` lists them.")],
    file: Annotated[Path, typer.Argument(help="Ends in .parquet, .csv or .jsonl.")],
    since: Annotated[
        str, typer.Option(help="Length of the window: 90s, 15m, 3h, 14d or 2w.", metavar="LENGTH")
    ] = "24h",
    until: Until = None,
    account: Account = None,
    region: Region = None,
    function: Annotated[str | None, typer.Option(help="Only this function.", metavar="NAME")] = None,
) -> None:
    """Write a table's rows of a window to a file, all of one instant; exit code 1 if some cannot be read.

    Examples:

        quarterdeck store export invocations march.parquet --since 31d --until 2026-04-01
        quarterdeck store export change changes.csv --since 14d --function checkout-api
    """
    from store.exchange.exporting import write_out
    from store.store import Filter

    asked, where = window(since, until=until, now=now_utc()), Filter(account, region, function)
    with front(context).store() as store:
        written = write_out(store, table, file, asked, where)
    note(f"{written.rows:,} rows of {table} in {file}")
    for loss in written.lost:
        note(f"without {loss.window.start:%Y-%m-%d %H:%M} to {loss.window.end:%Y-%m-%d %H:%M}: {loss.reason}")
    raise typer.Exit(1 if written.lost else 0)


@store_commands.command("import")
def import_(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table that was exported.")],
    file: Annotated[Path, typer.Argument(help="What `store export` wrote.", exists=True, dir_okay=False)],
) -> None:
    """Read an export back: rows that the store has stay as they are, the others are added.

    What was read of AWS, and when, is in the table `coverage`: import that too, or the rows count as not
    collected.

    Example:

        quarterdeck store import invocations march.parquet
    """
    from store.exchange.importing import read_in

    with front(context).store(create=True) as store:
        done = read_in(store, table, file)
    note(f"{done.rows:,} rows read from {file}, {done.added:,} of them new")


@store_commands.command("tables")
def list_tables() -> None:
    """List the tables that can be exported, with their columns.

    Example:

        quarterdeck store tables
    """
    from quarterdeck import output
    from quarterdeck.storing import STORED, stored_row
    from store.exchange.tables import names, schema_of

    output.print_table(STORED, [stored_row(name, schema_of(name)) for name in names()], nothing="")


@store_commands.command("ddl")
def ddl(
    context: typer.Context,
    engine: Annotated[Engine, typer.Option("--for", help="Who is to read the files.")] = Engine.ATHENA,
    location: Annotated[
        str | None,
        typer.Option(help="Where the telemetry files are; else store.telemetry.", metavar="URL"),
    ] = None,
) -> None:
    """Print the statements that show the telemetry files to another query engine.

    Example:

        quarterdeck store ddl --for trino --location s3://fleet/quarterdeck/telemetry
    """
    from store.exchange.ddl import statements

    where = location or front(context).settings.store.telemetry or "s3://your-bucket/quarterdeck/telemetry"
    print("\n\n".join(statements(engine.value, where)))
