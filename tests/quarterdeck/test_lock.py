"""One service per store."""

import subprocess
import sys

import pytest

from core.errors import StoreError
from quarterdeck.lock import service_lock

HOLD = "import sys, time; from pathlib import Path; from quarterdeck.lock import service_lock\n"
HOLD += "with service_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_service_is_told_who_holds_the_store(tmp_path, holder):
    with pytest.raises(StoreError, match=f"process {holder.pid}"), service_lock(tmp_path):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path, holder):
    holder.kill()
    holder.wait()

    with service_lock(tmp_path):
        pass


def test_a_store_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(StoreError, match="cannot write"), service_lock(tmp_path / "none"):
        pass
