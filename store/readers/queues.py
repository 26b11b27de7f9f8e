"""Queues that feed or catch functions, and dead letters."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from core.facts import Target
from core.windows import Window
from store.store import Store


def queues(store: Store, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per queue: account, region, queue (name), arn, role (dead-letter, source, destination), functions (list: whose it is), depth (visible + not visible now), visible, not_visible,
    oldest_age_s, arrivals (in the window; see `dead_letter_arrivals`), sent, received, deleted, max_receive_count, visibility_timeout_s, retention_s, note, state.
    Dead-letter queues that hold messages first, by depth."""
    raise NotImplementedError


def queue_series(store: Store, target: Target, arn: str, window: Window, *, now: datetime) -> pd.DataFrame:
    """Per `chart_step`: ts, visible_max, not_visible_max, oldest_age_max_s, sent, received, deleted, arrivals."""
    raise NotImplementedError


def dead_letter_arrivals(samples: pd.DataFrame) -> pd.Series:
    """Messages that arrived per row of `samples` (one queue, sorted by ts: visible_max, not_visible_max, delayed_max, sent, deleted).

    A redrive by SQS itself is not in NumberOfMessagesSent, and a drained queue shows no depth, so an arrival is the larger
    of `sent` and the growth of the depth plus what was deleted; never negative.
    """
    raise NotImplementedError
