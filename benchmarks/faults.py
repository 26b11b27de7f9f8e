"""What faults do to a store: is anything lost that was acknowledged, or doubled, and do readers go on?

`faults.py [--fast]`: fifty kills of the writer on SQLite and a folder, and on PostgreSQL and S3; a full disk
and a read-only folder (as root: they are mounted); torn and deleted files; crashes of PostgreSQL amid a
batch; an S3 that answers 503, or slowly; two services after one lease. Batches are those of `writer.py`:
each brings rows and brings others anew, so that each row that must be there is computed here and compared.
While a fault lasts, another thread asks for the fleet's table. Seeded; `--fast` tries each a few times.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import sqlalchemy as sa
import writer
from fault_tools import WINDOW, Asking, Places, Row, damage, kept, opened, until

from core.errors import LeaseLostError, StoreError
from core.facts import Run, Target
from core.settings import StoreSettings
from core.windows import Window
from quarterdeck.sharing import Sharing
from store import schema
from store.store import Store

FAST = "--fast" in sys.argv
KILLS, TRIES = (5, 2) if FAST else (50, 5)
FORK = multiprocessing.get_context("forkserver")
PROD = Target("111111111111", "eu-west-1")
SINCE = int(os.environ.get("QUARTERDECK_FAULTS_SINCE", "0"))
"""Which faults to leave out, to go on with a run."""
BEAT_S = 0.4
CHANCE = random.Random(7)


def told(
    fault: str,
    tries: int,
    settings: StoreSettings,
    acknowledged: int,
    asking: Asking,
    whole_s: float,
    said: str = "",
) -> Row:
    """The row of a fault that is over."""
    with opened(settings) as store:
        lost, doubled = damage(store, acknowledged)
    text = said or asking.sentence
    return Row(fault, tries, acknowledged, lost, doubled, asking.answers, asking.refused, whole_s, text)


def again(store: Store, n: int) -> float:
    """Seconds until batch `n` is kept: a collector tries again at its next turns."""

    def is_kept() -> bool:
        with suppress(StoreError):
            writer.batch(store, n)
            return True
        return False

    return until(is_kept)


# --- kills --------------------------------------------------------------------------------------------------


def acknowledged(acks: Path) -> int:
    return len(acks.read_text().split()) if acks.exists() else 0


def begin(settings: StoreSettings, acks: Path) -> multiprocessing.process.BaseProcess:
    """The writer in a process of its own."""
    database = settings.database and settings.database.get_secret_value()
    given = {"path": str(settings.path), "acks": str(acks), "limit": None, "database": database}
    given["telemetry"] = settings.model_dump(include={"telemetry", "telemetry_endpoint_url"})
    given["environment"] = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    child = FORK.Process(target=runpy.run_path, args=(writer.__file__, given))
    child.start()
    return child


def kills(name: str, settings: StoreSettings) -> Row:
    """The writer is killed at a random point, and begun again."""
    acks, longest_s = settings.path.with_name("acks"), 0.0
    acks.unlink(missing_ok=True)
    Store.open(settings).close()
    with Asking(settings) as asking:
        for _ in range(KILLS):
            before = acknowledged(acks)
            child = begin(settings, acks)
            longest_s = max(longest_s, until(lambda before=before: acknowledged(acks) > before))
            time.sleep(CHANCE.uniform(0, 0.6))
            os.kill(child.pid or 0, signal.SIGKILL)
            child.join()
            with opened(settings) as store:
                there, done = kept(store), acknowledged(acks)
            assert there in (done, done + 1), f"{there} batches are there, {done} were acknowledged"
            acks.write_text(
                "".join(f"{n}\n" for n in range(there))
            )  # kept, but killed before it could say so
    return told(f"kill -9 of the writer, {name}", KILLS, settings, acknowledged(acks), asking, longest_s)


# --- disks --------------------------------------------------------------------------------------------------


class NoMountError(Exception):
    """This user may not mount."""


@contextmanager
def mounted(*options: str) -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="quarterdeck-disk-"))
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        place.rmdir()
        raise NoMountError(done.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def full_disk(places: Places) -> Row:
    """The disk fills up below a writer, and is given back."""
    said, whole_s, n = "", 0.0, 0
    with mounted("-t", "tmpfs", "-o", "size=48m", "tmpfs") as disk:
        settings = places.folder(disk)
        with opened(settings) as store, Asking(settings) as asking:
            for _ in range(TRIES):
                ballast, is_full = disk / "ballast", False
                fill(ballast)
                while not is_full:
                    try:
                        writer.batch(store, n)
                        n += 1
                    except StoreError as error:
                        said, is_full = str(error), True
                with suppress(StoreError):
                    store.pack(now=writer.ZERO + n * writer.STEP)
                asking.more()
                ballast.unlink()
                whole_s, n = max(whole_s, again(store, n)), n + 1
        return told("a full disk", TRIES, settings, n, asking, whole_s, said)


def fill(ballast: Path) -> None:
    """Use up a disk but for some pages."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))


