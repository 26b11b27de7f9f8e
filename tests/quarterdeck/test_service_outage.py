"""PostgreSQL goes away under a running service, and comes back."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from core.entities import Function
from core.errors import StoreError
from core.facts import Listed
from core.settings import StoreSettings
from dashboard.launch import launch, store_settings
from quarterdeck.service import Schedule, Service
from quarterdeck.settings import Settings
from store.readers import collection
from store.readers.services import happenings, services, watches
from store.store import Store
from tests.quarterdeck.test_service import HERE, FakeAws, Noted, until

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'"


@pytest.fixture
def database(own_database):
    return own_database


@pytest.fixture
def settings(tmp_path, database):
    return Settings(
        store=StoreSettings(path=tmp_path / "store", free_space_floor_mb=0, database=database),
        collect={"metrics_every": "1s"},
    )


@pytest.fixture
def watching(settings, monkeypatch):
    """A service on PostgreSQL that reads its target every second, and what it read."""
    note, store, http = Noted(), Store.open(settings.store), httpx.Client()
    look = note.collector("inventory", facts=(Function(name="f", arn="arn:f"), Listed("function")))
    monkeypatch.setattr("quarterdeck.service.SOON_S", 0.5)
    often = timedelta(seconds=0.4)
    schedule = Schedule(beat=often, deliver=often, act=often, evaluate=often)
    service = Service(settings, store, [], http, schedule=schedule, collectors=[look])
    service.start()
    service.watch(FakeAws())
    until(lambda: note.asked)
    yield service, note
    service.stop()
    http.close()
    store.close()


def now():
    return datetime.now(UTC)


def test_it_reads_nothing_while_the_database_is_away_and_goes_on_by_itself(
    watching, admin, database, settings
):
    service, note = watching
    name = sa.make_url(database).database
    admin.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    admin.exec_driver_sql(CUT.format(name))
    until(lambda: not service.sharing.may_read(HERE))
    until(lambda: service.sharing.troubles.untold())
    with pytest.raises(StoreError, match=r"cannot use the store in postgresql://"):
        collection.targets(service.store)
    read = len(note.asked)

    admin.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    until(lambda: len(note.asked) > read + 1, seconds=30)

    def is_over():
        told = happenings(service.store, since=now() - timedelta(hours=1))
        return told and all(entry.until for entry in told)

    until(is_over, seconds=30)
    told = happenings(service.store, since=now() - timedelta(hours=1))
    assert any("cannot use the store in postgresql://" in entry.text for entry in told)


def test_the_dashboard_sees_in_the_database_who_watches_what(watching, settings):
    _, env = launch(settings.dashboard, settings.store)
    seen = Store.open(store_settings(env))

    assert list(watches(seen, now=now())["account"]) == [HERE.account]
    assert services(seen, now=now())[0].is_alive
    seen.close()
