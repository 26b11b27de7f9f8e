"""Arrow tables of this process that need not be made again, as far as they find room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

import pyarrow as pa

Key = TypeVar("Key")


class Recent(Generic[Key]):
    """Tables by key, of things that never change; the least recently used goes first. Safe to share by
    threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit, self._size = limit_bytes, 0
        self._tables: OrderedDict[Key, pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> pa.Table | None:
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
            return self._tables.get(key)

    def keep(self, key: Key, table: pa.Table) -> None:
        with self._lock:
            if key not in self._tables:
                self._tables[key] = table
                self._size += table.nbytes
            while self._size > self._limit:
                self._size -= self._tables.popitem(last=False)[1].nbytes
