"""The state database's connections, whichever database it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
        return sqlite.connect(settings.path)
    return postgres.connect(settings.database.get_secret_value())


def is_file(engine: sa.Engine) -> bool:
    """Whether state is the folder's own file."""
    return engine.dialect.name == "sqlite"


def writer(engine: sa.Engine) -> sa.Engine:
    """The same engine, whose transactions are for writing: one at a time."""
    return sqlite.writer(engine) if is_file(engine) else postgres.writer(engine)


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
        text = " ".join(str(error.orig).split())
        known = sqlite.ADVICE if is_file(engine) else postgres.ADVICE
        advice = next((then for word, then in known.items() if word in text.lower()), text)
        raise StoreError(f"cannot use the store in {name(engine, folder)}: {advice}") from error
