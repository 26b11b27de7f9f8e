from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.emf import Batch, metrics, parse_batch


def emf(*names: str, **values) -> dict:
    """One record as the embedded metric format has it: definitions below `_aws`, values beside it."""
    defined = [{"Name": name, "Unit": "Count"} for name in names or values]
    directive = {"Namespace": "shop", "Dimensions": [["service"]], "Metrics": defined}
    return {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "service": "orders", **values}


@pytest.mark.parametrize(
    "name",
    [
        "batchItemFailures",
        "BatchItemFailures",
        "BatchItemFailure",
        "batch_item_failures",
        "BatchRecordFailures",
    ],
)
def test_failed_items_are_known_by_the_names_that_libraries_use(name):
    assert parse_batch(emf(**{name: 3})) == Batch(3)


def test_values_that_were_added_up_in_a_list_are_summed():
    assert parse_batch(emf(BatchItemFailures=[1, 1, 2.0])) == Batch(4)


@pytest.mark.parametrize("beside", [{"BatchSize": 10}, {"BatchRecordSuccesses": 7}])
def test_the_size_of_the_batch_is_read_where_it_is_logged(beside):
    assert parse_batch(emf(BatchRecordFailures=3, **beside)).items == 10


def test_no_failed_item_is_a_number_too():
    assert parse_batch(emf(batchItemFailures=0, BatchItems=5)) == Batch(0, 5)


def test_the_request_is_read_where_it_is_logged():
    assert parse_batch(emf(batchItemFailures=1) | {"function_request_id": "r"}).request_id == "r"


def test_datadogs_metrics_are_read():
    assert parse_batch({"m": "aws.lambda.enhanced.batch_item_failures", "v": 2, "e": 1, "t": []}) == Batch(2)


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"batchItemFailures": 3},
        emf(Orders=3),
        emf("batchItemFailures"),
        emf(batchItemFailures="3"),
        emf(batchItemFailures=True),
        emf(batchItemFailures=float("nan")),
        emf(batchItemFailures=-1),
        emf(batchItemFailures=[1, "x"]),
        emf(batchItemFailures=[]),
        {"_aws": {"CloudWatchMetrics": [{"Metrics": [3]}]}, "batchItemFailures": 3},
    ],
)
def test_other_lines_tell_of_no_batch(line):
    assert parse_batch(line) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["_aws", "CloudWatchMetrics", "Metrics", "Name", "m", "v"]), inner)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["_aws", "m", "v", "batchItemFailures", "requestId"]), JSON))
def test_any_object_can_be_looked_at(line):
    parse_batch(line)
    parse_batch(json.loads(json.dumps(line)))
    assert all(value >= 0 for _, value in metrics(line))
