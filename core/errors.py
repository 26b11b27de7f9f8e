"""One small tree of errors; each carries what its catcher decides on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal


class QuarterdeckError(Exception):
    """Anything we raise on purpose. Its text is one sentence: what was tried, on what, what to do."""

    retryable: bool = False


class SettingsError(QuarterdeckError):
    """A settings or rule file has mistakes: `mistakes` has a line each, `file:line: path: what is wrong`."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class BillError(QuarterdeckError):
    """A bill cannot be imported: a line per mistake, `file:line: what is wrong`. Nothing of it was kept."""


class StoreError(QuarterdeckError):
    """The store cannot be opened, read or written."""


class LeaseLostError(StoreError):
    """Another service watches this now: what was about to be written is its part."""


class StoreTooNewError(StoreError):
    """The store was written by a newer Quarterdeck than this one."""


class AskAgainError(StoreError):
    """The store's files changed while a question was answered: the same question has an answer now."""

    retryable = True


class AwsError(QuarterdeckError):
    """An AWS call failed after botocore's retries. `code` is AWS's, `permission` the missing action."""

    def __init__(
        self, message: str, *, code: str = "", retryable: bool = False, permission: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable
        self.permission = permission


class CredentialsError(AwsError):
    """No credentials, or expired or rejected ones."""


class AccessDeniedError(AwsError):
    """The role lacks `permission`."""


class NotFoundError(AwsError):
    """The thing asked for (a function, a log group, a queue) does not exist."""


class EndpointError(AwsError):
    """The endpoint cannot be reached."""


class BudgetError(AwsError):
    """A paid call was not made: the month's cap would be passed."""


class LogFormatError(QuarterdeckError):
    """A platform log record lacks a field that we need."""


class DeliveryError(QuarterdeckError):
    """A notice was not accepted. `retry_after_s` is what the target asked for, if it did. `target` is `gone`
    or `refuses` when the answer speaks of the target and not of this message."""

    def __init__(
        self,
        message: str,
        *,
        retryable: bool,
        retry_after_s: float | None = None,
        target: Literal["gone", "refuses"] | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.target = target


class ActionError(QuarterdeckError):
    """A change could not be planned or applied."""


class NothingToDoError(ActionError):
    """What is to be changed is so already."""


class NotAllowedError(QuarterdeckError):
    """This person's role does not suffice."""
