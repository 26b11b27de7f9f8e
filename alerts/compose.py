"""Rules made of other rules: `all`, `any`, `unless`, in a logic that knows "unknown"; pure.

A part holds where it fires. It holds of the same subject; an account's (or its collectors') holds of every
function in that account and region, a queue's or mapping's of the functions that it feeds or catches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import reduce
from graphlib import TopologicalSorter
from operator import and_, or_

import numpy as np
from numpy.typing import NDArray

from alerts.grid import Bools, Grid
from alerts.judge import BETWEEN, BREACH, CLEAR, SILENT, UNKNOWN, Judgement, Measured, decided
from alerts.rolling import counted
from alerts.rule import Rule
from alerts.signals import SubjectKind
from alerts.subject import Subject
from core.errors import SettingsError


def ordered(rules: Sequence[Rule]) -> list[Rule]:
    """Parts before what is made of them. Raises SettingsError for a part that is not there, or a circle."""
    if told := list(mistakes(rules)):
        raise SettingsError(told)
    graph = {rule.rule: rule.parts for rule in rules}
    named = {rule.rule: rule for rule in rules}
    return [named[name] for name in TopologicalSorter(graph).static_order()]


def mistakes(rules: Iterable[Rule], places: Mapping[str, str] | None = None) -> Iterator[str]:
    """Parts that there are not, and rules that are made of themselves. `places` is where each rule stands."""
    named, where = {rule.rule: rule for rule in rules}, places or {}
    for rule in named.values():
        at = where.get(rule.rule, f"rule {rule.rule}")
        for word, parts in (("all", rule.all_), ("any", rule.any_), ("unless", rule.unless)):
            for part in parts:
                if part not in named:
                    close = get_close_matches(part, named, n=1)
                    hint = f"; did you mean `{close[0]}`?" if close else ""
                    yield f"{at}: {word}: there is no rule {part!r}, or it is switched off{hint}"
    for circle in _circles(named):
        yield f"{where.get(circle[0], f'rule {circle[0]}')}: is made of itself: {' > '.join(circle)}"


def _circles(named: Mapping[str, Rule]) -> Iterator[list[str]]:
    """Each rule is looked at once, however many are made of it."""
    done = set[str]()
    for start in named:
        left, above = [(start, False)], list[str]()
        while left:
            name, is_over = left.pop()
            if is_over:
                above.remove(name)
                done.add(name)
            elif name in above:
                yield [*above[above.index(name) :], name]
            elif name in named and name not in done:
                above.append(name)
                left += [(name, True), *((part, False) for part in named[name].parts)]


def reaches(rules: Sequence[Rule]) -> dict[str, int]:
    """How many minutes of each rule are needed beyond those that are judged: what it looks back on, and what
    looks back on it."""
    further = dict[str, int]()
    for rule in reversed(ordered(rules)):
        for part in rule.parts:
            beyond = further.get(rule.rule, 0) + rule.for_.minutes - 1
            further[part] = max(further.get(part, 0), beyond)
    return {rule.rule: rule.reach_minutes + further.get(rule.rule, 0) for rule in rules}


# --- three values -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """Where something holds, and where it does not; elsewhere it is unknown."""

    yes: Bools
    no: Bools

    def __and__(self, other: Truth) -> Truth:
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: Truth) -> Truth:
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> Truth:
        return Truth(self.no, self.yes)


def holds(one: Judgement, *, leniently: bool = False) -> Truth:
    """Where a rule fires. `leniently`: where it would, if all that is not plainly good were bad."""
    bad = (one.verdict == BREACH) | (((one.verdict == BETWEEN) | (one.verdict == SILENT)) & leniently)
    n, hits = one.rule.for_.minutes, one.rule.for_.hits
    return Truth(counted(bad, n) >= hits, counted(bad | (one.verdict == UNKNOWN), n) < hits)


# --- parts on common subjects and minutes -------------------------------------------------------------------


def composed(
    rule: Rule, parts: Mapping[str, Sequence[Judgement]], kind: SubjectKind, ends: tuple[datetime, ...]
) -> Judgement:
    """Judge a rule that is made of others, over subjects of `kind`, at the minutes `ends`."""
    subjects = [subject for subject in _subjects(rule, parts, kind) if rule.where.matches(subject)]
    laid = {name: _Part(parts[name], subjects, len(ends)) for name in rule.parts}
    strict = _truth(rule, laid)
    lenient = _truth(rule, laid, leniently=True)
    verdict = np.full((len(subjects), len(ends)), UNKNOWN, dtype=np.int8)
    verdict[strict.no] = BETWEEN
    verdict[lenient.no] = CLEAR
    verdict[strict.yes] = BREACH
    met, provisional = np.zeros(verdict.shape), np.zeros(verdict.shape, dtype=bool)
    for name, part in laid.items():
        provisional |= part.provisional()
        met += part.truth().yes & (name not in rule.unless)
    value = np.where(verdict == UNKNOWN, np.nan, met)
    limit = np.full(verdict.shape, rule.threshold)
    found = Measured(value, limit, None, verdict != UNKNOWN, provisional)
    return decided(rule, Grid(tuple(subjects), ends, {}, {}), found, verdict)


def part_of(whole: Judgement, rule: Rule, rows: Sequence[int]) -> Judgement:
    """Some subjects of a judgement, under the rule as it is for them."""
    at, grid = list(rows), whole.grid.take(rows, newest=len(whole.grid.ends))
    verdict = whole.verdict[at]
    found = Measured(whole.value[at], whole.limit[at], None, verdict != UNKNOWN, whole.provisional[at])
    return decided(rule, grid, found, verdict)


def _truth(rule: Rule, laid: Mapping[str, _Part], *, leniently: bool = False) -> Truth:
    """`leniently`: what is in between counts as bad, so that only what is plainly good makes it false."""
    needed = [laid[name].truth(leniently=leniently) for name in rule.all_]
    if rule.any_:
        needed.append(reduce(or_, (laid[name].truth(leniently=leniently) for name in rule.any_)))
    needed += [~laid[name].truth(always=True) for name in rule.unless]
    return reduce(and_, needed)


def kinds(rules: Sequence[Rule]) -> dict[str, SubjectKind]:
    """What each rule is about: one made of rules about one kind is about that, else about functions."""
    found = dict[str, SubjectKind]()
    for rule in ordered(rules):
        of = {found[part] for part in rule.parts} if rule.parts else {rule.spec.subject}
        found[rule.rule] = of.pop() if len(of) == 1 else "function"
    return found


def rows_about(theirs: Sequence[Subject], key: tuple[str, str, str]) -> list[int]:
    """Which of these subjects tell of the one at `key`: itself, or what a part about it is about."""
    kind: SubjectKind = next((subject.kind for subject in theirs if subject.key == key), "function")
    told = _pairs(theirs, [Subject(kind, *key)])[1]
    return [int(row) for row in told]


def _subjects(rule: Rule, parts: Mapping[str, Sequence[Judgement]], kind: SubjectKind) -> list[Subject]:
    """Those that the parts which must hold are about."""
    every = [s for name in (*rule.all_, *rule.any_) for one in parts[name] for s in one.grid.subjects]
    found = {subject.key: subject for subject in every if subject.kind == kind}
    if kind == "function":
        for subject in every:
            for name in subject.functions:
                key = (subject.account, subject.region, name)
                found.setdefault(key, Subject("function", *key, alias=subject.alias))
    return [found[key] for key in sorted(found)]


class _Part:
    """One part, laid out over the subjects and minutes of the whole."""

    def __init__(self, judged: Sequence[Judgement], subjects: Sequence[Subject], steps: int) -> None:
        self._judged, self._steps, self._count = judged, steps, len(subjects)
        self._pairs = [_pairs(one.grid.subjects, subjects) for one in judged]

    def truth(self, *, leniently: bool = False, always: bool = False) -> Truth:
        """`always`: what is known of this moment only counts for the minutes before it too."""
        yes = np.zeros((self._count, self._steps), dtype=bool)
        no = np.ones((self._count, self._steps), dtype=bool)
        for one, (mine, theirs) in zip(self._judged, self._pairs, strict=True):
            told = holds(one, leniently=leniently)
            np.logical_or.at(yes, mine, self._newest(told.yes, always)[theirs])
            np.logical_and.at(no, mine, self._newest(told.no, always)[theirs])
        return Truth(yes, no)

    def provisional(self) -> Bools:
        found = np.zeros((self._count, self._steps), dtype=bool)
        for one, (mine, theirs) in zip(self._judged, self._pairs, strict=True):
            np.logical_or.at(found, mine, self._newest(one.provisional, False)[theirs])
        return found

    def _newest(self, flag: Bools, always: bool) -> Bools:
        """The newest minutes; False before the first."""
        if always and flag.shape[1] == 1:
            return np.repeat(flag, self._steps, axis=1)
        missing = max(self._steps - flag.shape[1], 0)
        return np.pad(flag[:, flag.shape[1] - min(self._steps, flag.shape[1]) :], ((0, 0), (missing, 0)))


Numbers = NDArray[np.int64]


def _pairs(theirs: Sequence[Subject], mine: Sequence[Subject]) -> tuple[Numbers, Numbers]:
    """Which of our subjects each of theirs tells of: two columns of numbers."""
    own, by_place = dict[tuple[str, str, str], int](), dict[tuple[str, str], list[int]]()
    for at, subject in enumerate(mine):
        own[subject.key] = at
        by_place.setdefault((subject.account, subject.region), []).append(at)
    kind = mine[0].kind if mine else "function"
    pairs = [(at, row) for row, subject in enumerate(theirs) for at in _told(subject, kind, own, by_place)]
    columns = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _told(
    subject: Subject,
    kind: SubjectKind,
    own: Mapping[tuple[str, str, str], int],
    by_place: Mapping[tuple[str, str], list[int]],
) -> list[int]:
    if subject.kind == kind:
        return [own[subject.key]] if subject.key in own else []
    if subject.kind in {"account", "collector"}:
        return by_place.get((subject.account, subject.region), [])
    keys = [(subject.account, subject.region, name) for name in subject.functions]
    return [own[key] for key in keys if key in own]
