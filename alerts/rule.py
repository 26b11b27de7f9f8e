"""What a rule is, and what it is about. Reading rule files is `rules.py`, judging is `judge.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from alerts.actions.registry import Action
from alerts.notice import Severity
from alerts.signals import SIGNALS, Missing, Signal, say
from core.settings import Duration, Section

MAX_OVER = timedelta(hours=6)
MAX_MINUTES = 240


@dataclass(frozen=True, slots=True)
class MinutesOf:
    """`hits` of the newest `minutes`."""

    hits: int
    minutes: int


def _minutes_of(value: Any) -> Any:
    """Read `3 of 5`, `3 of 5 minutes` or `5m`, which is all of five."""
    if isinstance(value, MinutesOf):
        return value
    match = re.fullmatch(r"\s*(\d+)(?:\s+of\s+(\d+)(?:\s+minutes?)?|\s*m)\s*", str(value))
    if match is None:
        raise ValueError("is written `3 of 5 minutes` or `5m`")
    hits, minutes = int(match[1]), int(match[2] or match[1])
    if not 1 <= hits <= minutes <= MAX_MINUTES:
        raise ValueError(f"needs 1 <= m <= n <= {MAX_MINUTES} in `m of n minutes`")
    return MinutesOf(hits, minutes)


def _share(value: Any) -> Any:
    """Read `5%` as 0.05."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value) if isinstance(value, str) else None
    return float(match[1]) / 100 if match else value


def _known_signal(value: str) -> str:
    if value in SIGNALS:
        return value
    close = get_close_matches(value, SIGNALS, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(SIGNALS)}"
    raise ValueError(f"there is no signal {value!r}; {hint}")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, (str, Mapping)) else value


Threshold = Annotated[float, BeforeValidator(_share), Field(ge=0, allow_inf_nan=False)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed)]
For = Annotated[MinutesOf, BeforeValidator(_minutes_of)]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule judged: a function, a queue (its ARN), an account's region or a collector of it."""

    kind: str
    account: str
    region: str
    name: str
    alias: str | None = None
    runtime: str | None = None
    tags: Mapping[str, str] | None = None
    functions: tuple[str, ...] = ()
    role: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def short(self) -> str:
        """The name that people know it by."""
        if self.kind == "account":
            return f"{self.alias or self.account} {self.region}"
        return self.name.rsplit(":", 1)[-1] if self.kind == "queue" else self.name


class Where(Section):
    """Which subjects: everything given must match, of a list one. `*` and `?` are wildcards."""

    account: Patterns = Field(default=(), description="id or alias")
    region: Patterns = ()
    function: Patterns = Field(default=(), description="for a queue: a function that it feeds or catches")
    runtime: Patterns = ()
    tag: dict[str, Patterns] = Field(default_factory=dict)
    queue: Patterns = Field(default=(), description="name or ARN")
    collector: Patterns = ()

    def matches(self, subject: Subject) -> bool:
        functions = [subject.name] if subject.kind == "function" else list(subject.functions)
        queue = [subject.name, subject.short] if subject.kind == "queue" else []
        tags = subject.tags or {}
        return (
            _one(self.account, [subject.account, subject.alias])
            and _one(self.region, [subject.region])
            and _one(self.function, functions)
            and _one(self.runtime, [subject.runtime])
            and _one(self.queue, queue)
            and _one(self.collector, [subject.name] if subject.kind == "collector" else [])
            and all(_one(patterns, [tags.get(name)]) for name, patterns in self.tag.items())
        )


def _one(patterns: tuple[str, ...], values: Sequence[str | None]) -> bool:
    known = [value for value in values if value is not None]
    return not patterns or any(fnmatchcase(value, pattern) for value in known for pattern in patterns)


SELECTS: Mapping[str, frozenset[str]] = {
    "function": frozenset({"account", "region", "function", "runtime", "tag"}),
    "queue": frozenset({"account", "region", "function", "queue"}),
    "account": frozenset({"account", "region"}),
    "collector": frozenset({"account", "region", "collector"}),
}
"""What `where` may say about each kind of subject."""


