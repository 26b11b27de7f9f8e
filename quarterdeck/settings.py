"""All settings in one model, read once from YAML; every mistake is named by file, line and path."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, SecretStr, ValidationError

from alerts.settings import AlertSettings
from core.access import AccessSettings
from core.errors import SettingsError
from core.marked_yaml import Document, parse
from core.people import Role
from core.price_file import parse_prices
from core.settings import (
    AwsSettings,
    CollectSettings,
    CostSettings,
    DashboardSettings,
    Section,
    StoreSettings,
    TargetSettings,
)

DEFAULT_FILE = Path("quarterdeck.yml")
FILES_VARIABLE = "QUARTERDECK_SETTINGS"
STORE_VARIABLE = "QUARTERDECK_STORE"
DATABASE_VARIABLE = "QUARTERDECK_DATABASE"


class Settings(Section):
    """What `quarterdeck.yml` may say. Everything has a default that works."""

    aws: AwsSettings = AwsSettings()
    targets: list[TargetSettings] = Field(default_factory=list)
    collect: CollectSettings = CollectSettings()
    store: StoreSettings = StoreSettings()
    dashboard: DashboardSettings = DashboardSettings()
    access: AccessSettings = AccessSettings()
    alerts: AlertSettings = AlertSettings()
    cost: CostSettings = CostSettings()


def settings_files(named: Sequence[Path], environment: Mapping[str, str]) -> list[Path]:
    """Those named, else those of QUARTERDECK_SETTINGS, else ./quarterdeck.yml if there is one."""
    if named:
        return list(named)
    if listed := environment.get(FILES_VARIABLE):
        return [Path(part) for part in listed.split(os.pathsep) if part]
    return [DEFAULT_FILE] if DEFAULT_FILE.exists() else []


def load(
    files: Sequence[Path], *, store: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """Read and check `files`; a later one replaces whole sections of an earlier one.

    `store`, or QUARTERDECK_STORE, wins over `store.path`, and QUARTERDECK_DATABASE over `store.database`.
    Links in notices lead to the dashboard, unless a file says where people open it. Raises SettingsError with
    one line per mistake.
    """
    mistakes, sections = list[str](), dict[str, Any]()
    for file in files:
        try:
            sections |= _sections(file)
        except SettingsError as error:
            mistakes += error.mistakes
    if mistakes:
        raise SettingsError(mistakes)
    settings = Settings.model_validate(sections)
    if settings.cost.prices is not None:
        parse_prices(_text(settings.cost.prices, "price"), str(settings.cost.prices))
    named = store or (environment or {}).get(STORE_VARIABLE)
    settings = with_store(settings, Path(named)) if named else settings
    if database := (environment or {}).get(DATABASE_VARIABLE):
        settings = with_database(settings, database)
    told = "base_url" in settings.alerts.model_fields_set
    return settings if told else with_base_url(settings, own_url(settings.dashboard))


def with_store(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"store": settings.store.model_copy(update={"path": path})})


def with_database(settings: Settings, url: str) -> Settings:
    changed = {"database": SecretStr(url)}
    return settings.model_copy(update={"store": settings.store.model_copy(update=changed)})


def with_dashboard(
    settings: Settings,
    *,
    port: int | None = None,
    address: str | None = None,
    allow_anyone: Role | None = None,
    hosts: list[str] | None = None,
) -> Settings:
    """The dashboard elsewhere than the file says (None leaves it there); links that led to it follow."""
    told = {"port": port, "address": address, "allow_anyone": allow_anyone, "hosts": hosts}
    changed = {name: value for name, value in told.items() if value is not None}
    moved = settings.model_copy(update={"dashboard": settings.dashboard.model_copy(update=changed)})
    followed = settings.alerts.base_url == own_url(settings.dashboard)
    return with_base_url(moved, own_url(moved.dashboard)) if followed else moved


def with_base_url(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"alerts": settings.alerts.model_copy(update={"base_url": url})})


def own_url(dashboard: DashboardSettings) -> str:
    """Where a browser on this machine finds the dashboard."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(dashboard.address, dashboard.address)
    return f"http://{host}:{dashboard.port}"


