"""Telemetry that cannot be read: readers and packing go on without it, and every process says so."""

from __future__ import annotations

import itertools
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import sqlalchemy as sa

from core.errors import StoreError
from core.facts import Target
from core.windows import Window
from store.lake import Lake, quoted
from store.schema import file, hot

if TYPE_CHECKING:
    from store.packing import Begin

DAMAGED = "its content is damaged"
"""How a mark begins that only reading the whole file can lift; others are tried anew by each snapshot."""

GONE = "it is gone"

PIECE = 2**20

SCRUB_BYTES = 64 * 2**20
"""How much a packing reads to find damage that no query meets."""

HOLD_S = 60
"""How long a process remembers what it could not mark, as in a store that cannot be written."""

NOT_OF_A_FILE = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.PermissionException,
    duckdb.InterruptException,
    duckdb.OutOfMemoryException,
)
"""Errors of a query that say nothing against the files it reads."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What is gone without: the rows of one kind and target that one file (or hot batch) stood for."""

    kind: str
    target: Target
    window: Window
    path: str
    why: str

    @property
    def reason(self) -> str:
        """The loss as the reason of a gap."""
        return f"a file of the store cannot be read ({self.why}); see quarterdeck store check"


def of_row(row: Any, why: str) -> Loss:
    """The loss of a file, by its row of the catalogue."""
    return Loss(row.kind, Target(row.account, row.region), Window(row.start, row.end), row.path, why)


class Losses:
    """What this process found unreadable, beside the marks that all processes see. Safe to share by
    threads."""

    def __init__(self, begin: Begin) -> None:
        self._begin = begin
        self._held: dict[str, tuple[str, float]] = {}
        self._torn: dict[int, Loss] = {}
        self._scrubbed = ""
        self._lock = threading.Lock()

    def damaged(self, path: str, mark: str | None) -> str | None:
        """Why a file is not even tried: somebody read it and its content was damaged."""
        for why in (mark, self._remembered(path)):
            if why is not None and why.startswith(DAMAGED):
                return why
        return None

    def is_told(self, path: str, mark: str | None) -> bool:
        """Whether it was noted before that the file cannot be read."""
        return mark is not None or self._remembered(path) is not None

    def note(self, found: Mapping[str, str]) -> None:
        """Mark files in the catalogue, so that every process goes on without them and says so. A store that
        cannot be written keeps no mark: then this process remembers for a while."""
        if not found:
            return
        try:
            with self._begin() as connection:
                mark(connection, found)
        except StoreError:
            until = time.monotonic() + HOLD_S
            with self._lock:
                self._held |= {path: (why, until) for path, why in found.items()}

    def meet(self, torn: Mapping[int, Loss]) -> None:
        """Remember torn batches of the hot tail, by seq."""
        if torn:
            with self._lock:
                self._torn |= torn

    def told(self, connection: sa.Connection) -> list[Loss]:
        """All that is gone without: marked by whichever process, or met by this one."""
        with self._lock:
            torn = dict(self._torn)
        kept = set(connection.execute(sa.select(hot.c.seq).where(hot.c.seq.in_(list(torn)))).scalars())
        held = self.remembered()
        wanted = file.c.unreadable.is_not(None) | file.c.path.in_(list(held))
        query = sa.select(file).where(wanted, file.c.replaced_at.is_(None)).order_by(file.c.start)
        files = [of_row(row, row.unreadable or held[row.path]) for row in connection.execute(query)]
        return [*files, *(loss for seq, loss in torn.items() if seq in kept)]

    def examine(self, lake: Lake, files: Sequence[Filed]) -> dict[str, str]:
        """Read files in full; notes and answers those that cannot be read, and why."""
        found = unreadable(lake, files)
        self.note(found)
        return found

    def review(self, engine: sa.Engine, lake: Lake) -> None:
        """Bring the marks up to date: of files that went or have another size, and of those that can be read
        again, since a disk or a network came back."""
        with engine.connect() as connection:
            rows = connection.execute(sa.select(file).where(file.c.replaced_at.is_(None))).all()
        if not lake.shelf.is_paid:
            there = {left.path: left.bytes for left in lake.shelf.listed()}
            self.note({row.path: why for row in rows if (why := _differs(there.get(row.path), row.bytes))})
        before = [row for row in rows if row.unreadable is not None]
        lost = unreadable(lake, before)
        if back := [row.path for row in before if row.path not in lost]:
            with self._begin() as connection:
                mark(connection, dict.fromkeys(back))

    def scrub(self, engine: sa.Engine, lake: Lake) -> None:
        """Read some files to see that they are what was written, each time the next ones."""
        if lake.shelf.is_paid:
            return
        unread = file.c.replaced_at.is_(None) & file.c.unreadable.is_(None) & (file.c.path > self._scrubbed)
        with engine.connect() as connection:
            rows = connection.execute(sa.select(file).where(unread).order_by(file.c.path)).all()
        sizes = itertools.accumulate(row.bytes for row in rows)
        some = [row for row, so_far in zip(rows, sizes, strict=True) if so_far <= SCRUB_BYTES] or rows[:1]
        self.examine(lake, some)
        self._scrubbed = some[-1].path if len(some) < len(rows) else ""

    def remembered(self) -> dict[str, str]:
        """What could not be marked: why, by path."""
        with self._lock:
            now = time.monotonic()
            self._held = {path: held for path, held in self._held.items() if held[1] > now}
            return {path: why for path, (why, _) in self._held.items()}

    def _remembered(self, path: str) -> str | None:
        return self.remembered().get(path) if self._held else None


