"""Every column of `fleet --json` against the endpoint, asked with plain boto3 and added up another way."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import SINCE
from tests.e2e.oracle import Oracle, Report, close, compute_usd, percentile

pytestmark = pytest.mark.slow

GB_SECOND = {"x86_64": "0.0000166667", "arm64": "0.0000133334"}
REQUEST = "0.0000002"
LOGS_GB = {"eu-west-1": Decimal("0.57"), "us-east-1": Decimal("0.50")}

STORED_GB = Decimal("0.03")

Row = dict[str, Any]


@pytest.fixture(scope="module")
def fleet(watched) -> dict[str, Any]:
    return watched.json("fleet", "--since", SINCE)


@pytest.fixture(scope="module")
def oracles(watched, fleet) -> list[Oracle]:
    start, end = (datetime.fromisoformat(fleet["window"][edge]) for edge in ("start", "end"))
    targets = yaml.safe_load(watched.settings.read_text())["targets"]
    return [
        Oracle(watched.endpoint, target["role_arn"], region, start, end)
        for target in targets
        for region in target["regions"]
    ]


@pytest.fixture(scope="module")
def pairs(fleet, oracles) -> list[tuple[Row, Oracle]]:
    """Every row of ours beside the oracle of its account and region."""
    by_target = {(o.account, o.region): o for o in oracles}
    return [(row, by_target[row["account"], row["region"]]) for row in fleet["functions"]]


def record_differences(
    pairs: list[tuple[Row, Oracle]], key: str, truth: Callable[[list[Report]], Any]
) -> list[str]:
    """As `differences`, from a function's records, where the log has them all."""
    told = [(row, oracle) for row, oracle in pairs if oracle.logs_everything(row["function"])]
    return differences(told, key, lambda oracle, function: truth(oracle.reports[function]))


def is_cold(report: Report) -> bool:
    return report.init is not None or report.restore is not None


def is_unknown_zero(row: Row, key: str, theirs: Any) -> bool:
    """Of a log of which Lambda says that it dropped records, nothing found is not nothing there."""
    return theirs == 0 and row[key] is None and "Lambda dropped log records" in row["states"].get(key, "")


def differences(pairs: list[tuple[Row, Oracle]], key: str, truth: Callable[[Oracle, str], Any]) -> list[str]:
    found = []
    for row, oracle in pairs:
        theirs = truth(oracle, row["function"])
        if not close(row[key], theirs) and not is_unknown_zero(row, key, theirs):
            found.append(f"{row['function']}: {key} {row[key]} != {theirs} ({row['states'].get(key)})")
    return found


def test_lists_every_function_of_every_account_and_region(fleet, oracles):
    ours = {(f["account"], f["region"], f["function"]) for f in fleet["functions"]}

    theirs = {(o.account, o.region, name) for o in oracles for name in o.functions}
    assert len(theirs) >= 30
    assert ours == theirs


@pytest.mark.parametrize(
    ("key", "field"), [("runtime", "Runtime"), ("memory_mb", "MemorySize"), ("timeout_s", "Timeout")]
)
def test_configuration_is_what_list_functions_says(pairs, key, field):
    assert [r["function"] for r, o in pairs if r[key] != o.functions[r["function"]].get(field)] == []


def test_architecture_and_tags_are_what_aws_says(pairs):
    for row, oracle in pairs:
        config = oracle.functions[row["function"]]
        assert row["architecture"] == config["Architectures"][0]
        tags = oracle.client("lambda").list_tags(Resource=config["FunctionArn"])["Tags"]
        assert row["tags"] == tags


@pytest.mark.parametrize(
    ("key", "metric"), [("invocations", "Invocations"), ("errors", "Errors"), ("throttles", "Throttles")]
)
def test_counts_are_the_sums_of_the_minutes(pairs, key, metric):
    assert differences(pairs, key, lambda o, f: o.total(metric, f)) == []
    assert sum(row[key] for row, _ in pairs) > 0


def test_error_rate_is_errors_over_invocations(pairs):
    def rate(oracle: Oracle, function: str) -> float | None:
        invocations = oracle.total("Invocations", function)
        return oracle.total("Errors", function) / invocations if invocations else None

    assert differences(pairs, "error_rate", rate) == []


@pytest.mark.parametrize(
    ("key", "metric"), [("duration_max_ms", "Duration"), ("max_concurrency", "ConcurrentExecutions")]
)
def test_maxima_are_those_of_the_minutes(pairs, key, metric):
    assert differences(pairs, key, lambda o, f: o.largest(metric, f)) == []


@pytest.mark.parametrize("p", [50, 95, 99])
def test_duration_percentiles_are_those_of_the_report_records(pairs, p):
    def truth(reports: list[Report]) -> float | None:
        return percentile([r.duration for r in reports], p)

    assert record_differences(pairs, f"duration_p{p}_ms", truth) == []


@pytest.mark.parametrize("p", [50, 95])
def test_init_percentiles_are_those_of_the_cold_starts(pairs, p):
    def truth(reports: list[Report]) -> float | None:
        return percentile([r.init for r in reports if r.init is not None], p)

    assert record_differences(pairs, f"init_p{p}_ms", truth) == []


