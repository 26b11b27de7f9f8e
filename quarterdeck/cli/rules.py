"""Commands about rules: check, backtest, audit, schema; and the outages that backtests are compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.windows import Window
from quarterdeck.cli.context import (
    Account,
    Json,
    Region,
    Since,
    Until,
    duration,
    ending_with_data,
    front,
    moment,
    note,
    now_utc,
    operator,
    window,
)

PANEL = "Rules"
rules = typer.Typer(no_args_is_help=True, help="Check, backtest and audit alert rules; mark outages.")

Files = Annotated[list[Path] | None, typer.Argument(help="Rule files or folders. Default: those in force.")]
Who = Annotated[
    str | None,
    typer.Option("--as", help="Your name beside the mark. Default: the user you are.", metavar="NAME"),
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(rules, name="rules", rich_help_panel=PANEL)


@rules.command("check")
def check(context: typer.Context, files: Files = None, as_json: Json = False) -> None:
    """Validate rule files: every mistake is named as file:line: field: what. Exit code 2 if there is one.
    Where there is a store, tags of functions that these rules cannot follow are told too.

    Example:

        quarterdeck rules check rules/*.yml
    """
    from quarterdeck import output, tables
    from quarterdeck.tuning import problems_of_tags, rules_from

    mine = front(context)
    rules = rules_from(files, mine.settings.alerts)
    rows = [tables.rule_row(rule) for rule in rules]
    told = problems_of_tags(mine.settings.store, rules, now=now_utc())
    if as_json:
        output.print_json({"rules": rows, "tags": told})
        return
    output.print_table(tables.RULES, rows, nothing="There are no rules.")
    note(f"{len(rows)} {'rule is' if len(rows) == 1 else 'rules are'} valid")
    if told is None:
        note(
            "tags on functions were not looked at, for there is no store yet: `quarterdeck rules audit` will"
        )
    for problem in told or ():
        note(
            f"a tag that is not followed, on {problem['subject']} in {problem['region']} of "
            f"{problem['account']}: {problem['text']}"
        )


@rules.command("schema")
def schema() -> None:
    """Print the JSON Schema of rule files, for editors.

    Example:

        quarterdeck rules schema > rules.schema.json
    """
    import alerts

    print((Path(alerts.__file__).parent / "rules.schema.json").read_text(encoding="utf-8"), end="")


@rules.command("backtest")
def backtest(
    context: typer.Context,
    rule: Annotated[str, typer.Argument(help="The rule's name.")],
    files: Files = None,
    since: Since = "14d",
    until: Until = None,
    as_json: Json = False,
) -> None:
    """Replay a rule over stored history: what would have fired, how often, and was it right?

    Examples:

        quarterdeck rules backtest error-rate --since 14d
        quarterdeck rules backtest checkout-errors draft.yml --json
    """
    from quarterdeck import output, tables, tuning

    now, mine = now_utc(), front(context)
    asked = window(since, until=until, now=now)
    found = tuning.rules_from(files, mine.settings.alerts)
    tuning.one_of(found, rule)
    with mine.store() as store:
        tried = ending_with_data(asked, store, until=until, now=now)
        document = tuning.backtest_document(store, found, rule, tried, now=now, cost=mine.settings.cost)
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.FIRINGS, tables.firing_rows(document), nothing="It would not have fired.")
    for sentence in tuning.summary(document):
        note(sentence)


@rules.command("audit")
def audit(context: typer.Context, files: Files = None, as_json: Json = False) -> None:
    """List rules and CloudWatch alarms that can never fire, never resolve or tell nobody, with the reason.

    Exit code 1 if something can never fire or never resolve. Example:

        quarterdeck rules audit --json | jq '.faults[] | select(.verdict == "never fires")'
    """
    from quarterdeck import output, tables, tuning

    mine = front(context)
    found = tuning.rules_from(files, mine.settings.alerts)
    with mine.store() as store:
        document = tuning.audit_document(
            store, found, mine.settings.alerts, now=now_utc(), cost=mine.settings.cost
        )
    if as_json:
        output.print_json(document)
    else:
        output.print_table(tables.FAULTS, document["faults"], nothing="Nothing is wrong.")
    dead = [row for row in document["faults"] if row["verdict"].startswith("never")]
    raise typer.Exit(1 if dead else 0)


@rules.command("mark")
def mark(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="The function (a queue: its ARN) that was in trouble.")],
    start: Annotated[str, typer.Option(help="When it began, e.g. 2026-11-21T09:30Z.", metavar="TIME")],
    length: Annotated[str, typer.Option("--for", help="How long it lasted: 30m, 2h.", metavar="LENGTH")],
    text: Annotated[str, typer.Option(help="What it was, in a few words.")],
    account: Account = None,
    region: Region = None,
    who: Who = None,
) -> None:
    """Mark an outage that people know of: backtests say which rules would have told it.

    Example:

        quarterdeck rules mark checkout --start 2026-11-21T09:30Z --for 40m --text "payments timed out"
    """
    from quarterdeck import tuning

    mine, begin, lasted = front(context), moment(start), duration(length, "--for")
    with mine.store() as store:
        id = tuning.mark(
            store, subject=subject, window=Window(begin, begin + lasted), text=text, account=account,
            region=region, by=operator(who, mine.settings),
        )  # fmt: skip
    note(f"marked as outage {id}")


@rules.command("marks")
def marks(context: typer.Context, since: Since = "90d", as_json: Json = False) -> None:
    """List marked outages and incidents with a verdict: what backtests are compared with.

    Example:

        quarterdeck rules marks --since 30d
    """
    from alerts.known import known
    from quarterdeck import output, tables, tuning

    now = now_utc()
    with front(context).store() as store:
        found = known(store, window(since, until=None, now=now))
    rows = [tuning.known_document(each) for each in found]
    if as_json:
        output.print_json({"outages": rows})
        return
    output.print_table(tables.MARKS, rows, nothing="No outage is marked.")


@rules.command("unmark")
def unmark(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="The mark's number, as `rules marks` lists it.")],
    who: Who = None,
) -> None:
    """Take a mark back.

    Example:

        quarterdeck rules unmark 3
    """
    from alerts.known import unmark

    mine = front(context)
    with mine.store() as store:
        unmark(store, number, by=operator(who, mine.settings))
    note(f"took mark {number} back")
