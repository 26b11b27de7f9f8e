"""Whatever happens to the alert room, it tells the incidents of a straight look, each once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from store.store import Store
from tests.alerts.machine import (
    FUNCTIONS,
    JUMP,
    LATEST,
    QUIET,
    TROUBLE,
    Machine,
    live_through,
    minutes_of,
    store_settings,
)

stretches = st.lists(st.tuples(st.sampled_from([0.0, 0.0, 50.0]), st.integers(1, 15)), max_size=8)


@pytest.fixture(scope="module", autouse=True)
def new_store(tmp_path_factory):
    """A store that is new, to be copied: making one takes longer than all that an example does with it."""
    path = tmp_path_factory.mktemp("template") / "store"
    Store.open(store_settings(path)).close()
    BadDay.template = path
    return path


class BadDay(RuleBasedStateMachine):
    template: Path

    @initialize(
        one=stretches,
        other=stretches,
        late=st.lists(st.integers(0, LATEST), min_size=TROUBLE + QUIET, max_size=TROUBLE + QUIET),
    )
    def begin(self, one, other, late):
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.template, self.folder / "store")
        truth = {"checkout": minutes_of(one), "search": minutes_of(other)}
        self.machine = Machine(lambda: Store.open(store_settings(self.folder / "store")), truth, late)

    @rule(minutes=st.integers(1, 6))
    def time_passes_and_data_come(self, minutes):
        self.machine.advance(minutes)
        self.machine.step("collect")

    @rule(times=st.integers(1, 2))
    def rules_are_evaluated(self, times):
        for _ in range(times):
            self.machine.step("evaluate")

    @rule()
    def data_come_twice(self):
        self.machine.step("collect")

    @rule()
    def notices_are_delivered(self):
        self.machine.step("deliver")

    @rule()
    def the_service_restarts(self):
        self.machine.restart()

    @rule(after=st.integers(0, 14), minutes=st.integers(0, 4))
    def the_service_is_killed(self, after, minutes):
        self.machine.advance(minutes)
        self.machine.fate.left = after
        for step in ("collect", "evaluate", "deliver"):
            self.machine.step(step)
        self.machine.fate.left = None

    @rule(minutes=st.integers(-JUMP, JUMP))
    def the_clock_jumps(self, minutes):
        self.machine.skew = minutes

    @rule(minutes=st.integers(1, 40), function=st.sampled_from(FUNCTIONS))
    def somebody_silences(self, minutes, function):
        self.machine.silence(minutes, function)

    @invariant()
    def nothing_came_twice(self):
        if hasattr(self, "machine"):
            assert self.machine._doubled() == []

    def teardown(self):
        if not hasattr(self, "machine"):
            return
        try:
            self.machine.finish()
            event(f"kills: {self.machine.fate.kills}")
            assert self.machine.differences() == []
        finally:
            self.machine.close()
            shutil.rmtree(self.folder)


BadDay.TestCase.settings = settings(
    max_examples=4, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestBadDay = BadDay.TestCase


def test_sixty_kills_lose_and_double_nothing(new_store, tmp_path):
    kills = 0
    for seed in range(12):
        folder = tmp_path / str(seed)
        shutil.copytree(new_store, folder)
        machine = live_through(lambda folder=folder: Store.open(store_settings(folder)), Random(seed))
        wrong, kills = machine.differences(), kills + machine.fate.kills
        machine.close()
        assert wrong == [], f"seed {seed}"
        if kills >= 60:
            return
    raise AssertionError(f"only {kills} kills: the days are too quiet")


def test_nobody_is_told_before_who_leads_them_wherever_it_is_killed(new_store, tmp_path):
    folder, chance = tmp_path / "store", Random(4)
    shutil.copytree(new_store, folder)
    truth = {name: minutes_of([(0.0, at), (50.0, 7)]) for at, name in enumerate(FUNCTIONS)}
    machine = Machine(lambda: Store.open(store_settings(folder)), truth, [0] * (TROUBLE + QUIET))
    for step in ("collect", "evaluate", "deliver") * 10:
        machine.advance(step == "collect")
        machine.fate.left = chance.randint(0, 12)
        machine.step(step)
    machine.fate.left = None
    machine.step("evaluate")
    told, found = machine.told_too_soon(), machine.count("incident")
    machine.close()

    assert (told, found) == ([], 2 * len(FUNCTIONS))
