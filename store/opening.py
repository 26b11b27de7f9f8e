"""Open, create or migrate a store; every way it can fail is one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa

from core.errors import StoreError, StoreTooNewError
from core.settings import StoreSettings
from store import schema, sqlite, state
from store.shelf import Folder, Shelf

TELEMETRY = "telemetry"

MIGRATIONS = Path(__file__).with_name("migrations")
"""By its path: a user's folder that happens to be called `store` must not be taken for our package."""


def open_state(settings: StoreSettings, *, create: bool) -> sa.Engine:
    """The engine of a store that is there and up to date. Raises StoreError and StoreTooNewError."""
    folder = settings.path
    engine = state.connect(settings)
    _check_folder(folder, is_new=state.is_file(engine) and not _has_state(folder), create=create)
    try:
        with state.explained(engine, folder):
            if _version(engine, folder) < schema.SCHEMA_VERSION:
                _migrate(engine, folder)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_shelf(settings: StoreSettings, engine: sa.Engine) -> Shelf:
    """Where the settings keep telemetry files. Nothing is asked of S3 yet."""
    with state.explained(engine, settings.path), engine.connect() as connection:
        query = sa.select(schema.meta.c.value).where(schema.meta.c.key == "store_id")
        owner = connection.execute(query).scalar()
    if settings.telemetry is None:
        return Folder(settings.path / TELEMETRY, owner)
    from store import bucket, cache, s3  # boto3 takes a while to import, and most stores are a folder

    endpoint_url = settings.telemetry_endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3")
    copies = cache.Cache(settings.path / "cache", int(settings.cache_gb * 1e9))
    return s3.S3(bucket.Bucket(settings.telemetry, endpoint_url), copies, owner)


def _check_folder(folder: Path, *, is_new: bool, create: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"cannot open the store in {folder}: that is a file; set store.path to a folder")
    if is_new:
        if not create:
            below = next(folder.glob(f"*/{state.FILE}"), None)
            where = f"; there is one in {below.parent}" if below else ""
            raise StoreError(
                f"there is no store in {folder} yet{where}; fill one with `quarterdeck collect --once`"
            )
        if next((folder / TELEMETRY).rglob("*.parquet"), None):
            raise StoreError(
                f"cannot open the store in {folder}: it has telemetry but no {state.FILE}; "
                f"restore {state.FILE} from a backup, or move {TELEMETRY}/ away to start anew"
            )
    try:
        (folder / TELEMETRY).mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("a"):
            pass
    except OSError as error:
        if not is_new:
            return  # it can still be read; who writes hears of it
        why = (error.strerror or str(error)).lower()
        raise StoreError(
            f"cannot write the store in {folder}: {why}; set store.path to a folder that can be written"
        ) from error


def _has_state(folder: Path) -> bool:
    file = folder / state.FILE
    return file.exists() and file.stat().st_size > 0


def _version(engine: sa.Engine, folder: Path) -> int:
    """The schema version found, 0 when there is none; refuses a newer one before anything is touched."""
    if state.is_file(engine) and not _has_state(folder):
        return 0
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        if tables and schema.meta.name not in tables:
            raise StoreError(
                f"{_database(engine, folder)} is not a Quarterdeck store; set {_setting(engine)}"
            )
        if not tables:
            return 0
        query = sa.select(schema.meta.c.value).where(schema.meta.c.key == "schema_version")
        found = int(connection.execute(query).scalar() or 0)
    if found > schema.SCHEMA_VERSION:
        raise StoreTooNewError(
            f"the store in {state.name(engine, folder)} was written by a newer Quarterdeck (schema {found}, "
            f"this one knows {schema.SCHEMA_VERSION}); upgrade Quarterdeck, or set {_setting(engine)}"
        )
    return found


def _database(engine: sa.Engine, folder: Path) -> str:
    return str(folder / state.FILE) if state.is_file(engine) else state.name(engine, folder)


def _setting(engine: sa.Engine) -> str:
    return "store.path to another folder" if state.is_file(engine) else "store.database to another one"


def _migrate(engine: sa.Engine, folder: Path) -> None:
    with state.locked(engine, folder, "lock", wait=True):
        if _version(engine, folder) == schema.SCHEMA_VERSION:
            return  # another process was first
        if state.is_file(engine):
            sqlite.use_wal(engine)
        with state.writer(engine).begin() as connection:
            _upgrade(connection)


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # slow to import, and rarely needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
