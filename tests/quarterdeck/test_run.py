"""`quarterdeck run --demo`, for real: pages and numbers come up, and SIGTERM leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from quarterdeck.supervisor import answers, free_port


class Running:
    """The real command as a process, with what it prints."""

    def __init__(self, folder, *words):
        self.folder, self.port, self.log = folder, free_port(), folder / "log"
        argv = [sys.executable, "-m", "quarterdeck", "run", "--port", str(self.port), *words]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(argv, cwd=folder, env=os.environ, stdout=log, stderr=log)

    def wait_for(self, what, *, seconds):
        """Look five times a second until `what()` is true. Fails with the log when the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            if found := what():
                return found
            time.sleep(0.2)
        raise AssertionError(f"not within {seconds} s: {self.log.read_text()}")

    def healthy(self):
        return answers("127.0.0.1", self.port, "/_stcore/health")

    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def service(self):
        return next((child for child in self.children() if "service" in child.cmdline()), None)

    def stop(self):
        """Ends with SIGTERM; the exit code, and the processes that are left."""
        family = self.children()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        return code, [child for child in family if child.is_running() and child.status() != "zombie"]


@pytest.fixture
def start(no_aws, tmp_path):
    started = []

    def run(*words):
        started.append(Running(tmp_path, *words))
        return started[-1]

    yield run
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def functions(quarterdeck):
    """Asks for the functions with numbers in the demo's store: none while it is not there."""

    def ask():
        done = quarterdeck("--store", ".quarterdeck/demo", "fleet", "--since", "1h", "--json")
        rows = json.loads(done.stdout)["functions"] if done.exit_code == 0 else []
        return [row for row in rows if row["invocations"]]

    return ask


@pytest.mark.slow
def test_the_demo_comes_up_with_data_brings_back_a_killed_part_and_stops_without_a_trace(start, functions):
    running = start()

    running.wait_for(running.healthy, seconds=120)
    running.wait_for(lambda: len(functions()) > 20, seconds=120)
    assert len(running.children()) == 3

    running.service().kill()
    running.wait_for(lambda: "the service ended (killed by SIGKILL)" in running.log.read_text(), seconds=60)
    running.wait_for(lambda: len(running.children()) == 3, seconds=120)

    assert running.stop() == (0, [])
    log = running.log.read_text()
    assert "No AWS credentials found" in log
    assert f"Dashboard: http://127.0.0.1:{running.port}" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_service_that_cannot_start_ends_everything_with_one_sentence(start, keys, tmp_path):
    keys.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    (tmp_path / ".quarterdeck").mkdir()
    (tmp_path / ".quarterdeck" / "services").touch()
    running = start()
    code = running.process.wait(timeout=120)

    said = [line for line in running.log.read_text().splitlines() if line.startswith("quarterdeck: ")]
    assert code == 1
    assert len(said) == 1
    assert "cannot write to the store folder" in said[0]
