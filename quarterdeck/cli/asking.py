"""Commands that ask the store: fleet, function, concurrency, queues, cost, spend."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from quarterdeck.cli.context import (
    Account,
    Json,
    Region,
    Since,
    Until,
    ending_with_data,
    front,
    note,
    now_utc,
    where,
    window,
)

PANEL = "Questions to the store"


def add_to(app: typer.Typer) -> None:
    for command in (fleet, function, concurrency, queues, cost, spend):
        app.command(rich_help_panel=PANEL)(command)


def fleet(
    context: typer.Context,
    since: Since = "24h",
    until: Until = None,
    account: Account = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """A row per function: invocations, errors, durations, cold starts, cost.

    Examples:

        quarterdeck fleet --since 3h
        quarterdeck fleet --since 24h --json | jq '.functions[] | select(.error_rate > 0.05) | .function'
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import answers, output, tables

    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = answers.fleet_document(store, asked, now=now, where=where(account, region))
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.FLEET, document["functions"], nothing=tables.NO_FUNCTIONS)
    _explain(document["functions"])


def function(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The function's name.")],
    since: Since = "24h",
    until: Until = None,
    account: Account = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """One function: metrics, errors, triggers, settings, layers, who changed what, what is not seen.

    Example:

        quarterdeck function checkout-api --since 3h
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import answers, output, tables

    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = answers.function_document(store, name, asked, now=now, where=where(account, region))
    if as_json:
        output.print_json(document)
        return
    for title, columns, rows, nothing in tables.function_sections(document):
        output.print_title(title)
        output.print_table(columns, rows, nothing=nothing)
    _explain([document["function"] or {}])


def concurrency(
    context: typer.Context, since: Since = "24h", until: Until = None, as_json: Json = False
) -> None:
    """Per account and region: the limit, what is claimed, the headroom, and the pools.

    Example:

        quarterdeck concurrency --since 1h
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import answers, output, tables

    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = answers.concurrency_document(store, asked, now=now)
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.CONCURRENCY, document["accounts"], nothing=tables.NO_LIMITS)
    pools = [pool for limit in document["accounts"] for pool in limit["pools"]]
    output.print_table(tables.POOLS, pools, nothing="No function has used concurrency in this window.")


def queues(context: typer.Context, since: Since = "24h", until: Until = None, as_json: Json = False) -> None:
    """Per queue: depth, age of the oldest message, arrivals, and whose dead-letter queue it is.

    Example:

        quarterdeck queues --since 1h --json
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import answers, output, tables

    with front(context).store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        document = answers.queues_document(store, asked, now=now)
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.QUEUES, document["queues"], nothing=tables.NO_QUEUES)


def cost(
    context: typer.Context,
    since: Since = "30d",
    until: Until = None,
    by: Annotated[
        str,
        typer.Option(
            help="Comma-separated: account, region, function, runtime, architecture, component, tag:NAME."
        ),
    ] = "function",
    account: Account = None,
    region: Region = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the rows to a CSV file too.")
    ] = None,
    focus: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write them with the columns of FOCUS, .csv or .parquet."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What functions cost, per group and component, dearest first.

    Examples:

        quarterdeck cost --since 30d --by tag:team
        quarterdeck cost --by function,tag:env --csv cost.csv

        quarterdeck cost --by account,region,function,tag:team --focus cost.parquet
    """
    now = now_utc()
    asked = window(since, until=until, now=now)
    from quarterdeck import answers, focusing, output, tables

    groups, mine = answers.grouping(by), front(context)
    if focus:
        focusing.check_ending(focus)
    with mine.store() as store:
        asked = ending_with_data(asked, store, until=until, now=now)
        place = where(account, region)
        document = answers.cost_document(store, asked, now=now, by=groups, where=place)
        if focus:
            told = focusing.focus_table(
                store, asked, now=now, by=groups, where=place, settings=mine.settings.cost
            )
            focusing.write_focus(focus, told)
            note(f"wrote {len(told)} rows to {focus}")
    if csv:
        output.write_csv(csv, document["groups"])
        note(f"wrote {len(document['groups'])} rows to {csv}")
    if as_json:
        output.print_json(document)
        return
    rows, parts = tables.cost_rows(document["groups"], groups)
    output.print_table(tables.cost_columns(groups, parts), rows, nothing=tables.NO_COST)
    note(f"total {output.dollars(document['total_usd'])} over {since}")
    holes = sum(str(row["state"] or "").startswith("not") for row in rows)
    if holes:
        note(f"{holes} of {len(rows)} rows lack something: `--json` says what, as `state`")


def spend(context: typer.Context, as_json: Json = False) -> None:
    """What watching costs: calls and billed units of this month, and the projection for the whole of it.

    Example:

        quarterdeck spend --json
    """
    from decimal import Decimal

    from quarterdeck import output, spending, tables

    mine = front(context)
    cap = mine.settings.aws.budget_usd_per_month
    with mine.store() as store:
        cap_usd = None if cap is None else Decimal(str(cap))
        document = spending.spend_document(store, now=now_utc(), cap_usd=cap_usd)
    if as_json:
        output.print_json(document)
        return
    output.print_table(tables.SPEND, document["operations"], nothing="No AWS call has been made this month.")
    spent, projected = output.dollars(document["cost_usd"]), output.dollars(document["projected_usd"])
    note(f"today {output.dollars(document['today_usd'])}, this month {spent}, projected {projected}")
    if document["unpriced"]:
        note(document["unpriced"])
    note(document["budget"])


def _explain(rows: list[dict[str, Any]]) -> None:
    """Say on stderr why values are missing, each reason once."""
    reasons: dict[str, int] = {}
    for row in rows:
        for reason in {state for state in _states(row).values() if state.startswith("not collected")}:
            reasons[reason] = reasons.get(reason, 0) + 1
    for reason, functions in reasons.items():
        note(f"{reason} ({functions} {'function' if functions == 1 else 'functions'})")


def _states(row: Mapping[str, Any]) -> Mapping[str, str]:
    return row.get("states") or {}
