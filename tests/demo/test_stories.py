"""Every story can be seen through AWS's own answers, at the times that the table says."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from core.windows import Window
from quarterdeck.demo.specs import CONCURRENCY_LIMIT
from quarterdeck.demo.stories import STORIES, story

from .conftest import HOUR, NOW, PROD, floor_minute, ms

END = floor_minute(NOW)
MINUTE = timedelta(minutes=1)
NEWEST = END - 2 * MINUTE


def total(aws, metric, *, since, until=NEWEST, **dimensions):
    return sum(aws.values(metric, since=since, until=until, period=60, **dimensions).values())


def error_rate(aws, name, **window):
    return total(aws, "Errors", FunctionName=name, **window) / total(
        aws, "Invocations", FunctionName=name, **window
    )


def test_a_bad_deploy_fails_and_is_slow_since_the_alias_moved(aws):
    before, since = {"since": HOUR, "until": NOW - 42 * MINUTE}, {"since": 36 * MINUTE}
    p95 = {
        name: max(aws.values("Duration", "p95", period=1800, FunctionName="checkout-api", **window).values())
        for name, window in (("before", before), ("since", {**since, "until": NEWEST}))
    }

    assert error_rate(aws, "checkout-api", **before) < 0.02
    assert 0.09 < error_rate(aws, "checkout-api", **since) < 0.2
    assert p95["since"] > 1.6 * p95["before"]
    alias = aws("lambda").get_alias(FunctionName="checkout-api", Name="prod")
    version = aws("lambda").get_function_configuration(
        FunctionName="checkout-api", Qualifier=alias["FunctionVersion"]
    )
    assert version["LastModified"].startswith("2026-11-18T09:18")


def test_failures_of_the_bad_deploy_are_of_the_new_version_only(aws):
    alias = {"FunctionName": "checkout-api", "Resource": "checkout-api:prod"}
    version = aws("lambda").get_alias(FunctionName="checkout-api", Name="prod")["FunctionVersion"]
    asked = {"since": 30 * MINUTE}

    new = total(aws, "Errors", **alias, ExecutedVersion=version, **asked)
    assert new == total(aws, "Errors", FunctionName="checkout-api", **asked) > 10


def test_the_deploy_is_rolled_back_and_comes_again_the_next_day(fresh):
    aws, clock = fresh
    client = aws("lambda")
    versions = []
    for later in (timedelta(), 3 * HOUR, 24 * HOUR):
        clock.now = NOW + later
        versions.append(int(client.get_alias(FunctionName="checkout-api", Name="prod")["FunctionVersion"]))

    assert versions[1] < versions[0] < versions[2]


def test_a_reserved_pool_throttles_in_bursts(aws):
    throttles = aws.values("Throttles", since=2 * HOUR, until=NEWEST, FunctionName="inventory-reserve")
    bursts = [ts for ts, value in throttles.items() if value > 10]
    used = aws.values("ConcurrentExecutions", "Maximum", FunctionName="inventory-reserve")

    assert len(bursts) >= 6
    assert Counter(value > 0 for value in throttles.values())[False] > 90
    assert max(used.values()) == 8


def test_an_account_is_near_its_limit(aws):
    claimed = aws.values(
        "ClaimedAccountConcurrency", "Maximum", since=6 * HOUR, period=300, region="us-east-1"
    ).values()
    limit = aws("lambda", "us-east-1").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]

    assert limit == CONCURRENCY_LIMIT[PROD, "us-east-1"]
    assert 0.8 < min(claimed) / limit < max(claimed) / limit < 0.97


def test_poison_messages_fail_three_times_and_end_in_the_dead_letter_queue(aws):
    lines = aws.messages("/aws/lambda/order-worker", "JSONDecodeError", since=6 * HOUR)
    depth = aws.values(
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        since=6 * HOUR,
        Namespace="AWS/SQS",
        QueueName="orders-dlq",
    )
    grown = sum(max(b - a, 0) for a, b in pairwise(depth.values()))

    assert grown == pytest.approx(len(lines) / 3, abs=4)
    assert grown > 20


def test_the_dead_letter_queue_is_drained_about_every_two_hours(aws):
    deleted = aws.values(
        "NumberOfMessagesDeleted", since=12 * HOUR, Namespace="AWS/SQS", QueueName="orders-dlq"
    )
    drains = [ts for ts, value in deleted.items() if value]
    gaps = [b - a for a, b in pairwise(drains)]

    assert len(drains) in (5, 6, 7)
    assert all(90 * MINUTE < gap < 150 * MINUTE for gap in gaps)


def test_a_memory_change_brings_a_cold_start_storm(aws):
    pattern = '{ $.type = "platform.report" }'
    windows = {"before": (HOUR, NOW - 2 * HOUR), "after": (HOUR, NOW - HOUR)}
    rates = {}
    for name, (since, until) in windows.items():
        events = aws.messages("/aws/lambda/search-suggest", pattern, since=since, until=until)
        metrics = [json.loads(e["message"])["record"]["metrics"] for e in events]
        rates[name] = sum("initDurationMs" in m for m in metrics) / len(metrics)

    assert rates["before"] < 0.03
    assert rates["after"] > 0.25
    configuration = aws("lambda").get_function_configuration(FunctionName="search-suggest")
    assert configuration["MemorySize"] == 512
    assert configuration["LastModified"].startswith("2026-11-18T08:00")


def test_timeouts_are_told_by_a_line_and_the_report(aws):
    asked = {"since": 45 * MINUTE, "until": NOW - 50 * MINUTE, "region": "us-east-1"}
    lines = aws.messages("/aws/lambda/partner-webhook", '"Task timed out"', **asked)
    reports = aws.messages("/aws/lambda/partner-webhook", '"Status: timeout"', **asked)

    assert len(lines) == len(reports) > 10
    assert "Duration: 6000.00 ms" in reports[0]["message"]


def test_out_of_memory_is_told_in_both_forms(aws):
    asked = {"since": 3 * HOUR}
    named = aws.messages("/aws/lambda/invoice-pdf", '"Runtime.OutOfMemory"', **asked)
    killed = aws.messages("/aws/lambda/image-resizer", '"signal: killed"', **asked)
    reports = aws.messages("/aws/lambda/image-resizer", "REPORT", **asked)
    full = [e for e in reports if "Max Memory Used: 1024 MB" in e["message"]]

    assert len(named) > 5
    assert all("Memory Size: 512 MB\tMax Memory Used: 512 MB" in e["message"] for e in named)
    assert len(killed) == len(full) > 5
    assert not any("Status" in e["message"] for e in full)


def test_a_schedule_stopped_nine_hours_ago(aws):
    runs = aws.values("Invocations", since=12 * HOUR, FunctionName="fx-rates-sync")

    assert max(runs) < NOW - 9 * HOUR
    assert len(runs) == pytest.approx(36, abs=1)
    assert aws("events").describe_rule(Name="fx-rates-every-5m")["State"] == "DISABLED"
    one = [{"AttributeKey": "EventName", "AttributeValue": "DisableRule"}]
    (*_, event) = aws("cloudtrail").lookup_events(LookupAttributes=one, StartTime=NOW - 12 * HOUR)["Events"]
    assert event["EventTime"] == NOW.replace(hour=1)


def test_no_alias_reaches_the_provisioned_version(aws):
    client = aws("lambda", "us-east-1")
    (config,) = client.list_provisioned_concurrency_configs(FunctionName="quote-engine")[
        "ProvisionedConcurrencyConfigs"
    ]
    aliases = client.list_aliases(FunctionName="quote-engine")["Aliases"]
    used = aws.values(
        "ProvisionedConcurrencyInvocations", since=6 * HOUR, region="us-east-1", FunctionName="quote-engine"
    )

    assert config["FunctionArn"].endswith(":17")
    assert config["AllocatedProvisionedConcurrentExecutions"] == 10
    assert "17" not in {a["FunctionVersion"] for a in aliases}
    assert used == {}


def test_provisioned_concurrency_that_is_reached_takes_most_and_spills_the_rest(aws):
    asked = {"since": 6 * HOUR, "FunctionName": "session-auth"}
    provisioned = total(aws, "ProvisionedConcurrencyInvocations", **asked)
    spilled = total(aws, "ProvisionedConcurrencySpilloverInvocations", **asked)

    assert provisioned + spilled == total(aws, "Invocations", **asked)
    assert 0 < spilled < provisioned / 10


def test_logs_cost_more_than_compute(aws):
    asked = {"since": 24 * HOUR, "until": NEWEST}
    size = total(aws, "IncomingBytes", Namespace="AWS/Logs", LogGroupName="/aws/lambda/order-audit", **asked)
    duration_ms = total(aws, "Duration", FunctionName="order-audit", **asked)
    invocations = total(aws, "Invocations", FunctionName="order-audit", **asked)
    compute_usd = invocations * 0.2e-6 + duration_ms / 1000 * 0.125 * 0.0000166667

    assert size / 1e9 * 0.5 > 2 * compute_usd


def test_a_stream_falls_behind_to_an_hour_and_recovers(aws):
    ages = aws.values(
        "IteratorAge",
        "Maximum",
        since=6 * HOUR,
        until=NEWEST,
        period=300,
        FunctionName="clickstream-enricher",
    )
    behind = [age for age in ages.values() if age > 3_300_000]
    fresh_ = [age for age in ages.values() if age < 10_000]

    assert 3_500_000 < max(ages.values()) < 3_700_000
    assert len(behind) >= 2
    assert len(fresh_) > 20


def test_an_incident_begins_three_minutes_after_the_start_and_ends(fresh):
    aws, clock = fresh
    clock.now = NOW + 30 * MINUTE
    windows = {
        "before": {"since": 20 * MINUTE, "until": NOW},
        "during": {"since": 11 * MINUTE, "until": END + 15 * MINUTE},
        "after": {"since": 12 * MINUTE, "until": END + 28 * MINUTE},
    }
    rates = {name: error_rate(aws, "promo-engine", **window) for name, window in windows.items()}

    assert rates["before"] < 0.03
    assert 0.2 < rates["during"] < 0.45
    assert rates["after"] < 0.03
    (line, *_) = aws.messages(
        "/aws/lambda/promo-engine", '"Invoke Error"', since=11 * MINUTE, until=END + 15 * MINUTE
    )
    assert "locked by migration" in line["message"]


@pytest.mark.parametrize("tale", STORIES, ids=lambda t: t.name)
def test_windows_and_activity_of_a_story_agree(tale):
    starts = (NOW, NOW + timedelta(hours=7, minutes=11))
    within = Window(NOW - timedelta(days=1), NOW + timedelta(days=1))
    minutes = np.arange(ms(within.start), ms(within.end), 60_000, dtype=np.int64)
    told = list(tale.windows(within, starts))
    inside = [any(datetime.fromtimestamp(m / 1000, UTC) in w for w in told) for m in minutes.tolist()]

    assert tale.active(minutes, starts).tolist() == inside


def test_the_demo_tells_its_stories(aws):
    told = {s["name"]: s for s in aws.get("/demo")["stories"]}
    begin, end = (datetime.fromisoformat(t) for t in told["bad-deploy"]["windows"][1])

    assert set(told) == {s.name for s in STORIES}
    assert (begin, end) == (NOW - 40 * MINUTE, NOW + story("bad-deploy").lasts - 40 * MINUTE)
