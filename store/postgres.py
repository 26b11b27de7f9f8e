"""State in PostgreSQL, for more than one machine: all that is particular to PostgreSQL is here."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa

from core.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")
CONNECT_S = 10
WRITE_LOCK = "quarterdeck write"

ADVICE: Mapping[str, str] = {
    "password authentication failed": "the user or its password is wrong; see store.database",
    "no password supplied": "it asks for a password; give one in store.database",
    "does not exist": "there is no such database or role; create it, or correct store.database",
    "permission denied": "this user may not use it; grant it all on the database and its schema",
    "connection refused": "nothing listens there; is PostgreSQL running?",
    "could not translate host name": "there is no such host; correct store.database",
    "timeout expired": "it does not answer",
    "too many clients": "it has no connection left; raise max_connections",
    "no space left": "its disk is full; free some space (nothing already kept is lost)",
    "read-only": "it is a read-only replica; name the primary in store.database",
}


def connect(url: str) -> sa.Engine:
    """An engine on a `postgresql://` URL. A transaction sees one instant. Nothing is opened yet."""
    if not url.startswith(SCHEMES):
        raise StoreError("store.database must be a URL such as postgresql://user:password@host/quarterdeck")
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(
        parsed,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S},
    )


def writer(engine: sa.Engine) -> sa.Engine:
    """Transactions one after the other, over all services, as SQLite has them.

    They read what was committed before each statement, since a snapshot would be older than the lock.
    """
    mine = engine.execution_options(isolation_level="READ COMMITTED")
    sa.event.listen(mine, "begin", _take_turn)
    return mine


def _take_turn(connection: sa.Connection) -> None:
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number(WRITE_LOCK))))


def number(name: str) -> int:
    """The advisory lock that goes by a name."""
    return zlib.crc32(name.encode())


@contextmanager
def locked(engine: sa.Engine, name: str, *, wait: bool) -> Iterator[bool]:
    """Hold a lock between processes and machines; it ends with the connection, however that ends."""
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        take = sa.func.pg_advisory_lock if wait else sa.func.pg_try_advisory_lock
        answer = connection.execute(sa.select(take(number(name)))).scalar()
        if not wait and not answer:
            yield False
            return
        try:
            yield True
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(number(name))))


def size_bytes(connection: sa.Connection) -> int:
    """What the database takes on its server's disk."""
    return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
