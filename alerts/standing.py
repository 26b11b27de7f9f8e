"""How every rule stands for every subject now, in a word and a sentence; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from alerts.baseline import NO_HISTORY
from alerts.incident import Incident
from alerts.judge import BETWEEN, BREACH, CLEAR, SILENT, UNKNOWN, Judgement
from alerts.ledger import State
from alerts.units import say

STALE = timedelta(minutes=20)
"""A subject whose newest collected minute is older than this is unknown."""

NEVER = "not collected"
"""No minute that we look back on was collected."""

Key = tuple[str, str, str, str]


def standing(
    judged: Sequence[Judgement], incidents: Sequence[Incident], before: Mapping[Key, State], *, now: datetime
) -> dict[Key, State]:
    """`firing` while an incident is open, `unknown` when the newest minutes say nothing, `ok` otherwise.

    `reason` tells silent from not collected. `since` is when that word began to hold.
    """
    firing = {incident.key: incident for incident in incidents if incident.resolved_at is None}
    return {state.key: state for one in judged for state in _of_rule(one, firing, before, now)}


def _of_rule(
    one: Judgement, firing: Mapping[Key, Incident], before: Mapping[Key, State], now: datetime
) -> Iterator[State]:
    newest = _newest_known(one)
    for at, subject in enumerate(one.grid.subjects):
        key = (one.rule.rule, *subject.key)
        incident, old = firing.get(key), before.get(key)
        words = _WORDS if incident is None else _WHILE_FIRING
        word, reason, value = _at(one, at, int(newest[at]), words, now)
        if incident is not None:
            word, since = "firing", incident.opened_at
        else:
            since = old.since if old is not None and old.state == word else now
        yield State(*key, word, since, value, reason)


def _newest_known(one: Judgement) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The index of every subject's newest collected minute; -1 when there is none."""
    known = one.verdict != UNKNOWN
    if not known.shape[1]:
        return np.full(known.shape[0], -1, dtype=np.int64)
    from_end = known[:, ::-1].argmax(axis=1)
    return np.where(known.any(axis=1), known.shape[1] - 1 - from_end, -1).astype(np.int64)


def _at(
    one: Judgement, at: int, minute: int, words: Mapping[int, str], now: datetime
) -> tuple[str, str, float | None]:
    if minute < 0:
        return "unknown", NO_HISTORY if _lacks_history(one, at) else NEVER, None
    end, verdict = one.grid.ends[minute], int(one.verdict[at, minute])
    if now - end > STALE:
        return "unknown", f"not collected since {end:%Y-%m-%d %H:%M} UTC", None
    number = float(one.value[at, minute])
    value = None if np.isnan(number) else number
    if value is None and one.rule.silence_means == "hold":
        return "unknown", "silent: collected, and there is nothing to measure", None
    sure = ", provisional" if one.provisional[at, minute] else ""
    return (
        "ok",
        f"{words[verdict]}: {say(value, one.rule.spec.unit) if value is not None else 'silent'}{sure}",
        value,
    )


def _lacks_history(one: Judgement, at: int) -> bool:
    """Whether the number is known, and only what is normal is not."""
    return one.rule.is_seasonal and bool((~np.isnan(one.value[at]) & np.isnan(one.limit[at])).any())


_WORDS = {
    SILENT: "nothing to measure",
    CLEAR: "good",
    BETWEEN: "in between, or too few samples",
    BREACH: "bad, not for long enough",
}
_WHILE_FIRING = {**_WORDS, CLEAR: "good, not for long enough", BREACH: "bad"}
