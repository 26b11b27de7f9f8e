"""Text of others in a message: every channel sends it, and it mentions, links and steers nothing."""

import json
import re

import pytest

from tests.alerts.kinds import EVERY, answering, body_of, channel_of, posted
from tests.hostile import MARK, NAME, TEXT

CONTROLS = [
    *map(chr, (*range(32), *range(0x7F, 0xA0))),
    *"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
]
FOR_PEOPLE = [kind for kind in EVERY if kind != "webhook"]
IN_CHAT = ["slack", "slack-bot", "teams", "discord", "google-chat", "mattermost"]
MARKUP = {
    "slack": r"<|>",
    "slack-bot": r"<|>",
    "discord": r"(?<!\\)[*`|]|(?<!\\)\]\(/",
    "mattermost": rf"<|>|(?<!\\)`|\]\(/|\]\(javascript|\*\*{MARK}",
    "google-chat": r"<|>|&lt;users",
}
"""What would be read as more than text. A TextRun of Teams is read as text, whatever it holds."""


def strings(value):
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from strings(each)


@pytest.fixture
def said(message):
    """`said(kind)`: every string that a channel sends of a notice whose every text is hostile."""
    told = {"title": TEXT, "text": TEXT, "facts": ((TEXT, TEXT),), "account_alias": TEXT, "subject": NAME}
    notice = message(**told, rule=TEXT, labels={TEXT: TEXT})

    def sent(kind):
        if kind == "email":
            mail = channel_of(kind).message(notice, answering(200))
            return [*mail.values(), mail.get_content()]
        if kind == "sns":
            return list(strings(channel_of(kind).payload(notice)))
        body = body_of(posted(kind, notice)[0])
        if kind in {"slack", "slack-bot"}:
            body["blocks"] = body["blocks"][1:]  # the header, which is plain text
        return list(strings(body))

    return sent


@pytest.mark.parametrize("kind", EVERY)
def test_a_message_of_hostile_text_is_still_told(said, kind):
    assert any(MARK in text for text in said(kind))


@pytest.mark.parametrize("kind", FOR_PEOPLE)
def test_a_message_steers_no_terminal_and_turns_no_text(said, kind):
    for text in said(kind):
        assert not [char for char in CONTROLS if char in text and char not in "\n\t"]


@pytest.mark.parametrize("kind", IN_CHAT)
def test_a_message_in_chat_mentions_nobody(said, kind):
    for text in said(kind):
        assert not re.search(r"@(everyone|channel|here|all)\b", text, re.IGNORECASE)
        assert kind == "teams" or not re.search(r"<!|<@", text)


@pytest.mark.parametrize("kind", ["teams", "discord", "google-chat", "mattermost"])
def test_a_message_in_chat_makes_no_link_of_an_address(said, kind):
    for text in said(kind):
        assert not re.search(rf"://{MARK}|www\.{MARK}", text)


@pytest.mark.parametrize("kind", MARKUP)
def test_a_message_in_chat_has_no_markup_of_others(said, kind):
    for text in said(kind):
        if MARK in text and not text.startswith(("http://", "https://")):
            assert not re.search(MARKUP[kind], text.replace("- **", "- ").replace(":** ", ": ")), text


def test_a_slack_header_is_plain_text(message):
    header = body_of(posted("slack", message(title=TEXT))[0])["blocks"][0]

    assert (header["type"], header["text"]["type"]) == ("header", "plain_text")


def test_a_mail_has_no_header_of_others(message):
    mail = channel_of("email").message(message(title="x\r\nBcc: evil@example.com"), answering(200))

    assert "evil@example.com" not in [*mail.get_all("to"), *mail.get_all("bcc", [])]
    assert "\n" not in mail["Subject"]


def test_a_webhook_gets_the_text_as_it_is_for_a_machine_to_judge(message):
    [request] = posted("webhook", message(text=TEXT))

    assert json.loads(request.content)["data"]["text"] == TEXT
