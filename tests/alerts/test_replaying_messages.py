"""What a function is given again of a message that caught its failure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.actions.editing import edited
from alerts.actions.registry import read_action
from alerts.actions.replay import payload_of

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:checkout:$LATEST"


def record(payload, arn=ARN):
    return json.dumps({"requestContext": {"functionArn": arn}, "requestPayload": payload})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_dead_letter_queue_holds_the_event_as_it_was(event):
    body = json.dumps(event)

    assert payload_of(body, "checkout", {}) == body.encode()


def test_a_record_holds_the_event_that_the_function_was_asked_with():
    assert payload_of(record({"order": 7}), "checkout", {}) == b'{"order": 7}'


def test_a_record_of_another_function_is_not_given_to_this_one():
    assert payload_of(record({"order": 7}), "search", {}) is None


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 100_000])
def test_what_lambda_would_refuse_is_left(body):
    assert payload_of(body, "checkout", {}) is None


EVENT = {"order": {"id": 7, "lines": [{"sku": "a"}, {"sku": None}]}, "a/b": 1, "~": 2, "": 3}


@pytest.mark.parametrize(
    ("pointer", "at"),
    [
        ("/order/id", ("order", "id")),
        ("/order/currency", ("order", "currency")),
        ("/order/lines/1/sku", ("order", "lines", 1, "sku")),
        ("/order/lines/0", ("order", "lines", 0)),
        ("/a~1b", ("a/b",)),
        ("/~0", ("~",)),
        ("/", ("",)),
    ],
)
def test_an_edit_sets_the_value_at_its_pointer_and_no_other(pointer, at):
    expected = json.loads(json.dumps(EVENT))
    holder = expected
    for part in at[:-1]:
        holder = holder[part]
    holder[at[-1]] = "new"

    assert json.loads(payload_of(json.dumps(EVENT), "checkout", {pointer: "new"})) == expected
    assert json.loads(payload_of(record(EVENT), "checkout", {pointer: "new"})) == expected


@pytest.mark.parametrize(
    "pointer", ["/gone/id", "/order/lines/2", "/order/lines/x", "/order/id/x", "/order/lines/-"]
)
def test_an_event_without_a_place_for_the_edit_stays(pointer):
    event = [] if pointer == "/0" else EVENT
    assert payload_of(json.dumps(event), "checkout", {pointer: 1}) is None


def test_an_edit_leaves_the_event_that_it_was_made_of():
    edited(EVENT, {"/order/id": 8})

    assert EVENT["order"]["id"] == 7


def made(edit):
    return read_action({"do": "replay-messages", "function": "f", "edit": edit})


@pytest.mark.parametrize("edit", [{"/a": "x", "/b/0": None}, '{"/a": "x", "/b/0": null}'])
def test_edits_are_an_object_or_its_text(edit):
    assert made(edit).edit == {"/a": "x", "/b/0": None}


def test_no_edits_may_be_an_empty_text():
    assert made(" ").edit == {}


@pytest.mark.parametrize(
    "edit",
    [
        {"/password": "hunter2-and-more"},
        {"/key": "AKIAIOSFODNN7EXAMPLE"},
        {"no-pointer": 1},
        {"": 1},
        {"/a": [1]},
        {"/a": "x" * 500},
        {f"/{n}": n for n in range(11)},
        "no JSON",
        "[1]",
    ],
)
def test_a_secret_or_what_is_no_edit_is_refused_before_it_is_kept(edit):
    with pytest.raises(ValidationError):
        made(edit)
