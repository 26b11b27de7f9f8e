"""Whether somebody waited for an execution environment to start, or Lambda started it ahead of need."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
SECOND = timedelta(seconds=1)

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


def uses(until_first_s: Floats, init_ms: Floats, read_s: Floats) -> npt.NDArray[np.str_]:
    """What environments were started for: a `Use` of each.

    `until_first_s` is from an environment's start until its first invocation began, NaN when its log has
    none; `init_ms` how long that invocation's report says that it initialized (NaN: it does not say, or a
    first attempt failed, which took INIT_LIMIT at most). `read_s` is how long after its start the log was
    read without a gap: an invocation in a gap may have been an earlier one.
    """
    is_idle = np.isnan(until_first_s)
    init_s = np.where(np.isnan(init_ms), INIT_LIMIT / SECOND, init_ms / 1000)
    return np.select(
        [
            is_idle & (read_s >= UNUSED_AFTER / SECOND),
            is_idle | (read_s < until_first_s),
            until_first_s - init_s > AHEAD / SECOND,
        ],
        [Use.UNUSED.value, Use.NOT_KNOWN.value, Use.PROACTIVE.value],
        Use.REQUESTED.value,
    )
