"""Who may invoke which function: the statements of resource policies, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from quarterdeck.demo.specs import PROD, STAGING, Spec

_URL_ACTION = "lambda:InvokeFunctionUrl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One statement. `source` is an ARN with `{here}` for region and account, `{name}` for the function.

    `on_alias`: it hangs on the alias that callers use, not on the function. `account` demands a caller's.
    """

    sid: str
    principal: str
    source: str = ""
    on_alias: bool = False
    action: str = "lambda:InvokeFunction"
    account: bool = False


_STAGING_ROOT = f"arn:aws:iam::{STAGING}:root"

_MORE: dict[tuple[str, str], tuple[Grant, ...]] = {
    (PROD, "session-auth"): (
        Grant(
            sid="authorizer",
            principal="apigateway.amazonaws.com",
            source="arn:aws:execute-api:{here}:meridian/authorizers/a1b2c3",
        ),
        Grant(
            sid="token-customisation",
            principal="cognito-idp.amazonaws.com",
            source="arn:aws:cognito-idp:{here}:userpool/eu-west-1_Meridian",
        ),
    ),
    (PROD, "promo-engine"): (
        Grant(
            sid="shop-balancer",
            principal="elasticloadbalancing.amazonaws.com",
            source="arn:aws:elasticloadbalancing:{here}:targetgroup/promo/6d0ecf831eec9f09",
        ),
    ),
    (PROD, "geo-lookup"): (
        Grant(
            sid="edge-copies",
            principal="replicator.lambda.amazonaws.com",
            action="lambda:GetFunction",
        ),
        Grant(
            sid="edge",
            principal="edgelambda.amazonaws.com",
            source="arn:aws:cloudfront::{account}:distribution/EDFDVBD6EXAMPLE",
        ),
    ),
    (PROD, "ingest-api"): (
        Grant(
            sid="parcel-trackers",
            principal="iot.amazonaws.com",
            source="arn:aws:iot:{here}:rule/parcel_tracker",
            account=True,
        ),
        Grant(
            sid="agent-tool",
            principal="bedrock.amazonaws.com",
            source="arn:aws:bedrock:{here}:agent/MERIDIAN01",
        ),
    ),
    (PROD, "order-audit"): (
        Grant(
            sid="subscription",
            principal="logs.amazonaws.com",
            source="arn:aws:logs:{here}:log-group:/aws/lambda/checkout-api:*",
        ),
    ),
    (PROD, "ops-remediator"): (
        Grant(
            sid="alarm",
            principal="lambda.alarms.cloudwatch.amazonaws.com",
            source="arn:aws:cloudwatch:{here}:alarm:orders-dlq-depth",
            account=True,
        ),
    ),
    (PROD, "loyalty-points"): (Grant(sid="staging-may-call", principal=_STAGING_ROOT),),
    (PROD, "invoice-pdf"): (
        Grant(
            sid="nightly-left-behind",
            principal="events.amazonaws.com",
            source="arn:aws:events:{here}:rule/invoice-nightly",
        ),
    ),
    (PROD, "gift-cards"): (
        Grant(
            sid="expiry",
            principal="events.amazonaws.com",
            source="arn:aws:events:{here}:rule/gift-cards-expiry",
        ),
    ),
    (PROD, "stock-export"): (
        Grant(
            sid="legacy-rule",
            principal="events.amazonaws.com",
            source="arn:aws:events:{here}:rule/stock-export-legacy",
        ),
    ),
}
"""Statements beside that of a function's own trigger. One names a rule that was deleted since."""


def grants(spec: Spec) -> Iterator[Grant]:
    """Every statement of a function's policies."""
    if own := _of_trigger(spec):
        yield own
    yield from _MORE.get((spec.account, spec.name), ())
    if spec.url == "NONE":
        yield Grant(sid="FunctionURLAllowPublicAccess", principal="*", action=_URL_ACTION, on_alias=True)
        yield Grant(sid="FunctionURLAllowInvoke", principal="*", on_alias=True)


def _of_trigger(spec: Spec) -> Grant | None:
    """What the function's own trigger needs. Polled sources need no permission here."""
    if spec.trigger == "schedule":
        service = "scheduler" if spec.scheduler else "events"
        return Grant(
            sid="schedule-invoke",
            principal=f"{service}.amazonaws.com",
            source=schedule_arn(spec),
            on_alias=True,
        )
    if spec.trigger == "async":
        service = spec.source.split(":")[2] if ":" in spec.source else "s3"
        principal = f"{service}.amazonaws.com"
        return Grant(sid="async-invoke", principal=principal, source=spec.source, on_alias=True)
    if spec.trigger == "api" and not spec.url:
        source = "arn:aws:execute-api:{here}:meridian/*/POST/{name}"
        return Grant(sid="api-invoke", principal="apigateway.amazonaws.com", source=source, on_alias=True)
    return None


def schedule_arn(spec: Spec) -> str:
    """The ARN of the EventBridge rule, or of the EventBridge Scheduler schedule, that starts a function."""
    if spec.scheduler:
        return f"arn:aws:scheduler:{spec.region}:{spec.account}:schedule/default/{spec.source}"
    return f"arn:aws:events:{spec.region}:{spec.account}:rule/{spec.source}"


def statement(spec: Spec, grant: Grant, qualifier: str) -> dict[str, Any]:
    """A grant as the statement of a policy document."""
    plain = grant.principal if grant.principal == "*" else None
    kind = "AWS" if grant.principal.startswith("arn:") else "Service"
    return {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Principal": plain or {kind: grant.principal},
        "Action": grant.action,
        "Resource": f"{spec.arn}:{qualifier}" if qualifier else spec.arn,
        **_condition(spec, grant),
    }


def _condition(spec: Spec, grant: Grant) -> dict[str, Any]:
    if grant.action == _URL_ACTION:
        return {"Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": spec.url}}}
    if grant.sid == "FunctionURLAllowInvoke":
        return {"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}
    found: dict[str, Any] = {}
    if grant.source:
        here = f"{spec.region}:{spec.account}"
        source = grant.source.format(here=here, account=spec.account, name=spec.name)
        found["ArnLike"] = {"AWS:SourceArn": source}
    if grant.account:
        found["StringEquals"] = {"AWS:SourceAccount": spec.account}
    return {"Condition": found} if found else {}
