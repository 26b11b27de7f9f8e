"""Answers that are not what they seem: cut short, somebody else's page, of another time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from collectors.clock import FARTHEST, Clock
from core.errors import AwsError, EndpointError
from core.facts import Target
from tests.collectors.proof.content import ClosableAws, aws_at, one_pass, opened
from tests.collectors.proof.endpoint import Endpoint
from tests.collectors.proof.serving import Proxy, Server, endpoint
from tests.collectors.proof.world import ACCOUNT, REGION, World

NOW = datetime(2026, 11, 18, 10, 15, 30, tzinfo=UTC)


@pytest.fixture
def watched() -> Iterator[tuple[Proxy, Server, ClosableAws]]:
    made = Endpoint(World(1, NOW - timedelta(hours=1), NOW), NOW)
    back = Server(endpoint(made.answer))
    proxy = Proxy(back.url)
    front = Server(proxy)
    aws = aws_at(front.url, Target(ACCOUNT, REGION))
    with back.running(), closing(proxy), front.running(), closing(aws):
        yield proxy, front, aws


@pytest.mark.parametrize("fault", ["cut", "login page"])
def test_an_answer_that_did_not_arrive_is_asked_for_again_and_then_an_error(fault, watched):
    proxy, _, aws = watched
    proxy.fate = lambda call: fault
    with pytest.raises(EndpointError):
        aws.client("logs").describe_log_groups()
    assert len(proxy.seen) == 2
    assert sum(usage.calls for usage in aws.take_usage()) == 2


def test_a_call_that_was_cut_once_is_answered_by_the_second(watched):
    proxy, _, aws = watched
    proxy.fate = lambda call: None if proxy.seen else "cut"
    assert aws.client("logs").describe_log_groups()["logGroups"]


def test_a_listing_that_repeats_its_token_is_an_error_that_names_the_call(watched):
    proxy, _, aws = watched
    proxy.fate = lambda call: "repeated token"
    with pytest.raises(AwsError, match="lambda:ListFunctions"):
        list(aws.pages("lambda", "list_functions"))


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_answers_tell_how_far_our_clock_is_ahead(minutes, watched):
    _, front, aws = watched
    front.ahead_s = -60.0 * minutes
    aws.client("lambda").get_account_settings()
    assert round(aws.clock.ahead / timedelta(minutes=1)) == max(0, minutes)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Wed, 99 Nov 2026 10:00:00 GMT"])
def test_a_date_that_cannot_be_read_says_nothing(date):
    clock = Clock()
    clock.hear(date, at=NOW)
    assert clock.ahead == timedelta()


def test_an_endpoint_that_keeps_no_time_does_not_hold_back_settling_for_ever():
    clock = Clock()
    clock.hear("Wed, 01 Jan 2020 10:00:00 GMT", at=NOW)
    assert clock.ahead == FARTHEST


def test_nothing_is_read_and_nothing_is_taken_for_gone_before_the_inventory_was_read(watched, tmp_path):
    proxy, _, aws = watched
    proxy.fate = lambda call: "denied" if call.operation == "ListFunctions" else None
    with opened(tmp_path / "store") as store:
        first = one_pass(aws, store, NOW)
    outcomes = {run.collector: run.outcome for run in first}
    assert outcomes.pop("inventory") == "denied"
    assert set(outcomes) >= {"details", "triggers"}
    assert set(outcomes.values()) == {"skipped"}
