"""Regions: named, discovered, refused; and what a region that is not enabled says."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from collectors.aws import connect
from collectors.regions import discover, named_regions, not_enabled
from collectors.sessions import _models
from core.errors import AccessDeniedError, AwsError, CredentialsError
from core.settings import AwsSettings, TargetSettings


class Asked:
    """Clients that answer, or refuse, the listings of regions."""

    def __init__(self, ec2=None, account=None):
        self.answers = {"ec2": ec2, "account": account}

    def __call__(self, service):
        self.service = service
        return self

    def describe_regions(self):
        return {"Regions": [{"RegionName": name} for name in self._answer()]}

    def get_paginator(self, operation):
        assert operation == "list_regions"
        return self

    def paginate(self, **_):
        return [{"Regions": [{"RegionName": name} for name in self._answer()]}]

    def _answer(self):
        if self.answers[self.service] is None:
            raise AccessDeniedError("no", permission=f"{self.service}:X")
        return self.answers[self.service]


def test_enabled_regions_are_those_that_ec2_tells():
    assert discover(Asked(ec2=["us-east-1", "eu-west-1"]), "prod") == ["eu-west-1", "us-east-1"]


def test_account_management_is_asked_when_ec2_may_not_be():
    assert discover(Asked(account=["eu-north-1"]), "prod") == ["eu-north-1"]


def test_without_either_right_it_says_what_to_write_by_hand():
    with pytest.raises(AccessDeniedError, match="list them in `regions`") as failure:
        discover(Asked(), "prod")

    assert failure.value.permission == "ec2:DescribeRegions"


def test_a_region_that_is_written_twice_is_one():
    wanted = TargetSettings(regions=["eu-west-1", "all", "eu-west-1"])

    assert named_regions(wanted, None, "prod") == ["eu-west-1"]


def test_rejected_credentials_that_work_elsewhere_mean_that_the_region_is_off():
    error = CredentialsError("rejected", code="InvalidClientTokenId")

    assert "is not enabled" in str(not_enabled(error, "ap-east-1", ["eu-west-1"]))
    assert not_enabled(error, "ap-east-1", []) is None
    assert not_enabled(AwsError("down", code="500"), "ap-east-1", ["eu-west-1"]) is None


def test_an_account_without_a_name_of_ours_gets_its_alias(moto, monkeypatch):
    import boto3

    iam = boto3.client("iam", endpoint_url=moto)
    iam.create_account_alias(AccountAlias="moorings")

    (aws,), _ = connect([], AwsSettings())

    assert aws.alias == "moorings"
    assert aws.take_usage() == ()


def test_what_failed_can_be_tried_again_by_itself(moto):
    targets = [TargetSettings(name="typo", regions=["eu-wset-1", "us-east-1"])]

    _, (lost,) = connect(targets, AwsSettings())

    assert lost.wanted == TargetSettings(name="typo", regions=["eu-wset-1"])


def test_a_target_named_twice_knows_its_other_names(moto):
    (aws,), _ = connect([TargetSettings(name="a"), TargetSettings(name="b")], AwsSettings())

    assert aws.also == ("b",)


# --- an STS that answers per region, over HTTP ---

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::1:user/x</Arn><UserId>x</UserId><Account>111122223333</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
REGIONS = """<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo>
<item><regionName>us-east-1</regionName></item><item><regionName>eu-west-1</regionName></item>
<item><regionName>eu-new-9</regionName></item></regionInfo></DescribeRegionsResponse>"""
REFUSAL = "<ErrorResponse><Error><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"


class Sts(ThreadingHTTPServer):
    """Refuses regions with the code that `codes` has for them."""

    codes: dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        region = self.headers["Authorization"].split("/")[2]
        code = self.server.codes.get(region)
        body = REFUSAL.format(code) if code else REGIONS if b"DescribeRegions" in asked else IDENTITY
        body = body.encode()
        self.send_response(403 if code else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_): ...


@pytest.fixture
def sts(moto, monkeypatch):
    server = Sts(("127.0.0.1", 0), _Handler)
    server.codes = {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_region_that_is_not_opted_in_and_one_without_sts_say_so_and_leave_the_others(sts):
    sts.codes = {"ap-east-1": "InvalidClientTokenId", "eu-south-1": "RegionDisabledException"}
    wanted = TargetSettings(name="prod", regions=["ap-east-1", "eu-west-1", "eu-south-1"])

    reached, failed = connect([wanted], AwsSettings())

    assert [aws.target.region for aws in reached] == ["eu-west-1"]
    said = {lost.region: str(lost.error) for lost in failed}
    assert "not enabled for the account" in said["ap-east-1"]
    assert "STS is switched off" in said["eu-south-1"]


def test_credentials_that_expired_in_mid_run_are_looked_up_anew(sts, monkeypatch):
    (aws,), _ = connect([TargetSettings(name="prod")], AwsSettings())
    before = aws.client("sts")
    sts.codes = {"eu-west-1": "ExpiredToken"}
    with pytest.raises(CredentialsError):
        before.get_caller_identity()
    sts.codes = {}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "renewed")

    after = aws.client("sts")

    assert after is not before
    assert after.get_caller_identity()["Account"] == "111122223333"
    assert aws._session.get_credentials().access_key == "renewed"


def test_every_enabled_region_of_an_account_is_watched_new_ones_too(sts):
    reached, failed = connect([TargetSettings(name="prod", regions=["all"])], AwsSettings())

    assert [aws.target.region for aws in reached] == ["eu-new-9", "eu-west-1", "us-east-1"]
    assert failed == []


def test_sessions_of_many_regions_do_not_grow_what_they_share(sts):
    connect([TargetSettings(name="prod", regions=["all"])], AwsSettings())
    before = len(_models().search_paths)

    connect([TargetSettings(name="prod", regions=["all"])], AwsSettings())

    assert len(_models().search_paths) == before
