"""A file that cannot be read stops nobody: its time is not collected, with the reason, until it is back."""

import ast
import inspect
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from core.errors import AskAgainError, StoreError
from core.facts import Covered, Target
from core.windows import Window
from store import asking, schema
from store.readers import activity, collection, fleet, signals
from store.readers.coverage import Coverage
from store.readers.newest import last_invocations
from store.store import Store

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PROD = Target("111111111111", "eu-west-1")
WHY = "a file of the store cannot be read"


@pytest.fixture
def now(noon):
    return noon + HOUR


@pytest.fixture
def days(store, a_run, a_point, noon, now):
    """A point a day for three days, in a file a day; answers their paths, oldest first."""
    window = Window(noon.replace(hour=0) - 3 * DAY, noon.replace(hour=0))
    points = [a_point(ts=noon - n * DAY, invocations=float(n)) for n in (3, 2, 1)]
    store.commit(a_run(window.start, window.end, at=now), [*points, Covered("", window)], now=now)
    store.pack(now=now)
    return paths(store)


@pytest.fixture
def window(noon):
    return Window(noon.replace(hour=0) - 3 * DAY, noon.replace(hour=0))


def paths(store):
    with store.engine.connect() as connection:
        query = sa.select(schema.file.c.path).where(schema.file.c.replaced_at.is_(None))
        return connection.execute(query.order_by(schema.file.c.start)).scalars().all()


def marks(store):
    with store.engine.connect() as connection:
        query = sa.select(schema.file.c.path).where(schema.file.c.unreadable.is_not(None))
        return connection.execute(query).scalars().all()


def without_end(data):
    return data[:-20]


def with_a_torn_footer(data):
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    return data[:-footer] + bytes(footer - 8) + data[-8:]


def with_garbage_inside(data):
    footer = 8 + int.from_bytes(data[-8:-4], "little")
    return data[:4] + bytes(len(data) - 4 - footer) + data[-footer:]


def damage(kept, path, how):
    kept.write(path, how(kept.read(path)))


def row(store, window, now):
    """What a process tells that has read nothing yet: DuckDB remembers footers."""
    other = Store.open(store.settings)
    try:
        return fleet.fleet(other, window, now=now).iloc[0]
    finally:
        other.close()


DAMAGES = [without_end, with_a_torn_footer, with_garbage_inside, lambda data: b""]


@pytest.mark.parametrize("how", DAMAGES)
def test_the_time_of_a_torn_file_is_not_collected_and_the_rest_is_told(store, days, kept, window, now, how):
    damage(kept, days[1], how)

    found = row(store, window, now)

    assert found.invocations == 4.0
    assert found.states["invocations"].startswith(f"not collected: 1440 of 4320 minutes: {WHY}")
    assert "quarterdeck store check" in found.states["invocations"]


def test_the_time_of_a_deleted_file_is_not_collected(store, days, kept, window, now):
    kept.remove(days[2])

    found = row(store, window, now)

    assert found.invocations == 5.0
    assert found.states["invocations"].startswith(f"not collected: 1440 of 4320 minutes: {WHY}")


def test_a_window_beside_the_lost_time_is_as_it_was(store, days, kept, window, now):
    damage(kept, days[0], without_end)

    found = row(store, Window(window.start + DAY, window.end), now)

    assert (found.invocations, found.states.get("invocations")) == (3.0, None)


def test_readers_of_other_kinds_do_not_mind(store, days, kept, window, now):
    damage(kept, days[1], without_end)

    with store.snapshot(window, ("log_events",)) as snapshot:
        coverage = Coverage.read(snapshot, window, now=now)

    assert coverage.seen("metrics", "111111111111", "eu-west-1").complete


def test_damage_that_a_query_meets_after_coverage_was_read_asks_again(store, days, kept, window, now):
    damage(kept, days[1], with_garbage_inside)
    asked = []

    @asking.reader
    def read():
        with store.snapshot(window, ("metrics",)) as snapshot:
            coverage = Coverage.read(snapshot, window, now=now)
            asked.append(coverage.seen("metrics", "111111111111", "eu-west-1").complete)
            total = snapshot.frame("SELECT sum(invocations) AS n FROM metrics").n[0]
            return total, coverage.seen("metrics", "111111111111", "eu-west-1").complete

    assert read() == (4.0, False)
    assert asked == [True, False]


def test_without_a_reader_around_it_such_a_query_says_to_ask_again(store, days, kept, window, now):
    damage(kept, days[1], with_garbage_inside)

    with store.snapshot(window, ("metrics",)) as snapshot:
        Coverage.read(snapshot, window, now=now)
        with pytest.raises(AskAgainError):
            snapshot.frame("SELECT * FROM metrics")


