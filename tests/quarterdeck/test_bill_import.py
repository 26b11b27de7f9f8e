"""The service imports what `cost.bills` names when it changes: once, as a whole, and says what is wrong."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from core.errors import BillError
from core.settings import StoreSettings
from quarterdeck import bill_import
from quarterdeck.bill_import import BillImport
from quarterdeck.settings import load
from store import bills
from store.store import Store
from tests.store.test_bills import CUR2, a_csv

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)


@pytest.fixture
def store(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "bills"
    folder.mkdir()
    return folder


def bill_in(folder, name="a.csv", *, changed=LONG_AGO, **about):
    path = a_csv(folder / name, CUR2 | about)
    os.utime(path, (changed.timestamp(), changed.timestamp()))
    return path


def held(store):
    return [(one.month, one.read) for one in bills.imported(store)]


def test_what_is_in_the_folder_is_imported_once(store, folder, monkeypatch):
    bill_in(folder)
    job = BillImport(store, [folder], lambda: NOW)
    job.run()
    monkeypatch.setattr(bill_import, "import_bills", lambda *_, **__: pytest.fail("nothing has changed"))

    job.run()

    assert held(store) == [("2026-10", 1)]


def test_a_part_that_comes_later_is_added_to_what_is_there(store, folder):
    bill_in(folder)
    job = BillImport(store, [folder], lambda: NOW)
    job.run()
    bill_in(folder, "b.csv", identity_line_item_id="b", line_item_usage_start_date="2026-10-09T00:00:00Z")

    job.run()

    assert held(store) == [("2026-10", 2)]


def test_a_broken_file_is_told_at_every_turn_until_it_changes_and_nothing_is_kept(store, folder):
    bill_in(folder)
    broken = bill_in(folder, "b.csv", line_item_currency_code="EUR")
    job = BillImport(store, [folder], lambda: NOW)

    for _ in range(2):
        with pytest.raises(BillError, match=r"b\.csv:2: the currency is EUR"):
            job.run()
    assert held(store) == []
    broken.unlink()
    job.run()

    assert held(store) == [("2026-10", 1)]


def test_a_file_that_is_still_written_is_left_for_a_later_turn(store, folder):
    bill_in(folder, changed=NOW - timedelta(seconds=5))
    times = iter([NOW, NOW + timedelta(minutes=2)])
    job = BillImport(store, [folder], lambda: next(times))

    job.run()
    before = held(store)
    job.run()

    assert (before, held(store)) == ([], [("2026-10", 1)])


def test_a_folder_that_is_not_there_is_named(store, tmp_path):
    with pytest.raises(BillError, match="nowhere: there is no such file or folder"):
        BillImport(store, [tmp_path / "nowhere"], lambda: NOW).run()


def test_paths_of_the_settings_are_below_their_file(tmp_path):
    file = tmp_path / "s.yml"
    file.write_text("cost: {bills: [cur]}")

    assert load([file]).cost.bills == [tmp_path / "cur"]
