"""How to make a change: AWS's command line, Terraform, and the action of ours where there is one.

Names come from AWS and may be hostile: every word of a command is quoted for a shell, every text for HCL.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from core.rightsizing import Change, LogGroupSeen, Observed
from core.weekly import Turn

Place = tuple[str, str, str]
"""Account, region and name of a function."""

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def command(one: Observed, *words: str) -> str:
    """A command line for the function's region, every word quoted."""
    return shlex.join(["aws", *words, "--region", one.region])


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(value: str) -> str:
    """A quoted string of HCL, in which nothing is a template and nothing drives a terminal."""
    plain = "".join(_ESCAPED.get(char) or (char if char.isprintable() else _code(char)) for char in value)
    return '"' + plain.replace("${", "$${").replace("%{", "%%{") + '"'


def _code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def resource(kind: str, values: Mapping[str, Any]) -> str:
    """A block of Terraform; mappings are nested blocks."""
    lines = [f'resource "{kind}" "this" {{', *_lines(values, "  "), "}"]
    return "\n".join(lines)


def _lines(values: Mapping[str, Any], indent: str) -> list[str]:
    width = max((len(name) for name, value in values.items() if not isinstance(value, Mapping)), default=0)
    found = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += [f"{indent}{name} {{", *_lines(value, indent + "  "), f"{indent}}}"]
        else:
            found.append(f"{indent}{name:{width}} = {_value(value)}")
    return found


def _value(value: Any) -> str:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value)


def _configure(one: Observed, *words: str) -> str:
    return command(one, "lambda", "update-function-configuration", "--function-name", one.function, *words)


def _function(one: Observed, **values: Any) -> str:
    return resource("aws_lambda_function", {"function_name": one.function, **values})


def act_line(one: Place, action: Mapping[str, Any]) -> str:
    """How to ask for an action of ours on the command line: it is planned, shown and verified."""
    account, region, function = one
    words = ["quarterdeck", "act", str(action["do"]), function]
    for name, value in action.items():
        words += [] if name == "do" else [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join([*words, "--account", account, "--region", region])


def memory_change(one: Observed, memory_mb: int) -> Change:
    return Change(
        cli=(_configure(one, "--memory-size", str(memory_mb)),),
        terraform=_function(one, memory_size=memory_mb),
        action={"do": "update-configuration", "memory_mb": memory_mb},
    )


def timeout_change(one: Observed, timeout_s: int) -> Change:
    return Change(
        cli=(_configure(one, "--timeout", str(timeout_s)),),
        terraform=_function(one, timeout=timeout_s),
        action={"do": "update-configuration", "timeout_s": timeout_s},
    )


def ephemeral_change(one: Observed, ephemeral_mb: int) -> Change:
    return Change(
        cli=(_configure(one, "--ephemeral-storage", f"Size={ephemeral_mb}"),),
        terraform=_function(one, ephemeral_storage={"size": ephemeral_mb}),
    )


def architecture_change(one: Observed) -> Change:
    """The code is sent once more with it: there is no other way to change it."""
    words = ("lambda", "update-function-code", "--function-name", one.function)
    upload = ("--architectures", "arm64", "--zip-file", "fileb://function.zip")
    return Change(cli=(command(one, *words, *upload),), terraform=_function(one, architectures=("arm64",)))


def log_level_change(one: Observed, level: str) -> Change:
    config = f"LogFormat=JSON,ApplicationLogLevel={level}"
    block = {"log_format": "JSON", "application_log_level": level}
    return Change(
        cli=(_configure(one, "--logging-config", config),), terraform=_function(one, logging_config=block)
    )


def retention_change(one: Observed, group: LogGroupSeen, days: int) -> Change:
    words = ("logs", "put-retention-policy", "--log-group-name", group.name)
    return Change(
        cli=(command(one, *words, "--retention-in-days", str(days)),),
        terraform=resource("aws_cloudwatch_log_group", {"name": group.name, "retention_in_days": days}),
    )


def no_units_change(one: Observed, qualifier: str) -> Change:
    words = ("lambda", "delete-provisioned-concurrency-config", "--function-name", one.function)
    name = f"{one.function}:{qualifier}"
    return Change(
        cli=(command(one, *words, "--qualifier", qualifier),),
        terraform=f"# remove the aws_lambda_provisioned_concurrency_config of {text(name)}",
        action={"do": "set-provisioned-concurrency", "qualifier": qualifier, "count": 0},
    )


def versions_change(one: Observed, versions: Sequence[str]) -> Change:
    words = ("lambda", "delete-function", "--function-name", one.function, "--qualifier")
    return Change(
        cli=tuple(command(one, *words, version) for version in versions),
        terraform="# versions are published by `publish = true`; Terraform keeps none but the newest",
    )


def schedule_change(one: Observed, qualifier: str, turns: Sequence[Turn]) -> Change:
    """Application Auto Scaling sets units by the hour of the week, UTC."""
    name, most = f"function:{one.function}:{qualifier}", max((turn.units for turn in turns), default=0)
    about = (
        *("--service-namespace", "lambda", "--resource-id", name),
        *("--scalable-dimension", "lambda:function:ProvisionedConcurrency"),
    )
    bounds = ("--min-capacity", "0", "--max-capacity", str(most))
    target = command(one, "application-autoscaling", "register-scalable-target", *about, *bounds)
    actions = [
        command(
            one, "application-autoscaling", "put-scheduled-action", *about,
            "--scheduled-action-name", _turn_name(turn), "--schedule", _cron(turn),
            "--scalable-target-action", f"MinCapacity={turn.units},MaxCapacity={turn.units}",
        )
        for turn in turns
    ]  # fmt: skip
    return Change(cli=(target, *actions), terraform=_schedule_terraform(name, most, turns))


def _schedule_terraform(name: str, most: int, turns: Sequence[Turn]) -> str:
    scalable = {
        "service_namespace": "lambda",
        "resource_id": name,
        "scalable_dimension": "lambda:function:ProvisionedConcurrency",
    }
    blocks = [resource("aws_appautoscaling_target", scalable | {"min_capacity": 0, "max_capacity": most})]
    for turn in turns:
        to = {"min_capacity": turn.units, "max_capacity": turn.units}
        about = {"name": _turn_name(turn), "schedule": _cron(turn)}
        block = resource(
            "aws_appautoscaling_scheduled_action", about | scalable | {"scalable_target_action": to}
        )
        blocks.append(block.replace('"this"', text(_turn_name(turn)), 1))
    return "\n\n".join(blocks)


def _turn_name(turn: Turn) -> str:
    return f"units-{DAYS[turn.hour // 24].lower()}-{turn.hour % 24:02}"


def _cron(turn: Turn) -> str:
    return f"cron(0 {turn.hour % 24} ? * {DAYS[turn.hour // 24]} *)"
