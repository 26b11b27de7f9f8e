"""Stores that tests look at one after the other, and the answers of pages that hold from test to test.

A filled store takes as long to make, and its pages as long to answer, as most tests take. A test that only
looks at one leaves it to the next; after one that wrote to it, or patched anything, all is made anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import streamlit as st

from core.settings import StoreSettings
from store.store import Store

Marks = dict[str, tuple[int, int]]


def forget() -> None:
    """Drop all that pages keep of the store they read."""
    st.cache_data.clear()
    st.cache_resource.clear()


def opened(folder: Path) -> Store:
    return Store.open(StoreSettings(path=folder, free_space_floor_mb=0))


def marks(folder: Path) -> Marks:
    """What changes when anything in a store is written, removed or put out of reach. Whoever opens SQLite
    touches its index of readers (`-shm`), and its log where that is empty."""
    found = ((path, path.stat()) for path in sorted(folder.rglob("*")) if not path.name.endswith("-shm"))
    return {
        str(path): (stat.st_size, stat.st_ctime_ns) for path, stat in found if path.is_file() and stat.st_size
    }


class Shown:
    """Copies of one store: the newest, as long as nobody wrote to it."""

    def __init__(self, original: Path, place: Path) -> None:
        self._original, self._place, self._count = original, place, 0
        self._store: Store | None = None
        self._marks: Marks = {}

    def store(self) -> Store:
        if self._store is None or marks(self._store.path) != self._marks:
            self._count += 1
            folder = self._place / f"{self._original.name}-{self._count}"
            shutil.copytree(self._original, folder)
            self._store = opened(folder)
            self._marks = marks(folder)
        return self._store


class Answers:
    """Whose answers pages have at hand."""

    def __init__(self) -> None:
        self._of: tuple[Path, Marks] | None = None

    def of(self, folder: Path) -> None:
        """From now on pages look at this store: what they know of another, or of what it was, is dropped."""
        if self._of is None or self._of != (folder, marks(folder)):
            forget()
        self._of = folder, marks(folder)

    def drop(self) -> None:
        self._of = None
        forget()
