"""Both places for telemetry files keep the same promises."""

import pytest

from core.errors import StoreError
from store.lake import Lake
from store.opening import open_shelf
from store.shelf import Folder

PATH = "kind=metrics/account=1/region=eu-west-1/date=2026-07-01/05-aaaaaaaaaaaa.parquet"


@pytest.fixture
def shelf(store, settings):
    opened = open_shelf(settings, store.engine)
    yield opened
    opened.close()


def put(shelf, path=PATH, data=b"content"):
    draft = shelf.draft(path)
    draft.write_bytes(data)
    return shelf.place(draft, path)


def test_a_placed_file_is_there_whole(shelf, kept):
    assert put(shelf) == len(b"content")

    assert kept.paths() == [PATH]
    assert kept.read(PATH) == b"content"
    assert [(s.path, s.bytes) for s in shelf.listed()] == [(PATH, len(b"content"))]


def test_a_draft_is_no_file(shelf):
    shelf.draft(PATH).write_bytes(b"half")

    assert PATH not in [stored.path for stored in shelf.listed()]
    assert list(shelf.fetch([PATH]).lacking) == [PATH]


def test_files_are_fetched_by_their_path(shelf):
    others = [PATH.replace("05-", f"{n:02}-") for n in range(20)]
    for n, path in enumerate(others):
        put(shelf, path, bytes([n]))

    fetched = shelf.fetch(others)

    assert {path: file.read_bytes() for path, file in fetched.files.items()} == {
        path: bytes([n]) for n, path in enumerate(others)
    }
    assert all(file.is_relative_to(shelf.seen[0]) for file in fetched.files.values())


def test_what_is_gone_is_told_and_the_rest_is_there(shelf, kept):
    put(shelf)
    other = PATH.replace("05-", "06-")
    put(shelf, other)
    kept.remove(PATH)

    fetched = shelf.fetch([PATH, other])

    assert list(fetched.files) == [other]
    assert fetched.lacking[PATH].startswith(f"{PATH} is gone")


def test_the_original_is_what_the_place_has_now(shelf, kept):
    put(shelf)
    kept.write(PATH, b"other content")

    with shelf.original(PATH) as file:
        assert file.read_bytes() == b"other content"
    kept.remove(PATH)
    with shelf.original(PATH) as file:
        assert file is None


def test_the_file_goes_and_may_go_twice(shelf, kept):
    put(shelf)

    shelf.remove(PATH)
    shelf.remove(PATH)

    assert kept.paths() == []
    assert shelf.fetch([PATH]).files == {}


def test_a_file_in_quarantine_is_kept_and_read_by_nobody(shelf, kept):
    put(shelf)

    shelf.quarantine(PATH)

    assert kept.quarantined() == [PATH.replace("/", "_")]
    assert list(shelf.listed()) == []


def test_closing_the_lake_closes_its_shelf(tmp_path):
    class Closing(Folder):
        is_closed = False

        def close(self):
            self.is_closed = True

    shelf = Closing(tmp_path)
    Lake(tmp_path, shelf).close()

    assert shelf.is_closed


def test_a_folder_with_files_of_another_store_is_never_swept(tmp_path):
    mine, theirs = Folder(tmp_path, "mine"), Folder(tmp_path, "theirs")
    assert mine.orphans(set()) == []
    put(mine)

    with pytest.raises(StoreError, match=r"has files of another store.*set store\.path"):
        theirs.orphans(set())

    assert mine.orphans(set()) == [PATH]


def test_a_folder_that_nobody_owns_is_taken_over_by_the_store_that_knows_its_files(tmp_path):
    put(Folder(tmp_path))

    with pytest.raises(StoreError, match="restore its state from a backup"):
        Folder(tmp_path, "another").orphans(set())

    assert Folder(tmp_path, "mine").orphans({PATH}) == []
