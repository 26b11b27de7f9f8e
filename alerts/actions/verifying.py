"""Did it help? What a signal says of the minutes since a change, with unknown never taken for better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import datetime, timedelta

import numpy as np

from alerts.actions.held import Held
from alerts.incident import Incident
from alerts.judge import BREACH, SILENT, UNKNOWN, Judgement
from alerts.judging import judge_all
from alerts.rule import Rule, Subject
from core.settings import CostSettings
from store.store import Store

PATIENCE = timedelta(minutes=15)
"""How long after `verify_by` minutes may still be collected; then it counts as not better."""

HALF = 0.5
"""How far a signal must have come back, from its worst to the threshold, to count as better."""


def condition_of(change: Held, rules: Mapping[str, Rule]) -> Rule | None:
    """What must not be any more: the `signal` that the action names, else the rule itself."""
    verify, rule = change.action.verify, rules.get(change.rule or "")
    if verify is None or verify.signal is None:
        return rule
    over = {"over": rule.over} if rule else {}
    return Rule.model_validate({**verify.condition(), **over})


def is_better(
    store: Store,
    change: Held,
    condition: Rule,
    rules: Mapping[str, Rule],
    incident: Incident | None,
    *,
    now: datetime,
    cost: CostSettings | None = None,
) -> bool | None:
    """Whether the condition cleared, or came half way back, since the change; None: not known yet.

    An incident that is over is better, whatever else. `cost` has the budgets.
    """
    if incident is not None and incident.resolved_at is not None:
        return True
    parts = {**(rules if condition.parts else {}), condition.rule: condition}
    judged = judge_all(store, [*parts.values()], now=now, cost=cost)
    return _better(next(one for one in judged if one.rule.rule == condition.rule), change, incident)


def _better(judged: Judgement, change: Held, incident: Incident | None) -> bool | None:
    """Whether every subject that is meant is better; one that is not known leaves it open."""
    each = [_is_row_better(judged, row, change, incident) for row in _rows(judged, change, incident)]
    if False in each:
        return False
    return None if None in each or not each else True


def _is_row_better(judged: Judgement, at: int, change: Held, incident: Incident | None) -> bool | None:
    if change.verify_by is None:
        return None
    since = _since(judged, at, change.applied_at, change.verify_by)
    if since is None:
        return None
    verdict, value = judged.verdict[at, since], judged.value[at, since]
    if not (verdict == BREACH).any():
        return True if (verdict != SILENT).any() else None
    is_own = incident is not None and judged.rule.rule == incident.rule  # of another signal it says nothing
    worst = incident.value if incident is not None and is_own else None
    return worst is not None and _is_half_way_back(judged, at, since, value, worst)


def _rows(judged: Judgement, change: Held, incident: Incident | None) -> list[int]:
    """Which subjects of the grid are meant: the incident's (a budget is in no account), or what was changed;
    of a signal about something else, what belongs to them: queues and mappings of a function, the account."""
    place, names = (change.target.account, change.target.region), {change.subject}
    wanted = [] if incident is None else [(incident.account, incident.region, incident.subject)]
    names |= {incident.subject} if incident else set()
    wanted += [(*place, name) for name in sorted(names)]
    subjects = judged.grid.subjects
    at = {subject.key: row for row, subject in enumerate(subjects)}
    own = next((at[key] for key in wanted if key in at), None)
    return _belonging(subjects, place, names) if own is None else [own]


def _belonging(subjects: Sequence[Subject], place: tuple[str, str], names: Set[str]) -> list[int]:
    here = [(row, one) for row, one in enumerate(subjects) if one.key[:2] == place]
    return [row for row, one in here if one.kind == "account" or names & {*one.functions}]


def _since(
    judged: Judgement, at: int, applied_at: datetime, until: datetime
) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
    """The known minutes that lie wholly after the change, to its end; None until the last ones are known. A
    signal of this moment has the newest minute alone, which may be after the end."""
    ends, known = judged.grid.ends, judged.verdict[at] != UNKNOWN
    if judged.rule.spec.is_now and ends:
        until = max(until, ends[-1])
    over = timedelta(minutes=judged.rule.over_minutes)
    after = [i for i, end in enumerate(ends) if known[i] and applied_at < end <= until]
    if not after or ends[after[-1]] < until - timedelta(minutes=2):
        return None
    whole = [i for i in after if ends[i] - over >= applied_at]
    return np.array(whole or after[-1:], dtype=np.int64)


def _is_half_way_back(
    judged: Judgement,
    at: int,
    since: np.ndarray[tuple[int], np.dtype[np.int64]],
    value: np.ndarray[tuple[int], np.dtype[np.float64]],
    worst: float,
) -> bool:
    known = value[~np.isnan(value)]
    if not known.size:
        return False
    reached = float(known.max() if judged.rule.upward else known.min())
    known_limit = judged.limit[at, since]
    limit = float(known_limit[~np.isnan(known_limit)][-1]) if (~np.isnan(known_limit)).any() else np.nan
    return bool(abs(reached - limit) <= HALF * abs(worst - limit))
