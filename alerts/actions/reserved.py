"""Reserved concurrency: a function's own part of the account's concurrency, which is its ceiling, too.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html and
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from alerts.actions.base import Aws
from alerts.actions.calling import call
from alerts.actions.setting import Change, Consequences, Setting, Value, Write
from core.errors import ActionError

FLOOR = 100
"""What AWS keeps unreserved; a quarter of the limit where that is less than 400."""

STOPS = (
    "0 stops the function: callers get 429, asynchronous events go to the dead-letter queue or failure "
    "destination at once and are lost without one, queues and streams wait"
)


class _Reserved(Setting):
    what: ClassVar[str] = "reserved concurrency"
    permissions: ClassVar[tuple[str, ...]] = (
        "lambda:DeleteFunctionConcurrency",
        "lambda:GetAccountSettings",
        "lambda:GetFunctionConcurrency",
        "lambda:PutFunctionConcurrency",
    )

    def read(self, thing: str, aws: Aws) -> Value:
        doing = f"read reserved concurrency of {thing}"
        answer = call(aws, "lambda", "get_function_concurrency", doing, FunctionName=thing)
        return answer.get("ReservedConcurrentExecutions")

    def writing(self, thing: str, value: Value) -> Write:
        if value is None:
            return Write("delete_function_concurrency", {"FunctionName": thing})
        params = {"FunctionName": thing, "ReservedConcurrentExecutions": value}
        return Write("put_function_concurrency", params)

    def said(self, value: Value) -> str:
        return "none" if value is None else str(value)

    def consequences(self, change: Change, aws: Aws) -> Consequences:
        doing = f"read how much concurrency is left for {change.subject}"
        limits = call(aws, "lambda", "get_account_settings", doing)["AccountLimit"]
        limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
        left = unreserved - (change.after or 0) + (change.before or 0)
        floor = min(FLOOR, limit // 4)
        if change.after is not None and left < floor:
            most = unreserved + (change.before or 0) - floor
            raise ActionError(
                f"cannot reserve {change.after} for {change.subject}: AWS keeps {floor} of {limit} "
                f"unreserved, so at most {max(most, 0)} can be"
            )
        return Consequences(
            effect=self._effect(change),
            touches=(
                f"{change.subject} with all its versions and aliases",
                f"every function without reserved concurrency there: they share {left} instead of "
                f"{unreserved} of {limit} (AWS keeps at least {floor} unreserved)",
            ),
            warnings=tuple(self._warnings(change, left, floor)),
            cost="nothing: reserved concurrency is free; what runs more is charged as ever",
        )

    def _effect(self, change: Change) -> str:
        if change.after is None:
            return f"{change.subject} shares the unreserved concurrency, and has no ceiling of its own"
        if change.after == 0:
            return f"{change.subject} is stopped"
        return f"at most {change.after} of {change.subject} run at once; no other function can take them"

    def _warnings(self, change: Change, left: int, floor: int) -> list[str]:
        found = [STOPS] if change.after == 0 else []
        if change.after is not None and change.before is not None and 0 < change.after < change.before:
            found.append(f"fewer than before: what runs above {change.after} at once is throttled")
        if change.after is not None and change.before is None and change.after:
            found.append(f"{change.subject} had no ceiling before: above {change.after} it is throttled")
        if change.after is not None and left < 2 * floor:
            found.append(f"only {left} are left for all functions without reserved concurrency")
        return found


class SetReservedConcurrency(_Reserved):
    """Reserve `limit` executions for the function: it has them, and never more."""

    do: Literal["set-reserved-concurrency"] = "set-reserved-concurrency"
    limit: int = Field(ge=0, le=100_000)

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        return self.limit


class ClearReservedConcurrency(_Reserved):
    """Reserve nothing: the function takes from what all share."""

    do: Literal["clear-reserved-concurrency"] = "clear-reserved-concurrency"

    def wanted(self, before: Value, thing: str, aws: Aws) -> Value:
        return None
