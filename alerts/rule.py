"""What a rule is, and what it is about. Reading rule files is `rules.py`, judging is `judge.py`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from alerts import burn, overrides
from alerts.actions.registry import Action
from alerts.burn import WORKBOOK, BurnWindow
from alerts.notice import Severity
from alerts.overrides import Override
from alerts.signals import (
    LOG_LINES,
    SIGNALS,
    About,
    Missing,
    Signal,
    burning,
    choices,
    cloudwatch,
    count_of,
    divided,
    named,
    of_lines,
    of_metric,
)
from alerts.subject import SELECTS, Subject, Where
from alerts.units import say
from alerts.written import (
    MAX_MINUTES,
    For,
    MinutesOf,
    Patterns,
    Share,
    Threshold,
    is_whole,
    listed,
    minutes,
)
from core.settings import Duration, Section

__all__ = ["MAX_MINUTES", "MAX_OVER", "SELECTS", "MinutesOf", "Patterns", "Rule", "Subject", "Where"]

MAX_OVER = timedelta(hours=6)


def _known_signal(value: str) -> str:
    if value in SIGNALS or value in cloudwatch():
        return value
    every = list(named())
    meant = [name for name in every if name.lower().endswith(f".{value.lower()}")]
    close = meant or get_close_matches(value, every, n=1)
    hint = (
        f"did you mean `{close[0]}`?"
        if close
        else f"there are {', '.join(SIGNALS)}, and CloudWatch's metrics"
    )
    raise ValueError(f"there is no signal {value!r}; {hint}")


class Rule(Section):
    """At every minute `signal`, over the last `over`, is compared with `above` or `below`. It fires when
    that held at m of the newest n minutes (`for`), and resolves when none of n settled ones is bad."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$", description="its name, once in all files")
    signal: Annotated[str, AfterValidator(_known_signal)] | None = Field(
        default=None, description="a named signal, or a CloudWatch metric such as AWS/Lambda.Throttles"
    )
    statistic: str | None = Field(
        default=None, description="of a CloudWatch metric that is read in several: Sum, Maximum, p95 ..."
    )
    about: About | None = Field(
        default=None, description="of a CloudWatch metric of several: function or account"
    )
    per: Annotated[str, AfterValidator(_known_signal)] | None = Field(
        default=None, description="of a count: another count that it is divided by, such as invocations"
    )
    lines: str | None = Field(
        default=None, min_length=3, max_length=200,
        description="of log_lines: part of a kept log line; case does not matter",
    )  # fmt: skip
    above: Threshold | None = None
    below: Threshold | None = None
    above_normal: float | None = Field(
        default=None, gt=0, allow_inf_nan=False,
        description="so many usual spreads above what is normal at this time of the week",
    )  # fmt: skip
    below_normal: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    slo: Share | None = Field(default=None, description="share that must be good, such as 99.9%")
    windows: tuple[BurnWindow, ...] = Field(
        default=WORKBOOK, description="of `slo`: how fast its error budget may burn"
    )
    all_: Patterns = Field(default=(), alias="all", description="names of rules that must all hold")
    any_: Patterns = Field(default=(), alias="any", description="names of rules of which one must hold")
    unless: Patterns = Field(default=(), description="names of rules of which none may hold")
    part: bool = Field(default=False, description="only a part of others: opens no incident itself")
    over: Duration = timedelta(minutes=1)
    for_: For = Field(default=MinutesOf(1, 1), alias="for")
    minimum_samples: int = Field(default=0, ge=0)
    resolve_below: Threshold | None = None
    resolve_above: Threshold | None = None
    severity: Severity = "warning"
    missing: Missing | None = Field(
        default=None, description="what silence means; left out: as the signal says"
    )
    where: Where = Where()
    overrides: Annotated[tuple[Override, ...], BeforeValidator(listed)] = Field(
        default=(), description="what is different for some subjects"
    )
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
    act: Annotated[tuple[Action, ...], BeforeValidator(listed)] = ()
    enabled: bool = True
    summary: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        mistakes = [*_signal(self), *_condition(self)]
        if not mistakes:
            mistakes = [*_threshold(self), *_times(self), *_selector(self), *_verified(self)]
        mistakes += [] if mistakes else overrides.mistakes(self)
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return self

    @property
    def spec(self) -> Signal:
        """What it measures; of `slo`, how fast the budget burns; of rules made of others, how many hold."""
        if self.signal is None:
            return Signal(
                subject="function",
                title=self.rule,
                unit="conditions",
                column="",
                combine="max",
                source="others",
            )
        found = of_lines(self.lines) if self.lines is not None else SIGNALS.get(self.signal)
        if found is None:
            found = of_metric(*choices(self.signal, self.statistic, self.about)[0])
        if self.per is not None and (by := count_of(self.per, found.subject)) is not None:
            found = divided(found, by)
        return found if self.slo is None else burning(found)

    @property
    def parts(self) -> tuple[str, ...]:
        """The rules that it is composed of."""
        return tuple(dict.fromkeys((*self.all_, *self.any_, *self.unless)))

    @property
    def is_seasonal(self) -> bool:
        return self.above_normal is not None or self.below_normal is not None

    @property
    def threshold(self) -> float:
        """The limit that it is compared with: of `slo` the burn of its first window, of `above_normal` how
        many spreads, of rules composed of others how many hold."""
        if self.parts:
            return float(len(self.all_) + bool(self.any_))
        if self.slo is not None:
            return self.windows[0].above
        limits = (self.above, self.below, self.above_normal, self.below_normal)
        return next(limit for limit in limits if limit is not None)

    @property
    def upward(self) -> bool:
        return self.below is None and self.below_normal is None

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
        return minutes(self.over)

    @property
    def reach_minutes(self) -> int:
        """How many minutes one judgement looks at."""
        over = burn.reach(self.windows) if self.slo is not None else self.over_minutes
        return over + self.for_.minutes - 1

    def condition(self) -> str:
        """`above 5 % over 5 minutes, 3 of 5 minutes`, for people."""
        text = _compared(self)
        if self.spec.is_now:
            return text
        text += f" over {self.over_minutes} min" if self.over_minutes > 1 else ""
        return text + (f", {self.for_.hits} of {self.for_.minutes} minutes" if self.for_.minutes > 1 else "")


