"""What every command is handed: settings, store and time, and the options that several commands share."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.people import Person
from core.windows import Window, newest_end, parse_duration
from quarterdeck.mistakes import UsageMistakeError

if TYPE_CHECKING:  # heavy: imported by the command that runs
    from quarterdeck.settings import Settings
    from store.store import Filter, Store


@dataclass
class Front:
    """The global options, and what is read from them on first use."""

    named_files: tuple[Path, ...]
    named_store: Path | None

    @cached_property
    def files(self) -> list[Path]:
        from quarterdeck.settings import settings_files

        return settings_files(self.named_files, os.environ)

    @cached_property
    def settings(self) -> Settings:
        from quarterdeck.settings import load

        return load(self.files, store=self.named_store, environment=os.environ)

    @contextmanager
    def store(self, *, create: bool = False) -> Iterator[Store]:
        """The store, opened for one command."""
        from core.price_file import own_prices
        from store.store import Store

        prices = own_prices(self.settings.cost.prices)
        store = Store.open(self.settings.store, create=create, prices=prices)
        try:
            yield store
        finally:
            store.close()


def front(context: typer.Context) -> Front:
    return context.find_object(Front) or Front((), None)


def operator(name: str | None, settings: Settings | None = None) -> Person:
    """Who types: the name given with --as, else the operating system's user.

    Whoever runs a command can read and write the store itself, so they are an admin, unless the list in the
    settings gives that name another role.
    """
    from core.access import AccessSettings, person_of, role_now

    who = name or getpass.getuser()
    access = settings.access if settings else AccessSettings()
    return person_of(who, role_now(access, who, None, now=now_utc()))


def now_utc() -> datetime:
    return datetime.now(UTC)


def window(since: str, *, until: str | None, now: datetime) -> Window:
    """The window that ends at `until` (default: the last whole minute) and is `since` long."""
    length = duration(since, "--since")
    return Window.last(length, now=moment(until) if until else now)


def ending_with_data(asked: Window, store: Store, *, until: str | None, now: datetime) -> Window:
    """`asked`, moved to end where the newest data does, as on the pages; `--until` is kept as it is."""
    from store.readers.collection import freshness

    if until:
        return asked
    return Window.last(asked.duration, now=newest_end(freshness(store, now=now), now=now))


def duration(text: str, option: str) -> timedelta:
    try:
        length = parse_duration(text)
    except (ValueError, OverflowError) as error:
        raise UsageMistakeError(f"{option}: {error}") from error
    if not length:
        raise UsageMistakeError(
            f"{option}: a window of no length holds nothing; write 15m, 3h or 14d, for instance"
        )
    if length > timedelta(days=3660):
        raise UsageMistakeError(f"{option}: {text} is longer than ten years")
    return length


def moment(text: str) -> datetime:
    try:
        ts = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageMistakeError(f"--until: {text!r} is not a time such as 2026-11-21T09:30Z") from error
    return ts.replace(tzinfo=UTC) if ts.tzinfo is None else ts.astimezone(UTC)


def where(account: str | None, region: str | None) -> Filter:
    from store.store import Filter

    return Filter(account=account, region=region)


def note(sentence: str) -> None:
    """Say something that is not the answer."""
    typer.echo(sentence, err=True)


Since = Annotated[str, typer.Option(help="Length of the window: 90s, 15m, 3h, 14d or 2w.", metavar="LENGTH")]
Until = Annotated[
    str | None, typer.Option(help="End of the window, e.g. 2026-11-21T09:30Z. Default: now.", metavar="TIME")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON (its keys are in docs/cli.md).")]
Account = Annotated[str | None, typer.Option(help="Only this account id.", metavar="ID")]
Region = Annotated[str | None, typer.Option(help="Only this region.", metavar="REGION")]
