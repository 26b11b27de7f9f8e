"""Messages of a dead-letter queue are counted by error; nothing of what they carry is kept."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from alerts.actions.base import Plan
from alerts.actions.letters import LONGEST, NAMED, NO_ERROR, error_of, received, said
from core.facts import Target


def beside(text):
    return {"Body": "{}", "MessageAttributes": {"ErrorMessage": {"StringValue": text}}}


def record(**payload):
    body = {"requestContext": {"condition": "RetriesExhausted"}, "responsePayload": payload}
    return {"Body": json.dumps(body)}


def test_what_lambda_puts_beside_an_event_names_its_error():
    assert error_of(beside("2026-11-18T10:00:00Z task 17 timed out after 3.00 seconds")) == (
        error_of(beside("2026-11-19T11:30:00Z task 99 timed out after 6.00 seconds"))
    )


def test_a_record_in_a_destination_names_the_error_that_the_function_answered():
    found = error_of(record(errorType="KeyError", errorMessage="no sku 42", trace="secret"))

    assert found == "KeyError: no sku <n>"


def test_a_record_without_an_answer_names_its_condition():
    assert error_of({"Body": json.dumps({"requestContext": {"condition": "EventAgeExceeded"}})}) == (
        "EventAgeExceeded"
    )


def test_what_sqs_moved_aside_names_no_error():
    assert error_of({"Body": json.dumps({"order": 7, "errorMessage": "of the customer's own"})}) == NO_ERROR


def test_errors_are_counted_the_commonest_first():
    text = said([beside("a"), beside("b"), beside("b")])

    assert text == "3 messages read: 2 × b; 1 × a"


def test_of_many_kinds_the_rest_is_counted():
    kinds = [beside("kind " + letter * 3) for letter in "abcdefghijk"]

    assert said(kinds).endswith(f"; {len(kinds) - NAMED} more kinds")


def test_a_secret_in_an_error_is_hidden():
    assert "hunter2" not in error_of(beside("login failed: password=hunter2 for ada"))


@given(st.one_of(st.text(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_whatever_a_message_holds_its_error_is_one_short_printable_line(text):
    for message in (beside(text), {"Body": text}, record(errorMessage=text)):
        found = error_of(message)

        assert 0 < len(found) <= max(LONGEST, len(NO_ERROR))
        assert found.isprintable()


class Repeating:
    """A queue whose turns are told beforehand; the last goes on for ever."""

    target = Target("111122223333", "eu-west-1")

    def __init__(self, *turns):
        self.turns, self.asked = list(turns), []

    def client(self, service):
        return self

    def take_usage(self):
        return ()

    def receive_message(self, **params):
        self.asked.append(params["MaxNumberOfMessages"])
        names = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        return {"Messages": [{"MessageId": name} for name in names]} if names else {}


def came(queue, most=None):
    request = {"ReceiveMessage": {"QueueUrl": "https://sqs/q"}}
    plan = Plan(action="x", sentence="", target=queue.target, request=request, touches=("q",))
    return [each["MessageId"] for answer in received(plan, queue, most=most) for each in answer["Messages"]]


def test_a_message_that_comes_again_counts_once_and_a_queue_without_new_ones_is_left():
    queue = Repeating("ab", "bc", "", "ca", "d", "a")

    assert came(queue) == ["a", "b", "c", "d"]
    assert len(queue.asked) == 8  # after the last new message: three turns


def test_no_more_messages_are_hidden_from_others_than_are_wanted():
    queue = Repeating("abcdefghij", "k", "l", "m")

    assert came(queue, most=12) == [*"abcdefghijkl"]
    assert queue.asked == [10, 2, 1]
