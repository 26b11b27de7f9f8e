"""Commands that stay: run, service, dashboard, demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from core.people import Role
from quarterdeck.cli.context import front, note

PANEL = "Processes"


AllowAnyone = Annotated[
    Role | None,
    typer.Option(
        metavar="ROLE",
        help="viewer, operator or admin: beyond loopback and without a login (access.login), what everybody "
        "who reaches the port is. It gives up knowing who it was: they read everything, and an operator or "
        "admin changes things as `anyone`.",
    ),
]
Host = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A name that browsers open it by, beside loopback's. May be repeated."),
]


def run(
    context: typer.Context,
    demo: Annotated[
        bool, typer.Option(help="Watch the demo account, whatever credentials there are.")
    ] = False,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The dashboard's port.")] = None,
    address: Annotated[str | None, typer.Option(help="The address that the dashboard listens on.")] = None,
    allow_anyone: AllowAnyone = None,
    host: Host = None,
) -> None:
    """Start everything: the service, the dashboard, and the demo account if there are no AWS credentials.

    Ctrl-C stops all of it. Examples:

        quarterdeck run
        quarterdeck run --demo --port 8600
        AWS_PROFILE=prod quarterdeck run
    """
    from quarterdeck.running import run as run_all
    from quarterdeck.settings import with_dashboard

    mine = front(context)
    settings = with_dashboard(
        mine.settings, port=port, address=address, allow_anyone=allow_anyone, hosts=host
    )
    raise typer.Exit(run_all(mine.files, settings, demo=demo, say=note))


def service(
    context: typer.Context,
    links: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where links in messages lead. Default: alerts.base_url."),
    ] = None,
) -> None:
    """Collect, evaluate rules, deliver notices: in the foreground, until SIGTERM or Ctrl-C.

    One service works on a store at a time. Examples:

        quarterdeck service
        quarterdeck --settings /etc/quarterdeck.yml service
    """
    from quarterdeck.serving import serve
    from quarterdeck.settings import with_base_url

    settings = front(context).settings
    raise typer.Exit(serve(with_base_url(settings, links) if links else settings))


def dashboard(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="The dashboard's port.")] = None,
    address: Annotated[str | None, typer.Option(help="The address that it listens on.")] = None,
    allow_anyone: AllowAnyone = None,
    host: Host = None,
) -> None:
    """Serve the pages alone, over a store that a service fills.

    Example:

        quarterdeck dashboard --address 0.0.0.0 --port 8501 --allow-anyone viewer
    """
    from dashboard.launch import entrance
    from dashboard.login import REMOVED_AT_END, write_login
    from quarterdeck.running import launch_with
    from quarterdeck.settings import with_dashboard
    from quarterdeck.supervisor import require_free

    settings = with_dashboard(
        front(context).settings, port=port, address=address, allow_anyone=allow_anyone, hosts=host
    )
    entrance(settings.dashboard, settings.access)
    require_free(settings.dashboard.address, settings.dashboard.port)
    login = settings.access.login
    secrets = write_login(login, settings.alerts.base_url) if login else None
    argv, env = launch_with(settings, os.environ.get("QUARTERDECK_BANNER"), secrets)
    os.execvpe(argv[0], argv, env | ({REMOVED_AT_END: str(secrets)} if secrets else {}))


def demo(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Its port; 0 takes a free one.")] = 0,
    seed: Annotated[int | None, typer.Option(help="Another seed, another history.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Where it remembers when it began. Default: in the store.", metavar="FOLDER"),
    ] = None,
) -> None:
    """Serve the demo account's AWS endpoint on loopback, and print the environment that leads there.

    Example:

        quarterdeck demo --port 5555
    """
    from quarterdeck.demoing import demo_folder, serve_demo

    where = folder or demo_folder(front(context).settings.store.path)
    serve_demo(where, port=port, seed=seed, say=typer.echo)


def add_to(app: typer.Typer) -> None:
    for command in (run, service, dashboard, demo):
        app.command(rich_help_panel=PANEL)(command)
