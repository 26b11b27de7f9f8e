"""Whatever is wrong ends in one clear sentence on stderr and a non-zero exit; nothing collected is lost."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from quarterdeck.supervisor import free_port


def refused(result, code, *words):
    """One line with these words on stderr, nothing on stdout, this exit code, and no traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture
def expired():
    """An AWS endpoint that has had enough of our credentials."""

    class Expired(BaseHTTPRequestHandler):
        def do_POST(self):
            body = (
                b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
                b"<Code>ExpiredToken</Code><Message>The security token is expired</Message>"
                b"</Error><RequestId>r</RequestId></ErrorResponse>"
            )
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Expired)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


STARTS = [("collect", "--once"), ("service",)]


@pytest.mark.parametrize("command", STARTS, ids=" ".join)
def test_no_credentials(quarterdeck, no_aws, command):
    no_aws.setenv("AWS_DEFAULT_REGION", "eu-west-1")

    refused(quarterdeck("--store", "s", *command), 1, "credentials")


@pytest.mark.parametrize("command", STARTS, ids=" ".join)
def test_expired_credentials(quarterdeck, keys, expired, command):
    keys.setenv("AWS_ENDPOINT_URL", expired)

    refused(quarterdeck("--store", "s", *command), 1, "expired")


def test_an_unreachable_endpoint(quarterdeck, keys):
    endpoint = f"http://127.0.0.1:{free_port()}"
    keys.setenv("AWS_ENDPOINT_URL", endpoint)

    refused(quarterdeck("collect", "--once"), 1, endpoint)


def test_a_region_that_does_not_exist(quarterdeck, keys):
    keys.setenv("AWS_DEFAULT_REGION", "eu-wets-1")

    refused(quarterdeck("collect", "--once"), 1, "eu-wets-1", "eu-west-1")


def test_no_region_at_all(quarterdeck, keys):
    keys.delenv("AWS_DEFAULT_REGION")

    refused(quarterdeck("collect", "--once"), 1, "region")


def test_a_profile_that_does_not_exist(quarterdeck, no_aws):
    no_aws.setenv("AWS_PROFILE", "nobody")

    refused(quarterdeck("collect", "--once"), 1, "nobody")


@pytest.mark.parametrize("command", ["run", "dashboard"])
def test_a_port_in_use(quarterdeck, command):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        refused(quarterdeck(command, "--port", port), 1, str(port), "--port")


@pytest.mark.parametrize("command", [("collect", "--once"), ("service",), ("run", "--demo", "--port", "0")])
def test_a_store_folder_that_cannot_be_written(quarterdeck, keys, tmp_path, command):
    (tmp_path / "file").write_text("")
    if "--port" in command:
        command = (*command[:-1], str(free_port()))

    refused(quarterdeck("--store", tmp_path / "file" / "store", *command), 1, str(tmp_path / "file"))


def test_a_full_store_folder(quarterdeck, keys, tmp_path, filled, expired):
    (tmp_path / "q.yml").write_text("store: {path: store, free_space_floor_mb: 1000000000}\n")

    result = quarterdeck("--settings", "q.yml", "doctor")

    assert result.exit_code == 1
    assert "lower store.free_space_floor_mb" in result.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour: red\n", ":1: colour: there is no such setting"),
        ("dashboard:\n  port: many\n", ":2: dashboard.port: must be a valid integer"),
        ("dashboard: {port: 1\n", "this is not YAML"),
    ],
)
@pytest.mark.parametrize("command", [("fleet",), ("run",), ("service",)], ids=" ".join)
def test_a_wrong_settings_file(quarterdeck, tmp_path, command, text, said):
    (tmp_path / "quarterdeck.yml").write_text(text)

    refused(quarterdeck(*command), 2, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules:\n  - rule: a\n    signal: errors\n    abvoe: 1\n", ":4: "),
        ("rules:\n  - rule: a\n    signal: errors\n    above: [1]\n", ":4: "),
        ("rules: {\n", "this is not YAML"),
    ],
)
def test_a_wrong_rule_file(quarterdeck, tmp_path, text, said):
    (tmp_path / "rules.yml").write_text(text)

    refused(quarterdeck("rules", "check", "rules.yml"), 2, f"rules.yml{said}" if said[0] == ":" else said)


def test_a_store_of_a_newer_version_is_left_as_it_is(quarterdeck, filled):
    with sqlite3.connect(filled / "state.db") as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'")
    connection.close()

    refused(quarterdeck("--store", filled, "fleet"), 1, "newer Quarterdeck", "upgrade")

    with sqlite3.connect(filled / "state.db") as connection:
        kept = connection.execute("SELECT count(*) FROM entity").fetchone()
    connection.close()
    assert kept == (3,)


def test_no_store_yet(quarterdeck):
    refused(quarterdeck("fleet"), 1, "no store", "quarterdeck collect --once")


def test_an_unknown_function_with_the_nearest_names(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "function", "chekout"), 2, "chekout", "checkout")


@pytest.mark.parametrize("since", ["3", "3x", "-3h", "", "0m", "99999999999999999999d", "9999w"])
def test_a_since_that_is_no_length_of_time(quarterdeck, filled, since):
    refused(quarterdeck("--store", filled, "fleet", f"--since={since}"), 2, "--since")


def test_an_until_that_is_no_time(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "fleet", "--until", "yesterday"), 2, "--until")


def test_a_group_that_costs_cannot_have(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "cost", "--by", "colour"), 2, "colour", "tag:NAME")


def test_a_csv_file_that_cannot_be_written(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "cost", "--csv", filled / "none" / "x.csv"), 1, "x.csv")


def test_an_incident_that_is_not_there(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "ack", "nope"), 2, "nope", "incidents --all")


def test_an_action_that_no_rule_has(quarterdeck, filled):
    refused(quarterdeck("--store", filled, "act", "explode", "checkout"), 2, "explode", "docs/actions.md")


def test_the_real_command_says_it_without_a_traceback(no_aws, tmp_path):
    env = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}

    done = subprocess.run(
        [sys.executable, "-m", "quarterdeck", "collect", "--once"], env=env, capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("quarterdeck: ")
    assert "Traceback" not in done.stderr
