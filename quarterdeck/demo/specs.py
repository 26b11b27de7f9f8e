"""What the demo knows of a function and a queue, and its accounts and regions."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

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


_MODES = {"sqs": "queue", "kinesis": "stream", "dynamodb": "stream", "kafka": "stream", "api": "sync"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One function as it was before any story touched it.

    `per_minute` is its mean traffic; `schedule_s` replaces it by a clock. `source` names the queue, stream,
    table or rule of its trigger. `qualifier` is the alias callers use ("" for unqualified). `failures` share
    `failure_rate`. `has_group`: its log group exists, of
    `log_class`. `durable` is the longest execution in seconds and how
    many days it is kept; `provider` names the capacity provider of Managed Instances; `url` is a function
    URL's AuthType; `scheduler`: EventBridge Scheduler starts it, not a rule; `logger` is pino or winston for
    one that logs its own errors; `partial_share` of its batches hand one item back; `drops_logs` now and
    then, and is `recursive`. Some of its environments are started `ahead_s` before their first request, and
    some for none. `mapping_metrics`, `filters` and `pollers` are its mapping's. `like` is the
    function whose invocations this one repeats, in a large fleet.
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
    log_class: str = "STANDARD"
    tracing: bool = False
    reserved: int | None = None
    provisioned: tuple[str, int] | None = None
    snap_start: bool = False
    dead_letter: str = ""
    on_failure: str = ""
    on_success: str = ""
    maximum_concurrency: int | None = None
    summary: str = ""
    system_level: str = "INFO"
    has_group: bool = True
    tmp_mb: int = 512
    tenants: bool = False
    shared_disk: bool = False
    insights: bool = False
    durable: tuple[int, int] | None = None
    provider: str = ""
    url: str = ""
    scheduler: bool = False
    logger: str = ""
    partial_share: float = 0.0
    drops_logs: bool = False
    recursive: bool = False
    ahead_s: int = 0
    mapping_metrics: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    pollers: tuple[int, int] | None = None
    like: Spec | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.account, self.region, self.name

    @property
    def number(self) -> int:
        """A stable number, to seed random generators."""
        return zlib.crc32("/".join(self.key).encode())

    @property
    def source_spec(self) -> Spec:
        """The function whose invocations are simulated for this one: mostly itself."""
        return self.like or self

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
        return _MODES.get(self.trigger, "async")


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


Place = tuple[str, str]


@dataclass(frozen=True)
class Company:
    """Who lives in the demo: functions and queues of the accounts, in these regions.

    `enabled_regions` are those that the accounts may use, `regions` those where something runs.
    """

    functions: tuple[Spec, ...]
    queues: tuple[QueueSpec, ...] = ()
    regions: tuple[str, ...] = REGIONS
    enabled_regions: tuple[str, ...] = REGIONS

    @cached_property
    def _by_key(self) -> dict[tuple[str, str, str], Spec]:
        return {spec.key: spec for spec in self.functions}

    @cached_property
    def _functions(self) -> dict[Place, tuple[Spec, ...]]:
        found: dict[Place, list[Spec]] = {}
        for spec in self.functions:
            found.setdefault((spec.account, spec.region), []).append(spec)
        return {place: tuple(specs) for place, specs in found.items()}

    @cached_property
    def _queues(self) -> dict[Place, tuple[QueueSpec, ...]]:
        found: dict[Place, list[QueueSpec]] = {}
        for queue in self.queues:
            found.setdefault((queue.account, queue.region), []).append(queue)
        return {place: tuple(queues) for place, queues in found.items()}

    @cached_property
    def _groups(self) -> dict[Place, dict[str, tuple[Spec, ...]]]:
        found: dict[Place, dict[str, tuple[Spec, ...]]] = {}
        for spec in self.functions:
            if spec.trigger != "none" and spec.has_group:
                here = found.setdefault((spec.account, spec.region), {})
                here[spec.group] = (*here.get(spec.group, ()), spec)
        return found

    def groups_of(self, account: str, region: str) -> dict[str, tuple[Spec, ...]]:
        """Log groups and the functions that write to them; who never ran or may not make one has none."""
        return self._groups.get((account, region), {})

    def functions_of(self, account: str, region: str) -> tuple[Spec, ...]:
        return self._functions.get((account, region), ())

    def queues_of(self, account: str, region: str) -> tuple[QueueSpec, ...]:
        return self._queues.get((account, region), ())

    def find(self, account: str, region: str, name: str) -> Spec | None:
        return self._by_key.get((account, region, name))
