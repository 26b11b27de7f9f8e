from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.joining import UNREADABLE, Event, events_of, join, to_batch_failure, to_log_event, to_record

A = "0b1c2d3e-0000-4000-8000-00000000000a"
B = "0b1c2d3e-0000-4000-8000-00000000000b"
KILLED = "RequestId: {} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n"
EXITED = "RequestId: {} Error: Runtime exited with error: exit status 1\nRuntime.ExitError\n"
TIMED_OUT = "2026-11-21T10:00:00.000Z {} Task timed out after 3.00 seconds\n\n"
UNCAUGHT = "[ERROR] KeyError: 'total'\nTraceback (most recent call last):\n"


def report(request_id: str, more: str = "", *, used: int = 64) -> str:
    fixed = "Duration: 3.50 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB"
    return f"REPORT RequestId: {request_id}\t{fixed}\tMax Memory Used: {used} MB\t{more}"


def platform(event_type: str, **record) -> str:
    return json.dumps({"time": "t", "type": f"platform.{event_type}", "record": record})


def events(*messages: str, stream: str = "2026/11/21/[7]aa") -> list[Event]:
    return [Event(1000 + n, stream, f"e{n}", message) for n, message in enumerate(messages)]


def records(found: list[Event]):
    return [to_record(invocation, "f", "7") for invocation in join(found).invocations]


def kept(found: list[Event]):
    return [to_log_event(line, "f", "7") for line in join(found).lines]


def test_a_report_becomes_a_record():
    (record,) = records(events(report(A, "Init Duration: 120.25 ms\t")))

    assert (record.request_id, record.duration_ms, record.billed_ms) == (A, 3.5, 4)
    assert (record.memory_mb, record.max_memory_mb, record.init_ms) == (128, 64, 120.25)
    assert (record.status, record.error_type, record.out_of_memory) == ("success", None, False)
    assert (record.event_id, record.stream, record.version) == ("e0", "2026/11/21/[7]aa", "7")


def test_a_json_report_becomes_a_record():
    metrics = {"durationMs": 3.5, "billedDurationMs": 4, "memorySizeMB": 128, "maxMemoryUsedMB": 64}

    (record,) = records(
        events(platform("report", requestId=A, status="failure", errorType="X", metrics=metrics))
    )

    assert (record.status, record.error_type, record.duration_ms) == ("failure", "X", 3.5)


@pytest.mark.parametrize(
    ("messages", "status", "error_type"),
    [
        ([TIMED_OUT.format(A), report(A)], "timeout", None),
        ([report(A), TIMED_OUT.format(A)], "timeout", None),
        ([EXITED.format(A), report(A)], "error", "Runtime.ExitError"),
        ([report(A), EXITED.format(A)], "error", "Runtime.ExitError"),
        (
            [f"RequestId: {A} Process exited before completing request", report(A)],
            "error",
            "Runtime.ExitError",
        ),
        ([UNCAUGHT, report(A)], "error", "KeyError"),
        ([UNCAUGHT, TIMED_OUT.format(A), report(A)], "timeout", None),
        ([report(A, "Status: timeout")], "timeout", None),
        ([report(A, "Status: error\tError Type: Runtime.ExitError")], "error", "Runtime.ExitError"),
        ([f"[ERROR]\t2026-11-21T10:00:00.123Z\t{A}\tlogged only", report(A)], "success", None),
        ([TIMED_OUT.format(B), report(A)], "success", None),
        ([UNCAUGHT, report(A), report(B)], "error", "KeyError"),
    ],
)
def test_lines_beside_a_report_tell_how_it_ended(messages, status, error_type):
    record = records(events(*messages))[0]

    assert (record.status, record.error_type) == (status, error_type)


def test_an_error_ends_only_its_own_invocation():
    found = records(events(UNCAUGHT, report(A), report(B)))

    assert [record.status for record in found] == ["error", "success"]


def test_an_error_in_another_environment_says_nothing():
    found = events(report(A), stream="one") + events(UNCAUGHT, stream="two")

    assert [record.status for record in records(found)] == ["success"]


def test_a_retry_with_the_same_id_has_its_own_outcome():
    found = [
        Event(1000, "s", "e0", TIMED_OUT.format(A)),
        Event(1001, "s", "e1", report(A)),
        Event(61_000, "s", "e2", report(A)),
    ]

    assert [record.status for record in records(found)] == ["timeout", "success"]


@pytest.mark.parametrize(
    ("messages", "out_of_memory"),
    [
        ([report(A, "Status: error\tError Type: Runtime.OutOfMemory", used=128)], True),
        ([KILLED.format(A), report(A, used=128)], True),
        ([KILLED.format(A), report(A, used=90)], False),
        ([EXITED.format(A), report(A, used=128)], False),
        ([report(A, used=128)], False),
    ],
)
def test_running_out_of_memory_is_told_in_both_forms(messages, out_of_memory):
    assert records(events(*messages))[0].out_of_memory is out_of_memory


def test_an_environment_keeps_its_kind_of_initialization():
    start = platform("initStart", initializationType="provisioned-concurrency")
    one = platform("report", requestId=A, metrics={"durationMs": 1})

    assert [r.init_type for r in records(events(start, one, one))] == ["provisioned-concurrency"] * 2
    assert records(events(one))[0].init_type is None


