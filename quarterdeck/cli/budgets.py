"""The command about budgets, the month's forecast and cost anomalies."""

from __future__ import annotations

import typer

from quarterdeck.cli.context import Json, front, note, now_utc


def add_to(app: typer.Typer) -> None:
    app.command(rich_help_panel="Questions to the store")(budgets)


def budgets(context: typer.Context, as_json: Json = False) -> None:
    """Budgets, where the month will end, and days that cost far more than usual, with the likely cause.

    Examples:

        quarterdeck budgets

        quarterdeck budgets --json | jq '.budgets[] | select(.used > 0.8) | .name'
    """
    from quarterdeck import budgeting, output

    mine = front(context)
    with mine.store() as store:
        document = budgeting.budgets_document(store, mine.settings.cost, now=now_utc())
    if as_json:
        output.print_json(document)
        return
    typer.echo(budgeting.total_sentence(document))
    nothing = "There are no budgets: list them as cost.budgets in the settings."
    output.print_table(budgeting.BUDGETS, document["budgets"], nothing=nothing)
    output.print_title("Dearer than usual in the last seven days")
    output.print_table(budgeting.ANOMALIES, document["anomalies"], nothing="No day of any function.")
    note("net of free amounts, tiers and plans as the settings have them; anomalies at list price")
