from __future__ import annotations

import pytest
from botocore import exceptions as boto

from collectors.translate import iam_action, translate
from core.errors import AccessDeniedError, AwsError, CredentialsError, EndpointError, NotFoundError


def answer(
    code: str, message: str = "no", operation: str = "GetMetricData", status: int = 400
) -> boto.ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(response, operation)


def translated(error: Exception, service: str = "cloudwatch", operation: str = "GetMetricData") -> AwsError:
    return translate(error, service=service, operation=operation, where="prod in eu-west-1")


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"])
def test_a_denied_call_names_the_missing_permission(code):
    error = translated(answer(code))

    assert isinstance(error, AccessDeniedError)
    assert error.permission == "cloudwatch:GetMetricData"
    assert "cloudwatch:GetMetricData" in str(error)
    assert "prod in eu-west-1" in str(error)


def test_the_permission_that_aws_names_is_the_one_reported():
    text = "User: arn:aws:sts::1:x is not authorized to perform: lambda:ListFunctions on resource: *"

    assert translated(answer("AccessDenied", text)).permission == "lambda:ListFunctions"


def test_iam_prefixes_are_those_of_iam():
    assert iam_action("resourcegroupstaggingapi", "GetResources") == "tag:GetResources"
    assert iam_action("sqs", "GetQueueUrl") == "sqs:GetQueueUrl"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (boto.NoCredentialsError(), CredentialsError, "set AWS_PROFILE"),
        (boto.ProfileNotFound(profile="nope"), CredentialsError, "nope"),
        (boto.PartialCredentialsError(provider="env", cred_var="AWS_SECRET"), CredentialsError, "AWS_SECRET"),
        (answer("ExpiredToken"), CredentialsError, "expired; log in again"),
        (answer("InvalidClientTokenId", status=403), CredentialsError, "check the key"),
        (answer("AccessDenied", operation="AssumeRole"), CredentialsError, "external_id"),
        (boto.EndpointConnectionError(endpoint_url="http://localhost:1"), EndpointError, "AWS_ENDPOINT_URL"),
        (boto.ConnectTimeoutError(endpoint_url="http://localhost:1"), EndpointError, "check the network"),
        (boto.ReadTimeoutError(endpoint_url="http://localhost:1"), EndpointError, "check the network"),
        (answer("ResourceNotFoundException"), NotFoundError, "no"),
        (answer("AWS.SimpleQueueService.NonExistentQueue"), NotFoundError, "no"),
        (answer("QueueDoesNotExist"), NotFoundError, "no"),
        (answer("ValidationError", "bad period"), AwsError, "bad period"),
    ],
)
def test_each_error_is_one_sentence_that_says_what_to_do(error, kind, says):
    found = translated(error)

    assert type(found) is kind
    assert says in str(found)
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (answer("ThrottlingException"), True),
        (answer("TooManyRequestsException", status=429), True),
        (answer("InternalFailure", status=500), True),
        (answer("ValidationError"), False),
        (boto.EndpointConnectionError(endpoint_url="x"), True),
    ],
)
def test_says_whether_trying_again_can_help(error, retryable):
    assert translated(error).retryable is retryable


def test_a_page_of_html_is_not_repeated_to_people():
    error = translated(answer("404", "<!doctype html>\n<html><title>404</title></html>", status=404))

    assert "<" not in str(error)


WHO = (
    "User: arn:aws:sts::111122223333:assumed-role/quarterdeck/quarterdeck is not authorized to perform:"
    " lambda:ListFunctions on resource: arn:aws:lambda:eu-west-1:111122223333:function:" + "x" * 300
)


@pytest.mark.parametrize(
    ("context", "says"),
    [
        (" because no identity-based policy allows the lambda:ListFunctions action", "the role lacks"),
        (" with an explicit deny in a service control policy", "service control policy of the organization"),
        (" because no service control policy allows the lambda:ListFunctions action", "does not allow it"),
        (" with an explicit deny in a permissions boundary", "permissions boundary denies it"),
        (" because no permissions boundary allows the lambda:ListFunctions action", "add it to the boundary"),
        (" with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x", "remove that deny"),
        (" because no session policy allows the lambda:ListFunctions action", "session policy"),
        (" because no VPC endpoint policy allows the lambda:ListFunctions action", "VPC endpoint"),
        (" with an explicit deny in a resource-based policy", "resource's own policy"),
        (" with an explicit deny in a policy of the future", "lambda:ListFunctions"),
        ("", "the role lacks"),
    ],
)
def test_which_kind_of_policy_denies_is_said_with_the_exact_action(context, says):
    error = translated(answer("AccessDeniedException", WHO + context))

    assert error.permission == "lambda:ListFunctions"
    assert says in str(error)


def test_what_only_aws_can_decode_is_not_shown():
    text = (
        "You are not authorized to perform this operation. Encoded authorization failure message: a1B2_c3-d4"
    )

    error = translated(answer("UnauthorizedOperation", text), service="ec2", operation="DescribeRegions")

    assert error.permission == "ec2:DescribeRegions"
    assert "a1B2" not in str(error)


def test_an_sts_endpoint_that_is_switched_off_says_where_to_switch_it_on():
    text = "STS is not activated in this region for account:111122223333."

    error = translated(answer("RegionDisabledException", text, operation="AssumeRole", status=403))

    assert isinstance(error, CredentialsError)
    assert "account's IAM settings" in str(error)


@pytest.mark.parametrize(
    ("service", "operation", "action"),
    [
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("sqs", "DeleteMessageBatch", "sqs:DeleteMessage"),
        ("service-quotas", "GetServiceQuota", "servicequotas:GetServiceQuota"),
    ],
)
def test_actions_are_named_as_iam_names_them(service, operation, action):
    assert iam_action(service, operation) == action


def test_new_credentials_that_have_ended_already_point_to_the_clock():
    error = translated(RuntimeError("Credentials were refreshed, but the refreshed ones are still expired."))

    assert isinstance(error, CredentialsError)
    assert "clock" in str(error)
