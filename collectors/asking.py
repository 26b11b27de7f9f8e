"""Ask the same of many things, such that what may not be read is said once and leaves the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from collectors.collector import Ask
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError
from core.facts import Gap

Answered = TypeVar("Answered")

UNKNOWN_HERE = {
    "UnknownOperationException",
    "UnknownOperation",
    "InvalidAction",
    "NotImplemented",
    "404",
    "501",
}
"""What regions and emulators answer that do not have the API."""


class Asking:
    """One aspect of many things. If the first is denied, the role lacks the right and no other is asked; nor
    is one where there is no such API."""

    def __init__(self, ask: Ask, aspect: str) -> None:
        self.ask, self.aspect = ask, aspect
        self.gaps: list[Gap] = []
        self._may_read, self._given_up = False, False

    def read(self, scope: str, fetch: Callable[[], Answered]) -> Answered | None:
        """What `fetch` answers; None, and a gap, if it cannot be read. Passes NotFoundError on."""
        if self._given_up:
            return None
        try:
            answer = fetch()
        except (CredentialsError, EndpointError, NotFoundError):
            raise
        except AwsError as error:
            cannot = isinstance(error, AccessDeniedError) or error.code in UNKNOWN_HERE
            self._given_up = cannot and not self._may_read
            scope = self.aspect if self._given_up else scope
            self.gaps.append(Gap(scope, self.ask.window, str(error), error.permission))
            return None
        self._may_read = True
        return answer
