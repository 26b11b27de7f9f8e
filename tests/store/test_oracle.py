"""Any order of commits, late and repeated facts, packs and restarts leaves what a plain dict would hold."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.facts import Covered, Run, Target
from core.settings import RetentionSettings, StoreSettings
from core.telemetry import InvocationRecord, MetricPoint
from core.windows import Window, merge, subtract
from store.store import Store

ZERO = datetime(2026, 7, 1, tzinfo=UTC)
EDGE = timedelta(minutes=18)
TARGETS = (Target("111111111111", "eu-west-1"), Target("222222222222", "eu-west-1"))
FOREVER = RetentionSettings(**dict.fromkeys(RetentionSettings.model_fields, timedelta(days=999)))

slots = st.integers(0, 71)
"""Facts lie at the half hours of a day and a half: often in one hour, often in one day."""
values = st.integers(0, 999).map(float)
facts = st.lists(
    st.one_of(
        st.tuples(st.just("metrics"), st.sampled_from(["a", "b"]), slots, values),
        st.tuples(st.just("invocations"), st.sampled_from(["a", "b"]), slots, values),
    ),
    max_size=12,
)


def to_fact(kind, function, slot, value):
    ts = ZERO + slot * timedelta(minutes=30)
    if kind == "metrics":
        return MetricPoint(scope="function", function=function, ts=ts, period_s=60, invocations=value)
    event = {"event_id": f"{function}{slot}", "request_id": "r", "stream": "s", "version": None}
    return InvocationRecord(function=function, ts=ts, duration_ms=value, **event)


HELD = """
    SELECT 'metrics' AS kind, account, function, ts, invocations AS value FROM metrics
    UNION ALL SELECT 'invocations', account, function, ts, duration_ms FROM invocations
"""


class StoreAgainstDict(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.settings = StoreSettings(path=Path(self.folder.name), free_space_floor_mb=0, retention=FOREVER)
        self.store, self.now = Store.open(self.settings), ZERO
        self.rows = {"metrics": {}, "invocations": {}}
        self.settled = {target: [] for target in TARGETS}
        self.read = {target: [] for target in TARGETS}
        self.is_new = True

    @rule(where=st.sampled_from(TARGETS), learned=facts, hours=st.integers(0, 6))
    def commit(self, where, learned, hours):
        self.now, self.is_new = self.now + hours * timedelta(hours=1), False
        window = Window(self.now - timedelta(hours=2), self.now)
        run = Run(
            collector="metrics",
            target=where,
            window=window,
            period_s=60,
            started_at=self.now,
            finished_at=self.now,
            outcome="ok",
        )
        self.store.commit(run, [*(to_fact(*fact) for fact in learned), Covered("", window)], now=self.now)
        for kind, function, slot, value in learned:
            self.rows[kind][where.account, function, slot] = value
        self.read[where].append(window)
        self.settled[where].append(Window(window.start, window.end - EDGE))

    @rule(hours=st.integers(0, 30))
    def pack(self, hours):
        self.now, self.is_new = self.now + hours * timedelta(hours=1), False
        self.store.pack(now=self.now)

    @precondition(lambda self: not self.is_new)
    @rule()
    def restart(self):
        self.store.close()
        self.store, self.is_new = Store.open(self.settings), True

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def the_store_holds_what_the_dict_holds(self):
        with self.store.snapshot(Window(ZERO, ZERO + timedelta(days=2)), tuple(self.rows)) as snapshot:
            frame = snapshot.frame(HELD)
        found = [
            (row.kind, (row.account, row.function, (row.ts - ZERO) // timedelta(minutes=30)), row.value)
            for row in frame.itertuples()
        ]
        held = [(kind, *row) for kind, rows in self.rows.items() for row in rows.items()]
        assert sorted(found) == sorted(held)

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def the_coverage_is_what_the_runs_read(self):
        for target in TARGETS:
            settled = merge(self.settled[target])
            young = merge([w for read in self.read[target] for w in subtract(read, settled)])
            assert [w for w, _ in self.store.covered("metrics", target, settled=True)] == settled
            assert [w for w, _ in self.store.covered("metrics", target, settled=False)] == young

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()


StoreAgainstDict.TestCase.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoreAgainstDict = StoreAgainstDict.TestCase
