"""Commands about incidents: list, acknowledge, silence; and act, which changes AWS when told to."""

from __future__ import annotations

from typing import Annotated

import typer

from quarterdeck.cli.context import Account, Json, Region, duration, front, note, now_utc, operator

PANEL = "Incidents"
Who = Annotated[
    str | None,
    typer.Option("--as", help="Your name in the timeline. Default: the user you are.", metavar="NAME"),
]


def add_to(app: typer.Typer) -> None:
    for command in (incidents, ack, silence):
        app.command(rich_help_panel=PANEL)(command)


def incidents(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """What is firing, since when and how badly; resolved incidents with --all.

    Examples:

        quarterdeck incidents
        quarterdeck incidents --all --json
    """
    from alerts.quiet import quiet
    from quarterdeck import answers, output, tables
    from store.readers.incidents import judged_at

    with front(context).store() as store:
        document = answers.incidents_document(store, open_only=not every, limit=limit)
        judged = judged_at(store)
    if as_json:
        output.print_json(document)
        return
    nothing = "No incident has been recorded. " if every else ""
    nothing += f"{quiet(judged, now=now_utc()).text}."
    output.print_table(tables.INCIDENTS, document["incidents"], nothing=nothing)


def ack(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    who: Who = None,
) -> None:
    """Say that you are on it: repeats stop, the timeline keeps your name.

    Example:

        quarterdeck ack 3f2a91 --as maria
    """
    from quarterdeck import on_call

    mine = front(context)
    with mine.store() as store:
        note(on_call.acknowledge(store, incident, by=operator(who, mine.settings), now=now_utc()))


def silence(
    context: typer.Context,
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 7d.", metavar="LENGTH")],
    reason: Annotated[str, typer.Option(help="Why. It is shown wherever a notice is held back.")],
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this function or queue.")] = None,
    account: Account = None,
    region: Region = None,
    who: Who = None,
) -> None:
    """Hold back notices for a while. Incidents still open and resolve; they say why nobody was told.

    Example:

        quarterdeck silence --for 2h --reason "load test" --subject checkout-api
    """
    hold = duration(length, "--for")
    from alerts import silences

    mine = front(context)
    with mine.store() as store:
        silences.silence(
            store, duration=hold, reason=reason, rule=rule, subject=subject, account=account, region=region,
            by=operator(who, mine.settings), now=now_utc(),
        )  # fmt: skip
    note(f"silenced for {length}: {reason}")
