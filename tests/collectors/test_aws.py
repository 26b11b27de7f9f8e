from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest

from collectors.aws import Aws, connect
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError
from core.facts import Target
from core.settings import AwsSettings, TargetSettings

ROLE = "arn:aws:iam::444455556666:role/quarterdeck"


def test_without_targets_the_current_credentials_and_region_are_watched(moto):
    reached, failed = connect([], AwsSettings())

    assert [aws.target for aws in reached] == [Target("123456789012", "eu-west-1")]
    assert failed == []


def test_each_account_and_region_is_one_target(moto):
    targets = [
        TargetSettings(name="here", regions=["eu-west-1", "us-east-1"]),
        TargetSettings(name="there", regions=["us-east-1"], role_arn=ROLE, external_id="x-1"),
    ]

    reached, _ = connect(targets, AwsSettings())

    assert [(aws.target.account, aws.target.region, aws.alias) for aws in reached] == [
        ("123456789012", "eu-west-1", "here"),
        ("123456789012", "us-east-1", "here"),
        ("444455556666", "us-east-1", "there"),
    ]


def test_a_target_named_twice_is_watched_once(moto):
    reached, _ = connect([TargetSettings(name="a"), TargetSettings(name="b")], AwsSettings())

    assert [aws.alias for aws in reached] == ["a"]


def test_calls_of_an_assumed_role_are_made_in_its_account(moto):
    target = TargetSettings(regions=["us-east-1"], role_arn=ROLE)

    (aws,), _ = connect([target], AwsSettings())

    arn = aws.client("sts").get_caller_identity()["Arn"]
    assert arn == "arn:aws:sts::444455556666:assumed-role/quarterdeck/quarterdeck"


def test_one_bad_target_leaves_the_others(moto):
    targets = [
        TargetSettings(name="typo", regions=["eu-wset-1", "us-east-1"]),
        TargetSettings(profile="nope"),
    ]

    reached, failed = connect(targets, AwsSettings())

    assert [aws.target.region for aws in reached] == ["us-east-1"]
    assert [missing.name for missing in failed] == ["typo", "nope"]


def test_a_wrong_region_is_named_with_the_likeliest_one(moto):
    _, (missing,) = connect([TargetSettings(regions=["eu-wset-1"])], AwsSettings())

    assert "'eu-wset-1'" in str(missing.error)
    assert "did you mean eu-west-1?" in str(missing.error)


def test_no_region_says_what_to_set(moto, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")

    reached, (missing,) = connect([], AwsSettings())

    assert reached == []
    assert "set AWS_DEFAULT_REGION" in str(missing.error)


@pytest.mark.parametrize("role", [None, ROLE])
def test_no_credentials_says_what_to_set(moto, monkeypatch, role):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    reached, (missing,) = connect([TargetSettings(role_arn=role)], AwsSettings())

    assert reached == []
    assert isinstance(missing.error, CredentialsError)
    assert "AWS_PROFILE" in str(missing.error)


def test_an_endpoint_that_nobody_serves_says_so(moto, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    _, (missing,) = connect([], AwsSettings(), attempts=1)

    assert isinstance(missing.error, EndpointError)
    assert "127.0.0.1:9" in str(missing.error)


def test_the_endpoint_of_the_settings_is_used_unless_the_environment_names_one(moto, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")

    reached, _ = connect([], AwsSettings(endpoint_url=moto))

    assert reached[0].client("lambda").meta.endpoint_url == moto


# --- a server that refuses as told, over HTTP ---


class Refuser(ThreadingHTTPServer):
    """Answers GetAccountSettings with each of `script` in turn: a status and an error code, or 200."""

    script: list[tuple[int, str]]


class _Handler(BaseHTTPRequestHandler):
    server: Refuser

    def do_GET(self) -> None:
        status, code = self.server.script.pop(0)
        limits = {"AccountLimit": {"ConcurrentExecutions": 7, "UnreservedConcurrentExecutions": 7}}
        body = json.dumps(limits if status == 200 else {"message": "no", "Type": "User"}).encode()
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def refuser() -> Iterator[Refuser]:
    server = Refuser(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def aws_at(server: Refuser, monkeypatch, **settings) -> Aws:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    found = AwsSettings(endpoint_url=f"http://127.0.0.1:{server.server_port}", **settings)
    return Aws(boto3.Session("key", "secret"), Target("1", "eu-west-1"), found)


def test_every_attempt_is_counted(refuser, monkeypatch):
    refuser.script = [(429, "TooManyRequestsException"), (200, "")]
    aws = aws_at(refuser, monkeypatch)

    aws.client("lambda").get_account_settings()

    (usage,) = aws.take_usage()
    assert (usage.service, usage.operation, usage.calls) == ("lambda", "GetAccountSettings", 2)


def test_clients_raise_our_errors(refuser, monkeypatch):
    refuser.script = [(403, "AccessDeniedException")]
    aws = aws_at(refuser, monkeypatch)

    with pytest.raises(AccessDeniedError) as failure:
        aws.client("lambda").get_account_settings()

    assert failure.value.permission == "lambda:GetAccountSettings"


def test_a_refused_call_was_a_call(refuser, monkeypatch):
    refuser.script = [(403, "AccessDeniedException")]
    aws = aws_at(refuser, monkeypatch)

    with pytest.raises(AwsError):
        aws.client("lambda").get_account_settings()

    assert [usage.calls for usage in aws.take_usage()] == [1]


def test_calls_are_held_to_the_pace_of_their_service(refuser, monkeypatch):
    import time

    refuser.script = [(200, "")] * 30
    aws = aws_at(refuser, monkeypatch, calls_per_s={"lambda": 20.0})
    began = time.perf_counter()

    for _ in range(30):
        aws.client("lambda").get_account_settings()

    assert time.perf_counter() - began >= 0.4


def test_a_service_is_connected_once(refuser, monkeypatch):
    aws = aws_at(refuser, monkeypatch)

    assert aws.client("lambda") is aws.client("lambda")
