"""Leases: one service per target, whoever dies, is paused or joins, and whatever their clocks show."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.errors import LeaseLostError
from core.facts import Target
from core.settings import StoreSettings
from quarterdeck.sharing import Sharing
from store import journal, leases, schema
from store.leases import DUTY, Member, Pulse, fair
from store.store import Store

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TARGETS = [Target(f"{n:012}", "eu-west-1") for n in range(5)]
names = st.sampled_from(["a", "b", "c", "d"])
subsets = st.frozensets(st.sampled_from(TARGETS))


# --- whose count stands still -------------------------------------------------------------------------------


def test_a_count_that_stood_still_for_a_term_is_of_the_dead():
    pulse = Pulse(beat_s=5)

    looks = [pulse.look({"a": 7}, at_s=at) for at in (100, 105, 110, 115, 120)]

    assert looks == [set()] * 4 + [{"a"}]


def test_a_count_that_moves_is_of_the_living_however_slowly_it_does():
    pulse = Pulse(beat_s=5)

    assert not any(pulse.look({"a": at // 15}, at_s=at) for at in range(0, 600, 5))


def test_who_did_not_look_itself_gives_the_others_their_term_anew():
    pulse = Pulse(beat_s=5)
    pulse.look({"a": 7}, at_s=0)

    assert pulse.look({"a": 7}, at_s=3600) == set()


def test_one_that_is_gone_and_comes_back_is_new():
    pulse = Pulse(beat_s=5)
    for at in (0, 5, 10, 15):
        pulse.look({"a": 7}, at_s=at)
    pulse.look({}, at_s=16)

    assert pulse.look({"a": 7}, at_s=20) == set()


# --- who is to watch what -----------------------------------------------------------------------------------


@given(
    names=st.sets(names, min_size=1), targets=subsets, held=st.dictionaries(st.sampled_from(TARGETS), names)
)
def test_nobody_gets_more_than_its_share_and_nothing_is_left_out(names, targets, held):
    plan = fair(dict.fromkeys(names, targets), held)

    assert plan.keys() == targets
    most = -(-len(targets) // len(names))
    assert all(list(plan.values()).count(who) <= most for who in names)


@given(reach=st.dictionaries(names, subsets), held=st.dictionaries(st.sampled_from(TARGETS), names))
def test_a_target_goes_to_one_who_reaches_it(reach, held):
    plan = fair(reach, held)

    assert plan.keys() == {target for each in reach.values() for target in each}
    assert all(target in reach[who] for target, who in plan.items())


@given(reach=st.dictionaries(names, subsets), held=st.dictionaries(st.sampled_from(TARGETS), names))
def test_what_is_fair_stays_as_it_is(reach, held):
    plan = fair(reach, held)

    assert fair(reach, plan) == plan


def test_only_the_surplus_moves():
    held = dict.fromkeys(TARGETS, "a")

    plan = fair({"a": TARGETS, "b": TARGETS}, held)

    assert sorted(plan.values()) == ["a", "a", "a", "b", "b"]


# --- on a store ---------------------------------------------------------------------------------------------


@pytest.fixture
def service(store):
    """`service()` joins: its clock is the test's, `at_s`."""
    clock = {"s": 1000.0}

    def join(*targets):
        sharing = Sharing(store, monotonic=lambda: clock["s"])
        sharing.add(targets)
        sharing.clock = clock
        return sharing

    return join


def beat(*services, times=1, every_s=5):
    for _ in range(times):
        services[0].clock["s"] += every_s
        for each in services:
            each.beat(now=NOW)


def watched(service):
    return {target for target in TARGETS if service.may_read(target)}


def test_the_first_service_has_all_at_its_first_beat(service):
    one = service(*TARGETS)

    beat(one)

    assert watched(one) == set(TARGETS)
    assert one.may_read(DUTY)


def test_one_that_joins_gets_its_share_and_only_one_is_on_duty(service):
    one, two = service(*TARGETS), service(*TARGETS)
    beat(one)

    beat(one, two, times=3)

    assert (len(watched(one)), len(watched(two))) == (3, 2)
    assert not watched(one) & watched(two)
    assert [each.may_read(DUTY) for each in (one, two)] == [True, False]


def test_what_is_read_is_given_back_only_when_the_read_ends(service):
    one, two = service(TARGETS[0], TARGETS[1]), service(TARGETS[0], TARGETS[1])
    beat(one)
    with one.reading(TARGETS[0]), one.reading(TARGETS[1]):
        beat(two, one, times=5)
        assert all(one.is_mine(target) for target in TARGETS[:2])
        assert len(watched(one)) == 1, "nothing new begins on what is about to go"

    beat(two, one, times=3)
    assert (len(watched(one)), len(watched(two))) == (1, 1)


