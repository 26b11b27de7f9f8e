"""Policies, URLs, rules, schedules, layers, mappings and callers, as plain boto3 sees them."""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from quarterdeck.demo.services.lambda_ import SECRET

from .conftest import HOUR, NOW, PROD, STAGING


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


def statements(aws, name, region="eu-west-1", account=PROD, **asked):
    answer = aws("lambda", region, account).get_policy(FunctionName=name, **asked)
    return {item["Sid"]: item for item in json.loads(answer["Policy"])["Statement"]}


def events(aws, **asked):
    pages = aws("cloudtrail").get_paginator("lookup_events").paginate(**asked)
    return [event for page in pages for event in page["Events"]]


# --- policies and URLs -------------------------------------------------------------------------------------


def test_a_function_and_its_alias_have_policies_of_their_own(aws):
    own, alias = statements(aws, "session-auth"), statements(aws, "session-auth", Qualifier="prod")

    assert set(own) == {"authorizer", "token-customisation"}
    assert set(alias) == {"api-invoke"}
    assert alias["api-invoke"]["Resource"].endswith(":session-auth:prod")
    assert refused(aws("lambda").get_policy, FunctionName="cart-api") == "ResourceNotFoundException"
    assert (
        refused(aws("lambda").get_policy, FunctionName="cart-api", Qualifier="9")
        == "ResourceNotFoundException"
    )


@pytest.mark.parametrize(
    ("name", "region", "sid", "principal"),
    [
        ("promo-engine", "eu-west-1", "shop-balancer", "elasticloadbalancing.amazonaws.com"),
        ("geo-lookup", "us-east-1", "edge", "edgelambda.amazonaws.com"),
        ("ingest-api", "us-east-1", "parcel-trackers", "iot.amazonaws.com"),
        ("order-audit", "eu-west-1", "subscription", "logs.amazonaws.com"),
        ("ops-remediator", "eu-west-1", "alarm", "lambda.alarms.cloudwatch.amazonaws.com"),
    ],
)
def test_many_kinds_of_callers_are_allowed(aws, name, region, sid, principal):
    found = statements(aws, name, region)[sid]

    assert found["Principal"] == {"Service": principal}
    assert "{" not in found["Condition"]["ArnLike"]["AWS:SourceArn"]


def test_another_account_may_call_one_function(aws):
    found = statements(aws, "loyalty-points")["staging-may-call"]

    assert found["Principal"] == {"AWS": f"arn:aws:iam::{STAGING}:root"}


def test_a_function_url_is_open_and_another_asks_for_signatures(aws):
    (open_,) = aws("lambda").list_function_url_configs(FunctionName="returns-portal")["FunctionUrlConfigs"]
    (signed,) = aws("lambda", account=STAGING).list_function_url_configs(FunctionName="feature-flags")[
        "FunctionUrlConfigs"
    ]
    public = statements(aws, "returns-portal", Qualifier="prod")["FunctionURLAllowPublicAccess"]

    assert (open_["AuthType"], signed["AuthType"]) == ("NONE", "AWS_IAM")
    assert open_["FunctionArn"].endswith(":returns-portal:prod")
    assert (public["Principal"], public["Action"]) == ("*", "lambda:InvokeFunctionUrl")
    assert aws("lambda").list_function_url_configs(FunctionName="cart-api")["FunctionUrlConfigs"] == []


# --- rules and schedules -----------------------------------------------------------------------------------


def test_one_rule_is_disabled_one_has_no_target_and_one_is_gone(aws):
    client = aws("events")
    left = statements(aws, "invoice-pdf")["nightly-left-behind"]["Condition"]["ArnLike"]["AWS:SourceArn"]

    assert client.describe_rule(Name="stock-export-legacy")["State"] == "DISABLED"
    assert client.list_targets_by_rule(Rule="gift-cards-expiry")["Targets"] == []
    assert refused(client.describe_rule, Name=left.rsplit("/", 1)[1]) == "ResourceNotFoundException"
    (target,) = client.list_targets_by_rule(Rule="order-placed")["Targets"]
    assert target["Arn"].endswith(":order-approval:prod")
    assert "EventPattern" in client.describe_rule(Name="order-placed")


def test_a_schedule_is_the_scheduler_s_and_no_rule(aws):
    client = aws("scheduler", "us-east-1")
    found = client.get_schedule(Name="export-hourly", GroupName="default")
    source = statements(aws, "export-reports", "us-east-1")["schedule-invoke"]["Condition"]["ArnLike"]

    assert (found["State"], found["ScheduleExpression"]) == ("ENABLED", "rate(1 hour)")
    assert found["Target"]["Arn"].endswith(":export-reports")
    assert source["AWS:SourceArn"] == found["Arn"]
    assert refused(client.get_schedule, Name="warehouse-every-15m") == "ResourceNotFoundException"


# --- configurations, layers, mappings ----------------------------------------------------------------------


