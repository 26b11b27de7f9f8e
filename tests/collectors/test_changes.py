"""CloudTrail's events as calls: who, through what, on which function."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import changes, inventory, planning
from collectors.collector import Ask
from collectors.runner import run_once
from collectors.trail import action_of, parse_event, via_of
from core.telemetry import ApiCall
from core.windows import Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window(NOW - timedelta(hours=1), NOW)
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:orders"
CLI = "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1 os/linux"


def event(name="UpdateFunctionConfiguration20150331v2", *, minutes_ago=10, read_only="false", **document):
    values = {
        "userIdentity": {"type": "IAMUser", "userName": "jane", "accountId": "111122223333"},
        "userAgent": CLI,
        "requestParameters": {"functionName": "orders"},
    }
    return {
        "EventId": f"{name}-{minutes_ago}",
        "EventName": name,
        "ReadOnly": read_only,
        "EventTime": NOW - timedelta(minutes=minutes_ago),
        "Username": "jane",
        "Resources": [],
        "CloudTrailEvent": json.dumps({**values, **document}),
    }


def parsed(*args, **document):
    found = parse_event(event(*args, **document))
    assert found is not None
    return found


def test_a_call_says_what_was_done_to_which_function_by_whom_and_how():
    found = parsed()

    assert (found.action, found.function, found.who, found.via) == (
        "UpdateFunctionConfiguration",
        "orders",
        "jane",
        "AWS CLI",
    )
    assert (found.ts, found.error) == (NOW - timedelta(minutes=10), None)


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
        ("PublishVersion20150331", "PublishVersion"),
        ("PutFunctionConcurrency20171031", "PutFunctionConcurrency"),
        ("PutProvisionedConcurrencyConfig", "PutProvisionedConcurrencyConfig"),
        ("UpdateFunctionCode", "UpdateFunctionCode"),
    ],
)
def test_the_version_of_the_api_is_no_part_of_an_action(name, action):
    assert action_of(name) == action


@pytest.mark.parametrize(
    ("document", "function"),
    [
        ({"requestParameters": {"functionName": ARN}}, "orders"),
        ({"requestParameters": {"functionName": f"{ARN}:prod"}}, "orders"),
        ({"requestParameters": {"functionName": "111122223333:function:orders"}}, "orders"),
        ({"requestParameters": {"functionName": "function:orders"}}, "orders"),
        ({"requestParameters": {"functionName": "orders:prod"}}, "orders"),
        ({"requestParameters": {"resource": ARN, "tags": {}}}, "orders"),
        ({"requestParameters": {"uUID": "u"}, "responseElements": {"functionArn": ARN}}, "orders"),
        ({"requestParameters": {"layerName": "common"}}, ""),
        ({"requestParameters": {"resource": "arn:aws:lambda:eu-west-1:1:event-source-mapping:u"}}, ""),
        ({"requestParameters": None}, ""),
    ],
)
def test_the_function_is_found_however_it_is_named(document, function):
    assert parsed(**document).function == function


def test_the_function_may_stand_among_the_resources():
    raw = event(requestParameters={})
    raw["Resources"] = [{"ResourceType": "AWS::Lambda::Function", "ResourceName": ARN}]

    assert parse_event(raw).function == "orders"


@pytest.mark.parametrize(
    ("parameters", "resource"),
    [
        ({"functionName": "orders", "name": "prod"}, "prod"),
        ({"uUID": "u-1"}, "u-1"),
        ({"functionName": "orders", "qualifier": "7"}, "7"),
        ({"functionName": "orders", "statementId": "AllowS3"}, "AllowS3"),
        ({"layerName": "common"}, "common"),
        ({"functionName": "orders"}, None),
    ],
)
def test_what_of_the_function_was_changed_is_told(parameters, resource):
    assert parsed(requestParameters=parameters).resource == resource


def role(arn, **fields):
    return {"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/{arn}", **fields}


@pytest.mark.parametrize(
    ("identity", "who"),
    [
        ({"type": "IAMUser", "userName": "jane"}, "jane"),
        ({"type": "Root", "accountId": "111122223333"}, "root"),
        (role("deploy/run-17"), "deploy/run-17"),
        (role("AWSReservedSSO_Admin_0a1b/jane@example.com"), "jane@example.com"),
        (role("AWSReservedSSO_Admin_0a1b/jane"), "jane"),
        ({"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}, "autoscaling.amazonaws.com"),
    ],
)
def test_who_called_is_a_person_where_there_is_one(identity, who):
    raw = event(userIdentity=identity)
    del raw["Username"]

    assert parse_event(raw).who == who


@pytest.mark.parametrize(
    ("document", "via"),
    [
        ({"userAgent": CLI}, "AWS CLI"),
        ({"userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 aws-sdk-go-v2/1.39"}, "Terraform"),
        ({"userAgent": "APN/1.0 HashiCorp/1.0 Pulumi/1.0 aws-sdk-go-v2/1.39"}, "Pulumi"),
        ({"userAgent": "aws-sam-cli/1.140 Boto3/1.44"}, "SAM"),
        ({"userAgent": "aws-cdk/2.200 aws-sdk-js/3.900"}, "CDK"),
        ({"userAgent": "Boto3/1.44.5 md/Botocore#1.44.5 quarterdeck"}, "Quarterdeck"),
        ({"userAgent": "Boto3/1.44.5 md/Botocore#1.44.5"}, "SDK for Python"),
        ({"userAgent": "aws-sdk-js/3.900 ua/2.1"}, "SDK for JavaScript"),
        ({"userAgent": "aws-sdk-java/2.35"}, "SDK for Java"),
        ({"userAgent": "console.amazonaws.com"}, "console"),
        ({"userAgent": "Mozilla/5.0 (X11; Linux x86_64)"}, "console"),
        ({"userAgent": "AWS Internal", "sessionCredentialFromConsole": "true"}, "console"),
        ({"userAgent": "cloudformation.amazonaws.com"}, "CloudFormation"),
        (
            {
                "userAgent": "cloudformation.amazonaws.com",
                "userIdentity": role("cdk-hnb659fds-cfn-exec-role/AWSCloudFormation"),
            },
            "CDK",
        ),
        ({"userIdentity": {"invokedBy": "codedeploy.amazonaws.com"}}, "CodeDeploy"),
        ({"userIdentity": {"invokedBy": "moonbase.amazonaws.com"}}, "moonbase"),
        ({"userAgent": "my-deployer/1.2 (linux)"}, "my-deployer"),
        ({}, None),
    ],
)
def test_what_the_call_was_made_with_is_told(document, via):
    assert via_of(document) == via


def test_a_failed_call_is_kept_with_its_error():
    assert parsed(errorCode="AccessDenied", errorMessage="hunter2").error == "AccessDenied"


@pytest.mark.parametrize(
    "raw",
    [
        event("GetFunction20150331v2", read_only="true"),
        event(requestParameters={"functionName": "orders", "dryRun": True}),
        {**event(), "EventTime": None},
        {**event(), "EventId": ""},
        {},
    ],
)
def test_reads_dry_runs_and_what_is_no_event_are_passed_over(raw):
    assert parse_event(raw) is None


def test_parameters_are_not_kept():
    environment = {"variables": {"PASSWORD": "hunter2"}}
    found = parsed(
        requestParameters={"functionName": "orders", "environment": environment, "kMSKeyArn": "hunter2"},
        responseElements={"environment": environment},
        errorMessage="hunter2",
    )

    assert "hunter2" not in repr(found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "userIdentity",
        "userAgent",
        "requestParameters",
        "responseElements",
        "errorCode",
        "readOnly",
        "sessionCredentialFromConsole",
    ]
)


@given(st.dictionaries(names, json_values), json_values)
def test_no_event_makes_the_reader_fail(document, resources):
    raw = event(**document) | {"Resources": resources if isinstance(resources, list) else None}

    assert isinstance(parse_event(raw), ApiCall | None)


@given(st.text())
def test_no_text_makes_the_reader_fail(text):
    parse_event(event() | {"CloudTrailEvent": text, "EventName": text or "x", "Username": text})


# --- the collector ---


def test_one_attribute_is_asked_for_and_every_page_is_read(answered, paged):
    asked = []
    found = [event(minutes_ago=n) for n in range(59, 0, -1)] + [event("ListTags", read_only="true")]
    pages = paged(found, "Events", size="MaxResults", token="NextToken")
    aws = answered(LookupEvents=lambda p: asked.append(p) or pages(p))

    calls = list(changes.collect(aws, Ask(window=WINDOW)))

    assert len(calls) == 59
    assert aws.asked == {"LookupEvents": 2}
    assert asked[0]["LookupAttributes"] == [
        {"AttributeKey": "EventSource", "AttributeValue": "lambda.amazonaws.com"}
    ]
    assert (asked[0]["StartTime"], asked[0]["EndTime"]) == (WINDOW.start, WINDOW.end)


def test_an_event_at_the_edge_belongs_to_one_window(answered, paged):
    pages = paged([event(minutes_ago=0)], "Events", size="MaxResults", token="NextToken")

    def in_window(window):
        return len(list(changes.collect(answered(LookupEvents=pages), Ask(window=window))))

    assert (in_window(WINDOW), in_window(Window(NOW, NOW + timedelta(hours=1)))) == (0, 1)


def test_without_the_right_the_run_is_denied_and_names_it(answered, refusing, store):
    aws = answered(
        LookupEvents=refusing("AccessDeniedException"),
        ListFunctions=lambda p: {"Functions": []},
        GetResources=lambda p: {"ResourceTagMappingList": []},
        ListEventSourceMappings=lambda p: {"EventSourceMappings": []},
        GetAccountSettings=refusing("AccessDeniedException"),
    )

    run_once(inventory.COLLECTOR, aws, store, WINDOW, now=NOW)

    run = run_once(changes.COLLECTOR, aws, store, WINDOW, now=NOW)

    assert (run.outcome, run.permission) == ("denied", "cloudtrail:LookupEvents")


def horizon(**about):
    values = {"backfill": timedelta(days=3), "coarse": timedelta(days=14)}
    return planning.horizon(changes.COLLECTOR.reach, now=NOW, **{**values, **about})


def test_the_newest_quarter_of_an_hour_is_not_asked_for():
    assert horizon().end == NOW - timedelta(minutes=15)


def test_a_first_run_reads_as_far_back_as_the_coarse_history():
    assert horizon().start == datetime(2026, 11, 7, 10, tzinfo=UTC)


def test_nothing_older_than_cloudtrail_keeps_is_asked_for():
    far = horizon(backfill=timedelta(days=400), coarse=timedelta(days=400))

    assert far.start >= NOW - timedelta(days=90)
    assert far.fine_start >= NOW - timedelta(days=90)


def test_a_short_look_back_is_a_window_that_ends_where_cloudtrail_does():
    near = horizon(since=timedelta(minutes=10))

    assert near.start == near.end - timedelta(minutes=10)
