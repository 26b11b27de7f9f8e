"""Runtime updates are changes, told by the first lines of environments: no inventory has them."""

import pytest

from core.preceding import Change, Trouble, preceding
from core.telemetry import ApiCall, EnvironmentStart
from store.readers.changes import changes

ARN = "arn:aws:lambda:eu-west-1::runtime:"
OLD, NEW, NEWEST = (ARN + digit * 64 for digit in "abc")


def start(world, minutes_ago, arn, version="7", function="orders"):
    return EnvironmentStart(
        function=function, ts=world.at(minutes_ago), event_id=f"{function}{version}{minutes_ago}",
        stream=f"s{minutes_ago}", version=version, runtime_arn=arn,
    )  # fmt: skip


def told(world, minutes=60, **about):
    """The window's last hour by default: the earlier starts are before it."""
    return changes(world.store, world.window(minutes), **about)


def test_the_first_environment_on_another_runtime_is_a_change_dated_when_it_began(world):
    world.run("logs", [start(world, ago, OLD) for ago in (170, 50)] + [start(world, 40, NEW)])
    world.run("logs", [start(world, 30, NEW)])

    (row,) = told(world).to_dict("records")

    assert (row["kind"], row["version"], row["ts"]) == ("runtime", "7", world.at(40))
    assert row["what"] == "Runtime updated on v7"
    assert (row["old"], row["new"], row["who"]) == (OLD, NEW, None)


def test_a_start_before_the_window_tells_what_the_first_one_in_it_came_after(world):
    world.run("logs", [start(world, 170, OLD), start(world, 20, NEW)])

    assert list(told(world)["ts"]) == [world.at(20)]
    assert told(world, 10).empty


def test_a_rollback_is_a_change_too_and_names_who_called_for_it(world):
    world.run("logs", [start(world, ago, arn) for ago, arn in ((50, OLD), (40, NEW), (20, OLD))])
    call = ApiCall(
        event_id="c", ts=world.at(22), action="PutRuntimeManagementConfig", function="orders", who="jane"
    )
    world.run("changes", [call])

    assert [(row["new"], row["who"]) for row in told(world).to_dict("records")] == [
        (OLD, "jane"),
        (NEW, None),
    ]


@pytest.mark.parametrize(
    "others",
    [
        {"version": "8"},
        {"function": "other"},
        {"arn": None},
    ],
)
def test_versions_and_functions_are_compared_with_themselves_and_images_with_nothing(world, others):
    about = {"arn": NEW, **others}
    world.run("logs", [start(world, 50, OLD), start(world, 40, **about), start(world, 30, OLD)])

    assert told(world).empty


def test_one_function_is_told_of_alone(world):
    for function in ("orders", "other"):
        world.run("logs", [start(world, ago, arn, function=function) for ago, arn in ((50, OLD), (40, NEW))])

    assert set(told(world)["function"]) == {"orders", "other"}
    assert list(told(world, target=world.target, function="other")["function"]) == ["other"]


def test_a_runtime_update_shortly_before_a_trouble_is_named_before_a_setting_changed_with_it(world):
    one, other = (
        Change(ts=world.at(ago), kind=kind, function="orders", what=kind)
        for ago, kind in ((12, "runtime"), (10, "configuration"))
    )

    found = preceding(Trouble(began=world.at(5), functions=frozenset({"orders"})), [one, other])

    assert found is not None
    assert found.change.kind == "runtime"
