"""How far behind streams are."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quarterdeck.demo.specs import Spec
from quarterdeck.demo.stories import STREAM_RECOVERS, story, to_ms

GROWS_TO_MS = 3_600_000


def behind_ms(
    spec: Spec, ts_ms: NDArray[np.int64], starts: tuple[datetime, ...], luck: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The age of the last record of a batch read at `ts_ms`: a second or so, unless its shard is blocked."""
    usual = 250 + 1200 * luck
    tale = story("stream-behind")
    if spec.key != tale.function:
        return usual
    every, lasts = to_ms(starts[0] + tale.every), to_ms(starts[0] + tale.lasts)
    every, lasts = every - to_ms(starts[0]), lasts - to_ms(starts[0])
    recovers = STREAM_RECOVERS.total_seconds() * 1000
    since = (ts_ms - to_ms(starts[0] + tale.after)) % every
    grows = np.minimum(since / lasts, 1.0) * GROWS_TO_MS
    shrinks = GROWS_TO_MS * np.clip(1 - (since - lasts) / recovers, 0.0, 1.0)
    return np.asarray(usual + np.where(since < lasts, grows, shrinks), dtype=np.float64)
