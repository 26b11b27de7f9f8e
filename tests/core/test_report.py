from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import LogFormatError
from core.report import load_object, parse_ending, parse_platform, parse_report

LINES = [
    json.loads(line) for line in (Path(__file__).parent / "data/report_lines.jsonl").read_text().splitlines()
]

OURS = {
    "billed_duration_ms": "billed_ms",
    "memory_size_mb": "memory_mb",
    "max_memory_used_mb": "max_memory_mb",
    "init_duration_ms": "init_ms",
    "restore_duration_ms": "restore_ms",
    "billed_restore_duration_ms": "billed_restore_ms",
    "xray_trace_id": "trace_id",
    "xray_segment_id": "segment_id",
    "xray_sampled": "sampled",
    "function_version": "version",
}
READ_AS_WELL = {"function", "runtime_version_arn", "trace_id", "sampled"}
"""Fields that we read from JSON records and the list of expectations does not name."""


@pytest.mark.parametrize("line", LINES, ids=[line["id"] for line in LINES])
def test_reads_every_known_platform_record(line):
    record = parse_platform(line["raw"])

    found = {name: value for name, value in dataclasses.asdict(record).items() if value is not None}
    found |= {name: list(value) for name, value in found.items() if isinstance(value, tuple)}
    expected = {OURS.get(name, name): value for name, value in line["expected"].items()}
    json_extras = READ_AS_WELL if "platform." in line["kind"] else {"emulated"}
    assert {n: v for n, v in found.items() if n in expected or n not in json_extras} == expected


def test_there_are_lines_to_read():
    assert len(LINES) >= 69


def test_fields_may_come_in_any_order():
    line = "REPORT RequestId: a\tMax Memory Used: 3 MB"
    line += "\tInit Duration: 1.5 ms\tBilled Duration: 9 ms\tDuration: 7.25 ms"

    report = parse_report(line)

    assert (report.duration_ms, report.billed_ms, report.init_ms, report.max_memory_mb) == (7.25, 9, 1.5, 3)


def test_unknown_fields_are_passed_over():
    report = parse_report("REPORT RequestId: a\tDuration: 7 ms\tGreen Energy: 12 J\tSandbox Age: 3 s")

    assert report.duration_ms == 7


@pytest.mark.parametrize(
    "line",
    [
        "REPORT RequestId: a\tBilled Duration: 9 ms",
        "REPORT RequestId:",
        "REPORT RequestId: a\tDuration: nan ms",
        '{"type":"platform.report","record":{"requestId":"a","metrics":{}}}',
        '{"type":"platform.report","record":{"metrics":{"durationMs":1}}}',
        '{"type":"platform.report","record":{"requestId":"a","metrics":{"durationMs":NaN}}}',
        '{"type":"platform.report","record":{"requestId":"a","metrics":{"durationMs":true}}}',
        '{"type":"platform.report","record":"text"}',
    ],
)
def test_says_so_when_a_report_lacks_a_needed_field(line):
    with pytest.raises(LogFormatError, match="lacks"):
        parse_platform(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "REPORTING",
        "{",
        "{}",
        "[1]",
        '{"type": 3}',
        '{"type":"function","record":{}}',
        "END RequestId:",
    ],
)
def test_other_lines_are_no_platform_records(line):
    assert parse_platform(line) is None


def test_a_deeply_nested_line_does_no_harm():
    assert load_object('{"a":' + "[" * 100_000) is None


def test_a_huge_number_is_unknown_rather_than_infinite():
    metrics = '{"durationMs":1,"billedDurationMs":1e999}'
    line = f'{{"type":"platform.report","record":{{"requestId":"a","metrics":{metrics}}}}}'

    assert parse_platform(line).billed_ms is None


def test_text_about_another_timeout_names_that_request():
    record = parse_ending("2026-11-21T10:00:00.000Z 3f2a Task timed out after 3.00 seconds")

    assert (record.request_id, record.timeout_after_s) == ("3f2a", 3.0)


HEADS = [
    "REPORT RequestId:",
    "REPORT RequestId: a\tDuration: ",
    "START RequestId: ",
    "END RequestId:",
    "INIT_REPORT ",
]
HEADS += [
    "EXTENSION\tName: ",
    "RequestId: ",
    '{"type":"platform.',
    '{"type":"platform.report","record":',
    "RESTORE_START ",
]


@given(st.sampled_from(["", *HEADS]), st.text())
def test_any_text_is_read_or_refused(head, rest):
    try:
        record = parse_platform(head + rest)
    except LogFormatError:
        return
    if record is not None and record.is_report:
        assert record.request_id
        assert record.duration_ms >= 0


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = [
    "requestId",
    "status",
    "metrics",
    "spans",
    "tracing",
    "events",
    "durationMs",
    "value",
    "name",
    "version",
]


@given(
    st.sampled_from(["platform.report", "platform.initStart", "platform.fault", "platform.new"]),
    st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON)),
)
def test_any_json_record_is_read_or_refused(event_type, record):
    try:
        parse_platform(json.dumps({"time": "t", "type": event_type, "record": record}))
    except LogFormatError:
        assert event_type == "platform.report"


@given(st.sampled_from(["", *HEADS]), st.binary())
def test_any_bytes_read_as_text_are_read_or_refused(head, data):
    for text in (data.decode("utf-8", errors="replace"), data.decode("latin-1")):
        with contextlib.suppress(LogFormatError):
            parse_platform(head + text)


def test_a_report_may_begin_with_any_of_its_fields():
    report = parse_report("REPORT Duration: 7.25 ms\tBilled Duration: 8 ms\tRequestId: a")

    assert (report.request_id, report.duration_ms, report.billed_ms) == ("a", 7.25, 8)


def test_an_unknown_field_whose_name_ends_like_a_known_one_changes_nothing():
    report = parse_report("REPORT RequestId: a\tDuration: 7 ms\tExtensions Duration: 900 ms")

    assert report.duration_ms == 7


EMULATED = (
    "REPORT RequestId: a\tInit Duration: 0.05 ms\tDuration: 7 ms\tMemory Size: 128 MB\tMax Memory Used: {} MB"
)


@pytest.mark.parametrize(("used", "emulated"), [(128, True), (64, None)])
def test_a_local_emulator_is_recognized(used, emulated):
    assert parse_report(EMULATED.format(used)).emulated is emulated


def test_a_real_cold_start_that_used_all_memory_is_no_emulator():
    line = "REPORT RequestId: a\tDuration: 7 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB"
    line += "\tInit Duration: 1 ms"

    assert parse_report(line).emulated is None