def _sections(file: Path) -> dict[str, Any]:
    """The checked sections of one file, its relative paths made relative to where it stands."""
    document = parse(_text(file), str(file))
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise SettingsError(
            [f"{file}:1: settings are sections such as `targets:` and `store:`, not {_kind(data)}"]
        )
    data = _anchored(data, file.parent)
    try:
        Settings.model_validate(data)
    except ValidationError as error:
        raise SettingsError(sorted_mistakes(error, document)) from error
    return data


def _text(file: Path, kind: str = "settings") -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"{file}: the {kind} file cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([f"{file}: the {kind} file is not UTF-8 text"]) from error


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths below `folder`, unless they are absolute."""
    data = dict(data)
    store, alerts = data.get("store"), data.get("alerts")
    if isinstance(store, dict) and isinstance(store.get("path"), str):
        data["store"] = store | {"path": str(folder / store["path"])}
    cost = data.get("cost")
    if isinstance(cost, dict) and "prices" in cost:
        data["cost"] = cost = cost | {"prices": _below(folder, cost["prices"])}
    if isinstance(cost, dict) and isinstance(cost.get("bills"), list):
        data["cost"] = cost | {"bills": [_below(folder, each) for each in cost["bills"]]}
    if isinstance(alerts, dict) and isinstance(alerts.get("rules"), list):
        data["alerts"] = alerts | {"rules": [_below(folder, rule) for rule in alerts["rules"]]}
    access = data.get("access")
    login = access.get("login") if isinstance(access, dict) else None
    if isinstance(access, dict) and isinstance(login, dict) and "client_secret_file" in login:
        file = _below(folder, login["client_secret_file"])
        data["access"] = access | {"login": login | {"client_secret_file": file}}
    return data


def _below(folder: Path, path: Any) -> Any:
    return str(folder / path) if isinstance(path, str) else path


def sorted_mistakes(error: ValidationError, document: Document) -> list[str]:
    """One line per mistake, in the file's order: `file:line: path: what is wrong`. Values are never repeated:
    they may be secrets."""
    found = []
    for mistake in error.errors(include_url=False, include_input=False):
        where = mistake["loc"]
        path = ".".join(str(part) for part in document.written(where))
        what = _unknown(where) if mistake["type"] == "extra_forbidden" else _said(mistake)
        found.append((document.line(where), f"{path}: {what}"))
    return [f"{document.name}:{line}: {text}" for line, text in sorted(found)]


def _said(mistake: Any) -> str:
    """pydantic's sentence, in our manner."""
    if mistake["type"] == "union_tag_invalid":
        return f"there is no such {mistake['ctx']['discriminator']}; known: {mistake['ctx']['expected_tags']}"
    message: str = mistake["msg"].removeprefix("Value error, ").removeprefix("Input ")
    message = message.replace("should be", "must be", 1)
    return message[:1].lower() + message[1:] if message[1:2].islower() else message


def _unknown(where: Sequence[str | int]) -> str:
    known = _fields_at(Settings, where[:-1])
    close = get_close_matches(str(where[-1]), known, n=1)
    hint = (
        f"; did you mean `{close[0]}`?" if close else (f"; known here: {', '.join(known)}" if known else "")
    )
    return f"there is no such setting{hint}"


def _fields_at(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Names that may stand at `path`; empty where the model branches."""
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = None if field is None else _model_in(field.annotation)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = [found for part in getattr(annotation, "__args__", ()) if (found := _model_in(part))]
    return models[0] if len(models) == 1 else None


def _kind(data: Any) -> str:
    return {list: "a list", str: "a word", int: "a number"}.get(type(data), "this")
