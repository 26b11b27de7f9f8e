"""A function's page on a real store."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.engine import evaluate
from alerts.rules import rules_of
from alerts.settings import AlertSettings
from core.entities import AccountLimits, Alarm, EventSourceMapping, Function, Queue, Reserved, Version
from core.facts import Covered
from core.telemetry import (
    CapacitySample,
    EnvironmentStart,
    InvocationRecord,
    MetricPoint,
    QueueSample,
    TraceRecord,
)
from core.windows import Window
from dashboard.function_tabs import TABS
from store.readers.fleet import fleet
from store.store import Filter
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit

ORDERS = "111111111111.eu-west-1.orders"
IDLE = "111111111111.eu-west-1.idle"
FUNCTION = Function(
    name="orders",
    arn="arn:aws:lambda:eu-west-1:111111111111:function:orders",
    runtime="python3.13",
    memory_mb=512,
    timeout_s=15,
)


def words(app):
    return " ".join(text.value for text in [*app.markdown, *app.caption, *app.info])


def test_asks_to_choose_and_lists_the_functions(open_page, filled):
    app = open_page("views/function.py")

    assert set(app.dataframe[0].value["function"]) == {"orders", "idle"}


@pytest.mark.parametrize("fn", [ORDERS, "orders"])
def test_opens_the_function_of_the_address(open_page, filled, fn):
    app = open_page("views/function.py", fn=fn)

    assert "timeout 15 s" in words(app)
    assert len(app.metric) == 6


def test_an_unknown_function_is_a_sentence_and_not_another_function(open_page, filled):
    app = open_page("views/function.py", fn="111111111111.eu-west-1.gone")

    assert "No function gone is known" in words(app)
    assert not app.metric


def test_a_silent_function_is_called_silent_and_its_rate_is_not_zero(open_page, filled):
    app = open_page("views/function.py", fn=IDLE)

    assert "Silent" in words(app)
    rate = next(m for m in app.metric if m.label.startswith("Error rate"))
    assert rate.value == "—"
    assert "nothing was invoked" in rate.proto.help


def test_the_state_is_the_firing_incident(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    said = words(app).replace("\\", "")
    assert "orders: error rate 12 %" in said
    assert "began 30 min after Deploy v1 → v2" in said


def test_the_board_has_six_panels_with_the_memory_limit_and_the_time_it_fired(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    memory = next(s for s in option["series"] if s["name"] == "memory")
    assert len(option["grid"]) == 6
    assert {"configured 512 MB"} <= {mark["label"]["formatter"] for mark in memory["markLine"]["data"]}
    assert memory["markArea"]["data"]


def test_what_changed_lists_deploy_and_alert_newest_first(open_page, firing):
    app = open_page("views/function.py", fn=ORDERS)

    assert any("Alert fired" in text.value for text in app.markdown)
    assert "Deploy v1 → v2" in app.button(key="diff-1").label


def test_the_error_tab_shows_the_example_as_text_only(open_page, filled):
    app = open_page("views/function.py", fn=ORDERS)

    assert app.code[0].value == "KeyError: <b>iban</b> **bold** $x$"
    assert not any("<b>iban" in text.value for text in app.markdown)


def test_choosing_a_function_writes_it_into_the_address(open_page, filled):
    app = open_page("views/function.py")

    app.selectbox(key="_fn").set_value(ORDERS).run()

    assert ORDERS in app.query_params["fn"]
    assert len(app.metric) == 6


def opened(open_page, tab, fn=ORDERS, **query):
    return open_page("views/function.py", fn=fn, tab=tab, **query)


SAID = {
    ORDERS: {
        "Errors": "KeyError",
        "Invocations": "180 invocation records",
        "Cold starts": "3 cold starts",
        "Logs": "kept lines",
        "Waiting": "Nothing can wait",
        "Versions": "No alias is known",
        "Cost": "in this window",
        "Traces": "No trace of this function",
        "Alarms": "No rule has judged",
        "Triggers": "No trigger is known",
        "Changes": "Deploy v1 → v2",
        "Configuration": "before we watched",
    },
    IDLE: {
        "Errors": "No error line was kept",
        "Invocations": "No invocation record",
        "Cold starts": "No invocation record",
        "Logs": "No line was kept",
        "Waiting": "Nothing can wait",
        "Versions": "No version is known",
        "Cost": "in this window",
        "Traces": "No trace of this function",
        "Alarms": "No rule has judged",
        "Triggers": "No trigger is known",
        "Changes": "No change was seen",
        "Configuration": "before we watched",
    },
}


@pytest.mark.parametrize("fn", [ORDERS, IDLE])
def test_each_tab_shows_something_or_says_why_not(open_page, filled, fn):
    app = open_page("views/function.py", fn=fn)

    for tab, (icon, _) in TABS.items():
        app.session_state["tab"] = f":material/{icon}: {tab}"
        app.run()
        cells = [str(cell) for table in app.dataframe for cell in table.value.to_numpy().ravel()]
        assert not app.exception, tab
        assert SAID[fn][tab] in " ".join([words(app), *cells]), tab


def test_alarms_of_a_function_are_those_of_rules_and_of_cloudwatch_what_fires_first(open_page, filled):
    alarms = [
        Alarm(name=f"{name}-errors", kind="metric", state="ALARM", function=name, namespace="AWS/Lambda")
        for name in ("orders", "idle")
    ]
    commit(filled, "alarms", alarms)
    evaluate(filled, rules_of(AlertSettings()), AlertSettings(), now=NOW)

    app = opened(open_page, "alarms")

    rules, cloudwatch = (
        next(one.value for one in app.dataframe if one.proto.alt.startswith(alt))
        for alt in ("Rules about this function", "CloudWatch alarms")
    )
    assert {"error-rate", "throttles"} <= set(rules["rule"])
    assert list(cloudwatch["name"]) == ["orders-errors"]
    assert "Log alarms" in words(app)


def test_the_tab_of_the_address_is_open(open_page, filled):
    assert "Watched since" in words(opened(open_page, "configuration"))


def test_a_disabled_mapping_and_a_concurrency_of_zero_shout_in_the_head(open_page, filled):
    arn = "arn:aws:sqs:eu-west-1:111111111111:jobs"
    mapping = EventSourceMapping(
        name="m1", function="idle", source_arn=arn, source_kind="sqs", state="Disabled"
    )
    commit(filled, "triggers", [mapping, Reserved(name="idle", reserved=0)])

    said = words(open_page("views/function.py", fn=IDLE))

    assert "Trigger off" in said
    assert "**SQS jobs** does not invoke it: Disabled" in said
    assert "every invocation is turned away" in said


def test_dead_letters_of_the_function_are_told_in_its_head(open_page, filled):
    arn = "arn:aws:sqs:eu-west-1:111111111111:orders-dlq"
    commit(filled, "inventory", [replace(FUNCTION, dead_letter_arn=arn)])
    sample = QueueSample(
        queue=arn, ts=NOW - timedelta(minutes=1), period_s=60, visible_max=4, oldest_age_max_s=120
    )
    queue = Queue(name=arn, visible=4, not_visible=0, delayed=0)
    commit(filled, "queues", [queue, sample, Covered(arn, WINDOW)])

    assert "**orders-dlq holds 4 dead letters**" in words(open_page("views/function.py", fn=ORDERS)).replace(
        "\\", ""
    )


def test_a_change_opens_its_diff_and_the_address_holds_it(open_page, filled):
    app = open_page("views/function.py", fn=ORDERS)

    app.button(key="diff-0").click().run()

    assert app.query_params["change"]
    assert "Configuration at" in words(app)
    app.button(key="around-change").click().run()
    assert "change" not in app.query_params
    assert app.query_params["from"]


def runtime_updated(store, *, minutes_ago=40):
    arns = [f"arn:aws:lambda:eu-west-1::runtime:{digit * 64}" for digit in "ab"]
    starts = [
        EnvironmentStart(
            function="orders", ts=NOW - timedelta(minutes=ago), event_id=f"start-{ago}", stream=f"s{ago}",
            version="2", runtime_arn=arn,
        )
        for ago, arn in ((120, arns[0]), (minutes_ago, arns[1]))
    ]  # fmt: skip
    commit(store, "logs", [*starts, Covered("orders", WINDOW)])
    return arns


def test_a_runtime_that_lambda_updated_is_listed_and_opens_both_of_its_arns(open_page, filled):
    old, new = runtime_updated(filled)

    app = open_page("views/function.py", fn=ORDERS)
    app.button(key="diff-0").click().run()

    assert "Runtime updated on v2" in app.button(key="diff-0").label
    assert "by Lambda itself, as far as is known" in words(app)
    [diff] = [table.value for table in app.dataframe if "before" in table.value]
    assert diff[["before", "after"]].to_numpy().tolist() == [[old, new]]


@pytest.mark.parametrize(("tab", "nth"), [("errors", 0), ("versions", 1), ("waiting", 1)])
def test_every_chart_over_time_marks_deploys_and_runtime_updates(open_page, filled, tab, nth):
    """The board above the tabs, and those in them."""
    runtime_updated(filled)
    waits = {"async_received": 3.0, "async_age_max_ms": 900.0, "invocations": 1.0}
    series = [
        MetricPoint(scope=scope, function="orders", resource=resource, ts=NOW - timedelta(minutes=20),
                    period_s=60, **waits)
        for scope, resource in (("function", ""), ("resource", "live"))
    ]  # fmt: skip
    commit(filled, "metrics", series)

    option = json.loads(opened(open_page, tab).get("echarts_chart")[nth].proto.spec)

    marked = [line["markLine"]["data"] for line in option["series"] if line.get("markLine")]
    assert len(marked) == len(option["grid"])
    assert all({"v2", "runtime"} <= {mark["label"]["formatter"] for mark in marks} for marks in marked)


def test_a_long_window_marks_every_change_in_it(open_page, filled):
    """A month is longer than the two weeks of changes that any window lists."""
    old = Version(name="orders:0", function="orders", version="0", published=NOW - timedelta(days=25))
    commit(filled, "details", [old])

    option = json.loads(
        open_page("views/function.py", fn=ORDERS, range="30d").get("echarts_chart")[0].proto.spec
    )

    marks = option["series"][0]["markLine"]["data"]
    assert "v0" in {mark["label"]["formatter"] for mark in marks}


def test_a_deploy_shows_what_its_version_differs_in(open_page, filled):
    versions = [
        Version(
            name=f"orders:{n}",
            function="orders",
            version=str(n),
            published=NOW - timedelta(hours=9 - n),
            **about,
        )
        for n, about in ((7, {"memory_mb": 512}), (8, {"memory_mb": 256}))
    ]
    commit(filled, "details", versions)

    app = open_page("views/function.py", fn=ORDERS, change=(NOW - timedelta(hours=1)).isoformat())

    [diff] = [table.value for table in app.dataframe if "before" in table.value]
    row = diff[diff["setting"] == "Memory"].iloc[0]
    assert (row["before"], row["after"]) == ("512 MB", "256 MB")


def test_an_error_leads_to_its_lines_and_says_why_there_is_no_trace(open_page, filled):
    app = open_page("views/function.py", fn=ORDERS)

    links = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert "sig=" in links["All 1 on the Logs page"]
    assert "request=r5" in links["This request's lines"]
    assert "Its trace" not in links
    assert "the function's tracing mode is " in words(app)


def test_the_slowest_invocations_are_the_longest_records(open_page, filled):
    app = opened(open_page, "invocations")

    shown = next(table.value for table in app.dataframe if "timeout_share" in table.value)
    assert list(shown["duration_ms"])[:3] == [379.0, 378.0, 377.0]
    assert shown["timeout_share"].iloc[0] == pytest.approx(379 / 15_000)


def test_the_failed_invocation_shows_its_kept_line(open_page, filled):
    app = opened(open_page, "invocations", calls="failed")

    assert "KeyError: <b>iban</b>" in app.code[0].value
    assert "request r5" in words(app)


def test_an_invocation_leads_to_its_own_log_lines_and_to_its_own_trace(open_page, filled):
    at = NOW - timedelta(minutes=30)
    trace = f"1-{int(at.timestamp()):08x}-{1:024x}"
    stored = TraceRecord(
        trace_id=trace, ts=at, duration_ms=9_000.0, response_ms=9_000.0, has_error=False, has_fault=False,
        has_throttle=False, root="orders", functions=("orders",),
    )  # fmt: skip
    traced = InvocationRecord(
        function="orders", ts=at, event_id="slow", request_id="r-slow", stream="s", version="2",
        duration_ms=9_000.0, trace_id=trace, sampled=True,
    )  # fmt: skip
    commit(filled, "logs", [traced, Covered("orders", WINDOW)])
    commit(filled, "traces", [stored])

    app = opened(open_page, "invocations")

    ways = {link.proto.label: link.proto.query_string for link in app.get("page_link")}
    assert "request=r-slow" in ways["Its lines on the Logs page"]
    assert trace in ways["Its trace"]
    shown = next(table.value for table in app.dataframe if "timeout_share" in table.value)
    assert shown["trace"].dropna().to_dict() == {0: "open"}
    assert set(shown["log"]) == {"search"}


def test_the_call_of_the_address_is_the_one_that_is_read(open_page, filled):
    app = opened(open_page, "invocations", call="e170")

    assert "request r170" in words(app)


def test_cold_starts_are_counted_from_records(open_page, filled):
    said = words(opened(open_page, "cold starts")).replace("\\", "")

    assert "**3 cold starts** of 180 invocation records (1.67%)" in said
    assert "callers waited 1 s in all" in said


def test_environments_that_nobody_waited_for_are_told_beside_cold_starts(open_page, filled):
    """One was ready an hour before its first invocation, one never had any, two began for a request."""
    used = [("early", 80, 20), ("late", 50, 50), ("later", 40, 40)]
    records = [
        InvocationRecord(
            function="orders", ts=NOW - timedelta(minutes=first), event_id=stream, request_id=stream,
            stream=stream, version="2", duration_ms=5.0, billed_ms=105.0, memory_mb=512.0, init_ms=100.0,
        )
        for stream, _, first in used
    ]  # fmt: skip
    starts = [
        EnvironmentStart(
            function="orders", ts=NOW - timedelta(minutes=began), event_id=f"s-{stream}", stream=stream,
            version="2",
        )
        for stream, began, _ in [*used, ("never", 100, None)]
    ]  # fmt: skip
    commit(filled, "logs", [*records, *starts, Covered("orders", WINDOW)])

    said = words(opened(open_page, "cold starts"))

    assert "Of **4** environments that began on demand" in said
    assert "**1** were ready before a request (proactive) and **1** served none (unused)" in said
    assert "nobody waited" in said


def test_environments_whose_first_lines_were_not_read_are_not_called_none(open_page, filled):
    assert "how many there were is not known" in words(opened(open_page, "cold starts"))


def test_a_function_on_managed_instances_is_not_held_against_the_shared_pool_nor_called_cold(
    open_page, filled
):
    pool = "arn:aws:lambda:eu-west-1:111111111111:capacity-provider:pool"
    full = CapacitySample(
        provider="pool", function="orders", ts=NOW - timedelta(minutes=20), period_s=300,
        environments_max=9.0, environments_limit_max=48.0, environment_cpu_utilization_max=61.0,
    )  # fmt: skip
    limits = AccountLimits(concurrent_limit=100, unreserved_limit=95)
    commit(filled, "inventory", [replace(FUNCTION, capacity_provider_arn=pool), limits])
    commit(filled, "metrics", [full])

    cold, waiting = opened(open_page, "cold starts"), opened(open_page, "waiting")

    assert "Managed Instances of pool" in words(cold)
    assert next(m for m in cold.metric if m.label.startswith("Cold starts")).value == "none"
    assert "no caller waits for one" in words(cold)
    assert "cold starts** of" not in words(cold)
    assert "shared pool" not in cold.get("echarts_chart")[0].proto.spec
    assert "At most **9 of 48** requests at once" in words(waiting)


def test_a_durable_function_says_that_its_rates_count_replays_and_what_became_of_executions(
    open_page, filled
):
    ended = MetricPoint(
        scope="function", function="orders", ts=NOW - timedelta(minutes=20), period_s=60, invocations=100.0,
        durable_started=7.0, durable_failed=1.0, durable_timed_out=1.0,
    )  # fmt: skip
    commit(filled, "inventory", [replace(FUNCTION, durable_execution_timeout_s=7_200)])
    commit(filled, "metrics", [ended])

    app = open_page("views/function.py", fn=ORDERS)

    assert "durable, up to 2 h" in words(app)
    assert "**2 durable executions failed or timed out**; 7 started" in words(app)
    rate = next(m for m in app.metric if m.label.startswith("Error rate"))
    assert "each replay of an execution is an invocation" in rate.proto.help


def test_the_parts_of_the_cost_add_up_to_the_cost_of_the_fleet_table(open_page, filled):
    where = Filter(PROD.account, PROD.region, "orders")
    window = Window(NOW - timedelta(hours=3), NOW)
    whole = fleet(filled, window, now=NOW, where=where)["cost_usd"].iloc[0]

    app = opened(open_page, "cost", **{"from": window.start.isoformat(), "to": window.end.isoformat()})

    parts = next(table.value for table in app.dataframe if "formula" in table.value)
    assert parts["cost_usd"].sum() == pytest.approx(float(whole), rel=1e-9)


def test_shares_and_error_rates_of_versions_are_those_of_the_records(open_page, filled):
    app = opened(open_page, "versions")

    shown = next(table.value for table in app.dataframe if "published" in table.value)
    row = shown[shown["version"] == "2"].iloc[0]
    assert (row["invocations"], row["errors"], row["share"]) == (180, 1, 1)
    assert row["error_rate"] == pytest.approx(1 / 180)


def test_what_only_some_functions_have_is_told_where_they_have_it(open_page, filled):
    at = NOW - timedelta(minutes=20)
    point = MetricPoint(
        scope="function", function="idle", ts=at, period_s=60, durable_started=3.0, durable_failed=1.0,
        invocations=10.0, duration_sum_ms=1_000.0, extensions_sum_ms=200.0, extensions_max_ms=50.0,
    )  # fmt: skip
    record = InvocationRecord(
        function="idle", ts=at, event_id="i1", request_id="i1", stream="s", version="1", duration_ms=100.0
    )
    commit(filled, "metrics", [point])
    commit(filled, "logs", [record])

    assert "**3** started, 0 succeeded, **1 failed**" in words(opened(open_page, "waiting", IDLE))
    assert "Extensions worked **20 ms** per invocation" in words(opened(open_page, "invocations", IDLE))


def test_a_tab_that_there_is_not_opens_the_first(open_page, filled):
    app = open_page("views/function.py", fn=ORDERS, tab="nothing of the kind")

    assert app.code[0].value == "KeyError: <b>iban</b> **bold** $x$"
