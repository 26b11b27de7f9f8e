"""Reading rule files: YAML to rules, with every mistake named by file, line and field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from alerts import compose
from alerts.actions import ACTIONS
from alerts.burn import BurnWindow
from alerts.overrides import Override
from alerts.rule import MinutesOf, Rule, Subject, Where
from alerts.settings import AlertSettings
from alerts.signals import named
from core.errors import SettingsError
from core.marked_yaml import Document, parse_all

STARTER = Path(__file__).parent / "starter.yml"


def load_rules(paths: Sequence[Path]) -> list[Rule]:
    """The rules of all files (of a folder: its *.yml and *.yaml), in order.

    Raises SettingsError with one line per mistake, of all files at once.
    """
    return [rule for rule, _ in _load(paths)]


def rules_of(settings: AlertSettings) -> list[Rule]:
    """The rules in force: the starter set, replaced by name, and yours; those with `enabled: false` left out.

    Raises SettingsError, also for a `notify` that names no channel, and for rules made of such as there are
    not.
    """
    starter = _load([STARTER]) if settings.starter else []
    named = {rule.rule: (rule, place) for rule, place in [*starter, *_load(settings.rules)]}
    found = [(rule, place) for rule, place in named.values() if rule.enabled]
    mistakes = [
        f"{place}: notify: there is no channel {name!r} in alerts.channels"
        for rule, place in found
        for name in rule.notify or ()
        if name not in settings.channels
    ]
    mistakes += compose.mistakes([rule for rule, _ in found], {rule.rule: place for rule, place in found})
    if mistakes:
        raise SettingsError(mistakes)
    return [rule for rule, _ in found]


def _load(paths: Sequence[Path]) -> list[tuple[Rule, str]]:
    """Rules and where each stands: file and line."""
    mistakes, rules, seen = list[str](), list[tuple[Rule, str]](), dict[str, str]()
    for file in _files(paths, mistakes):
        for line, rule in _read(file, mistakes):
            place = f"{file}:{line}"
            if rule.rule in seen:
                mistakes.append(f"{place}: rule: {rule.rule!r} is already at {seen[rule.rule]}")
            seen.setdefault(rule.rule, place)
            rules.append((rule, place))
    if mistakes:
        raise SettingsError(mistakes)
    return rules


def _files(paths: Iterable[Path], mistakes: list[str]) -> list[Path]:
    files = list[Path]()
    for path in paths:
        inside = (
            sorted(p for p in path.iterdir() if p.suffix in {".yml", ".yaml"}) if path.is_dir() else [path]
        )
        if not inside:
            mistakes.append(f"{path}: there is no .yml file in this folder")
        files += inside
    return files


def _read(file: Path, mistakes: list[str]) -> list[tuple[int, Rule]]:
    """The good rules of one file, with their lines; the bad ones are told in `mistakes`."""
    try:
        documents = parse_all(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        mistakes.append(f"{file}: the rule file cannot be read: {error.strerror}")
        return []
    except UnicodeDecodeError:
        mistakes.append(f"{file}: the rule file is not UTF-8 text")
        return []
    except SettingsError as error:
        mistakes.extend(error.mistakes)
        return []
    return [found for document in documents for found in _of_document(document, mistakes)]


def _of_document(document: Document, mistakes: list[str]) -> list[tuple[int, Rule]]:
    data = document.data
    if data is None:
        return []
    if not isinstance(data, dict) or not isinstance(data.get("rules"), list) or len(data) > 1:
        mistakes.append(
            f"{document.name}:{document.line(())}: a rule file holds `rules:` and a list below it"
        )
        return []
    found = list[tuple[int, Rule]]()
    for at, item in enumerate(data["rules"]):
        try:
            found.append((document.line(("rules", at)), Rule.model_validate(item)))
        except ValidationError as error:
            mistakes.extend(_told(error, document, at))
    return found


def _told(error: ValidationError, document: Document, at: int) -> list[str]:
    """One line per mistake, in the file's order."""
    told = list[tuple[int, str]]()
    for mistake in error.errors(include_url=False):
        for sentence in _plain(mistake["type"], mistake["msg"]).split("\n"):
            loc, what = _placed(mistake["loc"], sentence)
            what = _unknown(loc) if mistake["type"] == "extra_forbidden" else what
            where = ("rules", at, *loc)
            path = ".".join(str(part) for part in document.written(where))
            told.append((document.line(where), f"{path}: {what}"))
    return [f"{document.name}:{line}: {text}" for line, text in sorted(told)]


def _plain(kind: str, message: str) -> str:
    """pydantic's sentence, in our manner."""
    if kind == "missing":
        return "is required"
    if kind == "string_pattern_mismatch":
        return "is not written as it should be, see docs/rules.md"
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _placed(loc: tuple[int | str, ...], what: str) -> tuple[tuple[int | str, ...], str]:
    """A check of the whole rule says which field it means: `over: must be ...`."""
    match = re.match(r"([a-z_]+(?:\.[a-z0-9_]+)*): ", what)
    if loc or match is None:
        return loc, what
    parts = (int(part) if part.isdigit() else part for part in match[1].split("."))
    return tuple(parts), what[match.end() :]


def _unknown(loc: tuple[int | str, ...]) -> str:
    known = _keys(_model(loc[:-1]))
    close = get_close_matches(str(loc[-1]), known, n=1)
    return (
        f"there is no such key; did you mean `{close[0]}`?"
        if close
        else f"no such key; known: {', '.join(known)}"
    )


_MODELS: Mapping[str, type[BaseModel]] = {
    "where": Where,
    "overrides": Override,
    "windows": BurnWindow,
    **{str(action.model_fields["do"].default): action for action in ACTIONS},
}


def _model(loc: Sequence[int | str]) -> type[BaseModel]:
    """The model that a mistake lies in."""
    return next((_MODELS[part] for part in map(str, reversed(loc)) if part in _MODELS), Rule)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


# --- the schema that editors use ----------------------------------------------------------------------------


class RuleFile(BaseModel):
    """Rules of Quarterdeck: see docs/rules.md."""

    model_config = ConfigDict(extra="forbid", title="Quarterdeck rules")

    rules: list[Rule]


def schema() -> dict[str, Any]:
    """The JSON Schema of a rule file."""
    made = _as_written(RuleFile.model_json_schema(by_alias=True, mode="validation"))
    fields = made["$defs"]["Rule"]["properties"]
    fields["signal"]["anyOf"] = [{"enum": sorted(named())}]
    for name in ("act", "overrides"):
        several = {"type": "array", "items": fields[name].pop("items")}
        fields[name] |= {"anyOf": [several["items"], several]}
        del fields[name]["type"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


def _as_written(part: Any) -> Any:
    """pydantic's schema in the words of our files: durations are `5m`, and defaults that are no plain value
    are left out."""
    if isinstance(part, list):
        return [_as_written(item) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {k: v for k, v in part.items() if k != "default" or isinstance(v, (bool, int, float))}
    if plain.get("format") == "duration":
        plain = {"type": "string", "pattern": r"^\s*\d+\s*[smhdw]\s*$", "examples": ["5m", "6h"]}
    return {name: _as_written(value) for name, value in plain.items()}


def names(rules: Iterable[Rule]) -> list[str]:
    return [rule.rule for rule in rules]


__all__ = ["STARTER", "MinutesOf", "Rule", "Subject", "Where", "load_rules", "names", "rules_of", "schema"]


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, sort_keys=True))
