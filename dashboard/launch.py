"""How the dashboard is started as a process of its own: the command and its environment, nothing run here."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from core.access import AccessSettings, LoginSettings, is_loopback
from core.errors import QuarterdeckError
from core.people import Role
from core.settings import CostSettings, DashboardSettings, StoreSettings

APP = Path(__file__).parent / "app.py"
SERVED = APP.with_name("serve.py")
STORE, BANNER = "QUARTERDECK_STORE", "QUARTERDECK_BANNER"
STORE_SETTINGS = "QUARTERDECK_STORE_SETTINGS"
ENTRANCE = "QUARTERDECK_ENTRANCE"
RULES = "QUARTERDECK_RULES"
COST = "QUARTERDECK_COST"

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

EXPOSED = (
    "the dashboard would listen on {address}, where others than this machine's users can reach it, and "
    "nobody would have to sign in. Add access.login to the settings (docs/access.md), keep to 127.0.0.1, or "
    "say `--allow-anyone viewer` (dashboard.allow_anyone): then whoever reaches the port reads everything"
)


class ExposedError(QuarterdeckError):
    """The dashboard would be open to others, and nobody said that it may be."""


class Entrance(BaseModel):
    """How people come in: by login, or as `anyone`; None is whoever started the dashboard. No secrets."""

    login: bool = False
    lasts: timedelta = timedelta(hours=12)
    anyone: Role | None = None
    access: AccessSettings = AccessSettings()


class RulesInForce(BaseModel):
    """Where the rules are, and the names of the channels that they may tell. No secrets."""

    files: list[Path] = []
    starter: bool = True
    channels: list[str] = []


def launch(
    settings: DashboardSettings,
    store: StoreSettings,
    banner: str | None = None,
    *,
    access: AccessSettings | None = None,
    rules: RulesInForce | None = None,
    cost: CostSettings | None = None,
    base_url: str = "",
    secrets: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[list[str], dict[str, str]]:
    """Return the command and the whole environment for the dashboard's process. Raises ExposedError.

    `base_url` is where people open it, and `secrets` the file that `dashboard.login` wrote. It answers
    `/_stcore/health` once it is ready. What does not depend on settings is in
    `dashboard/.streamlit/config.toml`, which Streamlit reads because it lies beside `app.py`. AWS variables
    are left out of the environment, since a page never calls AWS; but not where telemetry is in S3.
    """
    access = access or AccessSettings()
    argv = [sys.executable, "-P", "-m", "dashboard", "run", str(SERVED), *_options(settings)]
    argv += [f"--server.allowedHosts={host}" for host in _hosts(settings, access.login, base_url)]
    argv += [f"--secrets.files={secrets}"] if secrets else []
    dropped = (BANNER,) if store.telemetry else (BANNER, *(n for n in environ if n.startswith("AWS_")))
    env = {name: value for name, value in environ.items() if name not in dropped}
    env[STORE] = str(store.path.absolute())
    env[STORE_SETTINGS] = to_text(store)
    env[ENTRANCE] = entrance(settings, access).model_dump_json()
    env[RULES] = (rules or RulesInForce()).model_dump_json()
    env[COST] = _absolute(cost or CostSettings()).model_dump_json()
    if banner:
        env[BANNER] = banner
    return argv, env


def entrance(settings: DashboardSettings, access: AccessSettings) -> Entrance:
    """Who comes in, and as whom. Raises ExposedError when others would, and nobody said so."""
    if access.login:
        bare = access.model_copy(update={"login": None})
        return Entrance(login=True, lasts=access.login.lasts, access=bare)
    if settings.allow_anyone is None and not is_loopback(settings.address):
        raise ExposedError(EXPOSED.format(address=settings.address))
    return Entrance(anyone=None if is_loopback(settings.address) else settings.allow_anyone, access=access)


def _hosts(settings: DashboardSettings, login: LoginSettings | None, base_url: str) -> list[str]:
    """Names that the browser may know it by: a page elsewhere whose name leads here is none of them.

    Where whoever reaches the port may come in without a login, any name does unless `hosts` says which.
    Source: https://docs.streamlit.io/develop/api-reference/configuration/config.toml (server.allowedHosts)
    """
    if not settings.hosts and login is None and not is_loopback(settings.address):
        return ["*"]
    named = urlsplit(base_url).hostname
    return [*LOOPBACK_NAMES, settings.address, *([named] if named else []), *settings.hosts]


def to_text(store: StoreSettings) -> str:
    """The store's settings for the environment of the dashboard's process, passwords included."""
    return json.dumps(store.model_dump(exclude_unset=True), default=_plain)


def _plain(value: Path | timedelta | SecretStr) -> str | float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def store_settings(environ: Mapping[str, str]) -> StoreSettings:
    """The store that `launch` named; by QUARTERDECK_STORE alone, the folder of that name."""
    text, path = environ.get(STORE_SETTINGS), environ.get(STORE)
    settings = StoreSettings.model_validate_json(text) if text else StoreSettings()
    return settings.model_copy(update={"path": Path(path)}) if path else settings


def _absolute(cost: CostSettings) -> CostSettings:
    return cost.model_copy(update={"prices": cost.prices.absolute()}) if cost.prices else cost


def cost_settings(environ: Mapping[str, str]) -> CostSettings:
    """Who pays, and at which prices, as `launch` was told; the defaults when nothing was."""
    return CostSettings.model_validate_json(environ.get(COST) or "{}")


def _options(settings: DashboardSettings) -> list[str]:
    options = {
        "server.address": settings.address,
        "server.port": str(settings.port),
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    if settings.theme != "system":
        options["theme.base"] = settings.theme
    return [f"--{name}={value}" for name, value in options.items()]
