"""Windows that come again, in which nobody wants to be told: `alerts.maintenance` in the settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BeforeValidator, Field

from alerts.incident import Incident
from alerts.matchers import Matcher, all_match, parse_matcher
from core.settings import Duration, Section

LONGEST = timedelta(days=7)
AHEAD = timedelta(hours=3)
"""Where looking back begins: local time as such does not tell the first from the second of an hour that comes
twice, so the newest beginning is looked for from beyond it."""


def _cron(value: str) -> str:
    try:
        CronSim(value, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"{value!r} is no cron expression such as `30 2 * * SUN`: {error}") from None
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r}; write one such as Europe/Berlin") from None
    return value


def _length(value: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= value <= LONGEST:
        raise ValueError("must be from 1m to 7d")
    return value


def _matcher(value: object) -> object:
    return parse_matcher(value) if isinstance(value, str) else value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Written = Annotated[Matcher, BeforeValidator(_matcher)]


class Maintenance(Section):
    """From each time that `cron` names, in `timezone`, notices and actions are held back for `duration`.

    Local times are meant as cron means them: what falls into the hour that daylight saving skips begins right
    after it, and what falls into the hour that comes twice begins once. `duration` is time that passes.
    """

    name: str = Field(min_length=1, max_length=80)
    cron: Annotated[str, AfterValidator(_cron)] = Field(description="minute, hour, day, month, weekday")
    duration: Annotated[Duration, AfterValidator(_length)]
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    where: Annotated[tuple[Written, ...], BeforeValidator(_listed)] = Field(
        default=(), description="matchers, all of which must hold; none: everything"
    )
    reason: str = Field(min_length=1, max_length=500)

    def ends(self, now: datetime) -> datetime | None:
        """When the window that `now` is in ends; None outside of one."""
        ahead = (now + AHEAD).astimezone(ZoneInfo(self.timezone))
        times = (ts.astimezone(UTC) for ts in CronSim(self.cron, ahead, reverse=True))
        begins = next((ts for ts in times if ts <= now), None)
        return None if begins is None or now >= begins + self.duration else begins + self.duration

    def matches(self, incident: Incident) -> bool:
        return all_match(self.where, incident)
