"""The table of metrics against what Lambda publishes."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from core.metrics import METRICS
from core.telemetry import CapacitySample, MappingSample, MetricPoint, QueueSample

PUBLISHED = json.loads((Path(__file__).parent / "data" / "lambda_metrics.json").read_text())

DIMENSIONS = {
    "function": "FunctionName",
    "resource": "FunctionName+Resource",
    "executed": "FunctionName+Resource+ExecutedVersion",
    "account": "none",
    "mapping": "EventSourceMappingUUID",
    "instances": "CapacityProviderName+InstanceType",
    "environments": "CapacityProviderName+FunctionName",
    "insights": "function_name",
    "queue": "QueueName",
}

LEFT_OUT: dict[str, str] = {}
"""Published names that are not read, and why."""


def test_every_published_metric_is_read_or_left_out_for_a_reason():
    read = {(metric.namespace, metric.name) for metric in METRICS}
    published = {(entry["namespace"], entry["name"]) for entry in PUBLISHED}

    assert published - read == {name for name in published if name[1] in LEFT_OUT}


@pytest.mark.parametrize(
    "metric", [m for m in METRICS if m.scope != "log_group"], ids=lambda m: f"{m.scope} {m.name}"
)
def test_every_metric_is_asked_with_dimensions_that_it_is_published_with(metric):
    (entry,) = [e for e in PUBLISHED if (e["namespace"], e["name"]) == (metric.namespace, metric.name)]

    assert DIMENSIONS[metric.scope] in entry["dimensions"]


def test_every_row_fills_a_field_of_its_fact():
    kinds = {
        "queue": QueueSample,
        "mapping": MappingSample,
        "instances": CapacitySample,
        "environments": CapacitySample,
    }
    for metric in METRICS:
        kind = kinds.get(metric.scope, MetricPoint)
        assert metric.field in {f.name for f in fields(kind)}, metric


def test_every_measured_field_is_filled_by_a_row():
    names = {
        "scope",
        "function",
        "resource",
        "ts",
        "period_s",
        "mapping",
        "provider",
        "instance_type",
        "queue",
    }
    filled = {metric.field for metric in METRICS}

    for kind in (MetricPoint, MappingSample, CapacitySample, QueueSample):
        assert {f.name for f in fields(kind)} - names <= filled


def test_no_two_rows_of_a_thing_fill_the_same_field():
    of_function = [m.field for m in METRICS if m.scope in ("function", "log_group", "insights")]
    assert len(of_function) == len(set(of_function))
    for scope in DIMENSIONS:
        found = [m.field for m in METRICS if m.scope == scope]
        assert len(found) == len(set(found))
