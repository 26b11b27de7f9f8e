"""What was made of entities, kept until they change."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Generic, TypeVar

Part = tuple[str, str, str]
"""Kind, account, region."""

Made = TypeVar("Made")


class Kept(Generic[Made]):
    """What this process made of the entities of a part: as of one revision, which is never the same twice.
    It is shared, and must not be changed. Safe to share by threads."""

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit
        self._parts: dict[Part, tuple[str, Made]] = {}
        self._lock = threading.Lock()

    def of(self, revisions: Mapping[Part, str]) -> dict[Part, Made]:
        """What is at hand of these."""
        with self._lock:
            known = {part: self._parts.get(part) for part in revisions}
        return {part: own[1] for part, own in known.items() if own and own[0] == revisions[part]}

    def keep(self, revisions: Mapping[Part, str], found: Mapping[Part, Made]) -> None:
        with self._lock:
            self._parts |= {part: (revisions[part], made) for part, made in found.items()}
            while len(self._parts) > self._limit:
                self._parts.pop(next(iter(self._parts)))
