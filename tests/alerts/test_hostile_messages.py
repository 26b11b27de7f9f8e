"""Text of others in a message: every channel sends it, and it mentions, links and steers nothing."""

import json
from typing import get_args

import pytest
from pydantic import TypeAdapter

from alerts.channels import Channel
from tests.hostile import MARK, NAME, TEXT

HOOK = "https://hooks.example.com/x"
KINDS = [
    kind for each in get_args(get_args(Channel)[0]) for kind in get_args(each.model_fields["kind"].annotation)
]
CONTROLS = [
    *map(chr, (*range(32), *range(0x7F, 0xA0))),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
]


def strings(value):
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(each)


@pytest.fixture
def payload(message):
    """`payload(kind)`: what a channel sends of a notice whose every text is hostile."""
    told = {"title": TEXT, "text": TEXT, "facts": ((TEXT, TEXT),), "account_alias": TEXT, "subject": NAME}
    notice = message(**told, rule=TEXT, labels={TEXT: TEXT})

    def sent(kind):
        channel = TypeAdapter(Channel).validate_python({"kind": kind, "url": HOOK})
        body, _ = channel.request(notice)
        return json.loads(body)

    return sent


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_of_hostile_text_is_still_told(payload, kind):
    assert any(MARK in text for text in strings(payload(kind)))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "webhook"])
def test_a_message_in_chat_mentions_nobody_links_nowhere_and_steers_nothing(payload, kind):
    sent = payload(kind)

    said = [text for text in strings(sent) if MARK in text]
    for text in said:
        assert not [char for char in CONTROLS if char in text and char not in "\n\t"]
    marked_up = [
        block["text"]["text"] for block in sent["blocks"] if block["type"] == "section" and "text" in block
    ]
    for text in [*marked_up, sent["text"]]:
        assert not any(token in text for token in ("<", ">", "@everyone", "@channel", "@here"))
    assert all(block["text"]["type"] == "plain_text" for block in sent["blocks"] if block["type"] == "header")


def test_a_webhook_gets_the_text_as_it_is_for_a_machine_to_judge(payload):
    assert payload("webhook")["data"]["text"] == TEXT
