"""Copies of files: bounded, the least lately used go first, never one that was asked for a moment ago."""

import os
import subprocess
import sys
import threading

import pytest

from store.cache import DRAFT_S, IN_USE_S, Cache

MIB = 2**20


class Clock:
    def __init__(self):
        self.now = 1_790_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(tmp_path, clock):
    return Cache(tmp_path / "cache", 10 * MIB, clock=clock)


def keep(cache, name, size=MIB):
    draft = cache.draft()
    draft.write_bytes(bytes(size))
    return cache.keep(draft, path(name))


def path(name):
    return f"kind=metrics/account=1/region=eu-west-1/date=2026-07-01/{name}.parquet"


def names(cache):
    return {file.stem for file in cache.folder.glob("kind=*/**/*.parquet")}


def test_what_is_kept_is_found(cache):
    file = keep(cache, "a")

    assert cache.get(path("a")) == file
    assert cache.get(path("b")) is None


def test_the_least_lately_used_goes_first(cache, clock):
    for n in range(10):
        keep(cache, f"f{n}")
        clock.now += 60
    clock.now += 2 * IN_USE_S
    cache.get(path("f0"))
    clock.now += 2 * IN_USE_S

    keep(cache, "new", 2 * MIB)

    assert names(cache) == {"f0", "new", *(f"f{n}" for n in range(3, 10))}


def test_what_was_asked_for_a_moment_ago_stays_even_above_the_limit(cache, clock):
    for n in range(12):
        keep(cache, f"f{n}")
    assert len(names(cache)) == 12
    clock.now += IN_USE_S
    cache.get(path("f11"))

    keep(cache, "new")

    assert len(names(cache)) == 10
    assert {"new", "f11"} <= names(cache)


def test_reading_a_copy_does_not_make_it_look_changed(cache, clock):
    file = keep(cache, "a")
    before = file.stat().st_mtime_ns
    clock.now += 3600

    cache.get(path("a"))

    assert file.stat().st_mtime_ns == before
    assert file.stat().st_atime == pytest.approx(clock.now)


def test_drafts_of_killed_processes_are_swept_and_those_of_living_ones_are_not(cache, clock):
    dead, alive = cache.draft(), cache.draft()
    for draft, age in ((dead, DRAFT_S + 1), (alive, DRAFT_S - 60)):
        draft.write_bytes(b"half")
        os.utime(draft, (clock.now - age, clock.now - age))

    cache.trim()

    assert not dead.exists()
    assert alive.exists()


FILL = """
import pathlib, sys
from store.cache import Cache

cache = Cache(pathlib.Path(sys.argv[1]), 20 * 2**20)
for n in range(40):
    name = f"kind=metrics/{sys.argv[2]}{n}.parquet"
    draft = cache.draft()
    draft.write_bytes(bytes(2**20))
    cache.keep(draft, name)
    assert cache.get(name) is not None
"""


def test_two_processes_may_share_one(tmp_path):
    children = [subprocess.Popen([sys.executable, "-c", FILL, str(tmp_path), name]) for name in "ab"]

    assert [child.wait() for child in children] == [0, 0]
    assert len(list(tmp_path.glob("kind=*/*.parquet"))) == 80  # all were asked for a moment ago


def test_threads_that_keep_the_same_file_do_not_disturb_each_other(cache):
    failures = []

    def work():
        try:
            for _ in range(20):
                assert keep(cache, "same").stat().st_size == MIB
        except (OSError, AssertionError) as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
