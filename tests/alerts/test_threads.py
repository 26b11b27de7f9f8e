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


@pytest.mark.parametrize("reason", ["repeat", "resolved", "escalated"])
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


# --- what somebody must act on ------------------------------------------------------------------------------


def test_slack_asks_in_the_thread_with_the_link_and_leaves_the_first_message_as_it_is(message):
    [asked] = posted("slack-bot", message(reason="approval"), REF["slack-bot"])

    assert methods([asked]) == [("POST", "chat.postMessage")]
    assert body_of(asked)["thread_ts"] == "1.2"
    assert "http://127.0.0.1:8501/alerts?alert=i1" in json.dumps(body_of(asked)["blocks"])


def test_discord_asks_in_a_message_of_its_own(message):
    assert [request.method for request in posted("discord", message(reason="approval"), REF["discord"])] == [
        "POST"
    ]


def test_pagerduty_pages_again_for_what_is_escalated_and_both_end_together(message):
    requests = []
    channel = channel_of("pagerduty")
    ref = channel.send(message(reason="escalated"), answering(202, well("pagerduty"), requests)).ref
    channel.send(message(reason="resolved"), answering(202, well("pagerduty"), requests), ref)

    told = [(body_of(request)["event_action"], body_of(request)["dedup_key"]) for request in requests]
    assert told == [("trigger", "i1-escalated"), ("resolve", "i1-escalated"), ("resolve", "i1")]


def test_pagerduty_does_not_page_anew_for_a_question(message):
    assert body_of(posted("pagerduty", message(reason="approval"))[0])["dedup_key"] == "i1"


def test_opsgenie_makes_an_alert_of_what_is_escalated_and_both_end_together(message):
    requests = []
    channel = channel_of("opsgenie")
    ref = channel.send(message(reason="escalated"), answering(202, well("opsgenie"), requests)).ref
    channel.send(message(reason="resolved"), answering(202, well("opsgenie"), requests), ref)

    assert body_of(requests[0])["alias"] == "i1-escalated"
    assert [request.url.path for request in requests[1:]] == [
        "/v2/alerts/i1-escalated/close", "/v2/alerts/i1/close"
    ]  # fmt: skip


def test_opsgenie_notes_a_question_with_its_link_on_the_alert(message):
    [request] = posted("opsgenie", message(reason="approval"))

    assert request.url.path == "/v2/alerts/i1/notes"
    assert body_of(request)["note"].endswith("http://127.0.0.1:8501/alerts?alert=i1")


def test_alertmanager_ends_the_alert_of_the_severity_before_an_escalation(message):
    [request] = posted("alertmanager", message(reason="escalated", severity="critical"))

    sent = {alert["labels"]["severity"]: alert["endsAt"] for alert in body_of(request)}
    assert sent["critical"] > sent["warning"] == sent["info"]


def test_alertmanager_makes_an_alert_of_a_question(message):
    [request] = posted("alertmanager", message(reason="approval"))

    assert [alert["labels"].get("needs") for alert in body_of(request)] == ["approval"]


def test_a_storm_folds_no_question_and_no_escalation(queue, deliver, receiver, settings, table):
    receiver.then(200)
    queue([(f"i{n}", "firing") for n in range(9)])
    queue([("i7", "approval"), ("i8", "escalated")])
    chosen = settings(receiver.url, delivery={"storm": 2})
    for second in range(0, 200, 20):
        deliver(second, settings=chosen)

    states = {(row["incident"], row["reason"]): row["state"] for row in table("outbox")}
    assert {states["i7", "approval"], states["i8", "escalated"]} == {"delivered"}
    assert "folded" in {state for (_, reason), state in states.items() if reason == "firing"}
