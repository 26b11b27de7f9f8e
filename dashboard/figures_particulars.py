"""What only some functions have, in words: extensions, durable executions, instances, failed items."""

from __future__ import annotations

from dashboard import figures_nature, numbers
from dashboard.figures import reason
from dashboard.numbers import plain
from store.readers.nature import Load
from store.readers.particulars import Batches, Durable, Extensions, Particulars

EXTENSIONS = "PostRuntimeExtensionsDuration / Duration of the same minutes; billed like the function's own"
REPLAYS = "Invocations and Errors count every replay of an execution; here each counts once, as it ended."
REFUSED = "Invocations that instances had no room for: CloudWatch tells the reason of Managed Instances only."
LOGGED = (
    "As the function logged it itself (metrics in CloudWatch's embedded format). Errors counts none of "
    "these: an invocation that hands items back has succeeded."
)


def extensions(found: Extensions, duration_usd: float | None) -> str:
    """What extensions take, as Markdown; `duration_usd` is what all duration of the window costs."""
    mean, most = plain(numbers.ms(found.mean_ms)), plain(numbers.ms(found.max_ms))
    said = f"Extensions worked **{mean}** per invocation on average after its answer, at most {most}"
    if found.share is None:
        return f"{said}."
    dollars = "" if duration_usd is None else f", about {plain(numbers.usd(found.share * duration_usd))}"
    share = numbers.percent(found.share)
    return f"{said}: **{share}** of its duration{dollars} in this window ({EXTENSIONS})."


def durable(found: Durable) -> str:
    ended = {
        "succeeded": found.succeeded,
        "failed": found.failed,
        "timed out": found.timed_out,
        "stopped": found.stopped,
    }
    bad = ("failed", "timed out")
    words = [
        f"**{numbers.count(n)} {how}**" if n and how in bad else f"{numbers.count(n)} {how}"
        for how, n in ended.items()
    ]
    longest = f"; the longest took {numbers.age(found.longest_ms / 1000)}" if found.longest_ms else ""
    return f"**{numbers.count(found.started)}** started, {', '.join(words)}{longest}."


def refused(found: dict[str, float]) -> str:
    """By what its instances lacked."""
    if not any(found.values()):
        return "Its instances refused nothing."
    said = [f"{numbers.count(n)} for want of {_WANT[name]}" for name, n in found.items() if n]
    return f"**Refused: {', '.join(said)}**."


_WANT = {"cpu": "CPU", "memory": "memory", "disk": "disk", "concurrency": "room in its environments"}


def batches(found: Batches) -> str:
    many = f"{found.batches:,} {'batch' if found.batches == 1 else 'batches'}"
    of = f"of the {numbers.count(found.items)} items" if found.items is not None else "items"
    return f"**{numbers.count(found.failed)}** {of} of {many} were handed back to be tried again."


Said = tuple[str, str, str]
"""A heading, what is so, and how it is counted."""


def waits(found: Particulars, load: Load | None = None) -> list[Said]:
    """What of it waits, was refused or is to be tried again; `load` is of the instances that it runs on."""
    hole = _not_read(found.state)
    said = list[Said]()
    if found.durable:
        said.append(("Durable executions", durable(found.durable), REPLAYS + hole))
    if load is not None or found.refused is not None:
        said.append(("Managed Instances", *_instances(found.refused, load, hole)))
    if found.batches:
        log_hole = _not_read(found.log_state)
        said.append(("Batches that failed in part", batches(found.batches), LOGGED + log_hole))
    return said


def _instances(told: dict[str, float] | None, load: Load | None, hole: str) -> tuple[str, str]:
    about = [figures_nature.load(load)] if load else []
    if told is None:
        unread = hole or _not_read(load.state if load else None)
        return " ".join([*about, "What they refused is not known."]), unread
    return " ".join([refused(told), *about]), REFUSED + hole


def _not_read(state: str | None) -> str:
    """Why part of a number may be missing; "" when all was read."""
    why = reason(state)
    return f" :orange[:material/visibility_off:] Not all was read: {plain(why)}." if why else ""
