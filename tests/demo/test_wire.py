"""Every wire protocol that CloudWatch speaks carries the same answers, and errors in its own manner."""

import http.client
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import botocore.session
import numpy as np
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.demo import cbor

from .conftest import HOUR, NOW, floor_minute, query

END = floor_minute(NOW)
PROTOCOLS = ("smithy-rpc-v2-cbor", "json", "query")
CREDENTIAL = "AWS4-HMAC-SHA256 Credential=ASIADEMO111122223333/20261118/eu-west-1/monitoring/aws4_request"


def call(endpoint, protocol, name, params):
    """One CloudWatch call in one protocol: status and what botocore reads in the answer."""
    operation = botocore.session.get_session().get_service_model("cloudwatch").operation_model(name)
    request = create_serializer(protocol).serialize_to_request(params, operation)
    body = request["body"]
    body = urlencode(body) if isinstance(body, dict) else body
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc)
    headers = {**request["headers"], "Authorization": CREDENTIAL}
    connection.request(request["method"], request["url_path"], body, headers)
    answer = connection.getresponse()
    content = {"status_code": answer.status, "headers": dict(answer.getheaders()), "body": answer.read()}
    content["headers"] = {k.lower(): v for k, v in content["headers"].items()}
    connection.close()
    return answer.status, create_parser(protocol).parse(content, operation.output_shape)


def plain(answer):
    return [
        (r["Id"], [t.astimezone(UTC) for t in r["Timestamps"]], r["Values"], r["StatusCode"])
        for r in answer["MetricDataResults"]
    ]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metric_data_is_the_same_in_every_protocol(aws, protocol):
    queries = [
        query("a", "Invocations"),
        query("b", "Duration", "p95", FunctionName="cart-api"),
        query("c", "No"),
    ]
    asked = {"MetricDataQueries": queries, "StartTime": END - HOUR, "EndTime": END}
    expected = plain(aws("cloudwatch").get_metric_data(**asked))
    status, answer = call(aws.endpoint, protocol, "GetMetricData", asked)

    assert status == 200
    assert plain(answer) == expected
    assert len(expected[0][1]) > 50


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_refusal_has_its_code_in_every_protocol(aws, protocol):
    asked = {
        "MetricDataQueries": [query("a", "Duration", "p500")],
        "StartTime": END - HOUR,
        "EndTime": END,
    }
    status, answer = call(aws.endpoint, protocol, "GetMetricData", asked)

    assert status == 400
    assert answer["Error"]["Code"] == "ValidationError"
    assert "p500" in answer["Error"]["Message"]


times = st.integers(0, 2**41).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
scalars = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text() | st.booleans() | times
values = st.recursive(scalars, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)


@given(values)
def test_cbor_is_read_as_it_was_written(value):
    def utc(found):
        if isinstance(found, datetime):
            return round(found.timestamp(), 3)
        if isinstance(found, list):
            return [utc(item) for item in found]
        return {k: utc(v) for k, v in found.items()} if isinstance(found, dict) else found

    assert utc(cbor.loads(cbor.dumps(value))) == utc(value)


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_an_array_of_times_is_a_list_of_times(seconds):
    found = cbor.loads(cbor.dumps(np.array(seconds, dtype="datetime64[s]")))

    assert [int(ts.timestamp()) for ts in found] == seconds


def test_an_unknown_path_is_an_unknown_operation(aws):
    connection = http.client.HTTPConnection(urlsplit(aws.endpoint).netloc)
    connection.request(
        "GET", "/2015-03-31/nothing", headers={"Authorization": CREDENTIAL.replace("monitoring", "lambda")}
    )
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()

    assert answer.status == 404
    assert "UnknownOperationException" in body


def test_a_client_that_asks_at_once_from_many_threads_gets_whole_answers(aws):
    from concurrent.futures import ThreadPoolExecutor

    client = aws("logs")

    def page(minutes):
        end = NOW - timedelta(minutes=minutes)
        asked = {"startTime": int((end - HOUR).timestamp() * 1000), "endTime": int(end.timestamp() * 1000)}
        return len(client.filter_log_events(logGroupName="/aws/lambda/cart-api", **asked)["events"])

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(page, range(0, 80, 10)))
    assert together == [page(minutes) for minutes in range(0, 80, 10)]
