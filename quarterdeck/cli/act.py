"""The command that changes AWS when told to: plan, apply, list, undo, approve."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from quarterdeck.cli.context import Account, Json, Region, duration, front, note, now_utc, operator, where
from quarterdeck.mistakes import UsageMistakeError

PANEL = "Incidents"
VERBS = ("undo", "keep", "extend", "approve", "decline")
Who = Annotated[
    str | None,
    typer.Option("--as", help="Your name in the audit. Default: the user you are.", metavar="NAME"),
]


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(act)


def act(
    context: typer.Context,
    action: Annotated[
        str | None,
        typer.Argument(help="An action, a rule that has one, or undo, keep, extend, approve, decline."),
    ] = None,
    function: Annotated[
        str | None, typer.Argument(help="The function (or queue) that it is about; of a verb, the id.")
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Carry it out; without it, only the plan is shown.")
    ] = False,
    every: Annotated[bool, typer.Option("--list", help="What waits for a person, and what is held.")] = False,
    limit: Annotated[int | None, typer.Option(help="set-reserved-concurrency: how many.")] = None,
    count: Annotated[int | None, typer.Option(help="set-provisioned-concurrency: how many.")] = None,
    qualifier: Annotated[
        str | None, typer.Option(help="set-provisioned-concurrency: an alias or version.")
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="set-mapping: on or off.")] = None,
    maximum_concurrency: Annotated[
        int | None, typer.Option(help="set-mapping: how many work on it at once.")
    ] = None,
    uuid: Annotated[str | None, typer.Option(help="set-mapping: which, if there are several.")] = None,
    alias: Annotated[str | None, typer.Option(help="move-alias: which.")] = None,
    version: Annotated[str | None, typer.Option(help="move-alias: a version's number, or previous.")] = None,
    weight: Annotated[
        str | None, typer.Option(help="move-alias: another version and its share, as 18=0.1.")
    ] = None,
    memory_mb: Annotated[int | None, typer.Option(help="update-configuration: memory.")] = None,
    timeout_s: Annotated[int | None, typer.Option(help="update-configuration: timeout.")] = None,
    topic: Annotated[str | None, typer.Option(help="publish-sns: its ARN.")] = None,
    state_machine: Annotated[str | None, typer.Option(help="start-execution: its ARN.")] = None,
    invoke: Annotated[str | None, typer.Option(help="invoke-function: which function is invoked.")] = None,
    lease: Annotated[
        str | None, typer.Option(help="Restore the value before after so long: 30m, 2h.", metavar="LENGTH")
    ] = None,
    account: Account = None,
    region: Region = None,
    who: Who = None,
    as_json: Json = False,
) -> None:
    """Plan an action on one function, and with --apply carry it out. Both are audited.

    Examples:

        quarterdeck act set-reserved-concurrency checkout-api --limit 20 --lease 30m

        quarterdeck act set-reserved-concurrency checkout-api --limit 20 --lease 30m --apply

        quarterdeck act --list

        quarterdeck act undo 3f2a91 --apply
    """
    if every:
        _list(context, as_json=as_json)
        return
    if action is None or function is None:
        raise UsageMistakeError("act: name an action and a function, or --list; see `quarterdeck act --help`")
    if action in VERBS:
        _verb(context, action, function, apply=apply, lease=lease, who=who)
        return
    given = {
        "limit": limit, "count": count, "qualifier": qualifier, "on": on, "uuid": uuid, "alias": alias,
        "maximum_concurrency": maximum_concurrency, "version": version, "weights": _weights(weight),
        "memory_mb": memory_mb, "timeout_s": timeout_s, "topic": topic, "state_machine": state_machine,
        "function": invoke, "lease": lease,
    }  # fmt: skip
    known = {name: value for name, value in given.items() if value is not None}
    _plan(context, action, function, known, apply=apply, account=account, region=region, who=who,
          as_json=as_json)  # fmt: skip


def _plan(
    context: typer.Context,
    name: str,
    function: str,
    given: dict[str, Any],
    *,
    apply: bool,
    account: str | None,
    region: str | None,
    who: str | None,
    as_json: bool,
) -> None:
    from quarterdeck import acting, output

    mine = front(context)
    action = acting.the_action(mine.settings, name, given)
    with mine.store() as store:
        document = acting.act(
            store, mine.settings, action=action, function=function, apply=apply, where=where(account, region),
            by=operator(who, mine.settings), now=now_utc(),
        )  # fmt: skip
    if as_json:
        output.print_json(document)
    for sentence in acting.sentences(document):
        note(sentence)
    raise typer.Exit(1 if document["outcome"] == "failed" else 0)


def _list(context: typer.Context, *, as_json: bool) -> None:
    from quarterdeck import acting, output

    with front(context).store() as store:
        document = acting.listed(store, now=now_utc())
    if as_json:
        output.print_json(document)
        return
    for line in acting.list_sentences(document):
        typer.echo(line)


def _verb(
    context: typer.Context, verb: str, id: str, *, apply: bool, lease: str | None, who: str | None
) -> None:
    from quarterdeck import acting

    mine, now = front(context), now_utc()
    by = operator(who, mine.settings)
    with mine.store() as store:
        if verb == "undo":
            said = acting.undo(store, mine.settings, id, apply=apply, by=by, now=now)
        elif verb == "keep":
            said = [acting.keep(store, id, by=by, now=now)]
        elif verb == "extend":
            if lease is None:
                raise UsageMistakeError("act extend: say with --lease how long from now")
            said = [acting.extend(store, id, duration(lease, "--lease"), by=by, now=now)]
        else:
            said = [acting.decide(store, id, approve=verb == "approve", by=by, now=now)]
    for sentence in said:
        note(sentence)


def _weights(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    version, _, share = text.partition("=")
    try:
        return {version.strip(): float(share)}
    except ValueError as error:
        raise UsageMistakeError(f"--weight: {text!r} is not written as 18=0.1") from error
