"""What a function is given again of a message that caught its failure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.actions.replay import payload_of

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:$LATEST"


def record(payload, arn=ARN):
    return json.dumps({"requestContext": {"functionArn": arn}, "requestPayload": payload})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_dead_letter_queue_holds_the_event_as_it_was(event):
    body = json.dumps(event)

    assert payload_of(body, "checkout") == body.encode()


def test_a_record_holds_the_event_that_the_function_was_asked_with():
    assert payload_of(record({"order": 7}), "checkout") == b'{"order": 7}'


def test_a_record_of_another_function_is_not_given_to_this_one():
    assert payload_of(record({"order": 7}), "search") is None


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 100_000])
def test_what_lambda_would_refuse_is_left(body):
    assert payload_of(body, "checkout") is None
