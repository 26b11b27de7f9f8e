"""Commands about incidents: list, show, export, acknowledge, assign, silence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quarterdeck.cli.context import Account, Json, Region, duration, front, note, now_utc, operator
from quarterdeck.mistakes import UsageMistakeError

if TYPE_CHECKING:  # heavy: imported by the command that runs
    from alerts.matchers import Matcher

PANEL = "Incidents"
Who = Annotated[
    str | None,
    typer.Option("--as", help="Your name in the timeline. Default: the user you are.", metavar="NAME"),
]


def add_to(app: typer.Typer) -> None:
    for command in (incidents, incident, ack, assign, silence):
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


def incident(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="Its id, or the beginning of it.", metavar="INCIDENT")],
    html: Annotated[
        Path | None,
        typer.Option(help="Write all of it into one HTML file for the post-mortem.", metavar="FILE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """All about one incident: what, since when, its group, timeline, messages and actions.

    Examples:

        quarterdeck incident 3f2a91
        quarterdeck incident 3f2a91 --html outage.html
    """
    from quarterdeck import answers, on_call, output

    with front(context).store() as store:
        whole = on_call.incident_id(store, id)
        document = answers.incident_document(store, whole)
        page = on_call.export(store, whole, now=now_utc()) if html else ""
    if html:
        write_text(html, page)
        note(f"wrote {html}")
    if as_json:
        output.print_json(document)
    elif html is None:
        for sentence in on_call.told(document):
            typer.echo(sentence)


def assign(
    context: typer.Context,
    incident: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
    to: Annotated[str, typer.Argument(help='Who works on it; "" for nobody.')],
    who: Who = None,
) -> None:
    """Say who works on an incident.

    Example:

        quarterdeck assign 3f2a91 maria
    """
    from quarterdeck import on_call

    mine = front(context)
    with mine.store() as store:
        note(on_call.assign(store, incident, to, by=operator(who, mine.settings), now=now_utc()))


def write_text(file: Path, text: str) -> None:
    """Raises UsageMistakeError in a sentence when it cannot be written."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageMistakeError(f"{file} cannot be written: {error.strerror}") from error


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
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="Only what this fits, e.g. tag:team=payments or severity!=critical; again for more.",
            metavar="MATCHER",
        ),
    ] = None,
    account: Account = None,
    region: Region = None,
    who: Who = None,
) -> None:
    """Hold back notices for a while. Incidents still open and resolve; they say why nobody was told.

    Examples:

        quarterdeck silence --for 2h --reason "load test" --subject checkout-api
        quarterdeck silence --for 1d --reason "moving house" --where tag:team=payments --where "rule=~slow.*"
    """
    hold = duration(length, "--for")
    matchers = parsed(where or [])
    from alerts import silences

    mine = front(context)
    with mine.store() as store:
        silences.silence(
            store, duration=hold, reason=reason, rule=rule, subject=subject, account=account, region=region,
            matchers=matchers, by=operator(who, mine.settings), now=now_utc(),
        )  # fmt: skip
    note(f"silenced for {length}: {reason}")


def parsed(written: list[str]) -> list[Matcher]:
    """Raises UsageMistakeError in a sentence."""
    from alerts.matchers import parse_matcher

    try:
        return [parse_matcher(text) for text in written]
    except ValueError as error:
        raise UsageMistakeError(f"--where: {error}") from error
