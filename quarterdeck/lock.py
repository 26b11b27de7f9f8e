"""One service per store: a lock on a file in its folder, released by the system when its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import StoreError

NAME = "service.lock"


@contextmanager
def service_lock(folder: Path) -> Iterator[None]:
    """Hold the store's service lock. Raises StoreError, naming the holder, when another process has it."""
    path = folder / NAME
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"cannot write to the store folder {folder}: {error.strerror}; check its owner"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"a service (process {path.read_text() or 'unknown'}) already works on the store {folder}: "
                "stop it, or choose another store with --store"
            ) from error
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield
