"""What a rule, or the rules that it is made of, saw of one subject: minute by minute, to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from alerts.backtest import needed
from alerts.compose import rows_about
from alerts.grid import Floats
from alerts.judge import Judgement
from alerts.judging import judge_over
from alerts.rule import Rule, Subject
from alerts.subject import Where
from core.windows import Window
from store.store import Store

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Retold:
    """`minutes` has `ts` (a minute's end), `value` (NaN: unknown or silent), the `limit` it was compared
    with, for a rule about what is normal `low` and `high` of the band (NaN: not known), and whether it
    `fires`."""

    rule: Rule
    subject: Subject
    minutes: pd.DataFrame

    @property
    def is_known(self) -> bool:
        return bool(self.minutes["value"].notna().any())


def retold(
    store: Store, rule: Rule, key: Key, window: Window, *, others: Sequence[Rule] = (), now: datetime
) -> list[Retold]:
    """The rule itself for the subject `key`; of one made of others, its parts in their order, of those that
    `others` (the rules in force) hold. Empty: it does not cover the subject, or tells of this moment only."""
    if rule.parts:
        return list(_parts(store, rule, key, window, others, now))
    if rule.spec.is_now:
        return []
    found = _judged(store, [_only(rule, key)], key, window, now)
    return [_retold(store, one, at, window, now) for one, at in found[:1]]


def lost_parts(rule: Rule, others: Sequence[Rule]) -> list[str]:
    """The rules that it is made of and that are not in force any more."""
    return [name for name in rule.parts if name not in {other.rule for other in others}]


def _parts(
    store: Store, rule: Rule, key: Key, window: Window, others: Sequence[Rule], now: datetime
) -> Iterator[Retold]:
    named = {other.rule: other for other in others}
    for name in rule.parts:
        if name in named and not named[name].spec.is_now:
            rules = [one.model_copy(update={"part": one.rule != name}) for one in needed(named[name], others)]
            found = _judged(store, rules, key, window, now)
            for one, at in sorted(found, key=lambda pair: -int(pair[0].fires[pair[1]].sum()))[:1]:
                yield _retold(store, one, at, window, now)


def _judged(
    store: Store, rules: Sequence[Rule], key: Key, window: Window, now: datetime
) -> list[tuple[Judgement, int]]:
    """Judgements with the rows that tell of `key`."""
    judged = judge_over(store, rules, window, now=now)
    return [(one, row) for one in judged for row in rows_about(one.grid.subjects, key)]


def _only(rule: Rule, key: Key) -> Rule:
    """The rule for one subject: the normal of no other is worked out."""
    words, kind = {"account": (key[0],), "region": (key[1],)}, rule.spec.subject
    if kind == "alias":
        words["function"], _, words[kind] = ((part,) for part in key[2].partition(":"))
    elif kind != "account":
        words[kind] = (key[2],)
    return rule.model_copy(update={"where": Where.model_validate(words)})


def _retold(store: Store, one: Judgement, at: int, window: Window, now: datetime) -> Retold:
    ends, subject = one.grid.ends, one.grid.subjects[at]
    frame = pd.DataFrame(
        {
            "ts": pd.to_datetime(list(ends), utc=True),
            "value": one.value[at],
            "limit": one.limit[at],
            "fires": one.fires[at],
        }
    )
    if one.rule.is_seasonal:
        frame["low"], frame["high"] = _band(store, one, at, window, now)
    inside = (frame["ts"] > window.start) & (frame["ts"] <= window.end)
    return Retold(one.rule, subject, frame[inside].reset_index(drop=True))


def _band(store: Store, one: Judgement, at: int, window: Window, now: datetime) -> tuple[Floats, Floats]:
    """Both edges: the other is the limit of the opposite rule."""
    rule, subject = one.rule, one.grid.subjects[at]
    sides = {"above_normal": None, "below_normal": None}
    sides["below_normal" if rule.upward else "above_normal"] = rule.threshold  # type: ignore[assignment]
    opposite = _only(rule, subject.key).model_copy(update=sides)
    (other,) = judge_over(store, [opposite], window, now=now)
    edge = other.limit[0]
    return (edge, one.limit[at]) if rule.upward else (one.limit[at], edge)
