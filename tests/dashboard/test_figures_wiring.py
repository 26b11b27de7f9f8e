"""What a function's page and the Queues page say of wiring: triggers, letters, findings, traces."""

import pandas as pd
import pytest

from core.tracing import Reason
from dashboard import figures_letters, figures_wiring

EVIL = "<img src=x> [x](javascript:alert(1)) $x$"


def trigger(**about):
    values = {
        "title": "SQS",
        "source": "orders",
        "state": "Enabled",
        "last_result": "OK",
        "enabled": True,
        "is_public": False,
        "schedule": None,
        "detail": "",
    }
    return values | about


def words(*triggers, most=4):
    return figures_wiring.trigger_words(pd.DataFrame(list(triggers)), most=most)


@pytest.mark.parametrize(
    ("about", "standing"),
    [
        ({}, "fine"),
        ({"last_result": None}, "fine"),
        ({"last_result": "No records processed"}, "fine"),
        ({"last_result": "PROBLEM: Function call failed"}, "failing"),
        ({"enabled": False, "state": "Disabled", "last_result": "PROBLEM"}, "off"),
        ({"is_public": True}, "public"),
    ],
)
def test_a_trigger_shouts_when_it_is_off_failing_or_public(about, standing):
    assert figures_wiring.standing(trigger(**about)) == standing


def test_what_needs_a_look_comes_first_and_survives_the_cut():
    said = words(trigger(), trigger(source="b"), trigger(source="c", last_result="PROBLEM"), most=1)

    assert "failing: PROBLEM" in said[0].replace("\\", "")
    assert said[-1] == "and 2 more"


def test_the_table_of_triggers_has_trouble_first():
    rows = figures_wiring.trigger_rows(pd.DataFrame([trigger(), trigger(source="b", enabled=False)]))

    assert list(rows["source"]) == ["b", "orders"]


def test_a_runtime_without_support_is_red_and_one_that_ends_soon_is_orange():
    runtimes = pd.DataFrame(
        [
            {"runtime": "python3.8", "state": "update blocked", "said": "Support ended"},
            {"runtime": "python3.10", "state": "ending", "said": "Supported until"},
            {"runtime": "python3.13", "state": "supported", "said": "Supported"},
        ]
    )

    said = figures_wiring.aging(runtimes, pd.DataFrame(columns=["orphan"]))

    assert [badge.split("-badge")[0] for badge in said] == [":red", ":orange"]


def test_provisioned_concurrency_that_serves_nobody_is_named():
    pools = pd.DataFrame([{"requested": 5, "qualifier": "7", "orphan": "no alias reaches version 7"}])

    (said,) = figures_wiring.aging(pd.DataFrame(columns=["state"]), pools)

    assert "5 provisioned on 7 serve nobody" in said


def test_reasons_for_a_missing_trace_keep_their_order_and_say_what_to_do():
    reasons = [
        Reason("off", "certain", "tracing is off", "set it to Active"),
        Reason("x", "possible", EVIL, ""),
    ]

    said = figures_wiring.no_trace(reasons)

    assert "tracing is off" in said[0]
    assert "set it to Active" in said[0]
    assert r"\<img" in said[1]


def test_parts_of_a_trace_are_indented_by_depth():
    bars = pd.DataFrame({"depth": [0, 2], "name": ["a", "b"], "offset_ms": [0.0, 1.0]})

    assert [name.count("\N{EM SPACE}") for name in figures_wiring.spans(bars)["name"]] == [0, 2]


def test_a_log_that_is_complete_says_nothing():
    frame = pd.DataFrame({"reasons": [[], ["records cover 812 of 1,024 invocations (79%)"]]})

    assert figures_wiring.incomplete(frame[:1]) == []
    assert figures_wiring.incomplete(frame)[0].startswith("Records cover 812")


# --- queues -------------------------------------------------------------------------------------------------


def finding(**about):
    return {
        "severity": "warning",
        "function": "orders",
        "where": "arn:aws:sqs:eu-west-1:1:jobs",
        "what": "it loses work",
        "why": "the timeout is short",
        "change": "make it 180 s",
    } | about


def test_a_finding_names_the_thing_why_it_matters_and_what_to_change():
    said = figures_letters.finding(finding(), "prod").replace("\\", "")

    assert "orders · jobs · prod" in said
    assert "The timeout is short. :gray[Make it 180 s.]" in said


@pytest.mark.parametrize("where", ["orders", "14cadff8-88e8-efc5-5146-2283484ca763"])
def test_a_finding_does_not_repeat_the_function_or_print_a_uuid(where):
    assert ":gray[orders · prod]" in figures_letters.finding(finding(where=where), "prod")


def test_text_of_others_in_a_finding_does_nothing():
    assert r"\<img" in figures_letters.finding(finding(what=EVIL), "prod")


def test_each_way_of_counting_says_once_what_it_misses():
    arrivals = pd.DataFrame({"method": ["sent", "sent", None], "caveat": ["a", "a", None]})

    assert figures_letters.caveats(arrivals) == ["**sent**: a."]


def test_drops_that_nothing_catches_go_nowhere():
    frame = pd.DataFrame(
        {"drops_go_to": [[], ["arn:aws:sqs:eu:1:dlq"]], "age_max_s": [90.0, None], "max_age_s": [21600, 60]}
    )

    shown = figures_letters.events(frame)

    assert list(shown["goes_to"]) == ["nowhere", "dlq"]
    assert list(shown["kept_for"]) == ["6 h", "1 min"]
