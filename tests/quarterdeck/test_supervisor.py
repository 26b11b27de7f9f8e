"""Parts that die start again, parts that cannot start end it all, and nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from quarterdeck.supervisor import (
    Part,
    PortInUseError,
    Supervisor,
    answers,
    ending,
    free_port,
    require_free,
    wait_s,
)


def part(code, name="part"):
    return Part(name, [sys.executable, "-c", code], os.environ)


SLEEPS = "import time; time.sleep(60)"


def supervised(*parts, until, said=None):
    """Run a supervisor until `until(parts)` holds."""
    supervisor = Supervisor(parts, say=(said if said is not None else []).append)

    def look():
        supervisor.asked_to_stop = until(parts)

    return supervisor.run(each_look=look)


def test_a_part_that_dies_starts_again_and_it_is_said():
    pids, said = set(), []

    def two_lives(parts):
        process = parts[0].process
        if process is not None:
            if not pids:
                process.send_signal(signal.SIGKILL)
            pids.add(process.pid)
        return len(pids) == 2

    assert supervised(part(SLEEPS, "service"), until=two_lives, said=said) == 0
    assert said == ["the service ended (killed by SIGKILL); it starts again in 1 s"]


def test_a_part_that_cannot_start_ends_everything_with_its_code():
    other = part(SLEEPS)

    assert supervised(other, part("import sys; sys.exit(2)"), until=lambda parts: False) == 2
    assert other.process.poll() is not None


def test_stopping_leaves_no_process_even_of_a_part_that_does_not_listen(monkeypatch):
    monkeypatch.setattr("quarterdeck.supervisor.PATIENCE_S", 0.5)
    deaf = part("import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)")

    supervised(deaf, until=lambda parts: parts[0].alive())

    assert deaf.process.poll() is not None


def test_a_part_waits_for_what_it_needs():
    needs = threading.Event()
    later = part(SLEEPS)
    later.may_start = needs.is_set
    looks = []

    def after_a_while(parts):
        looks.append(parts[0].alive())
        if len(looks) == 3:
            needs.set()
        return parts[0].alive()

    supervised(later, until=after_a_while)

    assert looks[:3] == [False, False, False]


@pytest.mark.parametrize(("deaths", "wait"), [(1, 1), (2, 2), (3, 4), (10, 60)])
def test_the_wait_doubles_up_to_a_minute(deaths, wait):
    assert wait_s(deaths) == wait


def test_how_a_process_ended_is_said_in_words():
    assert (ending(-9), ending(3)) == ("killed by SIGKILL", "exit code 3")


def test_a_port_in_use_is_said_with_the_option_that_helps():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortInUseError, match=rf"127.0.0.1:{port}.*--port or dashboard.port"):
            require_free("127.0.0.1", port)


def test_a_free_port_is_free():
    require_free("127.0.0.1", free_port())


def test_nothing_answers_where_nothing_listens():
    assert not answers("127.0.0.1", free_port(), "/")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child to its parent's life")
def test_parts_end_with_a_supervisor_that_was_killed(tmp_path):
    script = (
        "import os, sys; from quarterdeck.supervisor import Part, Supervisor\n"
        f"part = Part('part', [sys.executable, '-c', {SLEEPS!r}], os.environ)\n"
        "look = lambda: part.process and print(part.process.pid, flush=True)\n"
        "Supervisor([part], say=print).run(each_look=look)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as supervisor:
        child = int(supervisor.stdout.readline())
        supervisor.kill()

    assert gone(child)


def gone(pid):
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
