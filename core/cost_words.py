"""What components of cost are called where people read."""

from core.metering import UNCOUNTED

COMPONENT_WORDS = {
    "requests": "Requests",
    "duration": "Duration",
    "init": "Initialization",
    "ephemeral": "Ephemeral storage",
    "provisioned": "Provisioned concurrency",
    "snapstart": "SnapStart",
    "streaming": "Response streaming",
    "durable": "Durable functions",
    "instances": "Managed Instances",
    "edge": "Lambda@Edge",
    "pollers": "Event pollers",
    "tenancy": "Tenant isolation",
    "logs": "Log ingestion",
    "log storage": "Log storage",
    "tracing": "X-Ray traces",
    "queues": "SQS requests",
}
"""By component; a reader tells which of them it knows."""

NOT_COUNTED = "In no total: " + "; ".join(
    f"{COMPONENT_WORDS[name]} ({why})" for name, why in UNCOUNTED.items()
)
"""What estimates lack, in a sentence."""

ESTIMATE_ERROR = (
    "Where records are lacking, metrics stand in: initialization, restores and environments of tenants are"
    " not counted there, and duration may be off by half a millisecond an invocation"
)
"""How far cost from metrics alone may be from that of records, in a sentence (docs/cost.md)."""