def test_the_first_question_of_a_snapshot_goes_on_by_itself(store, days, kept, window):
    damage(kept, days[1], with_garbage_inside)

    with store.snapshot(window, ("metrics",)) as snapshot:
        assert snapshot.frame("SELECT sum(invocations) AS n FROM metrics").n[0] == 4.0
        assert [loss.path for loss in snapshot.lost] == [days[1]]


def test_only_the_outermost_reader_asks_again():
    calls = []

    @asking.reader
    def inner():
        calls.append("inner")
        if calls.count("inner") == 1:
            raise AskAgainError("changed")

    @asking.reader
    def outer():
        calls.append("outer")
        inner()

    outer()

    assert calls == ["outer", "inner", "outer", "inner"]


def test_a_mistake_in_a_query_blames_no_file(store, days, window):
    with store.snapshot(window, ("metrics",)) as snapshot, pytest.raises(duckdb.Error):
        snapshot.frame("SELECT error('wrong') FROM metrics")

    assert marks(store) == []


def test_what_one_process_found_damaged_all_go_without(settings, store, days, kept, window, now):
    damage(kept, days[1], with_garbage_inside)
    row(store, window, now)
    other = Store.open(settings)

    with other.snapshot(window, ("metrics",)) as snapshot:
        assert [loss.path for loss in snapshot.lost] == [days[1]]
    found = collection.lost(other)
    other.close()

    assert list(found.kind) == ["metrics"]
    assert (found.start[0], found.end[0]) == (window.start + DAY, window.start + 2 * DAY)


def test_collection_health_tells_of_a_lost_file_before_anybody_read_it(store, days, kept, now):
    kept.remove(days[1])

    store.pack(now=now)

    if store.settings.telemetry is None:  # in a bucket looking is paid: there readers tell
        assert len(collection.lost(store)) == 1


def test_rules_know_nothing_of_lost_minutes(store, days, kept, window, now):
    minutes = Window(window.end - HOUR, window.end)
    assert signals.account_minutes(store, minutes, now=now).frame().collected.all()

    damage(kept, days[2], without_end)

    found = signals.account_minutes(store, minutes, now=now).frame()
    assert len(found) == 60
    assert not found.collected.any()
    assert found.throttles.isna().all()


def test_a_file_that_is_back_counts_again_after_the_next_packing(store, days, kept, window, now):
    data = kept.read(days[1])
    damage(kept, days[1], with_garbage_inside)
    assert row(store, window, now).invocations == 4.0

    kept.write(days[1], data)
    store.pack(now=now)

    found = row(store, window, now)
    assert (found.invocations, found.states.get("invocations")) == (6.0, None)
    assert marks(store) == []


def test_the_check_tells_of_a_mark_that_is_no_longer_true(store, days, kept, window, now):
    data = kept.read(days[1])
    damage(kept, days[1], with_garbage_inside)
    row(store, window, now)
    kept.write(days[1], data)

    found = store.repair(store.check(), now=now)

    assert [(f.what, f.path, f.repaired) for f in found] == [("marked", days[1], True)]
    assert store.check() == []


# --- packing ------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(store, a_run, a_point, noon):
    """Four files of one day that is not over; answers their paths, oldest first."""
    zero = noon.replace(hour=0)
    for n in range(4):
        ts = zero + n * 6 * HOUR
        store.commit(a_run(ts, ts + HOUR), [a_point(ts=ts, invocations=10.0**n)], now=ts + HOUR)
        store.pack(now=ts + 3 * HOUR)
    return paths(store)


def total(store, noon):
    with store.snapshot(Window(noon - 3 * DAY, noon + 3 * DAY), ("metrics",)) as snapshot:
        return snapshot.frame("SELECT sum(invocations) AS n FROM metrics").n[0]


@pytest.mark.parametrize("how", [without_end, with_garbage_inside])
def test_packing_joins_the_rest_of_a_day_and_leaves_the_bad_file_listed(store, parts, kept, noon, how):
    assert len(parts) == 4
    damage(kept, parts[1], how)

    for n in range(2):
        store.pack(now=noon + DAY + n * HOUR)

    assert parts[1] in paths(store)
    assert len(paths(store)) == 2
    assert marks(store) == [parts[1]]
    assert total(store, noon) == 1101.0


def test_a_file_that_comes_back_is_joined_and_nothing_is_there_twice(
    store, parts, kept, noon, a_run, a_point
):
    data, ts = kept.read(parts[1]), noon.replace(hour=6)
    damage(kept, parts[1], without_end)
    for n in range(2):
        store.pack(now=noon + DAY + n * HOUR)
    late = [a_point(ts=ts, invocations=20.0), a_point("pay", ts=ts, invocations=3.0)]
    store.commit(a_run(ts, ts + HOUR), late, now=noon + DAY)
    store.pack(now=noon + DAY + 3 * HOUR)
    assert total(store, noon) == 1124.0

    kept.write(parts[1], data)
    for n in range(3):
        store.pack(now=noon + DAY + (4 + n) * HOUR)
        assert total(store, noon) == 1124.0

    assert len(paths(store)) == 1
    assert store.check() == []


