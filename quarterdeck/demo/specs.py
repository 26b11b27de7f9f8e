"""What the demo knows of a function and a queue, and its accounts and regions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

EU, US = "eu-west-1", "us-east-1"
PROD, STAGING = "111122223333", "444455556666"
ACCOUNTS = {PROD: "meridian-prod", STAGING: "meridian-staging"}
REGIONS = (EU, US)
ROLE = "quarterdeck-read"

CONCURRENCY_LIMIT = {(PROD, EU): 1000, (PROD, US): 100, (STAGING, EU): 400, (STAGING, US): 400}
"""`AccountLimit.ConcurrentExecutions` per account and region; the second is nearly used up."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A way to fail. `kind` is error (an exception), timeout, oom (Runtime.OutOfMemory) or killed."""

    type: str
    message: str
    kind: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One function as it was before any story touched it.

    `per_minute` is its mean traffic; `schedule_s` replaces it by a clock. `source` names the queue, stream,
    table or rule of its trigger. `qualifier` is the alias callers use ("" for unqualified). `failures` share
    `failure_rate`.
    """

    account: str
    region: str
    name: str
    team: str = ""
    runtime: str | None = "python3.13"
    architecture: str = "x86_64"
    memory_mb: int = 256
    timeout_s: int = 30
    trigger: str = "api"
    source: str = ""
    per_minute: float = 0.0
    schedule_s: int = 0
    rhythm: str = "shop"
    median_ms: float = 80.0
    spread: float = 0.45
    init_ms: float = 380.0
    failure_rate: float = 0.0015
    failures: tuple[Failure, ...] = ()
    memory_share: float = 0.45
    batch: int = 1
    qualifier: str = "prod"
    versions: int = 12
    log_format: str = "Text"
    log_group: str = ""
    log_lines: int = 1
    log_line_bytes: int = 90
    retention_days: int = 7
    tracing: bool = False
    reserved: int | None = None
    provisioned: tuple[str, int] | None = None
    snap_start: bool = False
    dead_letter: str = ""
    on_failure: str = ""
    on_success: str = ""
    maximum_concurrency: int | None = None
    summary: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def number(self) -> int:
        """A stable number, to seed random generators."""
        return zlib.crc32("/".join(self.key).encode())

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def env(self) -> str:
        return "prod" if self.account == PROD else "staging"

    @property
    def group(self) -> str:
        return self.log_group or f"/aws/lambda/{self.name}"

    @property
    def mode(self) -> str:
        """How it is invoked: sync, async, queue or stream."""
        return {"sqs": "queue", "kinesis": "stream", "dynamodb": "stream", "api": "sync"}.get(
            self.trigger, "async"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSpec:
    """An SQS queue. `role` is source, dead-letter (SQS redrive), async-dead-letter or destination."""

    account: str
    region: str
    name: str
    role: str
    redrive: str = ""
    max_receives: int = 3
    visibility_s: int = 180
    retention_s: int = 4 * 86400

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"
