from __future__ import annotations

import numpy as np
import pytest

from alerts.judge import BETWEEN, BREACH, CLEAR, SILENT, UNKNOWN, judge, rolled
from alerts.units import say

ALWAYS = [10.0] * 10


def fires(judgement):
    return judgement.fires[0].tolist()


def test_a_rate_is_a_sum_over_a_sum(rule, grid):
    made = grid(errors=[0, 5, 0], invocations=[100, 10, 10])

    assert rolled(rule(over="3m"), made)[0, -1] == pytest.approx(5 / 120)


def test_a_maximum_ignores_minutes_without_a_number(rule, grid):
    made = grid(duration_p95_ms=[np.nan, 300, np.nan, np.nan], invocations=[0, 9, 0, 0])

    values = rolled(rule(signal="duration_p95", above=200, over="2m"), made)[0]

    assert values.tolist()[1:3] == [300, 300]
    assert np.isnan(values[0])
    assert np.isnan(values[3])


def test_a_minimum_is_the_least_headroom(rule, grid):
    made = grid(headroom_share=[0.5, 0.1, 0.4])

    assert rolled(rule(signal="concurrency_headroom", below=0.2, over="2m"), made)[0].tolist() == [
        0.5,
        0.1,
        0.1,
    ]


def test_fires_when_m_of_n_minutes_are_bad(rule, grid):
    made = grid(errors=[9, 0, 9, 0, 9, 0, 0], invocations=[10] * 7)

    assert fires(judge(rule(**{"for": "3 of 5"}), made)) == [False] * 4 + [True, False, False]


def test_does_not_fire_on_the_threshold_itself(rule, grid):
    assert not judge(rule(above=0.9), grid(errors=[9], invocations=[10])).fires.any()


def test_too_few_samples_neither_fire_nor_clear(rule, grid):
    judgement = judge(rule(minimum_samples=20), grid(errors=[9], invocations=[10]))

    assert judgement.verdict.tolist() == [[BETWEEN]]
    assert not judgement.fires.any()
    assert not judgement.clears.any()


def test_few_good_samples_do_clear(rule, grid):
    assert judge(rule(minimum_samples=20), grid(errors=[0], invocations=[10])).clears.all()


def test_silence_neither_fires_nor_clears_a_rate(rule, grid):
    judgement = judge(rule(), grid(errors=[0], invocations=[0]))

    assert judgement.verdict.tolist() == [[SILENT]]
    assert not judgement.fires.any()
    assert not judgement.clears.any()


def test_silent_minutes_between_good_ones_do_not_keep_it_from_clearing(rule, grid):
    judgement = judge(rule(**{"for": "1 of 3"}), grid(errors=[0, 0, 0], invocations=[10, 0, 0]))

    assert judgement.clears[0, -1]


@pytest.mark.parametrize(("policy", "verdict"), [("hold", SILENT), ("ok", CLEAR), ("firing", BREACH)])
def test_silence_means_what_the_rule_says(rule, grid, policy, verdict):
    assert judge(rule(missing=policy), grid(errors=[0], invocations=[0])).verdict.tolist() == [[verdict]]


def test_zero_of_a_count_is_a_number_and_clears(rule, grid):
    assert judge(rule(signal="throttles", above=5), grid(throttles=[0])).verdict.tolist() == [[CLEAR]]


@pytest.mark.parametrize("policy", ["hold", "ok", "firing"])
def test_what_was_not_collected_is_unknown_whatever_silence_means(rule, grid, policy):
    judgement = judge(rule(missing=policy), grid(errors=[9], invocations=[10], collected=[False]))

    assert judgement.verdict.tolist() == [[UNKNOWN]]
    assert not judgement.fires.any()
    assert not judgement.clears.any()


def test_a_window_with_one_minute_missing_is_unknown(rule, grid):
    made = grid(errors=[9, 9, 9], invocations=ALWAYS[:3], collected=[True, False, True])

    assert judge(rule(over="2m"), made).verdict.tolist() == [[UNKNOWN] * 3]


def test_a_count_that_is_high_already_fires_though_a_minute_is_missing(rule, grid):
    made = grid(errors=[9, 9, 9], collected=[True, False, True])

    assert fires(judge(rule(signal="errors", above=10, over="3m"), made)) == [False, False, True]


def test_a_count_that_is_low_with_a_minute_missing_is_unknown(rule, grid):
    made = grid(errors=[1, 9, 1], collected=[True, False, True])

    assert judge(rule(signal="errors", above=10, over="3m"), made).verdict[0, -1] == UNKNOWN


def test_log_signals_go_by_what_was_read_from_logs(rule, grid):
    made = grid(timeouts=[9], collected=[True], records_collected=[False])

    assert judge(rule(signal="timeouts", above=1), made).verdict.tolist() == [[UNKNOWN]]


def test_provisional_minutes_fire_but_do_not_clear(rule, grid):
    bad = judge(rule(), grid(errors=[9], invocations=[10], provisional=[True]))
    good = judge(rule(), grid(errors=[0], invocations=[10], provisional=[True]))

    assert bad.fires.all()
    assert not good.clears.any()


def test_a_low_count_that_may_still_grow_does_not_fire(rule, grid):
    quiet = rule(signal="invocations", below=1)

    assert not judge(quiet, grid(invocations=[0], provisional=[True])).fires.any()
    assert judge(quiet, grid(invocations=[0])).fires.all()


def test_between_resolve_and_threshold_it_neither_fires_nor_clears(rule, grid):
    judgement = judge(rule(above=0.5, resolve_below=0.1), grid(errors=[3], invocations=[10]))

    assert judgement.verdict.tolist() == [[BETWEEN]]
    assert not judgement.clears.any()


def test_one_bad_minute_of_n_keeps_it_from_clearing(rule, grid):
    made = grid(errors=[9, 0, 0, 0], invocations=[10] * 4)

    assert judge(rule(**{"for": "2 of 3"}), made).clears[0].tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.1234, "share", "12.3 %"), (1800, "ms", "1.8 s"), (340, "ms", "340 ms"), (12.1613, "count", "12.2"),
        (17, "count", "17"), (1234567, "count", "1,234,567"), (20, "minutes", "20 minutes"),
        (None, "share", "unknown"),
        (0, "share", "0 %"), (75.5, "s", "75.5 s"),
    ],
)  # fmt: skip
def test_numbers_are_said_with_their_unit(value, unit, said):
    assert say(value, unit) == said
