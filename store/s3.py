"""Telemetry files in a bucket; DuckDB reads whole copies of them that this machine keeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from core.errors import StoreError
from core.facts import Usage
from store.bucket import AT_ONCE, Bucket, BucketError
from store.cache import Cache
from store.shelf import OWNER, QUARANTINE, Fetched, Stored, claim

PATIENCE_S = 20.0
"""How long a reader waits for files; what has not come by then comes for the next one."""

HOLD_OFF_S = 5.0
"""A file that could not be had is not asked for again so soon."""

ORPHAN_AGE = timedelta(minutes=10)
"""A file that no catalogue lists may be one that is about to be, for so long."""

LOOK_S = 3600.0
"""How often the bucket is looked through for files that killed processes left: listing is paid."""


class S3:
    """An `s3://` prefix, with a cache in a folder of this machine. Safe to share by threads."""

    is_paid = True

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        owner: str | None = None,
        *,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket, self._cache, self._owner = bucket, cache, owner
        self._patience_s, self._clock = patience_s, clock
        self.where = bucket.where
        self.seen: tuple[Path, ...] = (cache.folder,)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        self._lock = threading.Lock()
        self._coming: dict[str, tuple[Future[str | None], float]] = {}  # and since when
        self._failed: dict[str, tuple[float, str]] = {}  # by path; "": the bucket as a whole
        self._look_at = clock()

    def draft(self, path: str) -> Path:
        if why := self._held_off(path):
            raise BucketError(why)
        return self._cache.draft()

    def place(self, draft: Path, path: str) -> int:
        size = draft.stat().st_size
        try:
            self._bucket.put(draft, path)
        except BucketError as error:
            self._hold_off("", str(error))
            raise
        with suppress(OSError):  # it is on S3: that is what counts
            self._cache.keep(draft, path)
        return size

    def fetch(self, paths: Sequence[str], *, wait: bool = False) -> Fetched:
        found = Fetched()
        for path in paths:
            if file := self._cache.get(path):
                found.files[path] = file
        if away := [path for path in paths if path not in found.files]:
            self._bring(away, found, patience_s=None if wait else self._patience_s)
        return found

    def _bring(self, paths: Sequence[str], found: Fetched, *, patience_s: float | None) -> None:
        coming = {path: self._start(path) for path in paths}
        if patience_s is not None:
            patience_s = max(0.0, max(since for _, since in coming.values()) + patience_s - self._clock())
        wait([future for future, _ in coming.values()], timeout=patience_s)
        for path, (future, _) in coming.items():
            why = future.result() if future.done() else f"{path} is still on its way from {self.where}"
            file = None if why else self._cache.get(path)
            if file is not None:
                found.files[path] = file
            else:
                found.lacking[path] = why or f"{path} did not stay in {self._cache.folder}"

    def _start(self, path: str) -> tuple[Future[str | None], float]:
        """The download of a file, which may be under way for another reader; answers why it failed."""
        with self._lock:
            if path not in self._coming:
                self._coming[path] = self._pool.submit(self._download, path), self._clock()
            return self._coming[path]

    def _download(self, path: str) -> str | None:
        if why := self._held_off(path):
            return self._arrived(path, why)
        try:
            with self._fresh(path) as draft:
                if draft is not None:
                    self._cache.keep(draft, path)
                    return self._arrived(path, None)
            why = f"{path} is gone from {self.where}"
        except (OSError, StoreError) as error:
            why = str(error)
            if isinstance(error, BucketError):
                self._hold_off("", why)
        self._hold_off(path, why)
        return self._arrived(path, why)

    def _arrived(self, path: str, why: str | None) -> str | None:
        with self._lock:
            self._coming.pop(path, None)
        return why

    def _hold_off(self, path: str, why: str) -> None:
        with self._lock:
            self._failed[path] = self._clock(), why

    def _held_off(self, path: str) -> str | None:
        """Why a file is not asked for now: that failed a moment ago."""
        with self._lock:
            edge = self._clock() - HOLD_OFF_S
            self._failed = {of: failed for of, failed in self._failed.items() if failed[0] > edge}
            failed = self._failed.get(path) or self._failed.get("")
            return failed and failed[1]

    @contextmanager
    def _fresh(self, path: str) -> Iterator[Path | None]:
        """A download that goes at the end of the block, unless it was kept; None: there is no such file."""
        draft = self._cache.draft()
        try:
            yield draft if self._bucket.get(path, draft) else None
        finally:
            draft.unlink(missing_ok=True)

    def original(self, path: str) -> AbstractContextManager[Path | None]:
        return self._fresh(path)

    def again(self, path: str) -> Path | None:
        self._cache.forget(path)
        return self.fetch([path]).files.get(path)

    def listed(self) -> Iterator[Stored]:
        for key, size, age in self._bucket.listed("kind="):
            yield Stored(key, size, age)

    def orphans(self, known: Collection[str]) -> list[str]:
        if self._clock() < self._look_at:
            return []
        stored = list(self.listed())
        self._claim(known, [s.path for s in stored])
        self._look_at = self._clock() + LOOK_S
        return [s.path for s in stored if s.path not in known and s.age >= ORPHAN_AGE]

    def _claim(self, known: Collection[str], found: Collection[str]) -> None:
        if self._owner is not None:
            write = partial(self._bucket.write, OWNER)
            told = self._bucket.text(OWNER)
            claim(self.where, self._owner, told, found, known, setting="store.telemetry", write=write)

    def remove(self, path: str) -> None:
        self._bucket.delete(path)
        self._cache.forget(path)

    def quarantine(self, path: str) -> None:
        self._bucket.copy(path, f"{QUARANTINE}/{path.replace('/', '_')}")
        self.remove(path)

    def troubles(self) -> list[str]:
        return self._bucket.troubles()

    def take_usage(self) -> tuple[Usage, ...]:
        return self._bucket.take_usage()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._bucket.close()
