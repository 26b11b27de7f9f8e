"""Move an alias: to the version before, to a named one, or a share of it to another.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from alerts.actions.base import Aws
from alerts.actions.calling import call, pages
from alerts.actions.setting import Change, Consequences, Setting, Value, Write
from core.errors import ActionError

PREVIOUS = "previous"


class MoveAlias(Setting):
    """Let `alias` point to `version` (`previous`: the one published before), and `weights` to one beside."""

    what: ClassVar[str] = "alias"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:GetAlias",
        "lambda:ListVersionsByFunction",
        "lambda:UpdateAlias",
    )

    do: Literal["move-alias"] = "move-alias"
    alias: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")
    version: str | None = Field(default=None, pattern=r"^(previous|[0-9]{1,10})$")
    weights: dict[str, float] | None = Field(
        default=None, max_length=1, description="another version, and its share of the traffic, 0 to 1"
    )

    @field_validator("version", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("weights", mode="before")
    @classmethod
    def _versions_as_text(cls, value: Any) -> Any:
        return {str(key): share for key, share in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.version is None and self.weights is None:
            raise ValueError("version: give `version`, `weights` or both")
        if any(not key.isdecimal() or not 0 <= share <= 1 for key, share in (self.weights or {}).items()):
            raise ValueError("weights: a version's number and a share from 0 to 1")
        return self

    def thing(self, function: str, aws: Aws) -> str:
        return f"{function}:{self.alias}"

    def read(self, thing: str, aws: Aws) -> Value:
        answer = call(aws, "lambda", "get_alias", f"read alias {thing}", **_names(thing))
        weights = (answer.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return {"version": answer["FunctionVersion"], "weights": dict(weights)}

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        version = before["version"] if self.version is None else self.version
        if version == PREVIOUS:
            version = _previous(thing, before["version"], aws)
        weights = {key: share for key, share in (self.weights or {}).items() if share and key != version}
        return {"version": version, "weights": weights}

    def writing(self, thing: str, value: Value) -> Write:
        return Write(
            "update_alias",
            {
                **_names(thing),
                "FunctionVersion": value["version"],
                "RoutingConfig": {"AdditionalVersionWeights": value["weights"]},
            },
        )

    def said(self, value: Value) -> str:
        shares = ", ".join(f"{share:.0%} to {key}" for key, share in sorted(value["weights"].items()))
        return f"version {value['version']}" + (f" and {shares}" if shares else "")

    def consequences(self, change: Change, aws: Aws) -> Consequences:
        function, _, alias = change.thing.partition(":")
        leaves = change.before["version"] != change.after["version"]
        found = ["environments of the new version start cold"] if leaves else []
        if "$LATEST" in (change.before["version"], change.after["version"]):
            found.append("$LATEST changes with every upload: it is no version that one can return to")
        return Consequences(
            effect=f"callers of {alias} get {self.said(change.after)} of {function}",
            touches=(f"everybody who calls {change.thing}; callers of other aliases do not notice",),
            warnings=tuple(found),
            cost="nothing by itself; provisioned concurrency of the alias is set up anew for that version",
        )


def _previous(thing: str, current: str, aws: Aws) -> str:
    """The newest published version below `current`."""
    function = thing.partition(":")[0]
    doing = f"list the versions of {function}"
    found = pages(aws, "lambda", "list_versions_by_function", doing, FunctionName=function)
    names = [each["Version"] for page in found for each in page["Versions"]]
    numbers = [int(name) for name in names if name.isdecimal()]
    before = [number for number in numbers if not current.isdecimal() or number < int(current)]
    if not before:
        raise ActionError(f"cannot move {thing} back: no version was published before {current}")
    return str(max(before))


def _names(thing: str) -> dict[str, str]:
    function, _, alias = thing.partition(":")
    return {"FunctionName": function, "Name": alias}