def read_only(places: Places) -> Row:
    """The folder of a running service can be written no more; then it can."""
    with mounted("-t", "tmpfs", "-o", "size=48m", "tmpfs") as disk:
        settings, said, whole_s, n = places.folder(disk), "", 0.0, 0
        with opened(settings) as store, mounted("--bind", str(disk)) as other:
            subprocess.run(["mount", "-o", "remount,ro,bind", str(other)], check=True, capture_output=True)
            refused = settings.model_copy(update={"path": other / settings.path.name})
            writer.batch(store, n)
            with opened(refused) as stuck, Asking(refused) as asking:
                for n in range(1, TRIES + 1):
                    try:
                        writer.batch(stuck, n)
                    except StoreError as error:
                        said = str(error)
                    asking.more()
                    whole_s = max(whole_s, again(store, n))
        return told("a read-only folder", TRIES, settings, n + 1, asking, whole_s, said)


# --- files --------------------------------------------------------------------------------------------------


def read_again(store: Store, batches: int) -> None:
    """What a collector does about time that counts as read no more: AWS has the newest of everything."""
    window = Window(writer.ZERO, writer.ZERO + batches * writer.STEP)
    run = Run(
        collector="metrics", target=PROD, window=window, period_s=60,
        started_at=window.end, finished_at=window.end, outcome="ok",
    )  # fmt: skip
    newest = {(type(fact), fact.function, fact.ts): fact for n in range(batches) for fact in writer.facts(n)}
    store.commit(run, newest.values(), now=window.end)


def listed(store: Store) -> list[str]:
    """Files of metrics that readers use."""
    c = schema.file.c
    query = sa.select(c.path).where(c.kind == "metrics", c.replaced_at.is_(None)).order_by(c.start)
    with store.engine.connect() as connection:
        return list(connection.execute(query).scalars())


def files(fault: str, settings: StoreSettings, harm: Callable[[Path], object]) -> Row:
    """Files of a store are harmed; a person repairs it, and collectors read again what it forgot."""
    batches, whole_s, said = 100, 0.0, ""
    with opened(settings) as store:
        for n in range(batches):
            writer.batch(store, n)
        now = writer.ZERO + batches * writer.STEP
        window = Window(writer.ZERO, now)
        store.pack(now=now)
        for _ in range(TRIES):
            harm(settings.path / "telemetry" / CHANCE.choice(listed(store)))
            with Asking(settings, window) as asking:
                until(lambda asking=asking: bool(asking.said))
                began = time.monotonic()
                store.repair(store.check(), now=now)
                read_again(store, batches)
                store.pack(now=now)
                whole_s = max(whole_s, time.monotonic() - began)
            said = asking.sentence
    return told(fault, TRIES, settings, batches, asking, whole_s, said)


# --- servers ------------------------------------------------------------------------------------------------


def crashes(places: Places) -> Row:
    """PostgreSQL crashes while batches come, and is started again."""
    settings, whole_s, n, said = places.servers(), 0.0, 0, ""
    with opened(settings) as store, Asking(settings) as asking:
        for _ in range(TRIES):
            timer = threading.Timer(CHANCE.uniform(0.05, 0.4), places.server.crash)
            timer.start()
            try:
                while True:
                    writer.batch(store, n)
                    n += 1
            except StoreError as error:
                said = str(error)
            timer.join()
            asking.more()
            places.server.restart()
            whole_s, n = max(whole_s, again(store, n)), n + 1
    return told("PostgreSQL crashes in a batch", TRIES, settings, n, asking, whole_s, said)


def fill_in(store: Store, n: int) -> int:
    """Some more batches; answers how many there are then."""
    for each in range(n, n + 40):
        writer.batch(store, each)
    return n + 40


def is_whole(store: Store, batches: int) -> bool:
    return damage(store, batches) == (0, 0)


