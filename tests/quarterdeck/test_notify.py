"""`quarterdeck notify`: list, test, route."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from core.settings import StoreSettings
from quarterdeck.cli import app
from store.store import Store


@pytest.fixture
def target():
    class Handler(BaseHTTPRequestHandler):
        status, bodies = 200, []

        def do_POST(self):
            type(self).bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(type(self).status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_): ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    Handler.url = f"http://127.0.0.1:{server.server_port}/verysecretpart"
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run(tmp_path, target):
    Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0)).close()
    settings = tmp_path / "q.yml"
    settings.write_text(f"alerts: {{channels: {{chat: {{kind: slack, url: '{target.url}'}}}}}}\n")

    def go(*words):
        told = ["--settings", str(settings), "--store", str(tmp_path / "store"), "notify", *words]
        return CliRunner().invoke(app, told)

    return go


def test_a_test_says_what_the_target_answered(run, target):
    result = run("test", "chat", "--json")

    assert result.exit_code == 0
    assert json.loads(result.stdout)["accepted"] is True
    assert "Test of channel chat" in str(target.bodies[-1])


def test_a_test_that_is_refused_fails_without_the_secret(run, target):
    target.status = 404
    result = run("test", "chat")

    assert result.exit_code == 1
    assert "chat did not take the test: answered 404" in result.stderr
    assert "verysecretpart" not in result.output


def test_a_channel_that_does_not_exist_is_a_mistake(run):
    result = run("test", "nowhere")

    assert result.exit_code == 2
    assert "there is no channel nowhere in alerts.channels; there is: chat" in result.stderr


def test_every_channel_of_the_settings_is_listed_before_a_service_ran(run):
    [row] = json.loads(run("list", "--json").stdout)["channels"]

    assert (row["channel"], row["kind"], row["state"]) == ("chat", "slack", "unused")


def test_a_rule_is_routed(run):
    result = run("route", "--rule", "error-rate", "--json")

    assert json.loads(result.stdout)["channels"] == ["chat"]
