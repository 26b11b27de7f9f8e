"""What became of throttled work: refused to callers, delayed, put aside as dead letters, or lost.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

LOST, LETTERS, DELAYED, REFUSED = "lost", "dead letters", "delayed", "refused"
FATES = (LOST, LETTERS, DELAYED, REFUSED)
"""The worst first."""

QUEUES = frozenset({"sqs"})
STREAMS = frozenset({"kinesis", "dynamodb", "documentdb", "msk", "self-managed-kafka"})


@dataclass(frozen=True, slots=True)
class Work:
    """What a function was told of its own events in one step; None: not told."""

    received: float | None = None
    dropped: float | None = None
    async_age_ms: float | None = None
    iterator_age_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A queue that feeds the function, in the minutes of a burst. `returned` are receives that no deletion
    followed, `letters` what arrived in its dead-letter queue (None: not read)."""

    queue: str
    returned: float | None = None
    letters_in: str | None = None
    letters: float | None = None
    max_receives: int | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """The worst that happened (of `FATES`) and all of it in words."""

    kind: str
    says: str


def fate(
    work: Sequence[Work],
    fed_by: Collection[str] = (),
    feeds: Sequence[Feed] = (),
    kept_in: Sequence[str] = (),
) -> Fate:
    """What became of a burst's work. `fed_by` are the kinds of the function's triggers, `kept_in` the places
    that its asynchronous failures go to."""
    told = [*_of_events(work, kept_in), *_of_streams(work, fed_by), *(_of_queue(feed) for feed in feeds)]
    if QUEUES & set(fed_by) and not feeds:
        told.append(Fate(DELAYED, "messages went back to their queue, each with one receive more"))
    if not told:
        return Fate(REFUSED, "callers got an error (429), unless they tried again")
    return Fate(min((one.kind for one in told), key=FATES.index), "; ".join(one.says for one in told))


def _of_events(work: Sequence[Work], kept_in: Sequence[str]) -> list[Fate]:
    dropped = sum(w.dropped or 0 for w in work)
    if dropped:
        said = f"{dropped:,.0f} asynchronous events were dropped"
        if kept_in:
            return [Fate(LETTERS, f"{said}, into {' and '.join(kept_in)}")]
        return [Fate(LOST, f"{said}: no place for failures is set")]
    if not any(w.received for w in work):
        return []
    age = max((w.async_age_ms or 0 for w in work), default=0)
    return [Fate(DELAYED, "asynchronous events waited" + (f" up to {_seconds(age)}" if age else ""))]


def _of_streams(work: Sequence[Work], fed_by: Collection[str]) -> list[Fate]:
    if not STREAMS & set(fed_by):
        return []
    age = max((w.iterator_age_ms or 0 for w in work), default=0)
    return [Fate(DELAYED, f"its stream was up to {_seconds(age)} behind" if age else "its stream waited")]


def _of_queue(feed: Feed) -> Fate:
    said = f"messages went back to their queue, {feed.queue}, each with one receive more"
    if feed.returned:
        said = f"{feed.returned:,.0f} receives from {feed.queue} came to nothing"
    if feed.max_receives is not None:
        said += f" (of {feed.max_receives} that a message has)"
    if feed.letters:
        return Fate(LETTERS, f"{said}; {feed.letters:,.0f} messages arrived in {feed.letters_in} meanwhile")
    return Fate(DELAYED, said)


def _seconds(ms: float) -> str:
    return f"{ms / 1000:,.0f} s" if ms >= 1000 else f"{ms:,.0f} ms"
