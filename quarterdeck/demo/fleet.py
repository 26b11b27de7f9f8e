"""Large fleets for benchmarks and call counts: many functions that repeat the traffic of a few."""

from __future__ import annotations

from dataclasses import replace

from quarterdeck.demo.specs import EU, PROD, US, Company, Failure, QueueSpec, Spec

FLEET_REGIONS = (EU, US, "eu-central-1", "ap-southeast-1")
_FAILURES = (Failure("ValueError", "order 4711 has no lines"),)


def _template(name: str, **settings: object) -> Spec:
    given: dict[str, object] = {"versions": 3, "failures": _FAILURES, "team": "fleet", **settings}
    return Spec(account=PROD, region=EU, name=name, **given)  # type: ignore[arg-type]


_TEMPLATES = (
    _template("fleet-api", per_minute=1.5, median_ms=60),
    _template("fleet-json", per_minute=1, median_ms=90, log_format="JSON", qualifier=""),
    _template("fleet-worker", per_minute=1, median_ms=220, trigger="sqs", batch=5, qualifier=""),
    _template("fleet-node", per_minute=0.7, runtime="nodejs22.x", median_ms=40, qualifier=""),
    _template("fleet-clock", trigger="schedule", schedule_s=300, median_ms=900, qualifier=""),
    _template("fleet-stream", per_minute=0.8, trigger="kinesis", batch=50, median_ms=300, qualifier=""),
    _template("fleet-event", per_minute=0.4, trigger="async", source="arn:aws:s3:::fleet", median_ms=700),
    _template("fleet-quiet", median_ms=50, qualifier=""),
    _template("fleet-idle", trigger="none", qualifier=""),
)
"""What the functions of a fleet are like, in turn. Two of them are never invoked."""


def fleet(functions: int, *, regions: int = 1) -> Company:
    """A company of so many functions, spread evenly over so many regions of one account."""
    if not 1 <= regions <= len(FLEET_REGIONS):
        raise ValueError(f"regions must be between 1 and {len(FLEET_REGIONS)}, not {regions}")
    if functions < 1:
        raise ValueError(f"functions must be at least 1, not {functions}")
    used = FLEET_REGIONS[:regions]
    specs = tuple(_member(n, used[n % regions]) for n in range(functions))
    queues = tuple(queue for spec in specs if spec.trigger == "sqs" for queue in _queues(spec))
    return Company(specs, queues, regions=used, enabled_regions=used)


def _member(number: int, region: str) -> Spec:
    template = _TEMPLATES[number // len(FLEET_REGIONS) % len(_TEMPLATES)]
    name = f"{template.name}-{number:05d}"
    source = template.source or f"{name}-source"
    return replace(template, region=region, name=name, source=source, like=template)


def _queues(spec: Spec) -> tuple[QueueSpec, QueueSpec]:
    dead_letters = f"{spec.source}-dlq"
    return (
        QueueSpec(account=PROD, region=spec.region, name=spec.source, role="source", redrive=dead_letters),
        QueueSpec(account=PROD, region=spec.region, name=dead_letters, role="dead-letter"),
    )
