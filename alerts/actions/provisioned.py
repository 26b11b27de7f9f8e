"""Provisioned concurrency of an alias or version: environments that are kept ready, and paid for.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Aws
from alerts.actions.calling import CallError, call
from alerts.actions.setting import Change, Consequences, Setting, Value, Write
from core.errors import ActionError

NONE = "ProvisionedConcurrencyConfigNotFoundException"
USD_PER_GB_S = {"x86_64": Decimal("0.0000041667"), "arm64": Decimal("0.0000033334")}
"""In us-east-1; regions differ a little. Source: the price list, shared facts section 3."""


class SetProvisionedConcurrency(Setting):
    """Keep `count` environments of an alias or version ready; 0 keeps none."""

    what: ClassVar[str] = "provisioned concurrency"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetFunctionConcurrency",
        "lambda:GetFunctionConfiguration",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    )

    do: Literal["set-provisioned-concurrency"] = "set-provisioned-concurrency"
    qualifier: str = Field(pattern=r"^[A-Za-z0-9_-]{1,128}$", description="an alias or a version's number")
    count: int = Field(ge=0, le=100_000)

    def thing(self, function: str, aws: Aws) -> str:
        return f"{function}:{self.qualifier}"

    def read(self, thing: str, aws: Aws) -> Value:
        doing = f"read provisioned concurrency of {thing}"
        try:
            answer = call(aws, "lambda", "get_provisioned_concurrency_config", doing, **_names(thing))
        except CallError as error:
            if error.code == NONE:
                return None
            raise
        return answer["RequestedProvisionedConcurrentExecutions"]

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        return self.count or None

    def writing(self, thing: str, value: Value) -> Write:
        if value is None:
            return Write("delete_provisioned_concurrency_config", _names(thing))
        return Write(
            "put_provisioned_concurrency_config",
            {**_names(thing), "ProvisionedConcurrentExecutions": value},
        )

    def said(self, value: Value) -> str:
        return "none" if value is None else str(value)

    def consequences(self, change: Change, aws: Aws) -> Consequences:
        doing = f"read the configuration of {change.thing}"
        known = call(aws, "lambda", "get_function_configuration", doing, **_names(change.thing))
        doing = f"read reserved concurrency of {change.subject}"
        answer = call(aws, "lambda", "get_function_concurrency", doing, FunctionName=change.subject)
        reserved = answer.get("ReservedConcurrentExecutions")
        after = change.after or 0
        if reserved is not None and after > reserved:
            raise ActionError(
                f"cannot keep {after} of {change.thing} ready: {change.subject} has {reserved} reserved"
            )
        pool = "its reserved concurrency" if reserved is not None else "the unreserved concurrency of all"
        memory_mb = int(known.get("MemorySize", 128))
        architecture = (known.get("Architectures") or ["x86_64"])[0]
        usd = USD_PER_GB_S.get(architecture, USD_PER_GB_S["x86_64"]) * memory_mb * 3600 / 1024
        moved = after - (change.before or 0)
        return Consequences(
            effect=f"{after} environments of {change.thing} answer without a cold start"
            if after
            else f"{change.thing} starts cold again",
            touches=(f"{change.thing}, callers of that alias or version", f"{moved:+} are taken from {pool}"),
            warnings=() if moved <= 0 else ("environments become ready over some minutes",),
            cost=f"{'+' if moved >= 0 else '-'}${abs(moved) * usd:.3f} an hour at us-east-1's price "
            f"({abs(moved)} x {memory_mb} MB), charged in steps of 5 minutes",
        )


def _names(thing: str) -> dict[str, str]:
    function, _, qualifier = thing.partition(":")
    return {"FunctionName": function, "Qualifier": qualifier}
