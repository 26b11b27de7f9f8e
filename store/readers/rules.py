"""How rules stand, subject by subject, as they were judged last."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import sqlalchemy as sa

from core.windows import Window
from store import schema
from store.asking import reader
from store.store import Store

_EPOCH = datetime.fromtimestamp(0, UTC)


@reader
def rule_states(store: Store) -> pd.DataFrame:
    """Columns of the rule_state table: rule, account, region, subject, state (ok, firing, unknown), since,
    evaluated_at, value, reason."""
    with store.snapshot(Window(_EPOCH, _EPOCH)) as snapshot:
        return snapshot.state(sa.select(schema.rule_state))
