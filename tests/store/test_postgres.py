"""State in PostgreSQL: what is particular to it. Everything else is held by the same tests as SQLite."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.errors import StoreError, StoreTooNewError
from core.settings import StoreSettings
from core.windows import Window
from store import schema, state
from store.store import Store

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"


@pytest.fixture
def database(own_database):
    return own_database


def test_no_state_is_kept_in_the_folder(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)

    assert not list(store.path.glob("state.db*"))
    assert store.state_size()[1] > 0


def test_two_stores_on_one_database_lose_nothing_of_each_other(settings, a_run, a_point, read, noon):
    stores = [Store.open(settings) for _ in range(2)]

    def fill(n):
        for minute in range(15):
            point = a_point(f"f{n}", noon - timedelta(minutes=minute), invocations=1.0)
            stores[n].commit(a_run(), [point], now=noon)

    threads = [threading.Thread(target=fill, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(read(stores[0])) == len(read(stores[1])) == 30
    for each in stores:
        each.close()


def test_a_snapshot_sees_one_instant(store, settings, a_run, a_point, noon):
    other = Store.open(settings)
    with store.snapshot(Window(noon - timedelta(hours=1), noon), ("metrics",)) as snapshot:
        before = len(snapshot.state(sa.select(schema.run)))
        other.commit(a_run(), [a_point(invocations=1.0)], now=noon)

        assert len(snapshot.state(sa.select(schema.run))) == before
        assert snapshot.frame("SELECT count(*) AS n FROM metrics")["n"][0] == 0
    other.close()


def test_a_lock_is_held_over_processes_and_ends_with_its_holder(store, settings):
    other = Store.open(settings)
    ours, same = (state.locked(s.engine, s.path, "pack.lock", wait=False) for s in (store, other))
    with ours as mine, same as theirs:
        assert (mine, theirs) == (True, False)
    with state.locked(other.engine, other.path, "pack.lock", wait=False) as theirs:
        assert theirs
    other.close()


def test_a_newer_store_is_refused_without_its_password(store, settings):
    with store.transaction() as connection:
        connection.execute(sa.update(schema.meta).values(value="99"))

    with pytest.raises(StoreTooNewError, match=r"postgresql://.*newer Quarterdeck \(schema 99"):
        Store.open(settings)


def test_a_database_of_something_else_is_left_alone(tmp_path, database):
    engine = sa.create_engine(sa.make_url(database).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")
        connection.exec_driver_sql("CREATE TABLE somebody_elses (id int)")
    engine.dispose()

    with pytest.raises(StoreError, match=r"is not a Quarterdeck store; set store\.database to another one"):
        Store.open(StoreSettings(path=tmp_path / "s", database=database))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"database": "no_such_database"}, "there is no such database"),
        ({"username": "nobody", "password": "hunter2"}, "there is no such database or role"),
        ({"query": {"host": "/nowhere"}}, "cannot use the store in postgresql://"),
    ],
)
def test_what_is_wrong_is_one_sentence_without_the_password(tmp_path, database, change, why):
    url = sa.make_url(database).set(**change).render_as_string(hide_password=False)

    with pytest.raises(StoreError) as error:
        Store.open(StoreSettings(path=tmp_path / "s", database=url))

    assert why in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_url_of_another_database_is_refused(tmp_path, database):
    with pytest.raises(StoreError, match="must be a URL such as postgresql://"):
        Store.open(StoreSettings(path=tmp_path / "s", database="mysql://user:hunter2@host/db"))


def test_a_connection_that_was_cut_is_replaced_by_the_next(store, admin, a_run, a_point, read, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    admin.exec_driver_sql(f"{CUT} WHERE pid <> pg_backend_pid() AND datname LIKE 't%%'")

    store.commit(a_run(), [a_point("pay", invocations=2.0)], now=noon)

    assert {row["function"] for row in read(store)} == {"checkout", "pay"}


def test_a_batch_whose_connection_is_cut_is_kept_whole_or_not_at_all(
    store, admin, a_run, a_point, read, noon
):
    def write_half():
        with store.transaction() as connection:
            connection.execute(sa.insert(schema.meta).values(key="half", value="x"))
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            admin.exec_driver_sql(f"{CUT} WHERE pid = {pid}")
            connection.execute(sa.insert(schema.meta).values(key="whole", value="x"))

    with pytest.raises(StoreError, match="cannot use the store in postgresql://"):
        write_half()

    with store.engine.connect() as connection:
        assert "half" not in connection.execute(sa.select(schema.meta.c.key)).scalars().all()
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    assert len(read(store)) == 1
