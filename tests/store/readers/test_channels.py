from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from core.settings import StoreSettings
from store import schema
from store.readers.channels import channels
from store.store import Store

NOW = datetime(2026, 11, 18, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    with opened.transaction() as connection:
        for name, state in (("chat", "working"), ("pager", "dead"), ("spare", "unused")):
            row = {"channel": name, "kind": "slack", "state": state, "since": NOW, "said": "", "failures": 0}
            connection.execute(sa.insert(schema.channel_state).values(row | {"target": "x"}))
    yield opened
    opened.close()


def keep(store, channel, state, *hours_ago):
    with store.transaction() as connection:
        for at, hours in enumerate(hours_ago):
            ts = NOW - timedelta(hours=hours)
            row = {
                "id": f"{channel}-{state}-{at}", "seq": 0, "incident": str(at), "channel": channel,
                "reason": "firing", "notice": {}, "state": state, "attempts": 1, "created_at": ts,
                "next_at": ts,
                "delivered_at": ts if state == "delivered" else None,
            }  # fmt: skip
            connection.execute(sa.insert(schema.outbox).values(row))


def test_what_went_waits_and_died_is_counted_of_each_channel_the_dead_first(store):
    keep(store, "chat", "delivered", 1, 23, 25)
    keep(store, "chat", "folded", 2, 30)
    keep(store, "pager", "queued", 3, 4)
    keep(store, "pager", "dead", 5)

    found = channels(store, now=NOW).set_index("channel")

    assert list(found.index) == ["pager", "chat", "spare"]
    assert found.loc["chat", ["delivered_day", "folded_day", "waiting", "dead"]].tolist() == [2, 1, 0, 0]
    assert found.loc["pager", ["delivered_day", "folded_day", "waiting", "dead"]].tolist() == [0, 0, 2, 1]
    assert found.loc["pager", "oldest_at"] == NOW - timedelta(hours=4)
    assert found.loc["chat", "delivered_at"] == NOW - timedelta(hours=1)
    assert pd.isna(found.loc["spare", "delivered_at"])
