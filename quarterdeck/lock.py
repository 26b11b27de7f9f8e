"""Which services live on this machine: each holds a lock on a file of its own in the store's folder.

The system releases the lock when its holder dies, however that happens, so those beside it know at once.
"""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError

NAME = "services"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The services of one folder. `here` names this machine: a lock that was taken on another one may not
    be seen here, so it tells nothing, unless `only_here` says that nobody else can use the store."""

    folder: Path
    here: str
    only_here: bool

    def dead(self) -> frozenset[str]:
        """Services whose process ended without a word."""
        return frozenset(file.name for file in self._files() if self._is_free(file))

    def forget(self, dead: Collection[str]) -> None:
        for holder in dead:
            (self.folder / holder).unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        with suppress(OSError):
            yield from sorted(self.folder.iterdir())

    def _is_free(self, file: Path) -> bool:
        try:
            with file.open(encoding="utf-8") as handle:
                where = handle.read()
                if not where or (where != self.here and not self.only_here):
                    return False  # about to be locked, or locked elsewhere
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def living(folder: Path, holder: str, *, only_here: bool) -> Iterator[Neighbours]:
    """Within, this process is known to live as `holder`. Raises StoreError where the folder cannot be
    written."""
    beside, here = folder / NAME, machine()
    try:
        beside.mkdir(exist_ok=True)
        handle = (beside / holder).open("w", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write to the store folder {folder}: {error.strerror}; check its owner"
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(here)
        handle.flush()
        try:
            yield Neighbours(beside, here, only_here)
        finally:
            (beside / holder).unlink(missing_ok=True)


def machine() -> str:
    """This machine since it was started: containers on it share its locks."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
