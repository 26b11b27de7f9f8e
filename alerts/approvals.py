"""Links that approve from chat: signed, for one request, for a time, used once. A GET never approves.

A token is `request.expiry.mac`; the mac is HMAC-SHA-256 over request, expiry and channel. The store keeps
only the token's SHA-256, so neither a copy of the store nor a log can approve. Chat previews fetch links:
opening one shows the plan, and only a press of the button there decides.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import sqlalchemy as sa

from alerts.actions.answering import LINK_SENT_TO
from alerts.actions.requests import decide_in
from alerts.notice import Link, Notice
from alerts.settings import AlertSettings
from core.errors import ActionError, StoreError
from core.people import Person
from store.schema import action_request, approval_link
from store.store import Store

KEY_FILE = "approval.key"
KEY_BYTES = 32
INVALID = "this link is not one of ours, or was cut: open the incident and decide there"


@dataclass(frozen=True, slots=True)
class Sent:
    """A link that may still decide: about which request, and the channel that it was sent to."""

    request: str
    channel: str
    expires_at: datetime


def key_of(settings: AlertSettings, folder: Path) -> bytes:
    """The key of the settings, else of a file in the store, made on first use and readable by its owner only.

    Raises StoreError.
    """
    if settings.actions.approval_key is not None:
        return settings.actions.approval_key.get_secret_value().encode()
    file = folder / KEY_FILE
    try:
        with suppress(FileExistsError):
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as made:
                made.write(secrets.token_bytes(KEY_BYTES))
        found = file.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot keep the key of approval links in {file}: {error.strerror}") from error
    if len(found) < KEY_BYTES:
        raise StoreError(f"{file} is no key of {KEY_BYTES} bytes: delete it, and links are signed anew")
    return found


def key_here(folder: Path) -> bytes | None:
    """The key of the file, for a dashboard; None where it is elsewhere: a token that the store knows by its
    SHA-256 is one of ours all the same."""
    try:
        return (folder / KEY_FILE).read_bytes() or None
    except OSError:
        return None


# --- making -----------------------------------------------------------------------------------------------


def linker(
    settings: AlertSettings, folder: Path, *, clock: Callable[[], datetime]
) -> Callable[[sa.Connection, Notice, str], tuple[Link, ...]]:
    """What adds links to a notice as it leaves, so that no token waits in the outbox: one that approves, for
    every request that the notice asks to decide."""

    def links(connection: sa.Connection, notice: Notice, channel: str) -> tuple[Link, ...]:
        found = []
        for request in _asked(notice, settings):
            if token := make(connection, request, channel, key_of(settings, folder), now=clock()):
                url = f"{settings.base_url}/actions?approve={token}"
                found.append(Link(label="Approve (shows the plan)", url=url))
        return tuple(found)

    return links


def _asked(notice: Notice, settings: AlertSettings) -> list[str]:
    beginning = f"{settings.base_url}/actions?"
    queries = [urlsplit(link.url).query for link in notice.links if link.url.startswith(beginning)]
    return [request for query in queries for request in parse_qs(query).get("request", [])]


def make(connection: sa.Connection, request: str, channel: str, key: bytes, *, now: datetime) -> str | None:
    """The token for a channel, the same however often; None when there is nothing to decide any more."""
    table = action_request
    open_ = table.c.id == request, table.c.state == "planned", table.c.expires_at > now
    row = connection.execute(sa.select(table.c.expires_at).where(*open_)).first()
    if row is None:
        return None
    token = sign(request, channel, row.expires_at, key)
    values = {"hash": digest(token), "request": request, "channel": channel, "made_at": now}
    known = sa.select(approval_link.c.hash).where(approval_link.c.hash == values["hash"])
    if connection.execute(known).first() is None:
        connection.execute(sa.insert(approval_link).values({**values, "expires_at": row.expires_at}))
    return token


def sign(request: str, channel: str, expires_at: datetime, key: bytes) -> str:
    until = int(expires_at.timestamp())
    return f"{request}.{until}.{_mac(request, until, channel, key)}"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mac(request: str, until: int, channel: str, key: bytes) -> str:
    mac = hmac.new(key, f"{request}\n{until}\n{channel}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


# --- using ------------------------------------------------------------------------------------------------


def look(store: Store, token: str, key: bytes | None, *, now: datetime) -> Sent:
    """What a link is about; nothing is changed. Raises ActionError for one that decides nothing any more."""
    with store.engine.connect() as connection:
        return _valid(connection, token, key, now=now)


def use(store: Store, token: str, key: bytes | None, *, approve: bool, by: Person, now: datetime) -> str:
    """Decide by a link, once; returns a sentence. Whoever is signed in as at least an operator decides under
    their own name, everybody else as whom the link was sent to. Raises ActionError and NotAllowedError."""
    with store.transaction() as connection:  # a decision that fails leaves the link unused
        sent = _valid(connection, token, key, now=now)
        who = by if by.may("operator") else Person(f"{LINK_SENT_TO}{sent.channel}", "operator")
        unused = approval_link.c.hash == digest(token), approval_link.c.used_at.is_(None)
        values = {"used_at": now, "used_by": who.name}
        if not connection.execute(sa.update(approval_link).where(*unused).values(values)).rowcount:
            raise ActionError("this link was used already: it decides once")
        return decide_in(connection, sent.request, approve=approve, by=who, now=now)


def _valid(connection: sa.Connection, token: str, key: bytes | None, *, now: datetime) -> Sent:
    row = connection.execute(sa.select(approval_link).where(approval_link.c.hash == digest(token))).first()
    parts = token.split(".")
    if row is None or len(parts) != 3 or not parts[1].isdecimal():
        raise ActionError(INVALID)
    expected = _mac(parts[0], int(parts[1]), row.channel, key) if key else parts[2]
    if not hmac.compare_digest(expected, parts[2]) or parts[0] != row.request:
        raise ActionError(INVALID)
    if row.used_at is not None:
        raise ActionError(f"this link was used already, by {row.used_by} at {row.used_at:%Y-%m-%d %H:%M} UTC")
    expires_at = datetime.fromtimestamp(int(parts[1]), UTC)
    if now >= expires_at:
        raise ActionError(f"this link was good until {expires_at:%Y-%m-%d %H:%M} UTC")
    return Sent(row.request, row.channel, expires_at)
