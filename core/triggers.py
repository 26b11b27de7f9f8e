"""The kinds of triggers of a function: what they are called, and how ARNs and principals tell them apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

KINDS: Mapping[str, str] = {
    "activemq": "Amazon MQ (ActiveMQ)",
    "alb": "Application Load Balancer",
    "alexa": "Alexa",
    "another-account": "Another account",
    "another-function": "Another function",
    "anyone": "Anyone",
    "api-authorizer": "API Gateway authorizer",
    "api-gateway": "API Gateway",
    "appsync": "AppSync",
    "bedrock": "Bedrock agent",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "cloudwatch-alarm": "CloudWatch alarm",
    "codecommit": "CodeCommit",
    "codedeploy": "CodeDeploy",
    "codepipeline": "CodePipeline",
    "cognito": "Cognito user pool",
    "cognito-sync": "Cognito Sync",
    "config": "AWS Config",
    "connect": "Amazon Connect",
    "documentdb": "DocumentDB",
    "dynamodb": "DynamoDB stream",
    "eventbridge-pipe": "EventBridge Pipe",
    "eventbridge-rule": "EventBridge rule",
    "eventbridge-scheduler": "EventBridge Scheduler",
    "federated": "Federated users",
    "firehose": "Data Firehose",
    "function-url": "Function URL",
    "http-api": "API Gateway (HTTP)",
    "iam": "Role or user of this account",
    "iot": "IoT rule",
    "iot-events": "IoT Events",
    "kinesis": "Kinesis stream",
    "lambda-edge": "Lambda@Edge",
    "lex": "Lex",
    "logs": "CloudWatch Logs subscription",
    "mq": "Amazon MQ",
    "msk": "Amazon MSK",
    "organization": "AWS organization",
    "rabbitmq": "Amazon MQ (RabbitMQ)",
    "s3": "S3",
    "s3-batch": "S3 Batch Operations",
    "s3-object-lambda": "S3 Object Lambda",
    "secrets-manager": "Secrets Manager rotation",
    "self-managed-kafka": "Self-managed Kafka",
    "ses": "SES",
    "sns": "SNS",
    "sqs": "SQS",
    "step-functions": "Step Functions",
    "vpc-lattice": "VPC Lattice",
    "websocket-api": "API Gateway (WebSocket)",
}
"""Kinds of triggers with their names for people."""

_SERVICES: Mapping[str, str] = {
    "alexa-appkit": "alexa",
    "alexa-connectedhome": "alexa",
    "apigateway": "api-gateway",
    "batchoperations.s3": "s3-batch",
    "bedrock-agentcore": "bedrock",
    "channels.lex": "lex",
    "channels.lexv2": "lex",
    "cloudwatch": "cloudwatch-alarm",
    "cognito-idp": "cognito",
    "edgelambda": "lambda-edge",
    "elasticloadbalancing": "alb",
    "events": "eventbridge-rule",
    "iotevents": "iot-events",
    "kafka": "msk",
    "lambda": "another-function",
    "lambda.alarms.cloudwatch": "cloudwatch-alarm",
    "lexv2": "lex",
    "pipes": "eventbridge-pipe",
    "replicator.lambda": "lambda-edge",
    "s3-object-lambda": "s3-object-lambda",
    "scheduler": "eventbridge-scheduler",
    "secretsmanager": "secrets-manager",
    "states": "step-functions",
}
"""Service principals whose kind is not their own name."""

_SOURCES: Mapping[str, str] = {
    "dynamodb": "dynamodb",
    "kafka": "msk",
    "kinesis": "kinesis",
    "mq": "mq",
    "rds": "documentdb",
    "sqs": "sqs",
}
"""What a mapping reads from, by the service in its ARN."""

_SUFFIX = re.compile(r"\.amazon(aws)?\.com(\.cn)?$")
_REGIONAL = re.compile(r"\.[a-z]{2}(-[a-z]+)+-\d$")


def title_of(kind: str) -> str:
    """The kind's name for people; one that we have no name for is its own."""
    return KINDS.get(kind, kind)


def kind_of_source(
    source_arn: str | None, *, access: Sequence[str] = (), servers: Sequence[str] = ()
) -> str | None:
    """What an event source mapping reads from; None when it names no source that we know.

    `access` are its kinds of source access: a broker with a virtual host is RabbitMQ, any other that asks for
    a password ActiveMQ. The ARN of a broker does not say.
    """
    if not source_arn:
        return "self-managed-kafka" if servers else None
    service = arn_part(source_arn, 2)
    if service == "mq" and access:
        return "rabbitmq" if "VIRTUAL_HOST" in access else "activemq"
    return _SOURCES.get(service, service or None)


def arn_part(arn: str, at: int) -> str:
    """One of partition (1), service (2), region (3), account (4) and resource (5); "" if it has none."""
    parts = arn.split(":", 5)
    return parts[at] if len(parts) > at and parts[0] == "arn" else ""


def service_kind(principal: str, source: str) -> str:
    """The kind of a service principal (`events.amazonaws.com`), the name of the service if it has no title.
    `source` is the ARN of what it invokes for, "" if that is not said."""
    service = _REGIONAL.sub("", _SUFFIX.sub("", principal.lower()))
    kind = _SERVICES.get(service, service)
    if kind == "api-gateway" or service == "execute-api":
        return _api_kind(arn_part(source, 5))
    return kind


def _api_kind(resource: str) -> str:
    """`api/stage/METHOD/path` is a REST or an HTTP API (the ARN does not tell them apart, but for the stage
    `$default`), `api/stage/$connect` a WebSocket's."""
    parts = resource.split("/")
    if len(parts) > 1 and parts[1] == "authorizers":
        return "api-authorizer"
    if len(parts) == 3 and parts[2] not in {"", "*"}:
        return "websocket-api"
    return "http-api" if len(parts) > 1 and parts[1] == "$default" else "api-gateway"
