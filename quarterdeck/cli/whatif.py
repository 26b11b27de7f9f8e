"""Commands about what could be set up differently: savings, whatif."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quarterdeck.cli.context import (
    Account,
    Json,
    Region,
    Until,
    ending_with_data,
    front,
    note,
    now_utc,
    where,
    window,
)
from quarterdeck.mistakes import UsageMistakeError

PANEL = "Questions to the store"
ARCHITECTURES = ("x86_64", "arm64")
Long = Annotated[str, typer.Option("--since", help="How much is looked at: 3d, 14d, 4w.", metavar="LENGTH")]


def add_to(app: typer.Typer) -> None:
    for command in (savings, whatif):
        app.command(rich_help_panel=PANEL)(command)


def savings(
    context: typer.Context,
    since: Long = "14d",
    until: Until = None,
    account: Account = None,
    region: Region = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all proposals to a CSV file too.")
    ] = None,
    keeps: Annotated[bool, typer.Option("--all", help="What is right as it is, too (JSON).")] = False,
    as_json: Json = False,
) -> None:
    """What functions could be set up as to cost less, in dollars a month, with risk, evidence and the change.

    Examples:

        quarterdeck savings

        quarterdeck savings --json | jq -r '.proposals[0].cli[]'
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import output, saving, tables

    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = saving.savings_document(store, asked, now=now, where=where(account, region), keeps=keeps)
    told = document["proposals"], document["unknown"]
    if csv:
        output.write_csv(csv, [*told[0], *told[1]])
        note(f"wrote {len(told[0]) + len(told[1])} rows to {csv}")
    if as_json:
        output.print_json(document)
        return
    rows = [
        {**row, "saves": saving.band_words(row), "what": saving.kind_word(row["kind"])} for row in told[0]
    ]
    output.print_table(
        tables.SAVINGS, rows, nothing="Nothing is known that would cost less set up differently."
    )
    missing = [{**row, "what": saving.kind_word(row["kind"])} for row in told[1]]
    if missing:
        output.print_title("Not known, and what is missing")
        output.print_table(tables.SAVINGS_UNKNOWN, missing, nothing="")
    note("each proposal is worked out alone: memory and architecture of one function do not add up")
    note("`--json` has evidence, AWS CLI, Terraform and the `quarterdeck act` line of each")


def whatif(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The function's name.")],
    memory: Annotated[
        int | None, typer.Option(help="Memory in MB.", min=128, max=10_240, metavar="MB")
    ] = None,
    arch: Annotated[str | None, typer.Option(help="x86_64 or arm64.")] = None,
    provisioned: Annotated[
        int | None, typer.Option(help="Units of provisioned concurrency.", min=0, max=10_000)
    ] = None,
    timeout: Annotated[int | None, typer.Option(help="Timeout in seconds.", min=1, max=900)] = None,
    since: Long = "14d",
    until: Until = None,
    account: Account = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Cost, p95 and cold starts of one function, set up differently: its recorded invocations are replayed.

    Examples:

        quarterdeck whatif checkout-api --memory 512 --arch arm64

        quarterdeck whatif checkout-api --provisioned 5 --since 3d --json
    """
    if arch is not None and arch not in ARCHITECTURES:
        raise UsageMistakeError(f"--arch: {arch!r} is none of {', '.join(ARCHITECTURES)}")
    if (memory, arch, provisioned, timeout) == (None,) * 4:
        raise UsageMistakeError("say what to change: --memory, --arch, --provisioned or --timeout")
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import output, saving
    from store.readers.whatif import Asked

    change = Asked(memory_mb=memory, architecture=arch, units=provisioned, timeout_s=timeout)
    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = saving.whatif_document(store, name, asked, change, now=now, where=where(account, region))
    if as_json:
        output.print_json(document)
        return
    for sentence in saving.whatif_sentences(document):
        typer.echo(sentence)
