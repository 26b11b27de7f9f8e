"""Every operation that the demo answers: service and operation to handler."""

from __future__ import annotations

from quarterdeck.demo.account import Handler
from quarterdeck.demo.services import (
    alarms,
    cloudwatch,
    cost_explorer,
    events,
    lambda_,
    lambda_mappings,
    lambda_settings,
    lambda_triggers,
    lambda_writes,
    logs,
    optimizer,
    prices,
    queries,
    regions,
    remedies,
    sqs,
    sts,
    tagging,
    trail,
    xray,
)

HANDLERS: dict[str, dict[str, Handler]] = {
    "lambda": {
        **lambda_.HANDLERS,
        **lambda_mappings.HANDLERS,
        **lambda_settings.HANDLERS,
        **lambda_triggers.HANDLERS,
        **lambda_writes.HANDLERS,
    },
    "cloudwatch": {**cloudwatch.HANDLERS, **alarms.HANDLERS},
    "logs": {**logs.HANDLERS, **queries.HANDLERS},
    "sqs": {**sqs.HANDLERS, **remedies.SQS_HANDLERS},
    "sns": remedies.SNS_HANDLERS,
    "stepfunctions": remedies.STATES_HANDLERS,
    "xray": xray.HANDLERS,
    "sts": sts.HANDLERS,
    "iam": sts.IAM_HANDLERS,
    "resourcegroupstaggingapi": tagging.HANDLERS,
    "ec2": regions.EC2_HANDLERS,
    "account": regions.ACCOUNT_HANDLERS,
    "events": events.HANDLERS,
    "scheduler": events.SCHEDULER_HANDLERS,
    "cloudtrail": trail.HANDLERS,
    "pricing": prices.HANDLERS,
    "ce": cost_explorer.HANDLERS,
    "compute-optimizer": optimizer.HANDLERS,
}
