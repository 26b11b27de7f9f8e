"""Errors on demand: permissions that the role lacks, calls that are throttled or fail; in AWS's own words."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from quarterdeck.demo.wire import ApiError, Call

_PREFIX = {"resourcegroupstaggingapi": "tag"}
_ACTION = {"lambda:Invoke": "lambda:InvokeFunction"}
"""Where IAM's name differs from the API's."""

_DENIED: Mapping[str, tuple[str, int]] = {
    "sts": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
    "ec2": ("UnauthorizedOperation", 403),
    "lambda": ("AccessDeniedException", 403),
    "xray": ("AccessDeniedException", 403),
    "scheduler": ("AccessDeniedException", 403),
    "account": ("AccessDeniedException", 403),
    "sqs": ("AccessDeniedException", 403),
    "cloudwatch": ("AccessDeniedException", 403),
}
_THROTTLED: Mapping[str, tuple[str, int]] = {
    "sts": ("Throttling", 400),
    "iam": ("Throttling", 400),
    "ec2": ("RequestLimitExceeded", 503),
    "lambda": ("TooManyRequestsException", 429),
    "xray": ("ThrottledException", 429),
    "scheduler": ("ThrottlingException", 429),
    "account": ("TooManyRequestsException", 429),
    "resourcegroupstaggingapi": ("ThrottledException", 400),
}
_BROKEN: Mapping[str, tuple[str, int]] = {
    "lambda": ("ServiceException", 500),
    "logs": ("ServiceUnavailableException", 503),
    "cloudwatch": ("InternalServiceError", 500),
}
_OLD_CODES = {"sqs": "AccessDenied", "cloudwatch": "AccessDenied"}
"""What services that spoke the query protocol call AccessDeniedException there."""


def iam_action(call: Call) -> str:
    name = f"{_PREFIX.get(call.service, call.service)}:{call.operation}"
    return _ACTION.get(name, name)


def _names(call: Call) -> set[str]:
    return {iam_action(call), f"{call.service}:{call.operation}"}


@dataclass(frozen=True, slots=True)
class Denial:
    """An action (or a pattern of actions) that is denied: of one account and region, or ("") of all."""

    action: str
    account: str = ""
    region: str = ""

    def hits(self, account: str, call: Call) -> bool:
        here = self.account in ("", account) and self.region in ("", call.region)
        return here and any(fnmatchcase(name, self.action) for name in _names(call))


@dataclass(slots=True)
class Failing:
    """The next `times` calls of an operation are throttled, or end in an error of the service."""

    operation: str
    times: int
    kind: str = "error"

    def hits(self, call: Call) -> bool:
        return self.times > 0 and any(fnmatchcase(name, self.operation) for name in _names(call))


class Faults:
    """What is to go wrong. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._denied: list[Denial] = []
        self._failing: list[Failing] = []

    def deny(self, actions: list[str], *, account: str = "", region: str = "") -> None:
        with self._lock:
            self._denied += [Denial(action, account, region) for action in actions]

    def fail(self, operation: str, *, times: int = 1, kind: str = "error") -> None:
        """Raises ValueError for a kind that is neither `throttled` nor `error`."""
        if kind not in ("throttled", "error"):
            raise ValueError(f"kind must be throttled or error, not {kind!r}")
        with self._lock:
            self._failing.append(Failing(operation, times, kind))

    def allow_all(self) -> None:
        with self._lock:
            self._denied.clear()

    def mend_all(self) -> None:
        with self._lock:
            self._failing.clear()

    def denied(self) -> list[dict[str, Any]]:
        with self._lock:
            return [{"action": d.action, "account": d.account, "region": d.region} for d in self._denied]

    def failing(self) -> list[dict[str, Any]]:
        with self._lock:
            known = [f for f in self._failing if f.times > 0]
            return [{"operation": f.operation, "times": f.times, "kind": f.kind} for f in known]

    def check(self, account: str, who: str, call: Call) -> None:
        """Raises ApiError when this call is to go wrong. `who` is the caller's ARN."""
        with self._lock:
            for failing in self._failing:
                if failing.hits(call):
                    failing.times -= 1
                    raise throttled(call) if failing.kind == "throttled" else broken(call)
            if any(denial.hits(account, call) for denial in self._denied):
                raise refused(who, call)


def refused(who: str, call: Call) -> ApiError:
    """The service's own way to say that a permission is missing. SQS writes its actions in small letters."""
    action = iam_action(call).lower() if call.service == "sqs" else iam_action(call)
    code, status = _DENIED.get(call.service, ("AccessDeniedException", 400))
    said = f"User: {who} is not authorized to perform: {action}"
    if call.service == "ec2":
        said = f"You are not authorized to perform this operation. {said}"
    elif call.service not in ("sts", "iam"):
        said += " on resource: *"
    message = f"{said} because no identity-based policy allows the {action} action"
    return ApiError(code, message, status=status, query_code=_OLD_CODES.get(call.service, ""))


def throttled(call: Call) -> ApiError:
    code, status = _THROTTLED.get(call.service, ("ThrottlingException", 400))
    reason = {"Reason": "CallerRateLimitExceeded"} if call.service == "lambda" else {}
    old = "Throttling" if call.service in _OLD_CODES else ""
    return ApiError(code, "Rate exceeded", status=status, query_code=old, **reason)


def broken(call: Call) -> ApiError:
    code, status = _BROKEN.get(call.service, ("InternalFailure", 500))
    return ApiError(code, "An internal error occurred. Try again.", status=status)