def test_cold_starts_are_the_records_with_an_init_or_a_restore(pairs):
    assert record_differences(pairs, "cold_starts", lambda reports: sum(map(is_cold, reports))) == []
    assert sum(row["cold_starts"] or 0 for row, _ in pairs) > 0


def test_cold_start_rate_is_cold_starts_over_records(pairs):
    def truth(reports: list[Report]) -> float | None:
        return sum(map(is_cold, reports)) / len(reports) if reports else None

    assert record_differences(pairs, "cold_start_rate", truth) == []


def test_memory_used_is_the_largest_of_the_records(pairs):
    def truth(reports: list[Report]) -> float | None:
        return max((r.used for r in reports if r.used is not None), default=None)

    assert record_differences(pairs, "max_memory_used_mb", truth) == []


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [("timeouts", "status", "timeout"), ("out_of_memory", "error_type", "Runtime.OutOfMemory")],
)
def test_timeouts_and_out_of_memory_are_those_of_the_records(pairs, key, field, value):
    def truth(reports: list[Report]) -> int:
        return sum(getattr(r, field) == value for r in reports)

    assert record_differences(pairs, key, truth) == []
    assert sum(row[key] or 0 for row, _ in pairs) > 0


def test_dead_letters_are_what_arrived_in_the_queues_behind_the_function(pairs):
    def truth(oracle: Oracle, function: str) -> float | None:
        queues = oracle.dead_letter_queues(function)
        return sum(oracle.arrivals(arn) for arn in queues) if queues else None

    assert differences(pairs, "dead_letters", truth) == []
    assert any(row["dead_letters"] for row, _ in pairs)


def test_last_invocation_is_that_of_the_newest_record_even_beyond_the_window(pairs):
    for row, oracle in pairs:
        if not oracle.logs_everything(row["function"]):
            continue
        later = oracle.reports_until(oracle.end + timedelta(hours=1), row["function"])
        newest = max((r.at for r in later), default=None)
        ours = row["last_invocation"] and datetime.fromisoformat(row["last_invocation"])
        assert newest == (ours and round(ours.timestamp() * 1000)), row["function"]


def share_of_month(oracle: Oracle) -> Decimal:
    """Six hours are of one month, or of two that we take for one: at its turn they differ by a tenth."""
    days = monthrange(oracle.end.year, oracle.end.month)[1]
    return Decimal((oracle.end - oracle.start) / timedelta(days=days))


def test_cost_is_requests_duration_and_logs_at_list_price(pairs):
    """Functions without provisioned concurrency, SnapStart, traces, queues, instances, steps or extra
    ephemeral storage, whose log says what was billed: no other component."""
    checked, wrong = 0, {}
    for row, oracle in pairs:
        name = row["function"]
        config = oracle.functions[name]
        provisioned = oracle.client("lambda").list_provisioned_concurrency_configs(FunctionName=name)
        mappings = oracle.client("lambda").list_event_source_mappings(FunctionName=name)
        plain = (
            not provisioned["ProvisionedConcurrencyConfigs"]
            and config["EphemeralStorage"]["Size"] == 512
            and config.get("LoggingConfig", {}).get("LogGroup", "").endswith(name)
            and config["SnapStart"]["ApplyOn"] == "None"
            and config["TracingConfig"]["Mode"] != "Active"
            and "CapacityProviderConfig" not in config
            and "DurableConfig" not in config
            and not mappings["EventSourceMappings"]
            and not oracle.dead_letter_queues(name)
            and oracle.logs_everything(name)
        )
        if not plain:
            continue
        compute = compute_usd(
            oracle.reports[name],
            requests=int(oracle.total("Invocations", name)),
            gb_second=GB_SECOND[row["architecture"]],
            request=REQUEST,
        )
        group = {"LogGroupName": config["LoggingConfig"]["LogGroup"]}
        logged = sum(oracle.metric("IncomingBytes", "Sum", group, "AWS/Logs").values())
        logs = Decimal(str(logged)) / 2**30 * LOGS_GB[row["region"]]
        stored = Decimal(oracle.groups.get(group["LogGroupName"], 0)) / 2**30
        logs += stored * STORED_GB * share_of_month(oracle)
        # of a minute of which Lambda says that it dropped records, metrics tell what they can
        is_estimated = any("Lambda dropped log records" in state for state in row["states"].values())
        rel = 1e-4 if is_estimated else 1e-6
        expected = pytest.approx(float(compute + logs), rel=rel)
        if float(row["cost_usd"]) != expected:
            wrong[name] = (float(row["cost_usd"]), float(compute + logs))
        checked += 1
    assert wrong == {}
    assert checked >= 13


def test_a_log_that_cannot_tell_of_every_invocation_says_so(pairs):
    quiet = {
        row["function"]: row
        for row, oracle in pairs
        if not oracle.logs_everything(row["function"]) and not oracle.is_for_queries_only(row["function"])
    }

    assert set(quiet) == {"gift-cards", "stock-export"}
    for row in quiet.values():
        assert row["cold_starts"] is None
        assert row["states"]["cold_starts"].startswith("not collected: ")


def test_every_value_that_is_not_known_has_a_state_that_says_why(fleet):
    for row in fleet["functions"]:
        for key, value in row.items():
            if value is None:
                state = row["states"].get(key, "")
                assert state == "silent" or state.startswith("not collected: "), (row["function"], key, state)
