"""Rules that can never fire, never resolve or tell nobody, each with its reason; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.faults import Fault, Verdict, Why, days, some
from alerts.fleet import WORDS, Fleet
from alerts.judging import LOOKBACK
from alerts.ledger import State
from alerts.rule import Rule, Subject, Where
from alerts.units import say
from alerts.written import minutes
from core.metrics import METRICS

STUCK = timedelta(days=14)
"""Nobody looks at what fires for longer."""

ENOUGH = 180
"""Minutes that must have been judged before what was not seen in them says anything."""


@dataclass(frozen=True)
class Observed:
    """What a rule saw lately, subject by subject: how many minutes were judged, in how many of them there was
    something to measure, and the most samples that a judgement rested on (NaN: it counts none)."""

    subjects: tuple[Subject, ...]
    judged: NDArray[np.int64]
    measured: NDArray[np.int64]
    samples: NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """Whom rules can tell: the names of all channels, those that take nothing any more, and whether there are
    routes beside."""

    channels: frozenset[str]
    dead: frozenset[str]


def audit_rule(
    rule: Rule, seen: Observed, fleet: Fleet, told: Told, states: Sequence[State], *, now: datetime
) -> Iterator[Fault]:
    """All that is wrong with one rule."""
    if not seen.subjects:
        yield covers_nothing(rule, fleet)
    elif fault := out_of_reach(rule, seen, fleet) or not_for_these(rule, seen, fleet):
        yield fault
    else:
        yield from blind(rule, seen, fleet)
        yield from few_samples(rule, seen)
        yield from never_quiet(rule, seen)
    yield from tells_nobody(rule, told)
    yield from stuck(rule, states, now)


def _fault(rule: Rule, verdict: Verdict, why: Why, reason: str, evidence: str = "") -> Fault:
    return Fault("rule", rule.rule, verdict, why, reason, evidence)


# --- never fires --------------------------------------------------------------------------------------------


def covers_nothing(rule: Rule, fleet: Fleet) -> Fault:
    """It selects no subject: which word of `where` is to blame."""
    kind, functions = rule.spec.subject, _functions(fleet)
    blamed = [
        word
        for word in sorted(rule.where.model_fields_set)
        if kind == "function" and not any(_only(rule.where, word).matches(one) for one in functions)
    ]
    reason = f"no {kind} fits"
    if blamed:
        reason = (
            f"no {kind} fits {' or '.join(f'where.{word}' for word in blamed)} ({_words(rule.where, blamed)})"
        )
    elif rule.spec.needs:
        reason += f": none has what it looks at ({rule.spec.needs})"
    deleted = [place for place in fleet.gone if _only(rule.where, "function").function and _was(rule, place)]
    evidence = f"{len(functions)} functions are known" if kind == "function" else ""
    if deleted:
        evidence += f"; {some([place[2] for place in deleted])} fitted, and was deleted"
    return _fault(rule, "never fires", "covers nothing", reason, evidence)


def _functions(fleet: Fleet) -> list[Subject]:
    return [
        Subject("function", *place, runtime=function.runtime, tags=function.tags)
        for place, function in fleet.functions.items()
    ]


def _only(where: Where, word: str) -> Where:
    return Where.model_validate({word: getattr(where, word)})


def _words(where: Where, blamed: Sequence[str]) -> str:
    values = [getattr(where, word) for word in blamed]
    return ", ".join(
        ", ".join(f"{k}={'/'.join(v)}" for k, v in value.items())
        if isinstance(value, Mapping)
        else ", ".join(value)
        for value in values
    )


def _was(rule: Rule, place: tuple[str, str, str]) -> bool:
    return rule.where.matches(Subject("function", *place))


def out_of_reach(rule: Rule, seen: Observed, fleet: Fleet) -> Fault | None:
    """A threshold that no value can pass."""
    if rule.parts or rule.slo is not None or rule.is_seasonal:
        return None
    limit, unit = rule.threshold, rule.spec.unit
    said = say(limit, unit)
    if unit == "share" and rule.upward and limit >= 1:
        return _fault(rule, "never fires", "out of reach", f"a share is never above {said}")
    if not rule.upward and limit <= 0 and unit in {"share", "count", "ms", "s"}:
        return _fault(rule, "never fires", "out of reach", f"{rule.spec.title.lower()} is never below {said}")
    timeouts = [fleet.functions[s.key].timeout_s for s in seen.subjects if s.key in fleet.functions]
    longest = max((timeout for timeout in timeouts if timeout), default=None)
    if rule.signal == "duration_p95" and longest and None not in timeouts and limit >= longest * 1000:
        reason = f"no function runs for longer than {longest} s, its timeout; the rule asks for {said}"
        return _fault(rule, "never fires", "out of reach", reason, f"{len(timeouts)} functions are covered")
    return None


def not_for_these(rule: Rule, seen: Observed, fleet: Fleet) -> Fault | None:
    """A metric that none of what it covers can have: iterator age without a stream."""
    of_function = [m for m in METRICS if m.scope == "function" and m.field == rule.spec.column]
    need = of_function[0].when if of_function and rule.spec.subject == "function" else ""
    if need not in WORDS or any(need in fleet.traits.get(s.key, frozenset()) for s in seen.subjects):
        return None
    metric = of_function[0].name
    reason = f"none of the functions it covers has {metric}: of each, {WORDS[need]}"
    return _fault(rule, "never fires", "not for this function", reason, _those(seen.subjects, seen))


def blind(rule: Rule, seen: Observed, fleet: Fleet) -> Iterator[Fault]:
    """Subjects of which not a minute was judged lately, and those that are read too seldom."""
    unseen = [subject for subject, judged in zip(seen.subjects, seen.judged, strict=True) if not judged]
    if rule.spec.is_now or rule.parts:
        return
    for why, reason, subjects in _why_unseen(rule, unseen, fleet):
        yield _fault(rule, _verdict(len(subjects), seen), why, reason, _those(subjects, seen))
    slow = [
        s for s in seen.subjects if s.key in fleet.paces and fleet.paces[s.key].every_s > LOOKBACK.seconds
    ]
    if slow and rule.spec.known == "collected" and rule.spec.subject == "function":
        every = max(fleet.paces[subject.key].every_s for subject in slow) // 60
        reason = f"minutes are judged for {int(LOOKBACK.seconds / 60)} min; these are read every {every} min"
        yield _fault(rule, _verdict(len(slow), seen), "read too seldom", reason, _those(slow, seen))


def _those(subjects: Sequence[Subject], seen: Observed) -> str:
    return f"{len(subjects)} of {len(seen.subjects)}: {some([subject.short for subject in subjects])}"


def _why_unseen(
    rule: Rule, unseen: Sequence[Subject], fleet: Fleet
) -> Iterator[tuple[Why, str, list[Subject]]]:
    by_logs = rule.spec.known == "records_collected"
    by_mode = dict[str, list[Subject]]()
    for subject in unseen:
        found = fleet.log_modes.get(subject.key)
        by_mode.setdefault(found.mode if found and by_logs else "", []).append(subject)
    for mode, subjects in by_mode.items():
        if mode == "aggregated":
            reason = "their logs are added up by five minutes, and the rule asks for minutes"
            yield "period shorter than the data", reason, subjects
        elif mode == "off":
            yield "not collected", "their logs are not read (collect.logs)", subjects
        else:
            yield "not collected", "not a minute of them was collected in the last 24 h", subjects


def sample_minutes(rule: Rule) -> int:
    """In how many minutes a judgement counts its samples; of an objective, in its longest window."""
    return max(minutes(each.long) for each in rule.windows) if rule.slo is not None else rule.over_minutes


def few_samples(rule: Rule, seen: Observed) -> Iterator[Fault]:
    """Traffic that never reaches `minimum_samples`."""
    few = np.flatnonzero((seen.judged >= ENOUGH) & (seen.samples < rule.minimum_samples))
    if not len(few):
        return
    names, most = [seen.subjects[at].short for at in few], seen.samples[few].max()
    often = f"{rule.minimum_samples} in {sample_minutes(rule)} min"
    reason = f"their traffic never reaches minimum_samples, {often}"
    evidence = f"{len(few)} of {len(seen.subjects)}, at most {most:.0f} in the last 24 h: {some(names)}"
    yield _fault(rule, _verdict(len(few), seen), "too few samples", reason, evidence)


def _verdict(count: int, seen: Observed) -> Verdict:
    return "never fires" if count == len(seen.subjects) else "partly blind"


# --- never resolves, tells nobody ---------------------------------------------------------------------------


def never_quiet(rule: Rule, seen: Observed) -> Iterator[Fault]:
    """Silence that counts as bad, of subjects that are mostly silent; a level that no value comes back to."""
    if rule.silence_means == "firing" and not rule.parts:
        mostly = (seen.judged >= ENOUGH) & (seen.measured * rule.for_.minutes < seen.judged)
        if silent := [seen.subjects[at] for at in np.flatnonzero(mostly)]:
            reason = "silence counts as bad (missing: firing), and these are mostly silent"
            yield _fault(rule, "never resolves", "missing data", reason, _those(silent, seen))
    if not rule.upward and rule.spec.unit == "share" and rule.resolve_at > 1:
        reason = f"it resolves at {say(rule.resolve_at, 'share')} and above, which no share reaches"
        yield _fault(rule, "never resolves", "out of reach", reason)
    if rule.upward and rule.spec.unit == "ms" and rule.resolve_at <= 0 and rule.silence_means == "hold":
        yield _fault(rule, "never resolves", "out of reach", "it resolves at 0 ms, which nothing takes")


def tells_nobody(rule: Rule, told: Told) -> Iterator[Fault]:
    if not told.channels:
        return  # of no rule's making: `no_channel` says it once
    wanted = told.channels if rule.notify is None else frozenset(rule.notify)
    if not wanted:
        yield _fault(rule, "tells nobody", "no channel", "notify names no channel")
    elif wanted <= told.dead:
        names = some(sorted(wanted))
        yield _fault(rule, "tells nobody", "no channel", f"all its channels take nothing any more: {names}")


def no_channel(told: Told) -> Iterator[Fault]:
    """Without any channel the pages alone tell, of whatever rule."""
    if not told.channels:
        reason = "there is no channel (alerts.channels): only these pages tell"
        yield Fault("rule", "all rules", "tells nobody", "no channel", reason)


def stuck(rule: Rule, states: Sequence[State], now: datetime) -> Iterator[Fault]:
    old = [s for s in states if s.rule == rule.rule and s.state == "firing" and now - s.since > STUCK]
    if old:
        longest = min(state.since for state in old)
        reason = f"it has been firing for {days(longest, now)}: nobody acts on it"
        yield _fault(rule, "stuck", "for weeks", reason, f"{len(old)}: {some([s.subject for s in old])}")
