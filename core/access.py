"""Who may do what, as the settings say it: by a list of people, by what their login claims, by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from core.errors import SettingsError
from core.people import ROLES, Person, Role
from core.settings import Duration, Section

Source = Literal["list", "claim", "default", "anyone"]

BELIEVED = timedelta(days=1)
"""How long the service goes by what a login claimed: nobody tells it when a group is left."""


class LoginSettings(Section):
    """The OpenID Connect provider that people sign in with."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    server_metadata_url: str = Field(description="ends in /.well-known/openid-configuration")
    client_id: str
    client_secret: SecretStr | None = Field(default=None, description="or `client_secret_file`")
    client_secret_file: Path | None = Field(default=None, description="its first line is the secret")
    cookie_secret: SecretStr | None = Field(
        default=None, description="signs cookies; by default one made of the client's secret"
    )
    scope: str = Field(default="openid email profile", description="add what your groups come with")
    lasts: Duration = Field(
        default=timedelta(hours=12), gt=timedelta(0), description="then people sign in again"
    )

    @field_validator("server_metadata_url")
    @classmethod
    def _not_to_be_read_by_others(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            return url
        raise ValueError("must begin with https://, or be on this machine's loopback")

    @model_validator(mode="after")
    def _one_secret(self) -> LoginSettings:
        if (self.client_secret is None) == (self.client_secret_file is None):
            raise ValueError("needs client_secret or client_secret_file, and not both")
        return self

    def secret(self) -> str:
        """The client's secret. Raises SettingsError when its file cannot be read or is empty."""
        if self.client_secret is not None:
            return self.client_secret.get_secret_value()
        path = self.client_secret_file or Path()
        try:
            found = path.read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise SettingsError([f"access.login.client_secret_file: {path} cannot be read: {why}"]) from error
        if not found:
            raise SettingsError([f"access.login.client_secret_file: {path} is empty"])
        return found


class RoleSettings(Section):
    """Names, or patterns of them (`*@example.com`), per role; upper and lower case are the same."""

    admin: list[str] = Field(default_factory=list)
    operator: list[str] = Field(default_factory=list)
    viewer: list[str] = Field(default_factory=list)


class ClaimSettings(RoleSettings):
    """A claim of the login, such as groups, and which of its values give which role."""

    name: str = "groups"


class AccessSettings(Section):
    """Login and roles. Without a login, whoever can open the dashboard is who started it."""

    login: LoginSettings | None = None
    roles: RoleSettings = RoleSettings()
    claims: ClaimSettings | None = None
    default_role: Literal["viewer", "none"] = Field(
        default="none", description="of people who sign in and whom neither list nor claim names"
    )


@dataclass(frozen=True, slots=True)
class Granted:
    """A role and what gave it; `role` is None for somebody who is let in by nothing."""

    role: Role | None
    source: Source
    why: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the dashboard kept of somebody who came; `role` is None for those it refused."""

    role: Role | None
    source: Source
    seen_at: datetime


MAX_NAME = 254
"""The longest e-mail address: https://www.rfc-editor.org/errata/eid1690"""


def name_of(claims: Mapping[str, Any]) -> str | None:
    """What somebody who signed in is called everywhere: the e-mail address unless the provider says that
    nobody checked it, else `sub:` and the provider's own id. None when it tells neither.

    Source: https://openid.net/specs/openid-connect-core-1_0.html#StandardClaims
    """
    email, verified = claims.get("email"), claims.get("email_verified", True)
    if isinstance(email, str) and "@" in email and verified in (True, "true"):
        return email.strip().lower()[:MAX_NAME]
    sub = claims.get("sub")
    return f"sub:{sub}"[:MAX_NAME] if isinstance(sub, str) and sub.strip() else None


def granted(access: AccessSettings, claims: Mapping[str, Any]) -> Granted:
    """The most that the list, a claim or the default gives to whoever has these claims."""
    return _most([by_list(access, name_of(claims) or ""), _by_claim(access, claims), by_default(access)])


def by_list(access: AccessSettings, name: str) -> Granted:
    for role in reversed(ROLES):
        for pattern in getattr(access.roles, role):
            if name and fnmatchcase(name.lower(), pattern.lower()):
                return Granted(role, "list", f"access.roles.{role} has {pattern}")
    return Granted(None, "list", "no pattern of access.roles fits")


def _by_claim(access: AccessSettings, claims: Mapping[str, Any]) -> Granted:
    wanted = access.claims
    if wanted is None:
        return Granted(None, "claim", "no claim is asked for")
    said = claims.get(wanted.name)
    values = said if isinstance(said, list) else [said]
    for role in reversed(ROLES):
        for value in getattr(wanted, role):
            if value in values:
                return Granted(role, "claim", f"the login's {wanted.name} has {value}")
    return Granted(None, "claim", f"no role fits the login's {wanted.name}")


def by_default(access: AccessSettings) -> Granted:
    role: Role | None = None if access.default_role == "none" else access.default_role
    return Granted(role, "default", "access.default_role")


def _most(grants: Iterable[Granted]) -> Granted:
    """The grant of the highest role, the first of equals."""
    return max(grants, key=lambda each: -1 if each.role is None else ROLES.index(each.role))


def role_now(
    access: AccessSettings, name: str, seen: Seen | None, *, anyone: Role | None = None, now: datetime
) -> Granted:
    """What somebody who asked for something may when it is carried out.

    What the settings say is asked again; what the dashboard kept of a claim, or of its --allow-anyone where
    the settings name no role for `anyone`, is believed for a day. Nobody was `seen` of those who use the
    command line: they can read and write the store itself, so they may anything, unless the list names them.
    """
    listed = by_list(access, name)
    if seen is None:
        return listed if listed.role else Granted("admin", "list", "a user of the store's machine")
    fresh = seen.role if now - seen.seen_at <= BELIEVED else None
    if seen.source == "anyone":
        return Granted(None if access.login else anyone or fresh, "anyone", "dashboard.allow_anyone")
    claimed = Granted(fresh if seen.source == "claim" else None, "claim", "the login's claim of the last day")
    return _most([listed, claimed, by_default(access)])


def person_of(name: str, grant: Granted) -> Person:
    """Whom nothing lets in may nothing more than a viewer: they are refused where a role is asked for."""
    return Person(name, grant.role or "viewer")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address. A name other than localhost may lead anywhere."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
