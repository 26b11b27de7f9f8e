"""One thread per incident, where the target can."""

import json

import pytest

from core.errors import DeliveryError
from tests.alerts.kinds import HOOK, answering, body_of, channel_of, edge_of, given, posted, well

REF = {"slack-bot": {"channel": "C0123ABC", "ts": "1.2"}, "discord": {"id": "112233"}}


def methods(requests):
    return [(request.method, request.url.path.rpartition("/")[2]) for request in requests]


def test_slack_posts_once_and_remembers_where(message):
    receipt = channel_of("slack-bot").send(message(), answering(200, well("slack-bot")))

    assert receipt.ref == {"channel": "C0123ABC", "ts": "1763458200.000100"}


@pytest.mark.parametrize("reason", ["repeat", "resolved", "escalation"])
def test_slack_edits_the_first_message_and_answers_in_its_thread(message, reason):
    edit, reply = posted("slack-bot", message(reason=reason), REF["slack-bot"])

    assert methods([edit, reply]) == [("POST", "chat.update"), ("POST", "chat.postMessage")]
    assert body_of(edit)["ts"] == body_of(reply)["thread_ts"] == "1.2"


def test_slack_only_edits_when_somebody_has_it(message):
    requests = posted("slack-bot", message(reason="acknowledged"), REF["slack-bot"])

    assert methods(requests) == [("POST", "chat.update")]


@pytest.mark.parametrize(
    ("error", "retryable", "target"),
    [
        ("ratelimited", True, None),
        ("invalid_blocks", False, None),
        ("channel_not_found", False, "gone"),
        ("token_revoked", False, "gone"),
        ("missing_scope", False, "refuses"),
        (None, True, None),
    ],
)
def test_slack_says_what_is_wrong_in_a_200(message, error, retryable, target):
    with pytest.raises(DeliveryError) as failure:
        channel_of("slack-bot").send(
            message(), answering(200, json.dumps({"ok": False, "error": error}).encode())
        )

    assert (failure.value.retryable, failure.value.target) == (retryable, target)


def test_slack_answers_in_the_thread_though_the_first_message_was_deleted(receiver, http, message):
    receiver.then(200, b'{"ok": false, "error": "message_not_found"}').then(200, well("slack-bot"))

    channel_of("slack-bot", receiver.url).send(message(reason="resolved"), edge_of(http), REF["slack-bot"])

    assert [path for _, path in receiver.asked] == ["/chat.update", "/chat.postMessage"]


def test_discord_edits_its_message_and_posts_what_is_new(message):
    edit, post = posted("discord", message(reason="resolved"), REF["discord"])

    assert methods([edit, post]) == [("PATCH", "112233"), ("POST", edit.url.path.split("/")[-3])]
    assert post.url.params["wait"] == "true"


def test_discord_says_how_long_it_wants_to_rest(message):
    emptied = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "1.5"}

    receipt = channel_of("discord").send(message(), answering(200, well("discord"), **emptied))

    assert (receipt.ref, receipt.rest_s) == ({"id": "112233445566"}, 1.5)


def test_google_chat_keeps_an_incident_in_one_thread_and_knows_a_repetition(message):
    [request] = posted("google-chat", message())

    assert body_of(request)["thread"] == {"threadKey": "i1"}
    assert request.url.params["messageReplyOption"] == "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
    assert request.url.params["requestId"] == "i1-firing-chat"


@pytest.mark.parametrize(
    ("reason", "event"),
    [("firing", "trigger"), ("repeat", "trigger"), ("acknowledged", "acknowledge"), ("resolved", "resolve")],
)
def test_pagerduty_hears_of_one_incident_by_one_key(message, reason, event):
    body = body_of(posted("pagerduty", message(reason=reason))[0])

    assert (body["event_action"], body["dedup_key"]) == (event, "i1")


@pytest.mark.parametrize(
    ("reason", "path"),
    [
        ("firing", "/v2/alerts"),
        ("acknowledged", "/v2/alerts/i1/acknowledge"),
        ("resolved", "/v2/alerts/i1/close"),
    ],
)
def test_opsgenie_hears_of_one_incident_by_one_alias(message, reason, path):
    [request] = posted("opsgenie", message(reason=reason))

    assert request.url.path == path
    assert request.headers["Authorization"].startswith("GenieKey ")


def test_a_retired_teams_connector_is_refused_with_what_to_do():
    from pydantic import ValidationError

    with pytest.raises(ValidationError, match="create a workflow"):
        channel_of("teams", "https://acme.webhook.office.com/webhookb2/x")


def test_the_outbox_remembers_the_first_message_only(queue, deliver, receiver, settings, table):
    first, second = (
        b'{"ok": true, "channel": "C0123ABC", "ts": "1.0"}',
        b'{"ok": true, "channel": "C0123ABC", "ts": "2.0"}',
    )
    receiver.then(200, first).then(200, second)
    chosen = settings(channels={"chat": given("slack-bot", receiver.url)})
    queue([("i1", "firing"), ("i1", "repeat"), ("i1", "resolved")])
    for second in (0, 10, 20):
        deliver(second, settings=chosen)

    assert [row["ref"]["ts"] for row in table("thread")] == ["1.0"]
    assert [path for _, path in receiver.asked] == [
        "/chat.postMessage", "/chat.update", "/chat.postMessage", "/chat.update", "/chat.postMessage"
    ]  # fmt: skip


def test_a_channel_that_asks_for_rest_gets_it(queue, deliver, receiver, settings):
    emptied = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset_After": "30"}
    receiver.then(200, well("discord"), **emptied).then(200, well("discord"))
    chosen = settings(channels={"chat": given("discord", receiver.url)})
    queue([(f"i{n}", "firing") for n in range(3)])

    assert [len(deliver(second, settings=chosen)) for second in (0, 5, 29, 30)] == [1, 0, 0, 2]


def test_a_webhook_url_keeps_its_own_query(message):
    [request] = [*posted_to("google-chat", f"{HOOK}?key=k&token=t", message())]

    assert (request.url.params["key"], request.url.params["token"]) == ("k", "t")


def posted_to(kind, url, notice):
    requests = []
    channel_of(kind, url).send(notice, answering(200, well(kind), requests))
    return requests
