"""Resource policies read as triggers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.policies import policy_triggers
from core.triggers import KINDS, kind_of_source, title_of

ACCOUNT = "111122223333"
ARN = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:f"


def statement(principal, source=None, **fields):
    values = {
        "Sid": "sid",
        "Effect": "Allow",
        "Principal": principal,
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    }
    if source:
        values["Condition"] = {"ArnLike": {"AWS:SourceArn": source}}
    return {**values, **fields}


def read(*statements, qualifier=None):
    policy = json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": list(statements)})
    return policy_triggers(policy, function="f", qualifier=qualifier, account=ACCOUNT)


def one(*args, **fields):
    (found,) = read(statement(*args, **fields))
    return found


API = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:abc123"


@pytest.mark.parametrize(
    ("service", "source", "kind"),
    [
        ("apigateway.amazonaws.com", f"{API}/*/GET/orders", "api-gateway"),
        ("apigateway.amazonaws.com", f"{API}/*/*", "api-gateway"),
        ("apigateway.amazonaws.com", f"{API}/*", "api-gateway"),
        ("apigateway.amazonaws.com", f"{API}/*/GET/", "api-gateway"),
        ("apigateway.amazonaws.com", f"{API}/$default/GET/orders", "http-api"),
        ("apigateway.amazonaws.com", f"{API}/prod/$connect", "websocket-api"),
        ("apigateway.amazonaws.com", f"{API}/authorizers/x1", "api-authorizer"),
        ("apigateway.amazonaws.com", None, "api-gateway"),
        ("elasticloadbalancing.amazonaws.com", None, "alb"),
        ("s3.amazonaws.com", "arn:aws:s3:::bucket", "s3"),
        ("s3.amazonaws.com.cn", "arn:aws-cn:s3:::bucket", "s3"),
        ("sns.amazonaws.com", f"arn:aws:sns:eu-west-1:{ACCOUNT}:topic", "sns"),
        ("events.amazonaws.com", f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/r", "eventbridge-rule"),
        ("scheduler.amazonaws.com", None, "eventbridge-scheduler"),
        ("pipes.amazonaws.com", None, "eventbridge-pipe"),
        ("states.amazonaws.com", None, "step-functions"),
        ("states.eu-west-1.amazonaws.com", None, "step-functions"),
        ("edgelambda.amazonaws.com", None, "lambda-edge"),
        ("replicator.lambda.amazonaws.com", None, "lambda-edge"),
        ("cloudfront.amazonaws.com", None, "cloudfront"),
        ("cognito-idp.amazonaws.com", None, "cognito"),
        ("cognito-sync.amazonaws.com", None, "cognito-sync"),
        ("iot.amazonaws.com", None, "iot"),
        ("iotevents.amazonaws.com", None, "iot-events"),
        ("lexv2.amazonaws.com", None, "lex"),
        ("lex.amazonaws.com", None, "lex"),
        ("alexa-appkit.amazon.com", None, "alexa"),
        ("alexa-connectedhome.amazon.com", None, "alexa"),
        ("logs.amazonaws.com", None, "logs"),
        ("logs.eu-west-1.amazonaws.com", None, "logs"),
        ("logs.us-gov-west-1.amazonaws.com", None, "logs"),
        ("lambda.alarms.cloudwatch.amazonaws.com", None, "cloudwatch-alarm"),
        ("config.amazonaws.com", None, "config"),
        ("codecommit.amazonaws.com", None, "codecommit"),
        ("codepipeline.amazonaws.com", None, "codepipeline"),
        ("ses.amazonaws.com", None, "ses"),
        ("secretsmanager.amazonaws.com", None, "secrets-manager"),
        ("cloudformation.amazonaws.com", None, "cloudformation"),
        ("appsync.amazonaws.com", None, "appsync"),
        ("bedrock.amazonaws.com", None, "bedrock"),
        ("firehose.amazonaws.com", None, "firehose"),
        ("connect.amazonaws.com", None, "connect"),
        ("vpc-lattice.amazonaws.com", None, "vpc-lattice"),
        ("batchoperations.s3.amazonaws.com", None, "s3-batch"),
        ("lambda.amazonaws.com", None, "another-function"),
    ],
)
def test_every_service_that_may_invoke_has_its_kind_and_a_title(service, source, kind):
    found = one({"Service": service}, source)

    assert (found.kind, found.source_arn, found.is_public) == (kind, source, False)
    assert kind in KINDS


def test_a_service_that_we_do_not_know_is_called_by_its_own_name():
    found = one({"Service": "moonbase.amazonaws.com"})

    assert (found.kind, title_of(found.kind)) == ("moonbase", "moonbase")


@pytest.mark.parametrize(
    ("principal", "kind", "account"),
    [
        ({"AWS": "arn:aws:iam::999988887777:root"}, "another-account", "999988887777"),
        ({"AWS": "999988887777"}, "another-account", "999988887777"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:role/worker"}, "iam", ACCOUNT),
        ({"AWS": "AROAEXAMPLEID"}, "iam", None),
        ({"Federated": "cognito-identity.amazonaws.com"}, "federated", None),
    ],
)
def test_accounts_and_roles_are_told_apart(principal, kind, account):
    found = one(principal)

    assert (found.kind, found.source_account, found.is_public) == (kind, account, False)


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_a_grant_to_everybody_is_public(principal):
    found = one(principal)

    assert (found.kind, found.is_public) == ("anyone", True)


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalOrgID": "o-abc"}},
        {"StringEquals": {"AWS:SourceAccount": "999988887777"}},
        {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::bucket"}},
        {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}},
    ],
)
def test_a_condition_that_narrows_down_who_may_call_is_not_public(condition):
    assert not one("*", Condition=condition).is_public


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"StringNotEquals": {"aws:PrincipalAccount": "999988887777"}},
        {"ArnLike": {"aws:SourceArn": "*"}},
        {"Null": {"aws:SourceArn": "false"}},
        {"Bool": {"aws:SecureTransport": "true"}},
        {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
        {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
    ],
)
def test_a_condition_that_lets_everybody_pass_is_public(condition):
    assert one("*", Condition=condition).is_public


def test_an_organization_is_named():
    found = one("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-abc"}})

    assert (found.kind, found.principal) == ("organization", "o-abc")


def test_a_function_url_says_who_may_call_it():
    url = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    found = one("*", Action="lambda:InvokeFunctionUrl", Condition=url)

    assert (found.kind, found.auth_type, found.is_public) == ("function-url", "NONE", True)


@pytest.mark.parametrize(
    "operator", ["ArnLike", "ArnEquals", "StringEquals", "StringLike", "ArnLikeIfExists"]
)
@pytest.mark.parametrize("key", ["AWS:SourceArn", "aws:SourceArn", "aws:sourcearn"])
def test_the_source_is_found_however_it_is_written(operator, key):
    found = one({"Service": "s3.amazonaws.com"}, Condition={operator: {key: "arn:aws:s3:::bucket"}})

    assert found.source_arn == "arn:aws:s3:::bucket"


def test_the_account_of_a_bucket_comes_from_its_condition():
    condition = {
        "StringEquals": {"AWS:SourceAccount": "999988887777"},
        "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
    }

    assert one({"Service": "s3.amazonaws.com"}, Condition=condition).source_account == "999988887777"


def test_of_event_source_tokens_only_a_skill_is_kept():
    def token(text):
        return {"StringEquals": {"lambda:EventSourceToken": text}}

    skill = one({"Service": "alexa-appkit.amazon.com"}, Condition=token("amzn1.ask.skill.1"))
    other = one({"Service": "alexa-connectedhome.amazon.com"}, Condition=token("hunter2"))

    assert skill.source_arn == "amzn1.ask.skill.1"
    assert "hunter2" not in repr(other)


@pytest.mark.parametrize(
    "action",
    [
        "lambda:InvokeFunction",
        "lambda:*",
        "*",
        "lambda:Invoke*",
        ["lambda:GetFunction", "lambda:invokefunction"],
    ],
)
def test_any_way_to_write_the_action_that_invokes_is_a_trigger(action):
    assert one({"Service": "sns.amazonaws.com"}, Action=action).kind == "sns"


@pytest.mark.parametrize(
    "fields",
    [
        {"Effect": "Deny"},
        {"Action": "lambda:GetFunction"},
        {"Action": ["lambda:GetAlias", "lambda:ListTags"]},
        {"Action": []},
    ],
)
def test_what_does_not_let_anybody_invoke_is_no_trigger(fields):
    assert read(statement({"Service": "sns.amazonaws.com"}, **fields)) == []


def test_everything_but_some_actions_is_a_grant_to_invoke():
    allowed = statement("*", NotAction="lambda:DeleteFunction")
    spared = statement("*", NotAction=["lambda:Invoke*"])
    del allowed["Action"], spared["Action"]

    assert [trigger.kind for trigger in read(allowed)] == ["anyone"]
    assert read(spared) == []


def test_a_statement_for_several_makes_one_trigger_each():
    buckets = ["arn:aws:s3:::a", "arn:aws:s3:::b"]

    found = read(statement({"Service": "s3.amazonaws.com"}, buckets))

    assert [trigger.source_arn for trigger in found] == buckets
    assert len({trigger.name for trigger in found}) == 2


def test_a_trigger_is_named_after_its_function_qualifier_and_statement():
    (found,) = read(statement({"Service": "sns.amazonaws.com"}, Sid="topic"), qualifier="prod")

    assert (found.name, found.qualifier) == ("f:prod:topic", "prod")


def test_a_single_statement_may_stand_without_a_list():
    policy = json.dumps({"Statement": statement({"Service": "sns.amazonaws.com"})})

    assert [t.kind for t in policy_triggers(policy, function="f", account=ACCOUNT)] == ["sns"]


keys = st.sampled_from(
    ["Statement", "Principal", "Condition", "Action", "Effect", "AWS", "Service", "StringEquals", "Sid"]
)
words = st.sampled_from(
    ["Allow", "*", "lambda:InvokeFunction", "arn:aws:s3:::b", "arn::::", "s3.amazonaws.com"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20) | words,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(anything)
def test_no_document_makes_the_reader_fail(document):
    policy_triggers(json.dumps(document), function="f", account=ACCOUNT)


@given(st.dictionaries(keys, anything), anything, anything)
def test_no_statement_makes_the_reader_fail(extra, principal, condition):
    granted = statement(principal, Condition=condition) | extra

    for trigger in read(granted):
        assert trigger.name.startswith("f::")


@given(st.text())
def test_no_text_makes_the_reader_fail(text):
    policy_triggers(text, function="f", account=ACCOUNT)


@pytest.mark.parametrize(
    ("arn", "about", "kind"),
    [
        ("arn:aws:sqs:eu-west-1:1:q", {}, "sqs"),
        ("arn:aws:kinesis:eu-west-1:1:stream/s", {}, "kinesis"),
        ("arn:aws:kinesis:eu-west-1:1:stream/s/consumer/c:1", {}, "kinesis"),
        ("arn:aws:dynamodb:eu-west-1:1:table/t/stream/x", {}, "dynamodb"),
        ("arn:aws:kafka:eu-west-1:1:cluster/c/x", {}, "msk"),
        (None, {"servers": ("b1:9092",)}, "self-managed-kafka"),
        ("arn:aws:mq:eu-west-1:1:broker:b:x", {}, "mq"),
        ("arn:aws:mq:eu-west-1:1:broker:b:x", {"access": ("BASIC_AUTH",)}, "activemq"),
        ("arn:aws:mq:eu-west-1:1:broker:b:x", {"access": ("BASIC_AUTH", "VIRTUAL_HOST")}, "rabbitmq"),
        ("arn:aws:rds:eu-west-1:1:cluster:c", {}, "documentdb"),
        ("arn:aws:moonbase:eu-west-1:1:x", {}, "moonbase"),
        (None, {}, None),
    ],
)
def test_a_mapping_names_what_it_reads_from(arn, about, kind):
    assert kind_of_source(arn, **about) == kind


def test_a_grant_of_a_url_needs_no_condition_to_be_one():
    assert one("*", Action="lambda:InvokeFunctionUrl").kind == "function-url"
