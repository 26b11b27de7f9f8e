"""Opening a store: what is made, what is refused, and what each refusal says."""

import re
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from core.errors import StoreError, StoreTooNewError
from core.settings import StoreSettings
from store import opening, schema, state
from store.store import Store

SCHEMA_VERSION = sa.select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")


@pytest.fixture
def database():
    """Here it is all about the folder's own file; see test_postgres.py for the other."""
    return


@pytest.fixture(autouse=True)
def every_migration_runs(migrations, monkeypatch):
    monkeypatch.setattr(opening, "_upgrade", migrations)


def test_makes_the_folder_and_the_state_database(settings):
    Store.open(settings).close()

    assert (settings.path / "state.db").exists()
    assert (settings.path / "telemetry").is_dir()


def test_a_second_opening_finds_what_the_first_kept(settings, a_run, a_point, read):
    first = Store.open(settings)
    first.commit(a_run(), [a_point(invocations=3.0)], now=a_run().finished_at)
    first.close()

    second = Store.open(settings, create=False)

    assert [row["invocations"] for row in read(second)] == [3.0]
    second.close()


def test_other_processes_may_read_while_one_writes(store):
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_writers_of_a_process_wait_for_each_other_as_long_as_it_takes(settings, a_run, a_point, monkeypatch):
    monkeypatch.setattr("store.sqlite.BUSY_S", 0.01)
    store, done, entered = Store.open(settings), [], threading.Event()

    def write():
        entered.wait()
        store.commit(a_run(), [a_point(invocations=3.0)], now=a_run().finished_at)
        done.append(True)

    other = threading.Thread(target=write)
    other.start()
    with store.transaction():
        entered.set()
        other.join(0.3)
        waits = not done
    other.join()

    assert waits
    assert done
    store.close()


def test_the_migrations_lead_to_the_schema_of_the_code(store):
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = [d for d in compare_metadata(context, schema.metadata) if d[-1].name != "alembic_version"]
        version = connection.execute(SCHEMA_VERSION).scalar_one()

    assert found == []
    assert int(version) == schema.SCHEMA_VERSION


def test_a_store_of_the_first_schema_is_brought_forward_with_all_it_holds(settings):
    engine = state.connect(settings)
    settings.path.mkdir(exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(opening.MIGRATIONS))
    with state.writer(engine).begin() as connection:
        schema.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            'INSERT INTO file (path, kind, account, region, start, "end", rows, bytes, created_at)'
            " VALUES ('a.parquet', 'metrics', '1', 'eu-west-1', 0, 1, 2, 3, 4)"
        )
    engine.dispose()

    store = Store.open(settings, create=False)

    with store.engine.connect() as connection:
        (row,) = connection.execute(sa.select(schema.file)).all()
        version = connection.execute(SCHEMA_VERSION).scalar_one()
    assert (row.path, row.rows, row.period_s, row.unreadable) == ("a.parquet", 2, 0, None)
    assert int(version) == schema.SCHEMA_VERSION
    store.close()


def test_without_create_a_missing_store_is_refused_and_nothing_is_made(settings):
    with pytest.raises(StoreError, match=r"there is no store in .* yet"):
        Store.open(settings, create=False)

    assert not settings.path.exists()


def test_of_a_missing_store_one_in_a_folder_below_is_named(settings):
    below = settings.model_copy(update={"path": settings.path / "demo"})
    Store.open(below).close()

    with pytest.raises(StoreError, match=rf"there is one in {re.escape(str(below.path))};"):
        Store.open(settings, create=False)


def test_a_file_where_the_folder_should_be_is_named(tmp_path):
    (tmp_path / "store").write_text("mine")

    with pytest.raises(StoreError, match=r"store: that is a file; set store\.path to a folder"):
        Store.open(StoreSettings(path=tmp_path / "store"))

    assert (tmp_path / "store").read_text() == "mine"


@pytest.mark.parametrize("path", ["/proc/quarterdeck", "/dev/null/quarterdeck"])
def test_a_folder_that_cannot_be_made_is_named(path):
    with pytest.raises(StoreError, match=f"cannot write the store in {path}: .*set store.path"):
        Store.open(StoreSettings(path=path))


def test_a_state_database_that_is_no_database_is_refused_and_left_alone(settings):
    settings.path.mkdir()
    (settings.path / "state.db").write_bytes(b"not at all a database, but long enough" * 200)

    with pytest.raises(StoreError, match=r"state\.db is damaged; restore it from a backup"):
        Store.open(settings)

    assert (settings.path / "state.db").read_bytes().startswith(b"not at all")


def test_a_damaged_page_is_reported_when_it_is_met(settings, a_run, a_point, noon):
    store = Store.open(settings)
    store.commit(a_run(), [a_point()], now=noon)
    store.close()
    state = settings.path / "state.db"
    state.write_bytes(state.read_bytes()[:4096] + b"\xff" * (state.stat().st_size - 4096))

    with pytest.raises(StoreError, match=r"state\.db is damaged"):
        Store.open(settings).commit(a_run(), [a_point()], now=noon)


def test_somebody_elses_database_is_refused(settings):
    settings.path.mkdir()
    other = sqlite3.connect(settings.path / "state.db")
    other.execute("CREATE TABLE cats (name TEXT)")
    other.close()

    with pytest.raises(StoreError, match=r"is not a Quarterdeck store"):
        Store.open(settings)


def test_a_folder_in_place_of_the_state_database_is_refused(settings):
    (settings.path / "state.db").mkdir(parents=True)

    with pytest.raises(StoreError, match="cannot be opened; give this user"):
        Store.open(settings)


def test_a_newer_store_is_refused_before_anything_is_touched(settings):
    store = Store.open(settings)
    newer = sa.update(schema.meta).where(schema.meta.c.key == "schema_version").values(value="99")
    with store.transaction() as connection:
        connection.execute(newer)
    store.close()
    before = (settings.path / "state.db").read_bytes()

    with pytest.raises(StoreTooNewError, match=r"newer Quarterdeck \(schema 99, this one knows 4\); upgrade"):
        Store.open(settings)

    assert (settings.path / "state.db").read_bytes() == before


def test_telemetry_without_its_state_is_not_taken_for_an_empty_store(settings):
    file = settings.path / "telemetry" / "kind=metrics" / "day.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a year of points")

    with pytest.raises(StoreError, match=r"has telemetry but no state\.db"):
        Store.open(settings)

    assert file.exists()


def test_a_store_may_be_moved(settings, tmp_path, a_run, a_point, read, noon):
    store = Store.open(settings)
    store.commit(a_run(), [a_point(invocations=3.0)], now=noon)
    store.pack(now=noon.replace(day=3))
    store.close()
    shutil.move(settings.path, tmp_path / "elsewhere's")

    moved = Store.open(StoreSettings(path=tmp_path / "elsewhere's"))

    assert [row["invocations"] for row in read(moved)] == [3.0]
    moved.close()


def test_a_folder_called_store_where_we_were_started_is_not_taken_for_our_package(tmp_path):
    (tmp_path / "store").mkdir()
    code = (
        "import sys; from pathlib import Path; from core.settings import StoreSettings;"
        "from store.store import Store;"
        "Store.open(StoreSettings(path=Path(sys.argv[1]))).close()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "data"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
