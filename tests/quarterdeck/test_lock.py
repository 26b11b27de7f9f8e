"""Who lives beside a service: told by locks that end with their processes."""

import subprocess
import sys

import pytest

from core.errors import StoreError
from quarterdeck.lock import NAME, living

HOLD = "import sys, time; from pathlib import Path; from quarterdeck.lock import living\n"
HOLD += "with living(Path(sys.argv[1]), 'other', only_here=True): print('held', flush=True); time.sleep(60)"


@pytest.fixture
def other(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_service_beside_this_one_lives(tmp_path, other):
    with living(tmp_path, "mine", only_here=True) as neighbours:
        assert neighbours.dead() == set()


def test_one_that_was_killed_is_known_to_be_dead_until_it_is_forgotten(tmp_path, other):
    other.kill()
    other.wait()

    with living(tmp_path, "mine", only_here=False) as neighbours:
        assert neighbours.dead() == {"other"}
        neighbours.forget({"other"})
        assert neighbours.dead() == set()


@pytest.mark.parametrize(("only_here", "dead"), [(True, {"other"}), (False, set())])
def test_a_lock_of_another_machine_tells_nothing_where_others_can_use_the_store(tmp_path, only_here, dead):
    with living(tmp_path, "mine", only_here=only_here) as neighbours:
        (tmp_path / NAME / "other").write_text("another machine")

        assert neighbours.dead() == dead


def test_one_that_is_just_starting_is_not_taken_for_dead(tmp_path):
    with living(tmp_path, "mine", only_here=True) as neighbours:
        (tmp_path / NAME / "other").touch()

        assert neighbours.dead() == set()


def test_one_that_ends_leaves_nothing(tmp_path):
    with living(tmp_path, "mine", only_here=True):
        pass

    assert list((tmp_path / NAME).iterdir()) == []


def test_a_store_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match="cannot write"), living(tmp_path / "none", "mine", only_here=True):
        pass
