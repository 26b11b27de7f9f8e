"""A disk that is full or cannot be written: readers answer, nothing is half there, and it goes on later."""

import shutil
import subprocess
from datetime import timedelta

import numpy as np
import pytest

from core.errors import StoreError
from core.facts import Covered
from core.settings import StoreSettings
from core.telemetry import MetricPoint, Rows
from core.windows import Window
from store.readers import collection, fleet
from store.store import Store

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def database():
    """A server's disk is the server's own; its answer is tested in test_postgres.py."""
    return


@pytest.fixture
def mount(tmp_path):
    """Mount something below tmp_path, until the test is over."""
    if shutil.which("mount") is None:
        pytest.skip("this system has no mount")
    mounted = []

    def mount_(name, *options):
        place = tmp_path / name
        place.mkdir()
        done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"only root may mount: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount_
    for place in reversed(mounted):
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def disk(mount):
    return mount("disk", "-t", "tmpfs", "-o", "size=24m", "tmpfs")


@pytest.fixture
def settings(disk):
    return StoreSettings(path=disk / "store", free_space_floor_mb=0)


@pytest.fixture
def fill(disk):
    """Use up the disk but for some bytes; answers how to give it back."""
    ballast = disk / "ballast"

    def fill_(leave=0):
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65_536))
            except OSError:
                file.truncate(max(0, file.tell() - leave))
        return ballast.unlink

    return fill_


def many(start, count):
    """Points that hardly compress, in the hour from `start`."""
    chance = np.random.default_rng(7)
    columns = {
        "scope": ["function"] * count,
        "function": [f"f{n}" for n in range(count)],
        "ts": [round(start.timestamp() * 1000)] * count,
        "period_s": [60] * count,
        "invocations": chance.random(count),
        "errors": chance.random(count),
    }
    return Rows(MetricPoint, columns)


def total(store, noon):
    window = Window(noon - 3 * DAY, noon + DAY)
    with store.snapshot(window, ("metrics",)) as snapshot:
        return snapshot.frame("SELECT coalesce(sum(invocations), 0) AS n FROM metrics").n[0]


def test_a_full_disk_keeps_its_readers_and_goes_on_when_there_is_space(store, fill, noon, a_run, a_point):
    store.commit(a_run(), [a_point(invocations=3.0)], now=noon)
    give_back = fill()

    with pytest.raises(StoreError, match="disk is full; free some space"):
        store.commit(a_run(), [many(noon - HOUR, 400_000)], now=noon)

    assert total(store, noon) == 3.0
    assert len(fleet.fleet(store, Window(noon - HOUR, noon), now=noon)) == 1
    give_back()
    store.commit(a_run(), [a_point("pay", invocations=4.0)], now=noon)
    assert total(store, noon) == 7.0
    assert store.check() == []


def test_packing_on_a_full_disk_loses_nothing_and_is_done_later(store, fill, noon, a_run, a_point):
    store.commit(
        a_run(noon - 30 * HOUR, noon - 29 * HOUR), [a_point(ts=noon - 30 * HOUR, invocations=3.0)], now=noon
    )
    give_back = fill()

    with pytest.raises(StoreError, match=r"No space left|disk is full"):
        store.pack(now=noon)

    assert total(store, noon) == 3.0
    give_back()
    store.pack(now=noon)
    assert total(store, noon) == 3.0
    assert store.check() == []
    assert list(collection.size(store).kind) == ["metrics", "state"]


def test_what_was_replaced_makes_room_on_a_full_disk(store, fill, noon, a_run, a_point):
    before = noon - 30 * HOUR
    store.commit(a_run(before, before + HOUR), [many(before, 100_000)], now=noon)
    store.pack(now=noon)
    (replaced,) = store.path.rglob("*.parquet")
    store.commit(a_run(before, before + HOUR), [a_point(ts=before, invocations=1.0)], now=noon)
    store.pack(now=noon)
    whole = total(store, noon)
    fill()

    store.pack(now=noon + HOUR)

    assert not replaced.exists()
    assert total(store, noon) == pytest.approx(whole)
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)


def test_below_the_free_space_floor_collection_pauses_and_readers_do_not(settings, noon, a_run, a_point):
    store = Store.open(settings)
    store.commit(a_run(), [a_point(invocations=3.0)], now=noon)
    store.close()

    store = Store.open(settings.model_copy(update={"free_space_floor_mb": 1000}))
    with pytest.raises(StoreError, match=r"collection pauses: .* below store.free_space_floor_mb"):
        store.commit(a_run(), [a_point(invocations=4.0)], now=noon)

    assert total(store, noon) == 3.0
    store.close()


# --- a folder that cannot be written ------------------------------------------------------------------------


@pytest.fixture
def filled(store, noon, a_run, a_point):
    old = Covered("", Window(noon - 2 * DAY, noon))
    points = [a_point(ts=noon - 30 * HOUR, invocations=3.0), a_point(invocations=4.0)]
    store.commit(a_run(noon - 2 * DAY, noon), [*points, old], now=noon)
    store.pack(now=noon)
    return store


@pytest.fixture
def unwritable(disk, mount):
    """The same disk once more, read-only."""

    def unwritable_():
        place = mount("unwritable", "--bind", str(disk))
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True, capture_output=True)
        return StoreSettings(path=place / "store", free_space_floor_mb=0)

    return unwritable_


@pytest.mark.parametrize("is_written_elsewhere", [True, False])
def test_a_store_that_cannot_be_written_is_read(
    filled, unwritable, noon, a_run, a_point, is_written_elsewhere
):
    if not is_written_elsewhere:
        filled.close()

    store = Store.open(unwritable(), create=False)

    assert total(store, noon) == 7.0
    table = fleet.fleet(store, Window(noon - HOUR, noon), now=noon)
    assert list(table.invocations) == [4.0]
    with pytest.raises(StoreError, match="it cannot be written; give this user write permission"):
        store.commit(a_run(), [a_point(invocations=9.0)], now=noon)
    if is_written_elsewhere:
        filled.commit(a_run(), [a_point(invocations=5.0)], now=noon)
        assert total(store, noon) == 8.0
    store.close()


def test_a_torn_file_of_a_store_that_cannot_be_written_is_left_out_and_told(filled, unwritable, noon):
    (file,) = filled.path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-30])
    store = Store.open(unwritable(), create=False)

    assert total(store, noon) == 4.0
    table = fleet.fleet(store, Window(noon - 2 * DAY, noon), now=noon)
    assert "a file of the store cannot be read" in table.states[0]["invocations"]
    assert len(collection.lost(store)) == 1
    store.close()


def test_a_folder_that_cannot_be_written_is_no_place_for_a_new_store(disk, unwritable):
    with pytest.raises(StoreError, match=r"cannot write the store in .*: read-only file system"):
        Store.open(unwritable())
