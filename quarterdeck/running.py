"""What `quarterdeck run` starts: service, dashboard, and the demo account if there is nothing to watch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import botocore.session
from botocore.exceptions import BotoCoreError

from core.errors import StoreError
from dashboard.launch import RulesInForce, entrance, launch
from dashboard.login import login_file
from quarterdeck.demo.settings import environment as demo_environment
from quarterdeck.demoing import demo_folder, write_settings
from quarterdeck.settings import Settings, own_url, with_store
from quarterdeck.supervisor import (
    Part,
    Say,
    Supervisor,
    answers,
    child,
    free_port,
    require_free,
    stopped_by_signals,
)

BANNER = "This is the demo account: an invented fleet, served from this machine."
HEALTH = "/_stcore/health"


def something_to_watch(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Whether anybody named an AWS to watch: targets, an endpoint, or credentials that botocore finds."""
    if settings.targets or settings.aws.endpoint_url or environ.get("AWS_ENDPOINT_URL"):
        return True
    try:
        return botocore.session.Session().get_credentials() is not None
    except BotoCoreError:
        return True  # a profile that does not exist, for instance: the service says so


def run(files: Sequence[Path], settings: Settings, *, demo: bool, say: Say) -> int:
    """Start everything, supervise it, stop it together. Returns the exit code. Raises ExposedError."""
    entrance(settings.dashboard, settings.access)
    require_free(settings.dashboard.address, settings.dashboard.port)
    if demo or not something_to_watch(settings, os.environ):
        if settings.store.database is not None:
            raise StoreError(
                "the demo account keeps its store in a folder: leave store.database and QUARTERDECK_DATABASE "
                "out to see it, or name AWS credentials to watch your own"
            )
        if not demo:
            say("No AWS credentials found (see README.md to add some): watching the demo account instead.")
        parts, settings = _demo_parts(files, settings), with_store(settings, settings.store.path / "demo")
        banner: str | None = BANNER
    else:
        parts, banner = [_service(files, settings, os.environ)], os.environ.get("QUARTERDECK_BANNER")
    with login_file(settings.access.login, settings.alerts.base_url) as secrets:
        argv, env = launch_with(settings, banner, secrets)
        supervisor = Supervisor([*parts, Part("dashboard", argv, env, quiet=True)], say=say)
        with stopped_by_signals(supervisor):
            return supervisor.run(each_look=_Announcement(settings, say).look)


def launch_with(
    settings: Settings, banner: str | None, secrets: Path | None
) -> tuple[list[str], dict[str, str]]:
    """The dashboard's command and environment by these settings. Raises ExposedError."""
    alerts = settings.alerts
    rules = RulesInForce(
        files=[path.absolute() for path in alerts.rules], starter=alerts.starter, channels=[*alerts.channels]
    )
    return launch(
        settings.dashboard, settings.store, banner, access=settings.access, rules=rules,
        cost=settings.cost, base_url=settings.alerts.base_url, secrets=secrets,
    )  # fmt: skip


def _service(files: Sequence[Path], settings: Settings, environ: Mapping[str, str]) -> Part:
    named = [word for file in files for word in ("--settings", str(file))]
    argv = child(*named, "--store", str(settings.store.path), "service", "--links", settings.alerts.base_url)
    return Part("service", argv, environ)


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """The demo must not meet a profile or a session of yours."""
    return {name: value for name, value in environ.items() if not name.startswith("AWS_")}


def _demo_parts(files: Sequence[Path], settings: Settings) -> list[Part]:
    """The demo account's endpoint, and a service that watches it once it answers."""
    folder, port = demo_folder(settings.store.path), free_port()
    endpoint = f"http://127.0.0.1:{port}"
    file = write_settings(folder, endpoint)
    account = child("demo", "--port", str(port), "--folder", str(folder))
    watching = with_store(settings, settings.store.path / "demo")
    service = _service([*files, file], watching, without_aws(os.environ) | demo_environment(endpoint, file))
    service.may_start = lambda: answers("127.0.0.1", port, "/demo")
    return [Part("demo account", account, os.environ, quiet=True), service]


@dataclass(slots=True)
class _Announcement:
    """Says where the dashboard is, once, when it answers."""

    settings: Settings
    say: Say
    done: bool = False

    def look(self) -> None:
        where = self.settings.dashboard
        if not self.done and answers(where.address, where.port, HEALTH):
            self.done = True
            self.say(f"Dashboard: {own_url(where)}  (stop with Ctrl-C)")
