"""The check finds what is wrong with the files; a repair lets the rest go on, and the loss be read again."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.facts import Covered
from core.windows import Window
from store import schema

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def packed(store, a_run, a_point, noon):
    """Three days of points in three files; answers the files' paths, oldest first."""
    points = [a_point(ts=noon - n * DAY, invocations=float(n)) for n in (3, 2, 1)]
    window = Window(noon - 3 * DAY, noon)
    store.commit(a_run(window.start, noon), [*points, Covered("", window)], now=noon)
    store.pack(now=noon + 2 * HOUR)
    with store.engine.connect() as connection:
        return connection.execute(sa.select(schema.file.c.path).order_by(schema.file.c.start)).scalars().all()


def test_a_sound_store_has_no_findings(store, packed):
    assert store.check() == []


def test_a_deleted_file_is_found(store, packed, kept):
    kept.remove(packed[1])

    [finding] = store.check()

    assert (finding.what, finding.path) == ("missing", packed[1])
    assert "1 rows" in finding.text


@pytest.mark.parametrize("left", [0, 1, -20])
def test_a_torn_file_is_found(store, packed, kept, left):
    kept.write(packed[0], kept.read(packed[0])[:left])

    [finding] = store.check()

    assert (finding.what, finding.path) == ("torn", packed[0])


def test_a_flipped_byte_in_the_data_is_found(store, packed, kept):
    data = bytearray(kept.read(packed[0]))
    data[40:60] = bytes(20)
    kept.write(packed[0], bytes(data))

    assert [finding.what for finding in store.check()] == ["torn"]


def test_a_file_with_other_rows_is_found(store, packed, kept):
    kept.write(packed[0], kept.read(packed[1]))

    assert [finding.what for finding in store.check()] == ["differs"]


def test_a_file_of_no_catalogue_is_found_and_removed(store, packed, kept, noon):
    left = f"{packed[0].rpartition('/')[0]}/left.parquet"
    kept.write(left, b"half")

    found = store.repair(store.check(), now=noon)

    assert [(f.what, f.repaired) for f in found] == [("unlisted", True)]
    assert left not in kept.paths()


def test_a_torn_hot_batch_is_found_and_taken_out(store, a_run, a_point, noon):
    store.commit(a_run(), [a_point(invocations=1.0)], now=noon)
    with store.transaction() as connection:
        connection.execute(sa.update(schema.hot).values(payload=b"torn"))

    found = store.repair(store.check(), now=noon)

    assert [(f.what, f.repaired) for f in found] == [("torn batch", True)]
    assert store.check() == []


def test_after_a_repair_readers_go_on_without_what_is_lost(store, packed, kept, noon, read):
    kept.write(packed[1], kept.read(packed[1])[:-20])

    found = store.repair(store.check(), now=noon)

    assert [f.repaired for f in found] == [True]
    assert [row["invocations"] for row in read(store)] == [3.0, 1.0]
    assert store.check() == []
    assert kept.quarantined() == [packed[1].replace("/", "_")]


def test_what_was_lost_is_to_be_read_again(store, packed, kept, noon, prod):
    kept.remove(packed[1])

    store.repair(store.check(), now=noon)

    lost = Window(noon - 2.5 * DAY, noon - 1.5 * DAY)
    windows = [window for window, _ in store.covered("metrics", prod)]
    assert windows == [Window(noon - 3 * DAY, lost.start), Window(lost.end, noon)]
    with store.engine.connect() as connection:
        [gap] = connection.execute(sa.select(schema.gap)).all()
    assert (gap.start, gap.end) == (lost.start, lost.end)
    assert packed[1] in gap.why


def test_damage_that_can_still_be_read_is_found(store, packed, kept):
    data = kept.read(packed[0])
    magic = data[:4]
    kept.write(packed[0], magic[::-1] + data[4:])  # DuckDB looks at the end only

    [finding] = store.check()

    assert (finding.what, finding.path) == ("differs", packed[0])
    assert "checksum" in finding.text
