"""What rules mean, once more: plain loops over minutes, no matrix. Slow, and no cleverer than the docs."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.rule import Rule

UNKNOWN, SILENT, CLEAR, BETWEEN, BREACH = range(5)


@dataclass(frozen=True)
class Minute:
    """One minute of one function. None: nothing was said."""

    errors: float | None
    invocations: float | None
    duration_p95_ms: float | None
    collected: bool
    provisional: bool


@dataclass(frozen=True)
class Told:
    verdict: int
    value: float | None
    fires: bool
    clears: bool


def told(rule: Rule, minutes: list[Minute]) -> list[Told]:
    verdicts = [_verdict(rule, minutes, at) for at in range(len(minutes))]
    young = [_is_young(rule, minutes, at) for at in range(len(minutes))]
    n, m = rule.for_.minutes, rule.for_.hits
    found = []
    for at in range(len(minutes)):
        newest = [v for v, _ in verdicts[max(0, at - n + 1) : at + 1]]
        quiet = len(newest) == n and all(v in (CLEAR, SILENT) for v in newest)
        settled = not any(young[max(0, at - n + 1) : at + 1])
        fires = newest.count(BREACH) >= m
        clears = quiet and settled and CLEAR in newest
        found.append(Told(verdicts[at][0], verdicts[at][1], fires, clears))
    return found


def _stretch(rule: Rule, minutes: list[Minute], at: int) -> list[Minute]:
    return minutes[max(0, at - rule.over_minutes + 1) : at + 1]


def _is_young(rule: Rule, minutes: list[Minute], at: int) -> bool:
    stretch = _stretch(rule, minutes, at)
    return len(stretch) < rule.over_minutes or any(minute.provisional for minute in stretch)


def _number(rule: Rule, stretch: list[Minute]) -> float | None:
    read = [minute for minute in stretch if minute.collected]
    if rule.signal == "duration_p95":
        said = [minute.duration_p95_ms for minute in read if minute.duration_p95_ms is not None]
        return max(said) if said else None
    errors = [minute.errors for minute in read if minute.errors is not None]
    if not errors:
        return None
    if rule.signal == "errors":
        return sum(errors)
    invocations = sum(minute.invocations for minute in read if minute.invocations is not None)
    return sum(errors) / invocations if invocations else None


def _verdict(rule: Rule, minutes: list[Minute], at: int) -> tuple[int, float | None]:
    stretch = _stretch(rule, minutes, at)
    number = _number(rule, stretch)
    whole = len(stretch) == rule.over_minutes and all(minute.collected for minute in stretch)
    bad = number is not None and (number > rule.threshold if rule.upward else number < rule.threshold)
    proves_itself = rule.signal == "errors" and rule.upward and bad
    if not whole and not proves_itself:
        return UNKNOWN, None
    may_grow = rule.signal == "errors" and not rule.upward and _is_young(rule, minutes, at)
    if number is None:
        verdict = {"hold": SILENT, "ok": CLEAR, "firing": BREACH}[rule.silence_means]
        return (BETWEEN if verdict == BREACH and may_grow else verdict), None
    samples = sum(m.invocations or 0 for m in stretch if m.collected)
    if bad and samples < rule.minimum_samples:
        return _unless_good(rule, number), number
    if bad and may_grow:
        return BETWEEN, number
    return (BREACH if bad else _unless_good(rule, number)), number


def _unless_good(rule: Rule, number: float) -> int:
    good = number <= rule.resolve_at if rule.upward else number >= rule.resolve_at
    return CLEAR if good else BETWEEN
