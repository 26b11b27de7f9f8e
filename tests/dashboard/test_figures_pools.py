"""What the Concurrency page says of throttles: functions and limits, against a plain loop over the bursts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.throttled_work import LETTERS, LOST
from dashboard import figures_pools

PLACES = {("1", "eu-west-1"): "shop · eu-west-1"}


def burst(function: str, throttles: float, *, cause: str = "its reservation", fate: str = "retried") -> Any:
    return {
        "account": "1",
        "region": "eu-west-1",
        "function": function,
        "cause": cause,
        "throttles": throttles,
        "evidence": "5 of 5 in use",
        "fate": fate,
        "consequence": f"{fate} work",
    }


some_bursts = st.lists(
    st.builds(
        burst,
        st.sampled_from(["a", "b"]),
        st.integers(1, 9).map(float),
        cause=st.sampled_from(["its reservation", "the account"]),
        fate=st.sampled_from(["retried", LOST, LETTERS]),
    ),
    min_size=1,
    max_size=12,
)


@given(some_bursts)
def test_throttles_are_added_up_per_function_and_limit(bursts):
    found = figures_pools.throttled(pd.DataFrame(bursts))

    expected: dict[tuple[str, str], list[float]] = {}
    for each in bursts:
        expected.setdefault((each["function"], each["cause"]), []).append(each["throttles"])
    rows = zip(found["function"], found["cause"], found["refused"], found["bursts"], strict=True)
    assert {(function, cause): (refused, n) for function, cause, refused, n in rows} == {
        key: (sum(each), len(each)) for key, each in expected.items()
    }


@given(some_bursts)
def test_work_that_needs_somebody_comes_first_and_then_the_most_refused(bursts):
    found = figures_pools.throttled(pd.DataFrame(bursts))

    order = [(bool(bad), refused) for bad, refused in zip(found["is_bad"], found["refused"], strict=True)]
    assert order == sorted(order, reverse=True)
    lost = {(each["function"], each["cause"]) for each in bursts if each["fate"] in (LOST, LETTERS)}
    bad = found[found["is_bad"]]
    assert set(zip(bad["function"], bad["cause"], strict=True)) == lost


@pytest.mark.parametrize(("fate", "state"), [("retried", "warning"), (LOST, "critical")])
def test_a_line_says_who_by_what_and_what_became_of_the_worst_of_it(fate, state):
    bursts = pd.DataFrame([burst("a_b", 1_200), burst("a_b", 34, fate=fate)])
    (row,) = figures_pools.throttled(bursts).to_dict("records")

    told, text = figures_pools.throttled_line(row, PLACES)

    assert told == state
    assert text == (
        r"**a\_b** was throttled 1,234 times in 2 bursts: **its reservation**, 5 of 5 in use. "
        rf":small[:gray[{fate.capitalize()} work · shop · eu\-west\-1]]"
    )


@pytest.mark.parametrize(("stored", "is_marked"), [(60.0, True), (59.0, False)])
def test_the_fullest_code_storage_is_told_first_and_marked_when_it_is_nearly_full(stored, is_marked):
    gigabyte = 2.0**30
    rows = [("empty", 1.0), ("full", stored), ("not read", float("nan"))]
    limits = pd.DataFrame(rows, columns=["place", "code_bytes"])
    limits = limits.assign(code_bytes=limits["code_bytes"] * gigabyte, code_limit_bytes=75 * gigabyte)

    said = figures_pools.code_storage(limits)

    assert f"full {stored:g} GB of 75 GB" in said
    assert said.index("full") < said.index("empty")
    assert "not read" not in said
    assert ("warning" in said) is is_marked


@pytest.mark.parametrize(
    ("pool", "note"),
    [
        ({}, ""),
        ({"orphan": "no alias reaches it", "spillover": 3.0}, "no alias reaches it"),
        ({"spillover": 1.0}, "full: 1 invocation ran on demand instead"),
        ({"invocations": 0.0, "worked_share": 0.0}, "served nothing in this window"),
        ({"worked_share": 0.3}, "costs more than on demand: what is bought is the wait that it spares"),
        ({"worked_share": 0.3, "break_even": float("nan")}, ""),
        ({"invocations": float("nan"), "worked_share": 0.3}, ""),
    ],
)
def test_a_pool_says_the_worst_that_is_known_of_it(pool, note):
    plain = {
        "orphan": None, "spillover": 0.0, "invocations": 9.0, "worked_share": 0.8, "break_even": 0.6,
    }  # fmt: skip

    found = figures_pools.provisioned_rows(pd.DataFrame([plain | pool]))

    assert found["note"].tolist() == [note]
