"""The state database's connections, whichever database it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from core.errors import StoreError
from core.settings import StoreSettings
from store import postgres, sqlite
from store.locks import held

FILE = sqlite.FILE


def connect(settings: StoreSettings) -> sa.Engine:
    """An engine on the state database of the settings. Nothing is opened yet."""
    if settings.database is None:
        engine = sqlite.connect(settings.path)
    else:
        engine = postgres.connect(settings.database.get_secret_value())
    sa.event.listen(engine, "handle_error", lambda context: _told(context, engine, settings.path))
    return engine


def _told(context: sa.ExceptionContext, engine: sa.Engine, folder: Path) -> StoreError | None:
    """What a reader or writer gets instead of the database's own error."""
    error = context.sqlalchemy_exception
    if context.is_pre_ping or not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
        return None
    if postgres.is_of_a_replica(error.orig):
        context.is_disconnect = True  # the next connection may be to the primary
    return _sentence(error, engine, folder)


def is_file(engine: sa.Engine) -> bool:
    """Whether state is the folder's own file."""
    return engine.dialect.name == "sqlite"


def writer(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions are for writing: one at a time."""
    return sqlite.writer(engine) if is_file(engine) else postgres.writer(engine)


def turn(engine: sa.Engine) -> AbstractContextManager[Any]:
    """What the writing threads of a process wait for: SQLite itself wakes nobody who waits, and on a busy
    machine some would wait in vain."""
    return threading.RLock() if is_file(engine) else nullcontext()


def name(engine: sa.Engine, folder: Path) -> str:
    """The state database as a person knows it, without its password."""
    if is_file(engine):
        return str(folder)
    return engine.url.set(password=None, drivername="postgresql").render_as_string()


@contextmanager
def locked(engine: sa.Engine, folder: Path, what: str, *, wait: bool) -> Iterator[bool]:
    """Hold a lock between the processes of one store; yields False when another does and `wait` is False."""
    holding = held(folder / what, wait=wait) if is_file(engine) else postgres.locked(engine, what, wait=wait)
    with holding as mine:
        yield mine


@contextmanager
def explained(engine: sa.Engine, folder: Path) -> Iterator[None]:
    """Turn the database's own errors into a StoreError that says what to do."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _sentence(error, engine, folder) from error


def _sentence(error: DBAPIError, engine: sa.Engine, folder: Path) -> StoreError:
    text = " ".join(str(error.orig).split())
    known = sqlite.ADVICE if is_file(engine) else postgres.ADVICE
    advice = next((then for word, then in known.items() if word in text.lower()), text)
    return StoreError(f"cannot use the store in {name(engine, folder)}: {advice}")