class Rule(Section):
    """At every minute `signal`, over the last `over`, is compared with `above` or `below`. It fires when
    that held at m of the newest n minutes (`for`), and resolves when none of n settled ones is bad."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
    signal: Annotated[str, AfterValidator(_known_signal)]
    above: Threshold | None = None
    below: Threshold | None = None
    over: Duration = timedelta(minutes=1)
    for_: For = Field(default=MinutesOf(1, 1), alias="for")
    minimum_samples: int = Field(default=0, ge=0)
    resolve_below: Threshold | None = None
    resolve_above: Threshold | None = None
    severity: Severity = "warning"
    missing: Missing | None = None
    where: Where = Where()
    repeat: Duration | None = None
    quiet_after_deploy: Duration | None = Field(
        default=None,
        ge=timedelta(0),
        le=timedelta(hours=6),
        description="left out: as alerts.quiet_after_deploy",
    )
    labels: dict[str, str] = Field(default_factory=dict)
    runbook: str | None = Field(default=None, pattern=r"^https?://", max_length=2000)
    notify: Patterns | None = Field(default=None, description="names of channels; left out: all of them")
    act: Annotated[tuple[Action, ...], BeforeValidator(_listed)] = ()
    enabled: bool = True
    summary: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        mistakes = [*_threshold(self), *_times(self), *_selector(self)]
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    @property
    def spec(self) -> Signal:
        return SIGNALS[self.signal]

    @property
    def threshold(self) -> float:
        limit = self.above if self.above is not None else self.below
        assert limit is not None
        return limit

    @property
    def upward(self) -> bool:
        return self.above is not None

    @property
    def resolve_at(self) -> float:
        """On the good side of this a firing rule may resolve."""
        limit = self.resolve_below if self.upward else self.resolve_above
        return self.threshold if limit is None else limit

    @property
    def silence_means(self) -> Missing:
        return self.missing or self.spec.missing

    @property
    def over_minutes(self) -> int:
        return int(self.over.total_seconds() // 60)

    @property
    def reach_minutes(self) -> int:
        """How many minutes one judgement looks at."""
        return self.over_minutes + self.for_.minutes - 1

    def condition(self) -> str:
        """`above 5 % over 5 minutes, 3 of 5 minutes`, for people."""
        text = f"{'above' if self.upward else 'below'} {say(self.threshold, self.spec.unit)}"
        if self.spec.subject == "collector":
            return text
        text += f" over {self.over_minutes} min" if self.over_minutes > 1 else ""
        return text + (f", {self.for_.hits} of {self.for_.minutes} minutes" if self.for_.minutes > 1 else "")


def _threshold(rule: Rule) -> Iterator[str]:
    if (rule.above is None) == (rule.below is None):
        yield "needs `above` or `below`, one of them"
        return
    if rule.spec.unit == "share" and rule.threshold > 1:
        yield f"{'above' if rule.upward else 'below'}: {rule.signal} is a share from 0 to 1: write 0.05 or 5%"
    if (rule.resolve_above if rule.upward else rule.resolve_below) is not None:
        yield "`resolve_below` goes with `above`, `resolve_above` with `below`"
    if rule.upward and rule.resolve_at > rule.threshold:
        yield "resolve_below: must not be higher than `above`"
    if not rule.upward and rule.resolve_at < rule.threshold:
        yield "resolve_above: must not be lower than `below`"


def _times(rule: Rule) -> Iterator[str]:
    if rule.over % timedelta(minutes=1) or not timedelta(minutes=1) <= rule.over <= MAX_OVER:
        yield "over: must be whole minutes, from 1m to 6h"
    if rule.repeat is not None and rule.repeat < timedelta(minutes=1):
        yield "repeat: must be at least 1m"
    if rule.minimum_samples and rule.spec.samples is None:
        yield f"minimum_samples: {rule.signal} has no samples to count"


def _selector(rule: Rule) -> Iterator[str]:
    kind = rule.spec.subject
    for word in sorted(rule.where.model_fields_set - SELECTS[kind]):
        yield f"where.{word}: {rule.signal} is about a {kind}, which this cannot select"
