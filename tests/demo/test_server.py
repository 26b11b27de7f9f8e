"""The demo as a process: its folder, its port, its clock and what leads to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta

import boto3
import pytest

from core.errors import QuarterdeckError
from core.settings import AwsSettings, CollectSettings, TargetSettings
from quarterdeck.demo.folder import open_folder
from quarterdeck.demo.server import DemoServer, FrozenClock
from quarterdeck.demo.settings import demo_settings, environment

from .conftest import NOW, Aws


def invocations(server):
    return Aws(server.endpoint).values("Invocations", FunctionName="cart-api")


def test_a_folder_remembers_its_seed_and_every_start(tmp_path):
    first = open_folder(tmp_path / "demo", 3, NOW)
    second = open_folder(tmp_path / "demo", None, NOW + timedelta(hours=2))

    assert first.starts == (NOW,)
    assert (second.seed, second.starts) == (3, (NOW, NOW + timedelta(hours=2)))


def test_another_seed_for_the_same_folder_is_refused(tmp_path):
    open_folder(tmp_path, 3, NOW)

    with pytest.raises(QuarterdeckError, match="has seed 3, not 4"):
        open_folder(tmp_path, 4, NOW)


@pytest.mark.parametrize("content", ["", "[]", '{"seed": 1}', '{"seed": 1, "starts": ["yesterday"]}'])
def test_a_damaged_folder_says_what_to_do(tmp_path, content):
    (tmp_path / "demo.json").write_text(content)

    with pytest.raises(QuarterdeckError, match="delete it"):
        open_folder(tmp_path, None, NOW)


def test_a_restarted_demo_has_the_same_history(tmp_path):
    later = FrozenClock(NOW + timedelta(hours=1))
    with DemoServer(tmp_path, clock=FrozenClock(NOW)) as server:
        before = invocations(server)
    with DemoServer(tmp_path, clock=later) as server:
        after = invocations(server)

    assert {ts: after[ts] for ts in before} == before
    assert len(before) > 50


def test_a_taken_port_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError):
        DemoServer(port=taken.getsockname()[1])


def post(url, content):
    request = urllib.request.Request(url, json.dumps(content).encode(), method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_a_frozen_clock_is_moved_over_http(fresh):
    aws, clock = fresh
    post(aws.endpoint + "/demo/clock", {"now": (NOW + timedelta(hours=1)).isoformat()})

    assert clock.now == NOW + timedelta(hours=1)


def test_a_running_clock_is_not_moved():
    with DemoServer() as server, pytest.raises(urllib.error.HTTPError) as refusal:
        post(server.endpoint + "/demo/clock", {"now": NOW.isoformat()})

    assert refusal.value.code == 409
    refusal.value.close()


def test_settings_are_valid_and_cover_both_accounts_and_regions():
    content = demo_settings("http://127.0.0.1:1")
    targets = [TargetSettings(**target) for target in content["targets"]]

    assert {len(t.regions) for t in targets} == {2}
    assert len({t.role_arn for t in targets}) == 2
    assert AwsSettings(**content["aws"]).endpoint_url == "http://127.0.0.1:1"
    assert CollectSettings(**content["collect"]).metrics_every == timedelta(minutes=1)


def test_the_process_prints_its_endpoint_answers_and_stops(tmp_path):
    argv = [sys.executable, "-m", "quarterdeck.demo", "--folder", str(tmp_path), "--now", NOW.isoformat()]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        endpoint = process.stdout.readline().strip()
        given = environment(endpoint, tmp_path / "settings.yml")
        client = boto3.client(
            "sts",
            endpoint_url=given["AWS_ENDPOINT_URL"],
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            region_name=given["AWS_DEFAULT_REGION"],
        )
        identity = client.get_caller_identity()
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=60)

    assert identity["Account"] == "111122223333"
    assert code == 0
