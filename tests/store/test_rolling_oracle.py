"""Any order of collecting, late data, packing, kills and races: what counts as read adds up to AWS's."""

import tempfile
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from collectors import metrics
from collectors.planning import horizon, plan
from core.facts import Covered, Run, Target
from core.settings import RetentionSettings, StoreSettings
from core.telemetry import MetricPoint
from core.windows import Window, floor, merge
from store.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZERO = datetime(2026, 6, 20, tzinfo=UTC)
HOURS = 24 * 40
TARGET = Target("111111111111", "eu-west-1")
KEPT = RetentionSettings(one_minute=2 * DAY, five_minute=4 * DAY, metrics=DAY * 14)
POINTS_AT = (0, 7, 59)
"""Minutes of each hour in which AWS counted something."""


class Killed(BaseException):
    pass


class StoreAgainstAws(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.settings = StoreSettings(path=Path(self.folder.name), free_space_floor_mb=0, retention=KEPT)
        self.store, self.now = Store.open(self.settings), ZERO + 16 * DAY + timedelta(hours=10, minutes=30)
        self.bumps = [1] * HOURS
        self.planned = []

    def points(self, window, period_s):
        """What AWS answers."""
        found = {}
        for hour in range((window.start - ZERO) // HOUR, (window.end - ZERO) // HOUR + 1):
            for minute in POINTS_AT:
                at = ZERO + hour * HOUR + timedelta(minutes=minute)
                if at in window:
                    found.setdefault(floor(at, timedelta(seconds=period_s)), []).append(
                        self.bumps[hour] + minute
                    )
        for ts, counts in found.items():
            yield MetricPoint(
                scope="function",
                function="a",
                ts=ts,
                period_s=period_s,
                invocations=float(sum(counts)),
                concurrent_max=float(max(counts)),
            )

    def read(self, window, period_s):
        run = Run(
            collector="metrics",
            target=TARGET,
            window=window,
            period_s=period_s,
            started_at=self.now,
            finished_at=self.now,
            outcome="ok",
        )
        self.store.commit(run, [*self.points(window, period_s), Covered("", window)], now=self.now)

    def due(self):
        keeps = self.store.keeps("metrics", TARGET, now=self.now)
        reach = metrics.COLLECTOR.reach
        wanted = horizon(reach, now=self.now, backfill=3 * DAY, coarse=20 * DAY, keeps=keeps)
        settled = self.store.covered("metrics", TARGET, settled=True)
        return plan(reach, wanted, settled, self.store.covered("metrics", TARGET))

    @rule(most=st.integers(1, 12))
    def collect(self, most):
        for window, period_s in self.due()[:most]:
            self.read(window, period_s)

    @rule()
    def plan_ahead(self):
        self.planned = self.due()

    @rule()
    def collect_what_was_planned_before(self):
        for window, period_s in self.planned:
            self.read(window, period_s)
        self.planned = []

    @rule(hours_ago=st.integers(1, 24 * 8))
    def aws_counts_more_and_the_hour_is_read_again(self, hours_ago):
        hour = floor(self.now, HOUR) - hours_ago * HOUR
        window = Window(hour, hour + HOUR)
        periods = [s for w, s in self.store.covered("metrics", TARGET) if w.overlap(window)]
        if hour >= self.store.keeps("metrics", TARGET, now=self.now).since:
            self.bumps[(hour - ZERO) // HOUR] += 1
            self.read(window, max(periods, default=3600))

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours):
        self.now += hours * HOUR

    @rule()
    def pack(self):
        self.store.pack(now=self.now)

    @rule(count=st.integers(0, 8), before=st.booleans())
    def pack_and_be_killed(self, count, before):
        write = self.store.transaction

        @contextmanager
        def until_killed():
            nonlocal count
            count -= 1
            if count < 0 and before:
                raise Killed
            with write() as connection:
                yield connection
            if count < 0:
                raise Killed

        self.store.transaction = until_killed
        with suppress(Killed):
            self.store.pack(now=self.now)
        del self.store.transaction

    @rule()
    def restart(self):
        self.store.close()
        self.store = Store.open(self.settings)

    def rows(self):
        with self.store.snapshot(Window(ZERO, ZERO + HOURS * HOUR), ("metrics",)) as snapshot:
            return snapshot.frame(
                """SELECT epoch_ms(ts) // 3600000 AS hour, sum(invocations) AS invocations,
                    max(concurrent_max) AS most, count(DISTINCT period_s) AS periods
                FROM metrics GROUP BY ALL"""
            )

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def whole_hours_that_count_as_read_are_what_aws_has_and_no_hour_is_more(self):
        read = merge(w for w, _ in self.store.covered("metrics", TARGET))
        first = round(ZERO.timestamp()) // 3600
        for row in self.rows().itertuples():
            at = ZERO + (row.hour - first) * HOUR
            (whole,) = self.points(Window(at, at + HOUR), 3600)
            assert row.periods == 1
            if any(w.start <= at and at + HOUR <= w.end for w in read):
                assert (row.invocations, row.most) == (whole.invocations, whole.concurrent_max), at
            assert row.invocations <= whole.invocations

    @precondition(lambda self: hasattr(self, "store"))
    @invariant()
    def every_hour_that_counts_as_read_has_its_rows(self):
        found = set(self.rows()["hour"])
        for window, _ in self.store.covered("metrics", TARGET):
            for part in window.chunks(HOUR):
                if part.duration == HOUR:
                    assert round(part.start.timestamp()) // 3600 in found, part

    def teardown(self):
        if hasattr(self, "store"):
            try:
                self.comes_to_an_end()
            finally:
                self.store.close()
                self.folder.cleanup()

    def comes_to_an_end(self):
        """Once days are packed and all that is due is read, only the newest minutes are due again."""
        self.store.pack(now=self.now)
        for window, period_s in self.due():
            self.read(window, period_s)
        assert all(w.end > self.now - HOUR for w, _ in self.due())
        self.whole_hours_that_count_as_read_are_what_aws_has_and_no_hour_is_more()


StoreAgainstAws.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=12,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestStoreAgainstAws = StoreAgainstAws.TestCase
