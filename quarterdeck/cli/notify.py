"""Commands about channels: list, test, revive, again, route."""

from __future__ import annotations

from typing import Annotated

import typer

from quarterdeck.cli.context import Json, front, note, now_utc, operator
from quarterdeck.mistakes import UsageMistakeError

PANEL = "Incidents"
notify = typer.Typer(no_args_is_help=True, help="See, test and revive the channels that notices go to.")

Name = Annotated[str, typer.Argument(help="A channel of the settings (alerts.channels).", metavar="CHANNEL")]
Who = Annotated[
    str | None, typer.Option("--as", help="Your name. Default: the user you are.", metavar="NAME")
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(notify, name="notify", rich_help_panel=PANEL)


@notify.command("list")
def list_channels(context: typer.Context, as_json: Json = False) -> None:
    """Every channel: whether it takes what it is sent, what waits, what was given up.

    Example:

        quarterdeck notify list
    """
    from quarterdeck import notifying, output, tables

    mine = front(context)
    with mine.store() as store:
        document = notifying.listed(store, mine.settings.alerts, now=now_utc())
    if as_json:
        output.print_json(document)
        return
    nothing = "There are no channels: add one to alerts.channels (docs/channels.md)."
    output.print_table(tables.CHANNELS, document["channels"], nothing=nothing)


@notify.command("test")
def try_channel(context: typer.Context, channel: Name, who: Who = None, as_json: Json = False) -> None:
    """Send one message that is marked as a test, and tell what the target answered (exit code 1: no).

    Example:

        quarterdeck notify test on-call
    """
    from quarterdeck import notifying, output

    settings = front(context).settings
    document = notifying.tested(settings, channel, by=operator(who, settings), now=now_utc())
    if as_json:
        output.print_json(document)
    taken = "took the test" if document["accepted"] else "did not take the test"
    note(f"{channel} {taken}: {document['answer']}")
    raise typer.Exit(0 if document["accepted"] else 1)


@notify.command("revive")
def revive(
    context: typer.Context,
    channel: Name,
    again: Annotated[bool, typer.Option("--again", help="Also send again what was given up.")] = False,
    who: Who = None,
) -> None:
    """Send to a dead channel again; what waited for it goes first.

    Example:

        quarterdeck notify revive on-call --again
    """
    from alerts import health

    mine = front(context)
    by = operator(who, mine.settings)
    with mine.store() as store:
        waiting = health.revive(store, channel, by=by, now=now_utc())
        more = health.send_again(store, channel=channel, by=by, now=now_utc()) if again else 0
    note(f"{channel} is revived: {waiting + more} messages are sent by the service's next pass")


@notify.command("again")
def again(
    context: typer.Context,
    notice: Annotated[str, typer.Argument(help="Its id, as the Channels page and --json show it.")],
    who: Who = None,
) -> None:
    """Send a message again that was given up.

    Example:

        quarterdeck notify again 9b1f6a0c2d3e4f50-firing-on-call
    """
    from alerts import health

    mine = front(context)
    with mine.store() as store:
        health.send_again(store, notice=notice, by=operator(who, mine.settings), now=now_utc())
    note(f"{notice} is sent by the service's next pass")


@notify.command("route")
def route(
    context: typer.Context,
    incident: Annotated[str | None, typer.Argument(help="Its id, or the beginning of it.")] = None,
    rule: Annotated[str | None, typer.Option(help="Instead of an incident: a rule ...")] = None,
    subject: Annotated[str, typer.Option(help="... and the function or queue.")] = "",
    account: Annotated[str, typer.Option(help="Its account id.", metavar="ID")] = "",
    region: Annotated[str, typer.Option(help="Its region.", metavar="REGION")] = "",
    as_json: Json = False,
) -> None:
    """Who would be told now of an incident, or of a rule that fires.

    Examples:

        quarterdeck notify route 3f2a91

        quarterdeck notify route --rule error-rate --subject checkout-api --account 111122223333
    """
    from quarterdeck import notifying, output

    mine, now = front(context), now_utc()
    if (incident is None) == (rule is None):
        raise UsageMistakeError("notify route: name an incident, or a rule with --rule")
    with mine.store() as store:
        about = (
            notifying.known(store, incident)
            if incident is not None
            else notifying.imagined(
                mine.settings.alerts, rule or "", subject=subject, account=account, region=region, now=now
            )
        )
        document = notifying.routed(store, mine.settings.alerts, about, now=now)
    if as_json:
        output.print_json(document)
        return
    typer.echo(", ".join(document["channels"]) or "nobody")
    note(f"by {document['by']}")
