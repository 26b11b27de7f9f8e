"""Who acts, and what they may: viewer, operator, admin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from core.errors import NotAllowedError

Role = Literal["viewer", "operator", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
"""From the least to the most; each may do what those before it may.

A viewer reads. An operator works on incidents (acknowledge, assign, note, silence, mark) and asks for,
approves and undoes actions that have a way back. An admin also approves what cannot be undone, and revives
channels.
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever does something, under the name that the timeline and the audit keep."""

    name: str
    role: Role = "viewer"

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)

    def must_be(self, role: Role, to: str) -> None:
        """Raises NotAllowedError unless this person has at least `role`; `to` says what for: `to approve`."""
        if not self.may(role):
            raise NotAllowedError(f"{self.name} is a {self.role}: {to} takes an {role}")


SERVICE = Person("quarterdeck", "admin")
"""What the service does by itself, because rules and settings enable it."""
