"""A page's question answered in words: what is unknown is never good news, and names cannot do harm."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from alerts.quiet import Quiet, quiet
from dashboard import answers, figures_collection

NAN = float("nan")
EVIL = "[x](javascript:alert(1)) **b** <img> :red[r]"
QUIET = Quiet("healthy", "Nothing is firing")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def cold(**columns):
    row = {
        "function": "orders",
        "records": 100.0,
        "cold_starts": 5.0,
        "proactive": 0.0,
        "cold_start_rate": 0.05,
        "init_p95_ms": 800.0,
        "waited_s": 4.0,
        "state": None,
    }
    return pd.DataFrame([row | columns])


def limits(**columns):
    row = {
        "place": "prod · eu",
        "limit": 100.0,
        "utilization": 0.5,
        "headroom": 50.0,
        "throttles": 0.0,
        "state": None,
    }
    return pd.DataFrame([row | columns])


def queue(**columns):
    row = {"role": "dead-letter", "depth": 0.0, "arrivals": 0.0, "oldest_age_s": NAN, "state": None}
    return pd.DataFrame([row | columns])


def costs(*rows):
    return pd.DataFrame(rows, columns=["name", "cost_usd", "state"])


def collectors(**columns):
    row = {"collector": "metrics", "outcome": "ok", "error": None, "permission": None, "age_s": 60.0}
    return pd.DataFrame([row | columns])


def test_cold_starts_name_the_function_that_waits_longest():
    answer = answers.cold_answer(pd.concat([cold(), cold(function="slow", waited_s=9.0)]))

    assert "5%" in answer.text
    assert "slow" in answer.more


def test_cold_starts_that_nobody_waited_for_are_said():
    assert "for 2 of 5 cold starts nobody did" in answers.cold_answer(cold(proactive=2.0)).text
    assert "nobody" not in answers.cold_answer(cold()).text


def test_no_cold_start_is_good_news_and_no_record_is_not():
    assert answers.cold_answer(cold(cold_starts=0.0)).state == "healthy"
    assert answers.cold_answer(cold(proactive=5.0)).state == "healthy"
    assert answers.cold_answer(cold(records=NAN, cold_starts=NAN)).state == "not collected"


@pytest.mark.parametrize(("share", "state"), [(0.5, "healthy"), (0.7, "warning"), (0.95, "critical")])
def test_concurrency_warns_by_the_nearest_limit(share, state):
    both = pd.concat([limits(), limits(place="near", utilization=share)])

    answer = answers.concurrency_answer(both)

    assert answer.state == state


def test_unknown_concurrency_is_not_healthy_and_says_why():
    answer = answers.concurrency_answer(limits(utilization=NAN, state="not collected: no permission"))

    assert answer.state == "not collected"
    assert "no permission" in answer.more


def test_unknown_throttles_are_not_called_none():
    assert "not known" in answers.throttled(limits(throttles=NAN))
    assert "nothing" in answers.throttled(limits())


def test_queues_that_hold_dead_letters_come_first():
    answer = answers.queues_answer(queue(depth=312.0, oldest_age_s=15_120.0))

    assert answer.state == "warning"
    assert "312 messages" in answer.text
    assert "4 h 12 min" in answer.text


def test_dead_letters_that_still_arrive_are_critical():
    assert answers.queues_answer(queue(depth=3.0, arrivals=2.0, oldest_age_s=5.0)).state == "critical"


def test_dead_letters_that_were_drained_are_still_told():
    answer = answers.queues_answer(queue(arrivals=17.0))

    assert answer.state == "warning"
    assert "17 messages arrived" in answer.text


def test_an_unread_dead_letter_queue_is_not_called_empty():
    assert answers.queues_answer(queue(depth=NAN, state="not collected: denied")).state == "not collected"


def test_empty_dead_letter_queues_are_healthy():
    assert answers.queues_answer(queue()).state == "healthy"


def test_cost_says_the_dearest_group_and_component():
    groups = costs(("orders", 9.0, None), ("users", 1.0, None))

    answer = answers.cost_answer(groups, {"Duration": 2.0, "Log ingestion": 8.0}, days=0.5, what="function")

    assert "$10.00 in this window" in answer.text
    assert "$20.00 a day" in answer.text
    assert "orders, 90%" in answer.more
    assert "log ingestion is 80%" in answer.more


def test_unknown_cost_is_said():
    answer = answers.cost_answer(costs(("orders", None, "not collected: why")), {}, days=1, what="function")

    assert answer.state == "not collected"


def test_alerts_carry_the_worst_severity_and_who_has_them():
    firing = pd.DataFrame({"severity": ["warning", "info"]})

    assert answers.alerts_answer(firing, 0, 0, QUIET).state == "warning"
    assert (
        answers.alerts_answer(firing[:0], 2, 1, QUIET).text
        == "**Nothing new is firing**: 2 acknowledged, 1 held back."
    )
    assert answers.alerts_answer(firing[:0], 0, 0, QUIET).state == "healthy"


def test_silence_of_rules_that_were_never_evaluated_is_not_health():
    never = quiet(None, now=NOW)

    answer = answers.alerts_answer(pd.DataFrame({"severity": []}), 0, 0, never)
    assert (answer.state, answer.text) == ("not collected", f"**{never.text}.**")


@pytest.mark.parametrize(
    ("columns", "late", "state"),
    [
        ({}, False, "healthy"),
        ({}, True, "late"),
        ({"outcome": "denied", "error": "lacks logs:FilterLogEvents"}, False, "critical"),
    ],
)
def test_collection_is_believed_only_when_all_is_on_time(columns, late, state):
    frame = collectors(**columns)

    assert answers.collection_answer(frame, late=pd.Series([late]), holes=holes()).state == state


def test_nothing_collected_is_not_healthy():
    none = collectors()[:0]

    answer = answers.collection_answer(none, late=pd.Series([], dtype=bool), holes=holes())

    assert answer.state == "not collected"


def holes(*hides):
    return pd.DataFrame({"hides": list(hides), "collector": "logs", "why": "throttled"})


def test_a_gap_that_hides_something_is_said_beside_collectors_that_are_on_time():
    answer = answers.collection_answer(
        collectors(), late=pd.Series([False]), holes=holes("percentiles", "cost", "")
    )

    assert answer.state == "info"
    assert "2 gaps of this window hide something" in answer.text
    assert "throttled" in answer.more


def test_a_gap_that_hides_nothing_leaves_collection_believable():
    answer = answers.collection_answer(collectors(), late=pd.Series([False]), holes=holes(""))

    assert answer.state == "healthy"


@pytest.mark.parametrize(
    "answer",
    [
        answers.cold_answer(cold(function=EVIL)),
        answers.concurrency_answer(limits(place=EVIL)),
        answers.cost_answer(costs((EVIL, 1.0, None)), {"Duration": 1.0}, days=1, what="team"),
        answers.collection_answer(
            collectors(outcome="failed", error=EVIL),
            late=pd.Series([False]),
            holes=pd.DataFrame({"hides": []}),
        ),
    ],
)
def test_names_of_others_show_as_they_are_and_do_nothing(answer):
    text = answer.text + answer.more

    assert r"\[x\]\(javascript\:alert\(1\)\)" in text
    assert r"\<img\>" in text


def test_a_collector_is_late_after_three_of_its_intervals():
    hourly = figures_collection.late_after("details") / timedelta(seconds=1)
    frame = pd.concat([collectors(collector="details", age_s=age) for age in (hourly, hourly + 1, NAN)])

    assert list(figures_collection.is_late(frame.reset_index(drop=True))) == [False, True, True]
