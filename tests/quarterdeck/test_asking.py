"""Commands that ask the store print JSON for machines and tables for people, on stdout alone."""

import json
import re

import pytest

from tests.quarterdeck.questions import questions

FLEET_KEYS = [
    "account",
    "region",
    "function",
    "runtime",
    "architecture",
    "memory_mb",
    "timeout_s",
    "tags",
    "invocations",
    "errors",
    "error_rate",
    "throttles",
    "duration_p50_ms",
    "duration_p95_ms",
    "duration_p99_ms",
    "duration_max_ms",
    "max_concurrency",
    "cold_starts",
    "cold_start_rate",
    "init_p50_ms",
    "init_p95_ms",
    "max_memory_used_mb",
    "timeouts",
    "out_of_memory",
    "dead_letters",
    "cost_usd",
    "last_invocation",
    "states",
]

QUESTIONS = questions("checkout")


@pytest.fixture
def answer(quarterdeck, filled):
    def ask(*words):
        result = quarterdeck("--store", filled, *words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result

    return ask


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_json_is_the_only_thing_on_stdout(answer, question):
    assert isinstance(json.loads(answer(*question, "--json").stdout), dict)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_pipe_gets_plain_text(answer, question):
    assert "\x1b" not in answer(*question).output


def test_fleet_has_its_documented_keys(answer):
    document = json.loads(answer("fleet", "--since", "30m", "--json").stdout)

    assert list(document) == ["window", "functions"]
    assert set(document["functions"][0]) >= set(FLEET_KEYS)


def test_fleet_tells_numbers_from_unknown(answer):
    checkout, idle = json.loads(answer("fleet", "--since", "45m", "--json").stdout)["functions"]

    assert (checkout["invocations"], checkout["error_rate"]) == (10, 0.1)
    assert (idle["duration_p50_ms"], idle["states"]["duration_p50_ms"]) == (None, "silent")


def test_times_are_utc_with_z(answer):
    window = json.loads(answer("fleet", "--json").stdout)["window"]

    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", ts) for ts in window.values())


def test_a_window_may_end_in_the_past(answer):
    asked = answer("fleet", "--since", "1h", "--until", "2026-01-01T12:00:30Z", "--json")

    assert json.loads(asked.stdout)["window"] == {
        "start": "2026-01-01T11:00:00Z",
        "end": "2026-01-01T12:00:00Z",
    }


def test_why_a_number_is_missing_is_said_on_stderr(answer):
    assert "not collected" in answer("fleet", "--since", "24h").stderr


def test_a_function_can_be_chosen_by_place(answer):
    document = json.loads(answer("function", "checkout", "--region", "eu-west-1", "--json").stdout)

    assert document["function"]["function"] == document["configuration"]["name"] == "checkout"


def test_a_function_tells_how_it_is_set_up_and_what_is_not_seen(answer):
    document = json.loads(answer("function", "checkout", "--region", "eu-west-1", "--json").stdout)

    assert {"settings", "runtime", "layers", "provisioned", "findings", "log", "no_trace"} <= set(document)
    assert ["Architecture", "x86_64"] in [[one["name"], one["value"]] for one in document["settings"]]
    assert document["runtime"]["runtime"] == document["configuration"]["runtime"]
    assert document["no_trace"]["reasons"][0]["what"]
    assert isinstance(document["log"]["reasons"], list)


def test_a_function_in_words_says_what_is_not_seen(answer):
    assert "What is not seen" in answer("function", "checkout", "--region", "eu-west-1").stdout


def test_cost_can_be_written_as_csv(answer, tmp_path):
    answer("cost", "--by", "function", "--csv", tmp_path / "cost.csv")

    assert (tmp_path / "cost.csv").read_text().startswith("function,cost_usd")


def test_global_options_may_stand_after_the_command(quarterdeck, filled):
    assert quarterdeck("fleet", f"--store={filled}", "--json").exit_code == 0


def test_a_silence_is_kept_and_said(answer, filled):
    said = answer("silence", "--for", "2h", "--reason", "load test", "--subject", "checkout").stderr

    assert "silenced for 2h: load test" in said


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "service",
        "dashboard",
        "demo",
        "collect",
        "doctor",
        "fleet",
        "function",
        "concurrency",
        "queues",
        "cost",
        "spend",
        "incidents",
        "ack",
        "silence",
        "act",
        "iam-policy",
        "rules",
    ],
)
def test_every_command_explains_itself(quarterdeck, command):
    result = quarterdeck(command, "--help")

    assert result.exit_code == 0
    assert len(result.output) > 200