def test_a_restore_is_snap_start():
    (record,) = records(events(report(A, "Restore Duration: 500 ms\tBilled Restore Duration: 53 ms")))

    assert (record.init_type, record.restore_ms, record.billed_restore_ms) == ("snap-start", 500, 53)


def test_kept_lines_carry_level_request_and_signature():
    lines = kept(events(UNCAUGHT, TIMED_OUT.format(A), EXITED.format(A), report(A)))

    assert [line.level for line in lines] == ["error", "timeout", "crash"]
    assert {line.request_id for line in lines} == {A}
    assert lines[0].signature == "KeyError: <value>"
    assert lines[1].signature == "Task timed out after <n> seconds"


def test_failed_items_of_a_batch_are_told_with_their_request():
    defined = [{"Namespace": "shop", "Metrics": [{"Name": "batchItemFailures"}, {"Name": "BatchSize"}]}]
    logged = json.dumps({"_aws": {"CloudWatchMetrics": defined}, "batchItemFailures": 3, "BatchSize": 10})

    (batch,) = join(events(logged, report(A))).batches

    fact = to_batch_failure(batch, "f")
    assert (fact.function, fact.event_id, fact.request_id) == ("f", "e0", A)
    assert (fact.failed, fact.items) == (3, 10)


def test_a_structured_error_is_named_by_the_trace_beside_its_message():
    line = {"level": "error", "msg": "no", "stack": "TypeError: no\n    at f (/var/task/a.js:1:2)"}

    assert kept(events(json.dumps(line)))[0].signature == "no in f (a.js)"


def test_what_an_emulator_says_of_memory_is_not_kept():
    fixed = "Init Duration: 0.1 ms\tDuration: 3.5 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB"

    (record,) = records(events(KILLED.format(A), f"REPORT RequestId: {A}\t{fixed}"))

    assert (record.max_memory_mb, record.out_of_memory, record.init_ms) == (None, False, 0.1)


def test_a_managed_instance_reports_neither_billing_nor_memory():
    (record,) = records(
        events(platform("report", requestId=A, status="success", metrics={"durationMs": 3.5}))
    )

    assert (record.billed_ms, record.memory_mb, record.max_memory_mb) == (None, None, None)


def test_an_unknown_kind_of_initialization_is_kept_as_it_is():
    start = platform("initStart", initializationType="ec2-capacity-provider")

    (record,) = records(events(start, platform("report", requestId=A, metrics={"durationMs": 1})))

    assert record.init_type == "ec2-capacity-provider"


def test_a_line_whose_report_is_not_there_yet_has_no_request():
    assert kept(events(UNCAUGHT))[0].request_id is None


def test_secrets_in_lines_are_hidden():
    (line,) = kept(events("[ERROR] LoginError: password=hunter2 is wrong\n"))

    assert "hunter2" not in line.message + line.signature


@pytest.mark.parametrize(
    "message",
    [
        "INIT_REPORT Init Duration: 9.5 ms\tPhase: init\tStatus: error\tError Type: Runtime.X\n",
        platform("initReport", status="error", phase="init", metrics={"durationMs": 9.5}),
        '{"type":"platform.fault","record":"RequestId: 0b1c Process exited before completing request"}',
    ],
)
def test_a_failed_start_is_kept(message):
    assert [line.level for line in kept(events(message))] == ["crash"]


def test_a_good_start_is_not():
    assert (
        kept(events("INIT_REPORT Init Duration: 13316.04 ms", platform("initReport", status="success"))) == []
    )


def test_a_report_that_cannot_be_read_is_kept_as_a_line_and_the_rest_goes_on():
    found = events("REPORT RequestId: x\tBilled Duration: 4 ms", report(A))

    assert [line.level for line in kept(found)] == [UNREADABLE]
    assert [record.request_id for record in records(found)] == [A]


def test_records_that_lambda_dropped_are_told():
    (dropped,) = join(events(platform("logsDropped", reason="too slow", droppedRecords=3))).dropped

    assert dropped[1] == "too slow"


def test_an_event_without_text_is_left_out():
    answers = [{"timestamp": 1}, {"message": "x"}, {"timestamp": 1, "message": "x", "eventId": "e"}]

    assert [event.event_id for event in events_of(answers)] == ["e"]


PIECES = [
    UNCAUGHT,
    TIMED_OUT.format(A),
    EXITED.format(B),
    KILLED.format(A),
    "INFO x",
    "{",
    "{}",
    "REPORT RequestId:",
]
PIECES += [
    platform("report", requestId=B, metrics={"durationMs": 2}),
    platform("fault"),
    platform("logsDropped"),
]


@given(
    st.lists(
        st.tuples(st.sampled_from(["s", "t"]), st.sampled_from([*PIECES, report(A)]) | st.text()), max_size=20
    )
)
def test_every_readable_report_becomes_one_record_whatever_is_beside_it(lines):
    found = [Event(1000 + n, stream, f"e{n}", message) for n, (stream, message) in enumerate(lines)]

    assert len(records(found)) == sum(message in (report(A), PIECES[8]) for _, message in lines)
    assert len({line.event_id for line in kept(found)}) == len(kept(found))
