"""Who is told of an incident: the rule's own channels, else what the routes say, else everybody."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from alerts.incident import Incident
from alerts.notice import Severity
from alerts.rule import Rule
from alerts.written import Patterns
from core.settings import Section

if TYPE_CHECKING:
    from alerts.settings import AlertSettings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write Europe/Berlin, for instance") from None
    return name


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _clock(value: Any) -> Any:
    """YAML reads 09:30 without quotes as a number of minutes."""
    return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) and 0 <= value < 1440 else value


Clock = Annotated[time, BeforeValidator(_clock)]


class Hours(Section):
    """From one time of day to another, on some days. A night (22:00 to 06:00) is of the day it begins."""

    from_: Clock = Field(default=time(0), alias="from")
    to: Clock = Field(default=time(0), description="00:00 is the end of the day")
    days: Annotated[tuple[Day, ...], BeforeValidator(_listed)] = DAYS
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    def covers(self, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self.timezone))
        at, begins, ends = local.time(), self.from_, self.to
        today, yesterday = DAYS[local.weekday()], DAYS[(local - timedelta(days=1)).weekday()]
        if begins < ends:
            return today in self.days and begins <= at < ends
        return (today in self.days and at >= begins) or (yesterday in self.days and at < ends)


class Route(Section):
    """What matches all that is given goes to `channels`; later routes are asked only if `continue` is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    severity: Annotated[tuple[Severity, ...], BeforeValidator(_listed)] = ()
    account: Patterns = Field(default=(), description="id or alias")
    region: Patterns = ()
    function: Patterns = Field(default=(), description="or the queue, or whatever the incident is about")
    rule: Patterns = ()
    tag: dict[str, Patterns] = Field(
        default_factory=dict, description="of the function, or label of the rule"
    )
    hours: Hours | None = None
    channels: tuple[str, ...] = Field(description="empty: nobody is told")
    continue_: bool = Field(default=False, alias="continue")

    def matches(
        self, incident: Incident, tags: Mapping[str, str], *, alias: str | None, now: datetime
    ) -> bool:
        name = incident.subject
        return (
            (not self.severity or incident.severity in self.severity)
            and _one(self.account, incident.account, alias)
            and _one(self.region, incident.region)
            and _one(self.function, name, name.rsplit(":", 1)[-1])
            and _one(self.rule, incident.rule)
            and all(_one(patterns, tags.get(key)) for key, patterns in self.tag.items())
            and (self.hours is None or self.hours.covers(now))
        )


def _one(patterns: tuple[str, ...], *values: str | None) -> bool:
    known = [value for value in values if value is not None]
    return not patterns or any(fnmatchcase(value, pattern) for value in known for pattern in patterns)


def lead_somewhere(routes: Sequence[Route], channels: Container[str]) -> None:
    """Raises ValueError when a route names a channel that does not exist."""
    for at, route in enumerate(routes):
        if missing := [name for name in route.channels if name not in channels]:
            raise ValueError(f"routes.{at} names {missing[0]!r}, which is not among the channels")


def channels_for(
    incident: Incident,
    rule: Rule | None,
    tags: Mapping[str, str] | None,
    settings: AlertSettings,
    now: datetime,
    *,
    alias: str | None = None,
) -> list[str]:
    """Names of channels, each once, in the order of the settings."""
    if rule is not None and rule.notify:
        return [name for name in settings.channels if name in rule.notify]
    merged = {**(rule.labels if rule is not None else incident.labels or {}), **(tags or {})}
    wanted, matched = set[str](), False
    for route in settings.routes:
        if route.matches(incident, merged, alias=alias, now=now):
            wanted |= set(route.channels)
            matched = True
            if not route.continue_:
                break
    return [name for name in settings.channels if name in wanted or not matched]
