"""Where telemetry files are kept. A file is written whole, never changed, and has its name for good."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from core.errors import StoreError
from core.facts import Usage

DRAFT = ".part"
"""How the name of a file ends that is not finished."""

OWNER = "store-id"
"""What lies beside the files and says whose they are."""

QUARANTINE = "quarantine"
"""Where files go that cannot be read: a folder or prefix beside the telemetry."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there, finished or not; `age` by the clock of the place."""

    path: str
    bytes: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class Fetched:
    """Local copies by path, and why there is none of the rest: a sentence each."""

    files: dict[str, Path] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)


class Shelf(Protocol):
    """A place for telemetry files, each known by its path below that. Safe to share by threads.

    What cannot be done raises OSError or StoreError.
    """

    where: str
    """The place as a person knows it."""

    is_paid: bool
    """Whether looking costs money."""

    seen: tuple[Path, ...]
    """Local folders in which `draft`, `fetch` and `original` answer files."""

    def draft(self, path: str) -> Path:
        """Where to write what shall become `path`."""

    def place(self, draft: Path, path: str) -> int:
        """Give a finished draft its name: from now on it is there, whole, whatever happens. Its bytes."""

    def fetch(self, paths: Sequence[str], *, wait: bool = False) -> Fetched:
        """Local files to read, for at least the next minutes; `wait` however long that takes."""

    def original(self, path: str) -> AbstractContextManager[Path | None]:
        """What the place itself has under a name; None: nothing."""

    def again(self, path: str) -> Path | None:
        """A new copy of a file whose copy cannot be read; None: there is none, or no copy was read."""

    def listed(self) -> Iterator[Stored]:
        """Everything that is there."""

    def orphans(self, known: Collection[str]) -> list[str]:
        """What is not `known` to the catalogue, and will not be; not looked for each time this is asked."""

    def remove(self, path: str) -> None:
        """Also when it is gone already."""

    def quarantine(self, path: str) -> None:
        """Put a file out of the way, and keep it."""

    def troubles(self) -> list[str]:
        """What of reading and writing is not possible: a sentence each."""

    def take_usage(self) -> tuple[Usage, ...]:
        """Requests that AWS bills, since this was last asked."""

    def close(self) -> None: ...


class Folder:
    """A folder of this machine."""

    is_paid = False

    def __init__(self, folder: Path, owner: str | None = None) -> None:
        self._folder, self._owner = folder.resolve(), owner
        self.where = str(self._folder)
        self.seen: tuple[Path, ...] = (self._folder,)

    def draft(self, path: str) -> Path:
        draft = self._folder / f"{path}{DRAFT}"
        draft.parent.mkdir(parents=True, exist_ok=True)
        return draft

    def place(self, draft: Path, path: str) -> int:
        final = self._folder / path
        fsync(draft)
        draft.rename(final)
        for folder in [final.parent, *final.parent.parents][: len(Path(path).parents)]:
            fsync(folder)
        return final.stat().st_size

    def fetch(self, paths: Sequence[str], *, wait: bool = False) -> Fetched:
        files = {path: self._folder / path for path in paths}
        gone = {path: f"{path} is gone" for path, file in files.items() if not file.exists()}
        return Fetched({path: file for path, file in files.items() if path not in gone}, gone)

    def original(self, path: str) -> AbstractContextManager[Path | None]:
        file = self._folder / path
        return nullcontext(file if file.exists() else None)

    def again(self, path: str) -> Path | None:
        return None

    def listed(self) -> Iterator[Stored]:
        for pattern in ("*.parquet", f"*.parquet{DRAFT}"):
            for file in self._folder.rglob(pattern):
                with suppress(FileNotFoundError):
                    facts = file.stat()
                    age = timedelta(seconds=time.time() - facts.st_mtime)
                    yield Stored(str(file.relative_to(self._folder)), facts.st_size, age)

    def orphans(self, known: Collection[str]) -> list[str]:
        found = [stored.path for stored in self.listed()]
        if self._owner is not None:
            file = self._folder / OWNER
            told = file.read_text() if file.exists() else None
            whole = [path for path in found if not path.endswith(DRAFT)]
            claim(self.where, self._owner, told, whole, known, setting="store.path", write=self._own)
        return [path for path in found if path not in known]

    def _own(self, owner: str) -> None:
        """On a full disk sweeping comes first: then the next one says whose files these are."""
        draft = self._folder / f"{OWNER}{DRAFT}"
        try:
            draft.write_text(owner)
            draft.rename(self._folder / OWNER)
        except OSError:
            draft.unlink(missing_ok=True)

    def remove(self, path: str) -> None:
        file = self._folder / path
        file.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            file.parent.rmdir()

    def quarantine(self, path: str) -> None:
        home = self._folder.parent / QUARANTINE
        home.mkdir(exist_ok=True)
        (self._folder / path).rename(home / path.replace("/", "_"))

    def troubles(self) -> list[str]:
        return []  # who opens the store tries that

    def take_usage(self) -> tuple[Usage, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


def claim(
    where: str,
    owner: str,
    told: str | None,
    found: Collection[str],
    known: Collection[str],
    *,
    setting: str,
    write: Callable[[str], object],
) -> None:
    """Make sure that files in a place are this store's: those of another one, or of one whose state was lost,
    are no orphans. Raises StoreError."""
    if told is None and (not found or any(path in known for path in found)):
        write(owner)
    elif told != owner:
        raise StoreError(
            f"{where} has files of another store than this: restore its state from a backup, or set "
            f"{setting} to a place of this store's own"
        )


def fsync(path: Path) -> None:
    """Have the disk hold a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