def _compared(rule: Rule) -> str:
    side = "above" if rule.upward else "below"
    if rule.parts:
        return _composed(rule)
    if rule.slo is not None:
        return burn.in_words(rule.slo, rule.windows)
    if rule.is_seasonal:
        return f"{rule.threshold:g} usual spreads {side} what is normal at this time of the week"
    if rule.spec.unit == "state":
        return "not working"
    return f"{side} {say(rule.threshold, rule.spec.unit)}"


def _composed(rule: Rule) -> str:
    """`a and b, unless c or d`."""
    needed = list(rule.all_)
    if rule.any_:
        needed.append(" or ".join(rule.any_) if not rule.all_ else f"({' or '.join(rule.any_)})")
    text = " and ".join(needed)
    return text + (f", unless {' or '.join(rule.unless)}" if rule.unless else "")


# --- what makes no sense ------------------------------------------------------------------------------------


def _signal(rule: Rule) -> Iterator[str]:
    if rule.signal is None:
        if not rule.all_ and not rule.any_:
            yield "signal: is required (or `all` or `any`, which name other rules)"
        return
    if rule.parts:
        yield "has a `signal` or names other rules (`all`, `any`, `unless`), not both"
    if (rule.lines is None) == (rule.signal == LOG_LINES):
        yield f"lines: says what {LOG_LINES} looks for, and goes with no other signal"
    if rule.signal in SIGNALS:
        for word in ("statistic", "about"):
            if getattr(rule, word) is not None:
                yield f"{word}: goes with a CloudWatch metric; {rule.signal} says it itself"
        yield from _ratio(rule, SIGNALS[rule.signal])
        return
    found = choices(rule.signal, rule.statistic, rule.about)
    if len(found) != 1:
        known = cloudwatch()[rule.signal]
        which = ", ".join(f"{metric.statistic} of {about}" for about, metric in known)
        yield f"statistic: {rule.signal} is read as {which}: say which (`statistic`, `about`)"
    else:
        yield from _ratio(rule, of_metric(*found[0]))


