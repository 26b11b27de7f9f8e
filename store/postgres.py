"""State in PostgreSQL, for more than one machine: all that is particular to PostgreSQL is here."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa

from core.errors import StoreError

SCHEMES = ("postgresql://", "postgres://")
CONNECT_S = 10
WRITE_LOCK = "quarterdeck write"
IDLE_S = 20
"""A write that stands still for so long is undone: its service was stopped, or its machine is gone, and all
others wait for it."""

_ALIVE_S = 15
_TOLD = {
    "keepalives_idle": _ALIVE_S,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 2000 * _ALIVE_S,
}
_ASKED = (
    f"SET tcp_keepalives_idle = {_ALIVE_S}; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
)
"""Both ends notice within half a minute that the other is gone; a server waits for hours by itself."""

ADVICE: Mapping[str, str] = {
    "password authentication failed": "the user or its password is wrong; see store.database",
    "no password supplied": "it asks for a password; give one in store.database",
    "does not exist": "there is no such database or role; create it, or correct store.database",
    "permission denied": "this user may not use it; grant it all on the database and its schema",
    "connection refused": "nothing listens there; is PostgreSQL running?",
    "is the server running": "nothing listens there; is PostgreSQL running?",
    "could not translate host name": "there is no such host; correct store.database",
    "timeout expired": "it does not answer",
    "too many clients": "it has no connection left; raise max_connections",
    "connection slots": "it has no connection left; raise max_connections",
    "too many connections": "it has no connection left for this user or database; raise that limit",
    "starting up": "it is starting; what failed is tried again",
    "shutting down": "it is stopping",
    "recovery mode": "it is recovering from a crash; what failed is tried again",
    "idle-in-transaction": "a write stood still for too long, and was undone",
    "terminating connection": "it ended the connection; what failed is tried again",
    "closed the connection": "the connection is lost; what failed is tried again",
    "connection is lost": "the connection is lost; what failed is tried again",
    "connection is closed": "the connection is lost; what failed is tried again",
    "connection reset": "the connection is lost; what failed is tried again",
    "no space left": "its disk is full; free some space (nothing already kept is lost)",
    "read-only": "it is a read-only replica; name the primary in store.database",
}


def connect(url: str) -> sa.Engine:
    """An engine on a `postgresql://` URL. A transaction sees one instant. Nothing is opened yet."""
    if not url.startswith(SCHEMES):
        raise StoreError("store.database must be a URL such as postgresql://user:password@host/quarterdeck")
    parsed = sa.make_url(url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        parsed,
        isolation_level="REPEATABLE READ",
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S} | _TOLD,
    )
    sa.event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ASKED)
    connection.commit()


def is_of_a_replica(error: BaseException | None) -> bool:
    """Whether the server that we are connected to is the primary no more: another one may be by now."""
    return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def writer(engine: sa.Engine) -> sa.Engine:
    """Transactions one after the other, over all services, as SQLite has them.

    They read what was committed before each statement, since a snapshot would be older than the lock.
    """
    mine = engine.execution_options(isolation_level="READ COMMITTED")
    sa.event.listen(mine, "begin", _take_turn)
    return mine


def _take_turn(connection: sa.Connection) -> None:
    timeout = sa.func.set_config("idle_in_transaction_session_timeout", f"{IDLE_S}s", True)
    connection.execute(sa.select(timeout, sa.func.pg_advisory_xact_lock(number(WRITE_LOCK))))


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
