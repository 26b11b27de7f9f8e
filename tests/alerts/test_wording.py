"""What an error says in its own words, from lines as runtimes write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.wording import LONGEST, top_error, wording
from core.signatures import signature

RID = "71ada0ce-be74-4600-87dd-4c72a2cab244"
AT = "2026-11-18T10:19:43.709Z"
NODE = (
    f'{AT}\t{RID}\tERROR\tInvoke Error \t{{"errorType": "TypeError", "errorMessage": "no \\"sku\\" in 7",'
    ' "stack": ["TypeError: no sku", "    at handler (/var/task/index.js:41:11)"]}'
)
PYTHON = """[ERROR] KeyError: 'session_id'
Traceback (most recent call last):
  File "/var/task/app.py", line 58, in handler
"""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (NODE, 'TypeError: no "sku" in 7'),
        (NODE[: NODE.index("stack")], 'TypeError: no "sku" in 7'),
        (PYTHON, "KeyError: 'session_id'"),
        ('{"errorMessage": "no table", "errorType": "*errors.errorString"}', "*errors.errorString: no table"),
        (f"{AT}\t{RID}\tERROR\tno stock for 81273", "no stock for 81273"),
        ("Error: relation promotions is locked", "Error: relation promotions is locked"),
    ],
)
def test_a_line_is_worded_as_its_code_did(line, said):
    assert wording(line) == said


@pytest.mark.parametrize(
    "line",
    [
        f"{AT} {RID} Task timed out after 6.00 seconds\n\n",
        f"RequestId: {RID} Error: Runtime exited with error: signal: killed\nRuntime.ExitError\n",
        '{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: x Task timed out after 3.00 s"}',
        "",
        "[ERROR]",
    ],
)
def test_where_only_lambda_speaks_nothing_is_said_of_a_cause(line):
    assert not wording(line)


def test_errors_of_the_same_kind_at_the_same_frame_that_say_other_things_are_two():
    other = NODE.replace("sku", "price")

    assert signature(NODE) == signature(other)
    assert wording(NODE) != wording(other)


def test_messages_tell_the_words_without_what_may_be_somebodys():
    known = "MailError in send (mail.py)"

    assert top_error("[ERROR] MailError: no box for j@x.com", known) == "MailError: no box for <address>"
    assert top_error("RequestId: x Error: Runtime exited", known) == known


@given(st.text(max_size=400) | st.from_regex(r'\{"errorMessage": ".{0,300}', fullmatch=True))
def test_whatever_a_log_holds_has_a_short_wording_or_none(line):
    said = wording(line)

    assert said is None or (0 < len(said) <= LONGEST and "\n" not in said)
