"""How each function is watched."""

from core.entities import Cadence, LogMode
from store.readers.modes import cadences, log_modes
from store.store import Filter


def test_an_empty_store_knows_no_mode_and_no_pace(store):
    assert log_modes(store).empty
    assert cadences(store).empty


def test_functions_whose_log_is_read_least_come_first(world):
    modes = [
        LogMode(name="a", mode="every", why="small", bytes_a_day=10.0),
        LogMode(name="b", mode="off", why="said so"),
        LogMode(name="c", mode="aggregated", why="much", bytes_a_day=1e9, usd_a_month=1.5),
    ]
    world.run("logs", modes)

    frame = log_modes(world.store)

    assert list(frame["function"]) == ["b", "c", "a"]
    assert frame["usd_a_month"].tolist()[1] == 1.5


def test_one_functions_pace_can_be_asked_alone(world):
    world.run("inventory", [Cadence(name=n, every_s=3600, why="quiet") for n in ("a", "b")])

    frame = cadences(world.store, where=Filter(function="b"))

    assert frame[["function", "every_s", "why"]].values.tolist() == [["b", 3600, "quiet"]]
