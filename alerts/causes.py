"""What may explain several incidents at once, from what was known around them; pure.

Each question gives explanations with their evidence; the strongest come first. A number behind every word:
whoever is paged for one incident instead of ten must be able to see why.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise

from alerts.grouping import Cause, Explanation, turn
from alerts.incident import Incident
from core.preceding import Change, Trouble, preceding
from core.signatures import signature

Place = tuple[str, str, str]
"""Account, region, name."""

SHORTLY_AFTER = timedelta(minutes=45)
"""What began later after a change is not laid to it: a rule's window and late data fit in."""

TOGETHER = timedelta(minutes=30)
"""What began further apart has no one cause that we would know of."""

FULL = 0.9
"""Of its limit, from which on an account turns work away now and then within a minute."""

FAILED_CALLS, FAILED_SHARE = 3, 0.2
ERRORS, ERRORS_SHARE = 5, 0.5

FAILING = frozenset(
    {"error_rate", "errors", "timeouts", "duration_p95", "duration_share_of_timeout", "async_dropped"}
)
"""Signals that a broken dependency raises."""

QUEUES = frozenset({"queue_depth", "queue_age", "dead_letter_arrivals"})
BROKEN = FAILING | {"throttles", "out_of_memory", "iterator_age"}
"""Signals of a function that does not work off what a queue holds for it."""

HEADROOM = frozenset({"concurrency_headroom", "unreserved_headroom"})

BLIND = frozenset({"collection_failing", "collection_age"})
UNSEEN = frozenset({"silent_stop", "mapping_state"})
"""Signals that a collector which fails may raise by itself."""


@dataclass(frozen=True, slots=True)
class Pool:
    """An account's concurrency at its fullest, and its functions that reserve their own."""

    claimed: float
    limit: float
    reserving: frozenset[str] = frozenset()

    @property
    def is_full(self) -> bool:
        return self.limit > 0 and self.claimed / self.limit >= FULL


@dataclass(frozen=True, slots=True)
class Calls:
    """Traced calls to a service, and those that failed."""

    calls: int
    failed: int

    @property
    def are_failing(self) -> bool:
        return self.failed >= FAILED_CALLS and self.failed >= FAILED_SHARE * self.calls


@dataclass(frozen=True, slots=True)
class Errors:
    """What a function's most frequent error says, how often, and all of its errors."""

    text: str
    count: int
    of: int

    @property
    def is_most(self) -> bool:
        return self.count >= ERRORS and self.count >= ERRORS_SHARE * self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the store says around open incidents; what was not asked is empty."""

    signals: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[tuple[str, str], Sequence[Change]] = field(default_factory=dict)
    pools: Mapping[tuple[str, str], Pool] = field(default_factory=dict)
    feeds: Mapping[Place, Sequence[str]] = field(default_factory=dict)
    calls: Mapping[Place, Mapping[str, Calls]] = field(default_factory=dict)
    errors: Mapping[Place, Errors] = field(default_factory=dict)
    said: Mapping[Place, str] = field(default_factory=dict)


def explanations(incidents: Sequence[Incident], evidence: Evidence) -> list[Explanation]:
    """What explains what among the open ones, the strongest evidence first."""
    open = sorted((one for one in incidents if one.resolved_at is None), key=turn)
    by_target = defaultdict[tuple[str, str], list[Incident]](list)
    for one in open:
        by_target[one.account, one.region].append(one)
    questions = (_collection, _pool, _deploy, _dependency, _signature, _queue, _tiers)
    return [
        found
        for question in questions
        for near in by_target.values()
        if len(near) > 1
        for found in question(near, evidence)
    ]


def _collection(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """A collector that fails: others that fail alike, and what fires only because nothing is known."""
    blind = [one for one in near if one.subject_kind == "collector" and _signal(one, evidence) in BLIND]
    alike = defaultdict[str, list[Incident]](list)
    for one in blind:
        said = evidence.said.get(_place(one))
        if said:
            alike[said].append(one)
    for said, ones in alike.items():
        text = f"{len(ones)} collectors fail alike"
        yield from _first_leads(ones, Cause("collection", text, (said,)))
    for one in near:
        if blind and _signal(one, evidence) in UNSEEN and one not in blind and _after(blind[0], one):
            text = f"collector {blind[0].subject} fails here, so nothing is known about {one.subject}"
            said = evidence.said.get(_place(blind[0]), "")
            yield Explanation(blind[0].id, one.id, Cause("collection", text, (said,) if said else ()))


def _pool(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """Functions that draw on the account's concurrency are throttled while it is used up."""
    pool = evidence.pools.get((near[0].account, near[0].region))
    if pool is None or not pool.is_full:
        return
    used = f"{pool.claimed:,.0f} of the account's {pool.limit:,.0f} concurrent executions were claimed"
    full = [one for one in near if _signal(one, evidence) in HEADROOM]
    throttled = [one for one in near if _signal(one, evidence) == "throttles"]
    sharing = [one for one in throttled if one.subject not in pool.reserving]
    for one in (full[:1] + sharing)[1:]:
        first = (full or sharing)[0]
        if _together(first, one) or _after(first, one):
            own = f"{one.subject} reserves none of its own"
            yield Explanation(
                first.id, one.id, Cause("pool", "The account's concurrency is used up", (used, own))
            )