def mark(connection: sa.Connection, found: Mapping[str, str | None]) -> None:
    """Say of files why they cannot be read; None: they can."""
    for path, why in found.items():
        here = (file.c.path == path) & file.c.replaced_at.is_(None)
        connection.execute(sa.update(file).where(here).values(unreadable=why))


class Filed(Protocol):
    """A file of the catalogue."""

    @property
    def path(self) -> str: ...
    @property
    def crc32(self) -> int | None: ...


def unreadable(lake: Lake, files: Sequence[Filed]) -> dict[str, str]:
    """Which files cannot be had, or are not what was written, and why. Reads every byte."""
    fetched = lake.shelf.fetch([item.path for item in files], wait=True)
    return fetched.lacking | still(damaged(lake, fetched.files, files))


def still(found: Mapping[str, str | None]) -> dict[str, str]:
    """Those of which no new copy could be had that can be read."""
    return {path: why for path, why in found.items() if why is not None}


def torn_footers(lake: Lake, local: Mapping[str, Path]) -> dict[str, str | None]:
    """Which of these files cannot even be opened, and why; None: a new copy can be. Quick."""
    return _failing(lake, local, lambda _, where: _failure(lake, where, "SELECT * FROM {} LIMIT 0"))


def damaged(lake: Lake, local: Mapping[str, Path], files: Sequence[Filed]) -> dict[str, str | None]:
    """Which of these files are not what was written, and why; None: a new copy is. Reads every byte."""
    sums = {item.path: item.crc32 for item in files}
    return _failing(lake, local, lambda path, where: _differing(lake, where, sums.get(path)))


def _differing(lake: Lake, where: Path, crc32: int | None) -> str | None:
    """A damaged file can often be read, to wrong values: its bytes tell, where their sum is known."""
    try:
        if crc32 is not None and checksum(where) != crc32:
            return f"{DAMAGED}: its checksum differs"
    except OSError as error:
        return GONE if isinstance(error, FileNotFoundError) else f"{DAMAGED}: {error.strerror or error}"
    return (
        _failure(lake, where, "SELECT count(*), bit_xor(hash(row)) FROM {} AS row") if crc32 is None else None
    )


def checksum(where: Path) -> int:
    """The CRC-32 of a file's bytes."""
    total = 0
    with where.open("rb") as file:
        while part := file.read(PIECE):
            total = zlib.crc32(part, total)
    return total


def _failing(
    lake: Lake, local: Mapping[str, Path], fault: Callable[[str, Path], str | None]
) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for path, where in local.items():
        if why := fault(path, where):
            copy = lake.shelf.again(path)
            found[path] = why if copy is None else fault(path, copy)
    return found


def _failure(lake: Lake, where: Path, sql: str) -> str | None:
    with closing(lake.cursor()) as duck:
        try:
            duck.execute(sql.format(f"read_parquet({quoted(str(where))})")).fetchall()
        except NOT_OF_A_FILE:
            return None
        except duckdb.Error as error:
            return f"{DAMAGED}: {first_line(error)}" if where.exists() else GONE
    return None


def first_line(error: Exception) -> str:
    """What an error says, without the advice and the query that may follow."""
    return (str(error).splitlines() or [type(error).__name__])[0]


@dataclass(slots=True)
class Sifted:
    """Files of the catalogue (rows of it), where those are that can be read, and why the others cannot."""

    files: Sequence[Any]
    local: dict[str, Path]
    whys: dict[str, str]

    @property
    def marks(self) -> dict[str, str | None]:
        return {row.path: row.unreadable for row in self.files}

    def lose(self, found: Mapping[str, str]) -> None:
        self.whys |= found
        self.local = {path: where for path, where in self.local.items() if path not in found}

    def lost(self) -> list[Loss]:
        return [of_row(row, self.whys[row.path]) for row in self.files if row.path in self.whys]


def sift(lake: Lake, losses: Losses, files: Sequence[Any]) -> Sifted:
    """Look at each file without reading it: is it there, of the right size, not known as damaged?"""
    whys = {f.path: why for f in files if (why := losses.damaged(f.path, f.unreadable))}
    fetched = lake.shelf.fetch([f.path for f in files if f.path not in whys])
    sifted = Sifted(files, fetched.files, whys | fetched.lacking)
    sifted.lose({f.path: why for f in files if (why := _short(lake, f, fetched.files.get(f.path)))})
    return sifted


def _short(lake: Lake, row: Any, where: Path | None) -> str | None:
    why = _wrong_size(where, row.bytes)
    return _wrong_size(copy, row.bytes) if why and (copy := lake.shelf.again(row.path)) else why


def _wrong_size(where: Path | None, wanted: int) -> str | None:
    try:
        return None if where is None else _differs(where.stat().st_size, wanted)
    except OSError as error:
        return GONE if isinstance(error, FileNotFoundError) else (error.strerror or str(error))


def _differs(size: int | None, wanted: int) -> str | None:
    if size is None:
        return GONE
    return None if size == wanted else f"it has {size:,} bytes, {wanted:,} were written"
