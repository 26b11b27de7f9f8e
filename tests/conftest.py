"""What every test shares: an order, property tests that a busy machine does not fail, and new stores at
little cost."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from store import opening, schema

settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile("explore", settings.get_profile("steady"), derandomize=False, max_examples=1000)
settings.load_profile("steady")
"""A change fails by what it changed, not by luck; `make explore` looks further, with new examples."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that workers end together; `--no-loadscope-reorder` keeps it so."""
    marks = ("slow", "browser")
    long = {item.path for item in items if any(item.get_closest_marker(mark) for mark in marks)}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: looking for garbage among them thousands of times finds none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_unconfigure() -> None:
    gc.unfreeze()  # extension modules say on exit what is left of them


@pytest.fixture(scope="session", autouse=True)
def migrations() -> Iterator[Callable[[sa.Connection], None]]:
    """Alembic as it is. It says the same to every new SQLite file, and takes a tenth of a second to find the
    words: other new stores of a test run are told what the first one was."""
    real, said = opening._upgrade, []

    def upgrade(connection: sa.Connection) -> None:
        if connection.dialect.name != "sqlite" or sa.inspect(connection).get_table_names():
            real(connection)
        elif not said:
            said.extend(_heard(connection, real))
        else:
            _say(connection, said)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_upgrade", upgrade)
        yield real


def _heard(connection: sa.Connection, upgrade: Callable[[sa.Connection], None]) -> list[tuple[str, tuple]]:
    heard = []

    def hear(_connection, _cursor, statement, parameters, *_rest) -> None:
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            heard.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", hear)
    upgrade(connection)
    sa.event.remove(connection, "before_cursor_execute", hear)
    return heard


def _say(connection: sa.Connection, said: list[tuple[str, tuple]]) -> None:
    cursor = connection.connection.cursor()
    for statement, parameters in said:
        cursor.execute(statement, parameters)
    own = sa.update(schema.meta).where(schema.meta.c.key == "store_id").values(value=uuid.uuid4().hex)
    connection.execute(own)
