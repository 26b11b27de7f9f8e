"""State in one SQLite file: all that is particular to SQLite is here."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

FILE = "state.db"
BUSY_S = 30
_PRAGMAS = ("synchronous=FULL", "journal_size_limit=67108864", "temp_store=MEMORY")

_DAMAGED = f"{FILE} is damaged; restore it from a backup, or move the whole folder away and start anew"
ADVICE: Mapping[str, str] = {
    "disk is full": "the disk is full; free some space (nothing already kept is lost)",
    "disk i/o error": "the disk does not answer; see the system's log",
    "readonly": "it cannot be written; give this user write permission on it",
    "unable to open": "it cannot be opened; give this user read and write permission on it",
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "locked": f"another process has been writing to it for {BUSY_S} s; try again, or stop that process",
}


def connect(folder: Path) -> sa.Engine:
    """An engine on the folder's state database. Nothing is opened yet."""
    url = sa.URL.create("sqlite", database=str(folder / FILE))
    arguments = {"timeout": BUSY_S, "check_same_thread": False}
    if (folder / FILE).exists() and not os.access(folder, os.W_OK):
        engine = sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
        sa.event.listen(engine, "do_connect", partial(_open_unwritable, folder / FILE))
    else:
        engine = sa.create_engine(url, connect_args=arguments)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _open_unwritable(
    file: Path, _dialect: Any, _record: Any, _positional: Any, named: Any
) -> sqlite3.Connection | None:
    """SQLite wants its log beside a database, even to read. Where no writer has left one, and it cannot be
    made, nobody writes: looked at anew for each transaction."""
    if file.with_name(f"{FILE}-wal").exists():
        return None  # as usual
    opened: sqlite3.Connection = sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True, **named)
    return opened


def writer(engine: sa.Engine) -> sa.Engine:
    """Transactions that take the write lock at once: a reader turned writer would fail."""
    return engine.execution_options(begin="IMMEDIATE")


def use_wal(engine: sa.Engine) -> None:
    """Let other processes read while one writes. The database remembers."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")
