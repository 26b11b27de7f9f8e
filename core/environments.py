"""Whether somebody waited for an execution environment to start, or Lambda started it ahead of need."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

INIT_LIMIT = timedelta(seconds=10)
"""An on-demand initialization that takes longer is stopped, and runs again within the first invocation.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

AHEAD = timedelta(seconds=10)
"""An environment that is ready for so long before its first invocation was not started for it: one that was
is used as soon as it is ready. What delays a request beyond that is far below the limit of initialization."""

UNUSED_AFTER = timedelta(minutes=45)
"""How long an environment must have gone without an invocation to be called unused. AWS does not say how long
it keeps idle environments; those that were measured in public went after minutes to about this."""


class Use(StrEnum):
    """What became of an environment that started on demand."""

    REQUESTED = "requested"
    PROACTIVE = "proactive"
    UNUSED = "unused"
    NOT_KNOWN = "not known yet"


def use(*, until_first: timedelta | None, init_ms: float | None, read_for: timedelta) -> Use:
    """What an environment was started for.

    `until_first` is from its start until its first invocation began, None when its log has none; `init_ms`
    how long that invocation's report says that it initialized (None: it does not say, or a first attempt
    failed, which took INIT_LIMIT at most). `read_for` is how long after its start the log was read without a
    gap: an invocation in a gap may have been an earlier one.
    """
    if until_first is None:
        return Use.UNUSED if read_for >= UNUSED_AFTER else Use.NOT_KNOWN
    if read_for < until_first:
        return Use.NOT_KNOWN
    init = INIT_LIMIT if init_ms is None else timedelta(milliseconds=init_ms)
    return Use.PROACTIVE if until_first - init > AHEAD else Use.REQUESTED