def _ratio(rule: Rule, of: Signal) -> Iterator[str]:
    if rule.per is None:
        return
    by = count_of(rule.per, of.subject)
    if by is None or of.unit != "count" or of.combine != "sum" or not of.column:
        yield f"per: divides a count by another of the same {of.subject}, not {rule.signal} by {rule.per}"
    elif by.known != of.known:
        yield f"per: {rule.signal} and {rule.per} are read from different sources, so minutes may lack in one"


def _condition(rule: Rule) -> Iterator[str]:
    given = [name for name in _CONDITIONS if getattr(rule, name) is not None]
    if rule.parts and given and rule.signal is None:
        yield f"{given[0]}: a rule of other rules compares nothing itself"
    if not rule.parts and rule.signal is not None and len(given) != 1:
        yield "needs `above` or `below`, one of them (or `above_normal`, `below_normal`, `slo`)"
    if "windows" in rule.model_fields_set and rule.slo is None:
        yield "windows: goes with `slo`"
    if rule.parts and "over" in rule.model_fields_set:
        yield "over: goes with `signal`"


_CONDITIONS = ("above", "below", "above_normal", "below_normal", "slo")


def _threshold(rule: Rule) -> Iterator[str]:
    if rule.parts:
        return
    is_fixed = rule.above is not None or rule.below is not None
    if rule.spec.unit == "share" and is_fixed and rule.threshold > 1:
        yield f"{'above' if rule.upward else 'below'}: {rule.signal} is a share from 0 to 1: write 0.05 or 5%"
    other = rule.resolve_above if rule.upward else rule.resolve_below
    any_of_both = rule.resolve_above is not None or rule.resolve_below is not None
    if other is not None or (any_of_both and not is_fixed):
        yield "`resolve_below` goes with `above`, `resolve_above` with `below`"
    elif rule.upward and rule.resolve_at > rule.threshold:
        yield "resolve_below: must not be higher than `above`"
    elif not rule.upward and rule.resolve_at < rule.threshold:
        yield "resolve_above: must not be lower than `below`"
    if rule.slo is not None:
        yield from _objective(rule)
    if rule.is_seasonal and rule.spec.is_now:
        yield f"{rule.signal} tells of now only: it has no history, and nothing that is normal"


def _objective(rule: Rule) -> Iterator[str]:
    if rule.spec.per is None:
        yield f"slo: {rule.signal} is no share of bad ones; error_rate is, for example"
    if "over" in rule.model_fields_set:
        yield "over: `slo` has `windows` instead"
    yield from burn.mistakes(rule.windows)


def _times(rule: Rule) -> Iterator[str]:
    if not is_whole(rule.over) or rule.over > MAX_OVER:
        yield "over: must be whole minutes, from 1m to 6h"
    if rule.repeat is not None and rule.repeat < timedelta(minutes=1):
        yield "repeat: must be at least 1m"
    if rule.minimum_samples and (rule.parts or rule.spec.samples is None):
        yield f"minimum_samples: {rule.signal or 'a rule of other rules'} has no samples to count"
    if rule.spec.is_now and (rule.for_.minutes > 1 or rule.over_minutes > 1):
        yield f"for: {rule.signal} tells of now only, not of minutes before"


def _selector(rule: Rule) -> Iterator[str]:
    kind = rule.spec.subject
    known = frozenset[str]().union(*SELECTS.values()) if rule.parts else SELECTS[kind]
    for word in sorted(rule.where.model_fields_set - known):
        yield f"where.{word}: {rule.signal} is about a {kind}, which this cannot select"
    for at, override in enumerate(rule.overrides):
        for word in sorted(override.where.model_fields_set - known):
            yield f"overrides.{at}.where.{word}: {rule.signal} is about a {kind}, which this cannot select"


_OF_NOTHING_ELSE = frozenset({"budget", "collector"})
"""What no function, queue or account has: how they fare cannot tell whether a change of these helped."""


def _verified(rule: Rule) -> Iterator[str]:
    for at, action in enumerate(rule.act):
        if action.verify is None or action.verify.signal is None:
            continue
        kind = Rule.model_validate(action.verify.condition()).spec.subject
        if kind in _OF_NOTHING_ELSE and kind != rule.spec.subject:
            of = f"{action.verify.signal} is about a {kind}, and this rule about a {rule.spec.subject}"
            yield f"act.{at}.verify.signal: {of}: it cannot tell whether the action helped"
