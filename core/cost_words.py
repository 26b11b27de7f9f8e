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

NOT_COUNTED = "Not counted yet, and in no total: " + ", ".join(
    word for name, word in COMPONENT_WORDS.items() if name in UNCOUNTED
)
"""What estimates lack, in a sentence."""
