from __future__ import annotations

import pytest

from core.entities import EventSourceMapping, Function, InvokeConfig, Queue, Reserved, Trigger
from core.facts import Inventory
from core.lint import CHECKS, Wiring, lint

SQS = "arn:aws:sqs:eu-west-1:111122223333:"
KINESIS = "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks"
DAY = 86_400


def function(**fields):
    return Function(**{"name": "orders", "arn": "a", "timeout_s": 30} | fields)


def source(**fields):
    """A queue with which nothing is wrong."""
    return Queue(
        **{
            "name": SQS + "in",
            "visibility_timeout_s": 180,
            "redrive_target": SQS + "dead",
            "max_receive_count": 5,
            "retention_s": 4 * DAY,
        }
        | fields
    )


def letters(**fields):
    return Queue(**{"name": SQS + "dead", "visibility_timeout_s": 30, "retention_s": 14 * DAY} | fields)


def mapping(**fields):
    return EventSourceMapping(
        **{
            "name": "uuid",
            "function": "orders",
            "source_arn": SQS + "in",
            "batch_size": 10,
            "reports_batch_item_failures": True,
        }
        | fields
    )


def stream(**fields):
    good = {
        "source_arn": KINESIS,
        "failure_destination": SQS + "dead",
        "maximum_retries": 3,
        "maximum_record_age_s": -1,
        "bisects_on_error": True,
    }
    return mapping(**good | fields)


def wired(*, queue=None, dead=None, by=None, of=None, lately=None, **more):
    known = Inventory(
        functions=(of or function(),),
        mappings=(by or mapping(),),
        queues=(queue or source(), dead or letters()),
        **more,
    )
    return Wiring(known=known, **(lately or {}))


def codes(wiring):
    return [(finding.severity, finding.code) for finding in lint(wiring)]


def test_good_wiring_has_no_findings():
    assert codes(wired()) == []
    assert codes(wired(by=stream())) == []


@pytest.mark.parametrize(
    ("wiring", "found"),
    [
        (wired(queue=source(visibility_timeout_s=179)), [("warning", "visibility-timeout")]),
        (wired(queue=source(visibility_timeout_s=29)), [("critical", "visibility-timeout")]),
        (wired(by=mapping(batching_window_s=20)), [("warning", "visibility-timeout")]),
        (wired(queue=source(visibility_timeout_s=200), by=mapping(batching_window_s=20)), []),
        (wired(of=function(timeout_s=None)), []),
        (wired(queue=source(max_receive_count=1)), [("warning", "receive-count")]),
        (wired(queue=source(max_receive_count=3)), [("info", "receive-count")]),
        (
            wired(queue=source(max_receive_count=1), lately={"throttles": {"orders": 9.0}}),
            [("critical", "receive-count")],
        ),
        (
            wired(queue=source(max_receive_count=4), lately={"throttles": {"orders": 9.0}}),
            [("warning", "receive-count")],
        ),
        (wired(queue=source(redrive_target=None)), [("warning", "no-dead-letter-queue")]),
        (wired(dead=letters(retention_s=4 * DAY)), [("warning", "letter-retention")]),
        (wired(dead=letters(retention_s=None)), []),
        (wired(by=mapping(reports_batch_item_failures=False)), [("warning", "batch-item-failures")]),
        (wired(by=mapping(reports_batch_item_failures=False, batch_size=1)), []),
        (
            wired(by=mapping(maximum_concurrency=20), reserved=(Reserved(name="orders", reserved=5),)),
            [("warning", "maximum-concurrency")],
        ),
        (wired(by=mapping(maximum_concurrency=5), reserved=(Reserved(name="orders", reserved=5),)), []),
        (wired(reserved=(Reserved(name="orders", reserved=5),)), [("info", "maximum-concurrency")]),
        (wired(reserved=(Reserved(name="orders", reserved=None),)), []),
        (wired(by=stream(failure_destination=None)), [("critical", "no-failure-destination")]),
        (
            wired(by=stream(maximum_retries=-1)),
            [("warning", "unlimited-retries")],
        ),
        (wired(by=stream(maximum_retries=-1, maximum_record_age_s=3600)), []),
        (wired(by=stream(maximum_retries=None)), []),
        (
            wired(by=stream(failure_destination=None, maximum_retries=-1)),
            [("warning", "no-failure-destination"), ("warning", "unlimited-retries")],
        ),
        (wired(by=stream(bisects_on_error=False)), [("info", "no-bisect")]),
        (wired(by=stream(bisects_on_error=None)), []),
        (wired(by=mapping(last_result="PROBLEM: Function call failed")), [("critical", "poller-problem")]),
        (wired(by=mapping(state="Disabled")), [("info", "mapping-disabled")]),
        (wired(of=function(dead_letter_arn=SQS + "in")), [("critical", "failure-loop")]),
        (
            wired(lately={"async_received": {"orders": 5.0}}),
            [("warning", "async-failures-go-nowhere")],
        ),
        (
            wired(lately={"async_received": {"orders": 5.0}, "async_dropped": {"orders": 2.0}}),
            [("critical", "async-failures-go-nowhere")],
        ),
        (
            wired(
                of=function(dead_letter_arn="arn:aws:sns:eu-west-1:1:t"),
                lately={"async_received": {"orders": 5.0}},
            ),
            [],
        ),
        (
            wired(triggers=(Trigger(name="t", function="orders", kind="s3", source_arn="arn:aws:s3:::b"),)),
            [("warning", "async-failures-go-nowhere")],
        ),
    ],
)
def test_each_mistake_is_found_with_its_severity(wiring, found):
    assert codes(wiring) == found


def test_a_fifo_queues_letters_start_their_age_anew():
    queue = source(name=SQS + "in.fifo", redrive_target=SQS + "dead.fifo")
    dead = letters(name=SQS + "dead.fifo", retention_s=4 * DAY)

    assert codes(wired(queue=queue, dead=dead, by=mapping(source_arn=queue.name))) == []


def test_a_finding_says_what_to_change():
    found = lint(wired(queue=source(visibility_timeout_s=60), by=mapping(batching_window_s=5)))[0]

    assert found.where == SQS + "in"
    assert (
        found.what == "visibility timeout 60 s is below 6 x the 30 s timeout plus the batching window of 5 s"
    )
    assert found.change == "set the queue's visibility timeout to 185 s or more"


def test_limits_of_ones_own_are_told_where_failures_go_nowhere():
    config = InvokeConfig(
        name="orders:$LATEST", function="orders", qualifier="$LATEST", max_retries=0, max_age_s=60
    )

    found = lint(wired(invoke_configs=(config,), lately={"async_received": {"orders": 5.0}}))[0]

    assert found.why == "after 0 retries or 60 s an event is dropped"


def test_the_worst_comes_first():
    wiring = wired(queue=source(max_receive_count=3), by=mapping(last_result="PROBLEM: x"))

    assert [severity for severity, _ in codes(wiring)] == ["critical", "info"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_what_is_not_known_is_not_found_fault_with(check):
    bare = Inventory(
        functions=(Function(name="orders", arn="a"),),
        mappings=(EventSourceMapping(name="u", function="orders", source_arn=SQS + "in"),),
        queues=(Queue(name=SQS + "in"),),
    )

    assert list(check(Wiring(known=bare))) == []
    assert list(check(Wiring(known=Inventory()))) == []
