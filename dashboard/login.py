"""The file from which Streamlit reads how people sign in: its secrets are in no environment and no store."""

from __future__ import annotations

import hmac
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.access import LoginSettings

CALLBACK = "/oauth2callback"
REMOVED_AT_END = "QUARTERDECK_LOGIN_FILE"
"""Names the file to the dashboard's process where nobody else removes it."""


@contextmanager
def login_file(login: LoginSettings | None, base_url: str) -> Iterator[Path | None]:
    """Write the file for as long as this lasts; None without a login. Raises SettingsError."""
    if login is None:
        yield None
        return
    path = write_login(login, base_url)
    try:
        yield path
    finally:
        remove(path)


def write_login(login: LoginSettings, base_url: str) -> Path:
    """A file in a new folder outside of the store, both for this user alone. Raises SettingsError."""
    text = secrets_toml(login, base_url)
    path = Path(tempfile.mkdtemp(prefix="quarterdeck-login-")) / "secrets.toml"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        path.parent.rmdir()


def secrets_toml(login: LoginSettings, base_url: str) -> str:
    """The `[auth]` section. Without a cookie secret of its own, cookies are signed with one made of the
    client's secret, so that a restart signs nobody out.

    Source: https://docs.streamlit.io/develop/api-reference/user/st.login
    """
    secret = login.secret()
    made = hmac.new(secret.encode(), b"quarterdeck cookie", "sha256").hexdigest()
    values = {
        "redirect_uri": base_url + CALLBACK,
        "cookie_secret": login.cookie_secret.get_secret_value() if login.cookie_secret else made,
        "client_id": login.client_id,
        "client_secret": secret,
        "server_metadata_url": login.server_metadata_url,
    }
    lines = [f"{name} = {_quoted(value)}" for name, value in values.items()]
    return "\n".join(["[auth]", *lines, "[auth.client_kwargs]", f"scope = {_quoted(login.scope)}", ""])


def _quoted(text: str) -> str:
    """As a TOML basic string: JSON's, but for characters that TOML wants as they are or escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
