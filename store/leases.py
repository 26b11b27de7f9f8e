"""Which service watches which target: leases in the state database, by counters and never by clocks.

Each service counts its own `member` row up with every beat. Another one that has seen a count stand still
for a term, by its own monotonic clock, removes that member and takes its targets. A service believes in its
leases for less than a term after its last beat began, so two never believe in the same one, but for a service
that was paused: its next write transaction asks the lease (`require`), and fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from core.errors import LeaseLostError
from core.facts import Target
from store.schema import lease, member

BEAT_S = 5.0
TERM_BEATS = 4
"""A count that stood still for so long is of a service that is dead."""

TRUST_BEATS = 3
"""How long after a beat began a service believes in what that beat told: less than a term, since no two
clocks run alike."""

DUTY = Target("", "")
"""Stands for what exactly one service does: alerts, actions and the pace."""


class Pulse:
    """Tells whose count stands still. Only time in which this service looked counts: after a pause of its
    own, or a wait for the database, the others have their term anew."""

    def __init__(self, beat_s: float = BEAT_S) -> None:
        self._term_s, self._longest_s = TERM_BEATS * beat_s, 1.5 * beat_s
        self._still: dict[str, tuple[int, float]] = {}
        self._looked_at_s: float | None = None

    def look(self, beats: Mapping[str, int], *, at_s: float) -> frozenset[str]:
        """The dead among `beats` (a count per service) at a moment of a monotonic clock."""
        before = at_s if self._looked_at_s is None else self._looked_at_s
        passed_s, self._looked_at_s = min(at_s - before, self._longest_s), at_s
        self._still = {who: (beat, self._stood_s(who, beat, passed_s)) for who, beat in beats.items()}
        return frozenset(who for who, (_, stood_s) in self._still.items() if stood_s >= self._term_s)

    def _stood_s(self, who: str, beat: int, passed_s: float) -> float:
        known, stood_s = self._still.get(who, (None, 0.0))
        return stood_s + passed_s if known == beat else 0.0


def fair(reach: Mapping[str, Collection[Target]], held: Mapping[Target, str]) -> dict[Target, str]:
    """Who is to watch each target: who does now, but for what evens out the numbers.

    `reach` is what each living service can watch. Where all reach all, none gets more than its share, rounded
    up; a target that only one reaches stays with that one.
    """
    plan = {target: who for target, who in held.items() if target in reach.get(who, ())}
    load = Counter(dict.fromkeys(reach, 0))
    load.update(plan.values())
    for target in sorted({target for each in reach.values() for target in each} - plan.keys(), key=_place):
        plan[target] = min((who for who in reach if target in reach[who]), key=lambda who: (load[who], who))
        load[plan[target]] += 1
    while move := _move(plan, load, reach):
        target, taker = move
        load[plan[target]] -= 1
        load[taker] += 1
        plan[target] = taker
    return plan


def _move(
    plan: Mapping[Target, str], load: Mapping[str, int], reach: Mapping[str, Collection[Target]]
) -> tuple[Target, str] | None:
    """One target that is better watched by somebody with at least two less."""
    order = sorted(reach, key=lambda who: (load[who], who))
    for giver in reversed(order):
        for taker in order:
            if load[giver] - load[taker] < 2:
                break
            able = [target for target, who in plan.items() if who == giver and target in reach[taker]]
            if able:
                return max(able, key=_place), taker
    return None


def _place(target: Target) -> tuple[str, str]:
    return target.account, target.region


@dataclass(frozen=True, slots=True)
class Member:
    """A service that shares the store. `holder` is of one process, and never used again."""

    holder: str
    host: str
    reach: frozenset[Target]
    beat: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """What one beat told: the leases of this service, those of them that it shall give back as soon as
    nothing reads there, and the dead that it removed with how many leases each had."""

    mine: frozenset[Target]
    leaving: frozenset[Target] = frozenset()
    dead: Mapping[Member, int] = field(default_factory=dict)


def beat(
    connection: sa.Connection,
    me: Member,
    pulse: Pulse,
    *,
    now: datetime,
    at_s: float,
    gone: Collection[str] = (),
    done: Collection[Target] = (),
) -> Turn:
    """Count up, remove the dead, take what is free and ours to watch; within a write transaction.

    `gone` are services known to be dead otherwise. `done` are leases that an earlier beat told to leave, and
    where nothing reads any more: they are given back.
    """
    count = _count_up(connection, me, now=now)
    others = {each.holder: each for each in members(connection) if each.holder != me.holder}
    still = pulse.look({who: each.beat for who, each in others.items()}, at_s=at_s)
    dead = (still | frozenset(gone)) & others.keys()
    living = {who: each.reach for who, each in others.items() if who not in dead} | {me.holder: me.reach}
    held = leases(connection)
    lost = {others[who]: list(held.values()).count(who) for who in dead}
    _remove(connection, dead)
    held = _freed(connection, held, living)
    plan = fair(living, {target: who for target, who in held.items() if target != DUTY})
    surplus = {target for target, who in held.items() if who == me.holder and plan.get(target, who) != who}
    back = surplus.intersection(done)
    _free(connection, back, me.holder)
    taken = [target for target, who in plan.items() if who == me.holder and target not in held]
    taken += [DUTY] if DUTY not in held else []
    _take(connection, taken, me.holder, count, now=now)
    mine = {target for target, who in held.items() if who == me.holder} - back | set(taken)
    return Turn(frozenset(mine), frozenset(surplus - back), lost)


def leave(connection: sa.Connection, holder: str) -> None:
    """Give all leases back; within a write transaction."""
    _remove(connection, [holder])


def require(connection: sa.Connection, target: Target, holder: str) -> None:
    """Raise LeaseLostError unless `holder` has the lease; within a write transaction, so that it stays."""
    here = (lease.c.account == target.account) & (lease.c.region == target.region)
    found = connection.execute(sa.select(lease.c.holder).where(here)).scalar()
    if found != holder:
        what = "alerts" if target == DUTY else f"{target.account} {target.region}"
        raise LeaseLostError(f"{what} is now the part of {found or 'no service'}: nothing was written")


def members(connection: sa.Connection) -> Iterator[Member]:
    """The services that share the store, as each told."""
    for row in connection.execute(sa.select(member)):
        reach = frozenset(Target(account, region) for account, region in row.reach)
        yield Member(row.holder, row.host, reach, row.beat)


def leases(connection: sa.Connection) -> dict[Target, str]:
    """Who watches what."""
    rows = connection.execute(sa.select(lease.c.account, lease.c.region, lease.c.holder))
    return {Target(row.account, row.region): row.holder for row in rows}


def _count_up(connection: sa.Connection, me: Member, *, now: datetime) -> int:
    """One more, and what it reaches; a member that was taken for dead joins anew."""
    mine, reach = member.c.holder == me.holder, [list(_place(t)) for t in sorted(me.reach, key=_place)]
    count: int = (connection.execute(sa.select(member.c.beat).where(mine)).scalar() or 0) + 1
    told = {"beat": count, "seen_at": now, "reach": reach}
    if count == 1:
        connection.execute(sa.insert(member).values(holder=me.holder, host=me.host, **told))
    else:
        connection.execute(sa.update(member).where(mine).values(**told))
    return count


def _remove(connection: sa.Connection, holders: Collection[str]) -> None:
    if holders:
        connection.execute(sa.delete(lease).where(lease.c.holder.in_(holders)))
        connection.execute(sa.delete(member).where(member.c.holder.in_(holders)))


def _freed(
    connection: sa.Connection, held: Mapping[Target, str], living: Collection[str]
) -> dict[Target, str]:
    """The leases of the living; those of members that are gone are freed."""
    orphaned = {who for who in held.values() if who not in living}
    _remove(connection, orphaned)
    return {target: who for target, who in held.items() if who not in orphaned}


def _free(connection: sa.Connection, targets: Collection[Target], holder: str) -> None:
    c = lease.c
    for target in targets:
        here = sa.and_(c.account == target.account, c.region == target.region, c.holder == holder)
        connection.execute(sa.delete(lease).where(here))


def _take(
    connection: sa.Connection, targets: Collection[Target], holder: str, count: int, *, now: datetime
) -> None:
    rows = [
        {"account": t.account, "region": t.region, "holder": holder, "beat": count, "since": now}
        for t in targets
    ]
    if rows:
        connection.execute(sa.insert(lease), rows)