# --- the newest hours ---------------------------------------------------------------------------------------


@pytest.fixture
def torn(store, a_run, a_point, noon, window, now):
    """Two batches of the hot tail; the first is torn."""
    span = Window(noon - 4 * HOUR, noon)
    points = [a_point(ts=noon - n * HOUR, invocations=float(n)) for n in (3, 1)]
    store.commit(a_run(span.start, span.end), [*points, Covered("", span)], now=noon)
    with store.transaction() as connection:
        first = sa.select(sa.func.min(schema.hot.c.seq)).scalar_subquery()
        connection.execute(sa.update(schema.hot).where(schema.hot.c.seq == first).values(payload=b"torn"))
    other = Store.open(store.settings)  # which has decoded nothing yet
    yield other
    other.close()


def test_the_time_of_a_torn_batch_is_not_collected(torn, noon, now):
    found = fleet.fleet(torn, Window(noon - 4 * HOUR, noon), now=now).iloc[0]

    assert found.invocations == 1.0
    assert f"minutes: {WHY}" in found.states["invocations"]
    assert len(collection.lost(torn)) == 1


def test_a_commit_to_the_hour_of_a_torn_batch_goes_on(torn, noon, a_run, a_point, now):
    again = a_point("pay", ts=noon - 3 * HOUR, invocations=7.0)

    torn.commit(a_run(noon - 4 * HOUR, noon), [again], now=noon)

    assert fleet.fleet(torn, Window(noon - 4 * HOUR, noon), now=now).invocations.sum() == 8.0
    assert [finding.what for finding in torn.check()] == ["torn batch"]


def test_packing_leaves_a_torn_batch_and_seals_the_rest(torn, noon):
    for n in range(3):
        torn.pack(now=noon + DAY + n * HOUR)

    assert total(torn, noon) == 1.0
    assert len(paths(torn)) == 1
    with torn.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.hot)).scalar_one() == 1


# --- every reader -------------------------------------------------------------------------------------------


def readers():
    folder = Path(inspect.getfile(fleet)).parent
    for file in sorted(file for file in folder.glob("*.py") if ".snapshot(" in file.read_text()):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.args.args:
                first = node.args.args[0].annotation
                if first is not None and ast.unparse(first) == "Store":
                    yield pytest.param(file.stem, node.name, id=f"{file.stem}.{node.name}")


@pytest.mark.parametrize(("module", "name"), list(readers()))
def test_every_reader_asks_again_when_a_file_turns_out_to_be_unreadable(module, name):
    answer = getattr(import_module(f"store.readers.{module}"), name)

    assert answer.__code__ is asking.reader(lambda: None).__code__, f"{module}.{name} lacks @reader"


def test_a_store_that_cannot_be_written_goes_on_without_a_damaged_file(
    store, days, kept, window, now, monkeypatch
):
    damage(kept, days[1], with_garbage_inside)

    def refuse():
        raise StoreError("read-only")

    monkeypatch.setattr(store._losses, "_begin", refuse)

    assert fleet.fleet(store, window, now=now).invocations[0] == 4.0
    assert marks(store) == []
    assert len(collection.lost(store)) == 1


def test_packing_joins_no_file_whose_damage_can_still_be_read(store, parts, kept, noon):
    damage(kept, parts[1], lambda data: data[:4][::-1] + data[4:])

    for n in range(2):
        store.pack(now=noon + DAY + n * HOUR)

    assert marks(store) == [parts[1]]
    assert len(paths(store)) == 2


def test_damage_that_no_query_meets_is_found_by_packing(store, days, kept, window, now):
    damage(kept, days[1], lambda data: data[:4][::-1] + data[4:])

    store.pack(now=now)

    assert marks(store) == ([days[1]] if store.settings.telemetry is None else [])


def test_a_function_is_not_quiet_for_what_cannot_be_read(store, days, kept, window, now, a_run, noon):
    fresh = Window(window.end, noon)
    store.commit(a_run(fresh.start, fresh.end, at=now), [Covered("", fresh)], now=now)
    whole = activity.lately(store, now=now, length=3 * DAY)
    place = ("111111111111", "eu-west-1", "checkout")
    assert whole.since(place) == window.start

    damage(kept, days[1], without_end)

    assert activity.lately(store, now=now, length=3 * DAY).since(place) == window.end - DAY


def test_a_function_that_may_have_run_in_lost_rows_has_no_last_invocation(store, kept, days, noon, now):
    place = (PROD.account, PROD.region, "checkout")
    window = Window(now - HOUR, now)

    before = last_invocations(store, [place], window, {}, now=now)
    damage(kept, days[0], without_end)
    still = last_invocations(store, [place], window, {}, now=now)
    damage(kept, days[-1], without_end)
    after = last_invocations(store, [place], window, {}, now=now)

    assert before == still == {place: noon - DAY}
    assert after == {}