def _deploy(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """Several rules of one function fire shortly after the same change of it."""
    changes = evidence.changes.get((near[0].account, near[0].region), ())
    after = defaultdict[tuple[str, Change], list[Incident]](list)
    for one in near:
        if one.subject_kind == "function":
            trouble = Trouble(began=one.opened_at, functions=frozenset({one.subject}))
            found = preceding(trouble, changes)
            if found is not None and one.opened_at - found.change.ts <= SHORTLY_AFTER:
                after[one.subject, found.change].append(one)
    for (function, change), ones in after.items():
        made = f"{change.what}{f' {change.by}' if change.by else ''} at {_moment(change.ts)}"
        began = tuple(f"{one.rule} began {_minutes(one.opened_at - change.ts)} after" for one in ones)
        yield from _first_leads(
            ones, Cause("deploy", f"{function} was changed: {change.what}", (made, *began))
        )


def _dependency(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """Functions whose traced calls to the same service fail; that service itself first, if it fires too."""
    failing = defaultdict[str, list[Incident]](list)
    for one in near:
        if one.subject_kind == "function" and _signal(one, evidence) in FAILING:
            for service, calls in evidence.calls.get(_place(one), {}).items():
                if calls.are_failing and service != one.subject:
                    failing[service].append(one)
    for service, ones in failing.items():
        itself = [one for one in near if one.subject == service and one.subject_kind == "function"][:1]
        each = [(one.subject, evidence.calls[_place(one)][service]) for one in ones]
        told = tuple(
            dict.fromkeys(f"{name}: {c.failed} of {c.calls} traced calls failed" for name, c in each)
        )
        cause = Cause("dependency", f"calls to {service} fail", told)
        yield from _first_leads(itself + ones, cause)


def _signature(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """Functions most of whose errors are the same one."""
    alike = defaultdict[str, list[Incident]](list)
    for one in near:
        errors = evidence.errors.get(_place(one))
        if one.subject_kind == "function" and _signal(one, evidence) in FAILING and errors and errors.is_most:
            alike[errors.text].append(one)
    for text, ones in alike.items():
        if len({one.subject for one in ones}) > 1:
            each = {one.subject: evidence.errors[_place(one)] for one in ones}
            told = tuple(f"{name}: {errors.count} of {errors.of} errors" for name, errors in each.items())
            yield from _first_leads(ones, Cause("signature", f"the same error: {signature(text)}", told))


def _queue(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """A queue fills, or dead letters come, while the function that works it off is in trouble."""
    broken = [one for one in near if one.subject_kind == "function" and _signal(one, evidence) in BROKEN]
    for queue in near:
        if queue.subject_kind != "queue" or _signal(queue, evidence) not in QUEUES:
            continue
        feeds = evidence.feeds.get(_place(queue), ())
        for one in broken:
            if one.subject in feeds and (_together(one, queue) or _after(one, queue)):
                told = (f"{queue.subject.rsplit(':', 1)[-1]} is worked off by {one.subject}", one.title)
                cause = Cause("queue", f"{one.subject} does not work off its queue", told)
                yield Explanation(one.id, queue.id, cause)


def _tiers(near: Sequence[Incident], evidence: Evidence) -> Iterator[Explanation]:
    """Several rules of one signal, as for a warning and a page: the worst that fires, whenever it began."""
    alike = defaultdict[tuple[str, str, str], list[Incident]](list)
    for one in near:
        if signal := _signal(one, evidence):
            alike[one.subject_kind, one.subject, signal].append(one)
    for (_, subject, signal), (first, *others) in alike.items():
        told = tuple(f"{one.rule} fires since {_moment(one.opened_at)}" for one in (first, *others))
        cause = Cause("tiers", f"{signal} of {subject}, by several rules", told)
        yield from (Explanation(first.id, one.id, cause) for one in others)


def _first_leads(ones: Sequence[Incident], cause: Cause) -> Iterator[Explanation]:
    """The first explains the others, as far as each began near the one before it."""
    chained = sorted({one.id: one for one in ones}.values(), key=lambda one: one.opened_at)
    together = set(chain.from_iterable((a.id, b.id) for a, b in pairwise(chained) if _together(a, b)))
    lead, *others = [one for one in dict.fromkeys(one.id for one in ones) if one in together] or [""]
    for one in others:
        yield Explanation(lead, one, cause)


def _together(one: Incident, other: Incident) -> bool:
    return abs(one.opened_at - other.opened_at) <= TOGETHER


def _after(first: Incident, then: Incident) -> bool:
    return first.opened_at <= then.opened_at


def _place(one: Incident) -> Place:
    return one.account, one.region, one.subject


def _signal(one: Incident, evidence: Evidence) -> str:
    return evidence.signals.get(one.rule, "")


def _moment(ts: datetime) -> str:
    return ts.astimezone(UTC).strftime("%H:%M UTC")


def _minutes(span: timedelta) -> str:
    return f"{max(round(span.total_seconds() / 60), 0)} min"
