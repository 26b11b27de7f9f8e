"""Files of the lake that this machine keeps a copy of: whole and never changed, so a name says it all.

Several processes may share the folder: a file appears by a rename, and goes by an unlink that spares what was
asked for lately.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from store.shelf import fsync

IN_USE_S = 600
"""What was asked for so lately stays, even above the limit: a reader may be about to open it."""

TOUCH_S = 5
"""A file's last use is noted to this precision."""

DRAFT_S = 3_600
"""A draft that nobody wrote to for so long is of a killed process."""

SLACK = 20
"""The folder is looked through whenever this part (1/20) of the limit has been added."""


class Cache:
    """A folder of at most about `limit_bytes`; what was not used for the longest time goes first."""

    def __init__(self, folder: Path, limit_bytes: int, *, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder.resolve()
        self._limit, self._clock = limit_bytes, clock
        self._drafts = self.folder / "drafts"
        self._lock = threading.Lock()
        self._added = limit_bytes  # so that the first file kept has all looked through

    def get(self, path: str) -> Path | None:
        """The copy of a file, which stays for at least IN_USE_S from now; None: there is none."""
        file = self.folder / path
        try:
            facts = file.stat()
            if self._clock() - facts.st_atime > TOUCH_S:
                # Only the time of use: DuckDB keeps a file's metadata for as long as it was not changed.
                os.utime(file, ns=(int(self._clock() * 1e9), facts.st_mtime_ns))
        except FileNotFoundError:
            return None
        except PermissionError:
            return file  # another user's copy: only its owner may note the use
        return file

    def draft(self) -> Path:
        """Where to write what shall be kept."""
        self._drafts.mkdir(parents=True, exist_ok=True)
        return self._drafts / f"{uuid.uuid4().hex}.parquet"

    def keep(self, draft: Path, path: str) -> Path:
        """Give a finished draft its name."""
        file = self.folder / path
        fsync(draft)  # a name must not outlive a power cut that its content does not
        facts = draft.stat()
        os.utime(draft, ns=(int(self._clock() * 1e9), facts.st_mtime_ns))
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(file)
        if self._is_to_be_trimmed(facts.st_size):
            self.trim()
        return file

    def _is_to_be_trimmed(self, added: int) -> bool:
        with self._lock:
            self._added += added
            is_due = self._added * SLACK > self._limit
            self._added = 0 if is_due else self._added
            return is_due

    def forget(self, path: str) -> None:
        (self.folder / path).unlink(missing_ok=True)

    def trim(self) -> None:
        """Remove what is above the limit, and what killed processes left."""
        now, kept = self._clock(), list(self._kept())
        excess = sum(size for _, size, _ in kept) - self._limit
        for used, size, file in sorted(kept, key=lambda found: found[0]):
            if excess <= 0 or now - used < IN_USE_S:
                break
            file.unlink(missing_ok=True)
            excess -= size
        for draft in self._drafts.glob("*"):
            with suppress(FileNotFoundError):
                if now - draft.stat().st_mtime > DRAFT_S:
                    draft.unlink()

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        """Last use, bytes and file of every copy."""
        for file in self.folder.glob("kind=*/**/*.parquet"):
            with suppress(FileNotFoundError):
                facts = file.stat()
                yield facts.st_atime, facts.st_size, file
