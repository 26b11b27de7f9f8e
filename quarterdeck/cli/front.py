"""The `quarterdeck` command: its global options, its manner of failing, and all its subcommands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from core.errors import QuarterdeckError, SettingsError
from quarterdeck.cli import (
    act,
    asking,
    bill,
    budgets,
    chargeback,
    incidents,
    notify,
    processes,
    rules,
    storing,
    upkeep,
    whatif,
)
from quarterdeck.cli.context import Front
from quarterdeck.mistakes import UsageMistakeError

FAILED, MISUSED = 1, 2
GLOBAL_OPTIONS = ("--settings", "--store")

EPILOG = (
    "Exit codes: 0 all went well; 1 something failed, and stderr says what; 2 the command, the settings or a "
    "rule file is wrong. Answers go to stdout, everything else to stderr."
)


def with_globals_first(args: Sequence[str]) -> list[str]:
    """Global options may stand after the command too: move them to where Click looks for them."""
    first, rest, waiting = list[str](), list[str](), False
    for arg in args:
        if waiting or arg.split("=", 1)[0] in GLOBAL_OPTIONS:
            first.append(arg)
            waiting = not waiting and "=" not in arg
        else:
            rest.append(arg)
    return first + rest


class FrontDoor(TyperGroup):
    """Turns each error of ours into one sentence on stderr and an exit code; any other is a bug and shows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_globals_first(args))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (UsageMistakeError, SettingsError) as error:
            _fail(error, MISUSED)
        except QuarterdeckError as error:
            _fail(error, FAILED)
        return None


def _fail(error: QuarterdeckError, code: int) -> None:
    prefix = "" if isinstance(error, SettingsError) else "quarterdeck: "
    typer.echo(f"{prefix}{error}", err=True)
    raise typer.Exit(code)


app = typer.Typer(
    cls=FrontDoor,
    name="quarterdeck",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def front(
    context: typer.Context,
    settings: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="May be repeated. Default: $QUARTERDECK_SETTINGS, else ./quarterdeck.yml.",
        ),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Default: $QUARTERDECK_STORE, else store.path of the settings.",
        ),
    ] = None,
) -> None:
    """Watch an AWS Lambda fleet from outside: errors, cold starts, concurrency, queues, cost and alerts.

    [bold]quarterdeck run[/bold] starts everything; the others are its parts, and questions to its store.
    """
    context.obj = Front(tuple(settings or ()), store)


processes.add_to(app)
asking.add_to(app)
chargeback.add_to(app)
whatif.add_to(app)
bill.add_to(app)
budgets.add_to(app)
incidents.add_to(app)
act.add_to(app)
notify.add_to(app)
rules.add_to(app)
upkeep.add_to(app)
storing.add_to(app)


def main() -> None:
    app()