def test_a_target_that_only_one_reaches_is_left_with_it(service):
    one, two = service(*TARGETS[:1]), service(*TARGETS)

    beat(one, two, times=4)

    assert watched(one) == set(TARGETS[:1])
    assert watched(two) == set(TARGETS[1:])


def test_the_targets_of_one_that_died_are_taken_over_after_a_term_and_that_is_told(service, store):
    one, two = service(*TARGETS), service(*TARGETS)
    beat(one, two, times=3)

    beat(two, times=3)
    assert len(watched(two)) == 2
    beat(two)

    assert watched(two) == set(TARGETS)
    assert two.may_read(DUTY)
    [told] = journal.entries(store)
    assert one.holder in told.text


def test_what_a_service_gives_back_is_taken_at_the_next_beat(service):
    one, two = service(*TARGETS), service(*TARGETS)
    beat(one, two, times=3)

    one.leave()
    beat(two)

    assert watched(two) == set(TARGETS)
    assert not watched(one)


def test_one_that_was_paused_believes_in_nothing_and_joins_again(service):
    one, two = service(*TARGETS), service(*TARGETS)
    beat(one, two, times=3)
    beat(two, times=6)

    assert not watched(one)
    assert not one.is_mine(DUTY)
    beat(one, two, times=4)
    assert (len(watched(one)), len(watched(two))) == (2, 3)


def test_what_a_paused_service_writes_is_refused_and_its_calls_are_billed(
    service, store, a_run, a_point, read, noon
):
    one, two = service(*TARGETS), service(*TARGETS)
    target = TARGETS[0]
    beat(one)
    old = one.fenced(target)
    run = a_run(target=target, usage=(usage(),))
    beat(two, times=6)

    with pytest.raises(LeaseLostError, match=two.holder):
        old.commit(run, [a_point(invocations=1.0)], now=noon)

    assert read(store) == []
    with store.engine.connect() as connection:
        assert connection.execute(sa.select(schema.usage.c.calls)).scalars().all() == [3]


def usage():
    from core.facts import Usage

    return Usage(service="monitoring", operation="GetMetricData", calls=3, units=3, cost_usd="0.00003")


def test_a_service_that_cannot_beat_stops_believing_before_another_takes_over(service):
    one = service(*TARGETS)
    beat(one)

    one.clock["s"] += 14.9
    assert one.is_mine(DUTY)
    one.clock["s"] += 0.2
    assert not one.is_mine(DUTY)


def test_a_predecessor_known_to_be_dead_is_not_waited_for(store):
    old = Member("old", "here", frozenset(TARGETS))
    with store.transaction() as connection:
        leases.beat(connection, old, Pulse(), now=NOW, at_s=0.0)

    new = Member("new", "here", frozenset(TARGETS))
    with store.transaction() as connection:
        turn = leases.beat(connection, new, Pulse(), now=NOW, at_s=0.0, gone={"old"})

    assert turn.mine == {*TARGETS, DUTY}
    assert [(dead.holder, held) for dead, held in turn.dead.items()] == [("old", 6)]


def test_leases_of_nobody_are_free(store):
    with store.transaction() as connection:
        row = {"account": TARGETS[0].account, "region": TARGETS[0].region, "holder": "gone"}
        connection.execute(sa.insert(schema.lease).values(**row, beat=1, since=NOW))
        turn = leases.beat(connection, Member("a", "h", frozenset(TARGETS)), Pulse(), now=NOW, at_s=0.0)

    assert TARGETS[0] in turn.mine


# --- any order of events ------------------------------------------------------------------------------------

BEAT_S, TICK_S = 5.0, 1.0
QUIET_S = 30.0
"""By when everything is watched again after the last event: the promise of docs/store.md."""

SETTLED_S = QUIET_S + 4 * BEAT_S


class Machine:
    """One service as the simulation sees it: its clock, and what it is in the middle of."""

    def __init__(self, store, skew, offset_s, world):
        self.sharing = Sharing(store, beat_s=BEAT_S, monotonic=lambda: offset_s + world.time_s * skew)
        self.paused, self.next_beat_s = False, world.time_s
        self.reads = {}

    @property
    def running(self):
        return not self.paused


