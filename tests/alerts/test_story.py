"""One outage from the first bad minute to the last message, through restarts and a shaky chat."""

from __future__ import annotations

import pytest

from alerts.engine import evaluate
from store.store import Store


@pytest.mark.parametrize("restart_every", [1, 3, 1000])
def test_one_outage_is_one_firing_and_one_resolved_message(
    world, rule, settings, receiver, deliver, table, restart_every
):
    rules = [rule("error-rate", above=0.1, over="3m", **{"for": "2 of 3"})]
    receiver.then(500).then(429, Retry_After="120").then(200)
    errors = [0.0] * 10 + [50.0] * 10 + [0.0] * 50
    store = world.store
    for minute in range(5, 75, 5):
        since = max(minute - 25, 0)  # as collectors do: what is not settled is read again
        world.minutes(since, errors[since:minute])
        for seconds in (10, 30, 50):
            now = world.at(minute + seconds / 60)
            evaluate(store, rules, settings(receiver.url), now=now)
            deliver((now - world.at(0)).total_seconds(), store=store)
        if minute // 5 % restart_every == 0:
            store.close()
            store = world.store = Store.open(store.settings)

    accepted = [row["reason"] for row in table("outbox") if row["state"] == "delivered"]
    assert accepted == ["firing", "resolved"]
    assert len(receiver.bodies) == 4  # two refused tries of the firing, then both
    assert "checkout: error rate 50 %" in receiver.bodies[-1]["text"]
    assert receiver.bodies[-1]["blocks"][0]["text"]["text"].startswith("Resolved: ")
    store.close()
