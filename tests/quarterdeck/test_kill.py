"""A service that is killed twenty times in the middle of a pass ends with the store of an undisturbed run."""

import random
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
import yaml

from core.entities import VOLATILE
from core.metrics import METRICS
from core.settings import StoreSettings
from core.telemetry import TELEMETRY
from core.windows import Window, floor
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.running import without_aws
from store import schema
from store.store import Store

NOW = floor(datetime.now(UTC), timedelta(minutes=1)) + timedelta(seconds=30)
ROUNDS, KILLS = 2, 10
HELPER = Path(__file__).parent / "frozen_service.py"
STATE = {
    schema.entity: ("kind", "account", "region", "name", "body", "gone_at"),
    schema.change: ("kind", "account", "region", "name", "field", "old", "new", "ts"),
    schema.coverage: ("collector", "account", "region", "scope", "period_s", "start", "end", "settled"),
    schema.gap: ("collector", "account", "region", "scope", "start", "end", "why"),
}


@pytest.fixture
def work(tmp_path, no_aws):
    """Run the helper on a store of its own: `work("name", delays)` gives the store's folder."""
    import os

    with DemoServer(tmp_path / "account", seed=7, clock=FrozenClock(NOW)) as demo:
        settings = demo_settings(demo.endpoint)
        for target, region in zip(settings["targets"], ["us-east-1", "eu-west-1"], strict=True):
            target["regions"] = [region]
        settings["collect"] |= {"backfill": "1h", "backfill_coarse": "90m"}
        settings["alerts"] = {"starter": False}
        settings["store"] = {"free_space_floor_mb": 0}
        file = tmp_path / "settings.yml"
        file.write_text(yaml.safe_dump(settings))
        env = without_aws(os.environ) | environment(demo.endpoint, file)

        def run(name, delays=()):
            words = [HELPER, file, tmp_path / name, NOW.isoformat(), *delays]
            done = subprocess.run(
                [sys.executable, *map(str, words)], env=env, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert done.stdout.strip() == str(len(delays)), done.stderr[-2000:]
            return tmp_path / name

        yield run


ONCE_TRIGGERS_ARE_KNOWN = [m.field for m in METRICS if m.when == "may loop"]
"""Asked from the pass on that knows of a function's triggers: a kill before that makes it a later one."""

OUR_CHOICES = ("cadence", "log_mode")
"""Kinds and collectors that say how we read, which changes as we go, not what AWS has."""


def about_aws(table):
    column = table.c.kind if "kind" in table.c else table.c.collector
    return column.not_in(OUR_CHOICES)


def lasting(row):
    """Without what an entity was at the moment of a reading."""
    quiet = VOLATILE.get(row.get("kind"), ())
    body = row.get("body") or {}
    return row | {"body": {name: value for name, value in body.items() if name not in quiet}}


def content(folder):
    """Everything that the store holds about AWS, as text per table: not when or how often it was read."""
    store = Store.open(StoreSettings(path=folder), create=False)
    kinds = [kind.KIND for kind in TELEMETRY]
    with store.snapshot(Window(NOW - timedelta(days=30), NOW), kinds) as snapshot:
        held = {kind: snapshot.frame(f"SELECT * FROM {kind} ORDER BY ALL") for kind in kinds}
    held["metrics"] = held["metrics"].drop(columns=ONCE_TRIGGERS_ARE_KNOWN)
    with store.engine.connect() as connection:
        for table, columns in STATE.items():
            rows = connection.execute(
                sa.select(*(table.c[name] for name in columns)).where(about_aws(table))
            ).all()
            held[table.name] = pd.DataFrame(sorted(repr(lasting(row._asdict())) for row in rows))
    store.close()
    return held


@pytest.mark.slow
def test_twenty_kills_leave_the_store_of_an_undisturbed_run(work):
    began = time.monotonic()
    whole = content(work("whole"))
    length_s = time.monotonic() - began
    chance = random.Random(7)

    assert len(whole["metrics"]) > 500
    assert len(whole["invocations"]) > 100
    for at in range(ROUNDS):
        delays = [round(chance.uniform(0.1, 2 * length_s / KILLS), 2) for _ in range(KILLS)]
        for kind, frame in content(work(f"killed-{at}", delays)).items():
            pd.testing.assert_frame_equal(frame, whole[kind], obj=f"{kind} after kills at {delays}")