class Fleet(RuleBasedStateMachine):
    """Services join, die, are paused and go on, give back, and lose the database."""

    store: Store

    @initialize()
    def begin(self):
        self.time_s, self.machines, self.event_s, self.down_until_s = 0.0, [], 0.0, 0.0
        with self.store.transaction() as connection:
            for table in (schema.lease, schema.member, schema.meta):
                connection.execute(sa.delete(table))

    def event(self):
        self.event_s = max(self.time_s, self.down_until_s)

    @precondition(lambda self: len(self.machines) < 4)
    @rule(skew=st.floats(0.98, 1.02), offset_s=st.floats(0, 1e6))
    def join(self, skew, offset_s):
        machine = Machine(self.store, skew, offset_s, self)
        machine.sharing.add(TARGETS)
        self.machines.append(machine)
        self.event()

    def one(self, data, wanted):
        able = [machine for machine in self.machines if wanted(machine)]
        return data.draw(st.sampled_from(able)) if able else None

    @rule(data=st.data())
    def die(self, data):
        if machine := self.one(data, lambda m: True):
            self.machines.remove(machine)
            self.event()

    @rule(data=st.data())
    def leave(self, data):
        if machine := self.one(data, lambda m: m.running):
            machine.sharing.leave()
            self.machines.remove(machine)
            self.event()

    @rule(data=st.data())
    def pause(self, data):
        if machine := self.one(data, lambda m: m.running):
            machine.paused = True
            self.event()

    @rule(data=st.data())
    def go_on(self, data):
        """What was decided before the pause is written after it, if at all, by who has the lease."""
        if machine := self.one(data, lambda m: m.paused):
            for target, reading in list(machine.reads.items()):
                self.check_write(machine, target)
                reading.close()
            machine.reads, machine.paused, machine.next_beat_s = {}, False, self.time_s
            self.event()

    def check_write(self, machine, target):
        holder = machine.sharing.holder
        with self.store.engine.connect() as connection:
            may = leases.leases(connection).get(target) == holder
        try:
            with machine.sharing.fenced(target).transaction():
                wrote = True
        except LeaseLostError:
            wrote = False
        assert wrote == may

    @rule(seconds=st.floats(1, 60))
    def lose_the_database(self, seconds):
        self.down_until_s = self.time_s + seconds
        self.event()
        for machine in self.machines:
            for reading in machine.reads.values():
                reading.close()
            machine.reads = {}

    @rule(data=st.data(), of=st.sampled_from(TARGETS))
    def read(self, data, of):
        machine = self.one(data, lambda m: m.running and of not in m.reads and m.sharing.may_read(of))
        if machine:
            machine.reads[of] = ExitStack()
            assert machine.reads[of].enter_context(machine.sharing.reading(of))

    @rule(data=st.data())
    def end_reads(self, data):
        if machine := self.one(data, lambda m: m.running and m.reads):
            for reading in machine.reads.values():
                reading.close()
            machine.reads = {}
            self.event()

    @rule(ticks=st.integers(1, 60))
    def wait(self, ticks):
        for _ in range(ticks):
            self.time_s += TICK_S
            for machine in self.machines:
                if machine.running and self.time_s >= max(machine.next_beat_s, self.down_until_s):
                    machine.sharing.beat(now=NOW + timedelta(seconds=self.time_s))
                    machine.next_beat_s = self.time_s + BEAT_S
            self.never_two()
            self.nothing_unwatched()

    def never_two(self):
        for target in (*TARGETS, DUTY):
            believing = [m for m in self.machines if m.running and m.sharing.is_mine(target)]
            assert len(believing) <= 1

    def nothing_unwatched(self):
        running = [machine for machine in self.machines if machine.running]
        quiet_s = self.time_s - self.event_s
        if running and quiet_s > QUIET_S:
            for target in (*TARGETS, DUTY):
                assert any(machine.sharing.is_mine(target) for machine in running)
        if running and quiet_s > SETTLED_S and not any(machine.reads for machine in running):
            most = -(-len(TARGETS) // len(running))
            assert all(len(watched(machine.sharing)) <= most for machine in running)

    @invariant()
    def what_is_read_stays(self):
        """Nobody else has what is being read, but for reads of the paused."""
        if not hasattr(self, "machines") or self.time_s < self.down_until_s:
            return
        with self.store.engine.connect() as connection:
            held = leases.leases(connection)
        for machine in self.machines:
            if machine.running:
                assert all(held[target] == machine.sharing.holder for target in machine.reads)


def test_no_order_of_events_makes_two_watch_or_leaves_a_target_alone(tmp_path):
    from hypothesis.stateful import run_state_machine_as_test

    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    schema.metadata.create_all(engine)
    opened = Store(StoreSettings(path=tmp_path), engine)

    class OnAStore(Fleet):
        store = opened

    run_state_machine_as_test(
        OnAStore,
        settings=effort(
            max_examples=40, stateful_step_count=25, deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip
    opened.close()
