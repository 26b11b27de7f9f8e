"""Fields of entities in words: what they are called, and their values with units."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

NAMES: Mapping[str, tuple[str, str]] = {
    "accelerator_gb": ("Accelerator memory", " GB"),
    "batching_window_s": ("Batching window", " s"),
    "bisects_on_error": ("Splits batches that fail", ""),
    "capacity_provider_arn": ("Capacity provider", ""),
    "code_size_bytes": ("Code size", " bytes"),
    "concurrent_limit": ("Concurrency limit", ""),
    "custom_runtime_arn": ("Customer-managed runtime", ""),
    "dead_letter_arn": ("Dead-letter target", ""),
    "durable_execution_timeout_s": ("Timeout of durable executions", " s"),
    "durable_retention_days": ("Durable executions are kept", " days"),
    "edge_master_arn": ("Replica of", ""),
    "environment_concurrency": ("Concurrency per environment", ""),
    "ephemeral_mb": ("Ephemeral storage", " MB"),
    "file_system_arn": ("File system", ""),
    "filter_error": ("Fault of the filters", ""),
    "is_public": ("Open to anyone", ""),
    "max_age_s": ("Longest wait of async invocations", " s"),
    "max_retries": ("Retries of async invocations", ""),
    "maximum_record_age_s": ("Longest age of records", " s"),
    "memory_gib_per_vcpu": ("Memory per vCPU", " GiB"),
    "memory_mb": ("Memory", " MB"),
    "on_failure": ("Destination of failures", ""),
    "on_success": ("Destination of successes", ""),
    "requested": ("Provisioned concurrency", ""),
    "reserved": ("Reserved concurrency", ""),
    "retention_days": ("Retention", " days"),
    "retention_s": ("Retention", " s"),
    "runtime_version_arn": ("Runtime patch", ""),
    "security_group_ids": ("Security groups", ""),
    "snap_start": ("SnapStart", ""),
    "snap_start_status": ("SnapStart optimization", ""),
    "state": ("State", ""),
    "stored_bytes": ("Stored", " bytes"),
    "subnet_ids": ("Subnets", ""),
    "targets_function": ("The source targets the function", ""),
    "tenancy": ("Tenant isolation", ""),
    "timeout_s": ("Timeout", " s"),
    "tumbling_window_s": ("Tumbling window", " s"),
    "unreserved_limit": ("Unreserved concurrency", ""),
    "visibility_timeout_s": ("Visibility timeout", " s"),
    "vpc_id": ("VPC", ""),
}
"""How a field is called, and the unit of its values; others are called by their own words."""

UNSET: Mapping[str, str] = {"retention_days": "never expires"}
"""What it means that a field is not set, where that is something of its own."""

LONGEST_ID = 24


def name_of(field: str) -> str:
    words = field.removesuffix("_mb").removesuffix("_s").replace("_", " ").capitalize()
    return NAMES.get(field, (words, ""))[0]


def value_of(field: str, value: Any) -> str:
    """The value with its unit; `none` for what is unknown or empty."""
    if value is None and field in UNSET:
        return UNSET[field]
    return _value(value, NAMES.get(field, ("", ""))[1])


def sentence(field: str, old: Any, new: Any) -> str:
    """`Timeout 15 s → 30 s`."""
    return f"{name_of(field)} {value_of(field, old)} → {value_of(field, new)}"


def moment(text: str) -> str | None:
    """`2026-11-11 13:57 UTC` from a time as it is kept, None for any other text."""
    if not _TIME.fullmatch(text):
        return None
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _value(value: Any, unit: str) -> str:
    if value is None or value in ("", [], {}) or value != value:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:,g}{unit}" if value < 1e6 else f"{value:,.0f}{unit}"
    if isinstance(value, str):
        return moment(value) or short_arn(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(short_arn(item) for item in value)
    return json.dumps(value, sort_keys=True)


def short_arn(text: str) -> str:
    """What of an ARN a person reads: its last part, and a layer's name with its version; a long id is cut."""
    if not text.startswith("arn:"):
        return text
    parts = text.split(":")
    if len(parts) == 8 and parts[5] == "layer":
        return f"{parts[6]} {parts[7]}"
    last = parts[-1]
    return last if len(last) <= LONGEST_ID or not last.isalnum() else f"{last[:12]}…"


def version_word(version: str) -> str:
    """`v7`; what is no number stays (`$LATEST`)."""
    return f"v{version}" if version.isdecimal() else version
