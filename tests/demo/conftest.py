"""A demo account at a fixed instant, and boto3 clients for it."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config

from quarterdeck.demo.server import DemoServer, FrozenClock

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
"""A Wednesday; the demo of these tests was started at this instant."""

PROD, STAGING = "111122223333", "444455556666"
HOUR = timedelta(hours=1)


class Aws:
    """Clients for one demo server, of any account and region."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def __call__(self, service, region="eu-west-1", account=PROD):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id=f"ASIADEMO{account}",
            aws_secret_access_key="demo",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def get(self, path):
        with urllib.request.urlopen(self.endpoint + path) as answer:
            return json.load(answer)

    def values(
        self, metric, stat="Sum", *, since=HOUR, until=None, period=60, region="eu-west-1", **dimensions
    ):
        """Values of one metric by timestamp, oldest first."""
        end = until or floor_minute(NOW)
        namespace = dimensions.pop("Namespace", "AWS/Lambda")
        pages = (
            self("cloudwatch", region)
            .get_paginator("get_metric_data")
            .paginate(
                MetricDataQueries=[query("a", metric, stat, period, namespace, **dimensions)],
                StartTime=end - since,
                EndTime=end,
                ScanBy="TimestampAscending",
            )
        )
        found = [result for page in pages for result in page["MetricDataResults"]]
        return {
            ts.astimezone(UTC): value
            for r in found
            for ts, value in zip(r["Timestamps"], r["Values"], strict=True)
        }

    def messages(self, group, pattern="", *, since=HOUR, region="eu-west-1", **more):
        """Log events of the last hour, through all pages."""
        end = more.pop("until", NOW)
        pages = (
            self("logs", region)
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=group,
                filterPattern=pattern,
                startTime=ms(end - since),
                endTime=ms(end),
                **more,
            )
        )
        return [event for page in pages for event in page["events"]]


def query(identity, metric, stat="Sum", period=60, namespace="AWS/Lambda", **dimensions):
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
    return {"Id": identity, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}


def floor_minute(ts):
    return ts.replace(second=0, microsecond=0)


def ms(ts):
    return int(ts.timestamp() * 1000)


@pytest.fixture(scope="session")
def aws():
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        yield Aws(server.endpoint)


@pytest.fixture
def fresh():
    """A server of one's own, for tests that change something: (aws, clock)."""
    clock = FrozenClock(NOW)
    with DemoServer(seed=7, clock=clock) as server:
        yield Aws(server.endpoint), clock