def test_special_settings_are_where_aws_puts_them(aws):
    configs = {
        f["FunctionName"]: f
        for region in ("eu-west-1", "us-east-1")
        for page in aws("lambda", region).get_paginator("list_functions").paginate()
        for f in page["Functions"]
    }

    assert configs["order-approval"]["DurableConfig"] == {
        "ExecutionTimeout": 86_400,
        "RetentionPeriodInDays": 14,
    }
    instances = configs["price-optimizer"]["CapacityProviderConfig"]
    assert (
        instances["LambdaManagedInstancesCapacityProviderConfig"]["PerExecutionEnvironmentMaxConcurrency"]
        == 10
    )
    assert configs["ingest-api"]["TenancyConfig"] == {"TenantIsolationMode": "PER_TENANT"}
    assert configs["warehouse-sync"]["FileSystemConfigs"][0]["LocalMountPath"] == "/mnt/warehouse"
    assert configs["image-resizer"]["EphemeralStorage"] == {"Size": 2048}
    assert configs["gift-cards"]["LoggingConfig"]["SystemLogLevel"] == "WARN"
    assert configs["stock-export"]["Runtime"] == "python3.8"
    assert all(SECRET in f["Environment"]["Variables"]["API_KEY"] for f in configs.values())
    assert not any({"State", "RuntimeVersionConfig"} & set(f) for f in configs.values())
    one = aws("lambda").get_function_configuration(FunctionName="cart-api")
    assert one["RuntimeVersionConfig"]["RuntimeVersionArn"].startswith("arn:aws:lambda:eu-west-1::runtime:")


def test_a_layer_has_newer_versions_and_one_of_another_account_cannot_be_listed(aws):
    client = aws("lambda")
    config = client.get_function_configuration(FunctionName="inventory-reserve")
    ours, insights = (layer["Arn"] for layer in config["Layers"])
    listed = client.list_layer_versions(LayerName=ours.rsplit(":", 1)[0])["LayerVersions"]

    assert [v["Version"] for v in listed][:4] == [17, 16, 15, 14]
    assert listed[0]["CreatedDate"] > listed[3]["CreatedDate"]
    assert client.list_layer_versions(LayerName="meridian-common", MaxItems=2)["NextMarker"]
    assert client.list_layer_versions(LayerName="unknown")["LayerVersions"] == []
    assert (
        refused(client.list_layer_versions, LayerName=insights.rsplit(":", 1)[0]) == "AccessDeniedException"
    )


def test_mappings_say_how_they_poll_filter_scale_and_why_one_stopped(aws):
    pages = aws("lambda").get_paginator("list_event_source_mappings").paginate()
    by_function: dict = {}
    for item in (m for page in pages for m in page["EventSourceMappings"]):
        by_function.setdefault(item["FunctionArn"].split(":")[6], []).append(item)

    assert by_function["order-worker"][0]["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert by_function["order-worker"][0]["ScalingConfig"] == {"MaximumConcurrency": 20}
    (kafka,) = by_function["price-feed"]
    assert kafka["ProvisionedPollerConfig"] == {"MinimumPollers": 1, "MaximumPollers": 5}
    assert (kafka["Topics"], len(kafka["FilterCriteria"]["Filters"])) == (["prices"], 1)
    live, retired = by_function["order-audit"]
    assert (live["State"], retired["State"]) == ("Enabled", "Disabled")
    assert retired["StateTransitionReason"] == "User action"
    (blocked,) = by_function["clickstream-enricher"]
    assert blocked["LastProcessingResult"] == "PROBLEM: Function call failed"


# --- CloudTrail --------------------------------------------------------------------------------------------


def test_the_trail_says_who_and_through_what(aws):
    documents = [json.loads(event["CloudTrailEvent"]) for event in events(aws)]
    agents = {said["userAgent"].split("/")[0] for said in documents}
    kinds = {said["userIdentity"]["type"] for said in documents}

    assert {"aws-cli", "APN", "cloudformation.amazonaws.com", "Mozilla"} <= agents
    assert kinds == {"AssumedRole", "IAMUser"}
    assert {said.get("errorCode") for said in documents} == {None, "AccessDenied"}


def test_the_trail_forgets_after_ninety_days_and_takes_one_attribute(aws):
    times = [event["EventTime"] for event in events(aws)]
    two = [
        {"AttributeKey": "EventName", "AttributeValue": "a"},
        {"AttributeKey": "Username", "AttributeValue": "b"},
    ]
    lookup = aws("cloudtrail").lookup_events

    assert NOW - timedelta(days=90) <= min(times) < NOW - timedelta(days=30)
    assert refused(lookup, LookupAttributes=two) == "InvalidLookupAttributesException"
    assert refused(lookup, StartTime=NOW, EndTime=NOW - HOUR) == "InvalidTimeRangeException"


def test_a_change_through_the_endpoint_is_in_the_trail_within_a_quarter_of_an_hour(fresh):
    aws, clock = fresh
    aws("lambda").update_function_configuration(FunctionName="cart-api", MemorySize=512)
    aws("lambda").get_function_configuration(FunctionName="cart-api")
    window = {"StartTime": NOW - timedelta(minutes=1), "EndTime": NOW + timedelta(minutes=1)}
    clock.now = NOW + timedelta(minutes=4)
    early = events(aws, **window)
    clock.now = NOW + timedelta(minutes=15)
    (event,) = events(aws, **window)
    said = json.loads(event["CloudTrailEvent"])

    assert early == []
    assert event["EventName"] == "UpdateFunctionConfiguration20150331v2"
    assert event["Resources"][0]["ResourceName"] == "cart-api"
    assert said["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "quarterdeck-read"
    assert said["requestParameters"] == {"functionName": "cart-api", "memorySize": 512}