def bad_s3(fault: str, places: Places) -> Row:
    """S3 fails while files are to be written, and while a machine without copies asks."""
    settings, whole_s, n, said = places.servers(), 0.0, 0, ""
    with opened(settings) as store:
        for _ in range(TRIES):
            n = fill_in(store, n)
            store.pack(now=writer.ZERO + n * writer.STEP)
            n = fill_in(store, n)
            places.front.fault = fault
            shutil.rmtree(store.path / "cache", ignore_errors=True)
            with Asking(settings) as asking:
                try:
                    store.pack(now=writer.ZERO + n * writer.STEP)
                except StoreError as error:
                    said = str(error)
                writer.batch(store, n)  # what is new needs no file
                n += 1
                asking.more()
                places.front.fault = ""
                began = time.monotonic()
                until(partial(is_whole, store, n))
                whole_s = max(whole_s, time.monotonic() - began)
    name = "S3 answers 503" if fault == "503" else "S3 takes 3 s for each answer"
    return told(name, TRIES, settings, n, asking, whole_s, said or asking.sentence)


# --- services -----------------------------------------------------------------------------------------------


def service(settings: StoreSettings, acks: str) -> None:
    """Writes the next batch whenever it has the lease, until it is killed."""
    store = Store.open(settings)
    sharing = Sharing(store, beat_s=BEAT_S)
    sharing.add([PROD])
    fenced = sharing.fenced(PROD)
    log, beaten_s = os.open(acks, os.O_CREAT | os.O_WRONLY | os.O_APPEND), 0.0
    while True:
        with suppress(StoreError, LeaseLostError):  # the next turn tries again
            if time.monotonic() - beaten_s > BEAT_S:
                beaten_s = time.monotonic()
                sharing.beat(now=WINDOW.start)
            if sharing.may_read(PROD):
                writer.batch(fenced, n := kept(store))
                os.write(log, f"{n} {os.getpid()}\n".encode())
        time.sleep(0.02)


def services(name: str, settings: StoreSettings, stop: signal.Signals) -> Row:
    """Who has the lease is killed, or stopped and let go on later."""
    acks, longest_s = settings.path.with_name("leases"), 0.0
    acks.unlink(missing_ok=True)
    Store.open(settings).close()

    def last() -> int:
        return int(acks.read_text().split()[-1]) if acks.exists() and acks.stat().st_size else 0

    def start() -> multiprocessing.process.BaseProcess:
        child = FORK.Process(target=service, args=(settings, str(acks)))
        child.start()
        return child

    running = [start(), start()]
    with Asking(settings) as asking:
        for _ in range(TRIES):
            until(lambda: last() > 0)
            time.sleep(CHANCE.uniform(0.2, 1.0))
            holder = last()
            os.kill(holder, stop)
            longest_s = max(longest_s, until(lambda holder=holder: last() != holder))
            time.sleep(0.5)
            if stop == signal.SIGSTOP:
                os.kill(holder, signal.SIGCONT)
            else:
                running.append(start())
            time.sleep(1)
    for child in running:
        child.kill()
        child.join()
    kind = "stopped, and goes on later" if stop == signal.SIGSTOP else "killed"
    row = told(
        f"two services, one is {kind}, {name}",
        TRIES,
        settings,
        len(acks.read_text().splitlines()),
        asking,
        longest_s,
    )
    return replace(row, doubled=row.doubled + twice(settings), said=row.said or journal(settings))


def twice(settings: StoreSettings) -> int:
    """Batches that two services kept."""
    with opened(settings) as store, store.engine.connect() as connection:
        return int(
            connection.execute(sa.select(sa.func.count()).select_from(schema.run)).scalar_one()
        ) - kept(store)


def journal(settings: StoreSettings) -> str:
    from store.journal import entries

    with opened(settings) as store:
        return next((entry.text for entry in entries(store) if "no sign of life" in entry.text), "")


def main() -> None:
    logging.disable(logging.CRITICAL)
    FORK.set_forkserver_preload(["store.store", "runpy", "alembic.command", "quarterdeck.sharing"])
    with ExitStack() as stack:
        places = Places(stack)
        folder, servers = "SQLite and a folder", "PostgreSQL and S3"
        faults: list[Callable[[], Row]] = [
            lambda: kills(folder, places.folder()),
            lambda: kills(servers, places.servers()),
            lambda: full_disk(places),
            lambda: read_only(places),
            lambda: files(
                "a torn file", places.folder(), lambda file: os.truncate(file, file.stat().st_size // 2)
            ),
            lambda: files("a deleted file", places.folder(), Path.unlink),
            lambda: crashes(places),
            lambda: bad_s3("503", places),
            lambda: bad_s3("slow", places),
            lambda: services(folder, places.folder(), signal.SIGKILL),
            lambda: services(servers, places.servers(), signal.SIGSTOP),
        ]
        print(
            "| fault | tries | batches kept | rows lost | doubled | readers answered | whole after | said |"
        )
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |", flush=True)
        for fault in faults[SINCE:]:
            try:
                print(fault(), flush=True)
            except NoMountError as error:
                print(f"skipped: this user may not mount ({error})", flush=True)


if __name__ == "__main__":
    main()
