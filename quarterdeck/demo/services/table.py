"""Every operation that the demo answers: service and operation to handler."""

from __future__ import annotations

from quarterdeck.demo.account import Handler
from quarterdeck.demo.services import cloudwatch, lambda_, logs, sts, tagging

HANDLERS: dict[str, dict[str, Handler]] = {
    "lambda": lambda_.HANDLERS,
    "cloudwatch": cloudwatch.HANDLERS,
    "logs": logs.HANDLERS,
    "sts": sts.HANDLERS,
    "iam": sts.IAM_HANDLERS,
    "resourcegroupstaggingapi": tagging.HANDLERS,
}
