"""Every payload stays within its target's documented limits, however long and hostile the notice.

`data/webhook_limits.json` is a copy of the documented limits, with the source of each.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.channels.text import cut, cut_bytes, json_bytes, length
from alerts.notice import Link, Notice
from tests.alerts.kinds import BY_HTTP, EVERY, NOW, answering, body_of, channel_of, posted
from tests.hostile import TEXT

LIMITS = json.loads((Path(__file__).parent / "data" / "webhook_limits.json").read_text())["targets"]
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
THUMB, FLAG = "\U0001f44d\U0001f3fd", "\U0001f1e9\U0001f1ea"
PIECES = [
    *("a", " ", "\n", "\x00", "\x1b[31m", "\u202e", "\ud800", "\ufffd", "e\u0301", "\u5b57"),
    *("@everyone ", "<!channel>", "<@U1>", "[x](http://e.example)", "<script>", "<users/all>", TEXT),
    *("*", "`", "\\", '"', "&", "&amp;", FAMILY, THUMB, FLAG),
]
TEXTS = st.builds(
    lambda pieces, times: "".join(pieces) * times,
    st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=12),
    st.sampled_from([1, 1, 7, 200, 3000]),
)
SHORT = TEXTS.map(lambda text: text[:3000])
STARTED = datetime(2026, 11, 18, 9, tzinfo=UTC)


def notice_of(title, text, facts, links, reason, severity):
    return Notice(
        id="0123456789abcdef-firing-chat", incident="0123456789abcdef", reason=reason, severity=severity,
        rule=title or "r", signal="s", title=title, text=text, facts=tuple(facts), account="111122223333",
        account_alias=title, region="eu-west-1", subject_kind="function", subject=title, opened_at=STARTED,
        resolved_at=STARTED + timedelta(minutes=12) if reason == "resolved" else None, labels=dict(facts),
        links=tuple(Link(label=label, url=f"https://x.example/{'y' * size}") for label, size in links),
    )  # fmt: skip


NOTICES = st.builds(
    notice_of,
    SHORT,
    TEXTS,
    st.lists(st.tuples(SHORT, SHORT), max_size=100),
    st.lists(st.tuples(SHORT, st.integers(0, 4000)), max_size=12),
    st.sampled_from(["firing", "resolved", "repeat", "escalated", "approval", "digest", "test"]),
    st.sampled_from(["critical", "warning", "info"]),
)
HUGE = notice_of(
    "字" * 5000,
    f'{FAMILY}<&"\\\n' * 50_000,
    [("ü" * 300, '"' * 5000)] * 100,
    [("x", 900)] * 12,
    "firing",
    "info",
)


def check_slack(body):
    most = LIMITS["slack_incoming_webhook"]["limits"]
    assert length(body["text"]) <= most["text_total_chars"]
    assert len(body.get("blocks", [])) <= most["blocks"]
    for block in body.get("blocks", []):
        if block["type"] == "header":
            assert 1 <= length(block["text"]["text"]) <= most["header_text"]
        if block["type"] == "section" and "text" in block:
            assert 1 <= length(block["text"]["text"]) <= most["section_text"]
        fields = block.get("fields", [])
        assert len(fields) <= most["section_fields"]
        assert all(1 <= length(field["text"]) <= most["field_text"] for field in fields)
        buttons = block.get("elements", [])
        assert len(buttons) <= most["actions_elements"]
        assert all(1 <= length(button["text"]["text"]) <= most["button_text"] for button in buttons)
        assert all(len(button["url"]) <= most["button_url"] for button in buttons)


def check_discord(body):
    most, [embed] = LIMITS["discord_webhook"]["limits"], body["embeds"]
    assert 1 <= length(embed["title"]) <= most["embed_title"]
    assert 1 <= length(embed["description"]) <= most["embed_description"]
    assert len(embed["fields"]) <= most["embed_fields"]
    for field in embed["fields"]:
        assert 1 <= length(field["name"]) <= most["field_name"]
        assert 1 <= length(field["value"]) <= most["field_value"]
    words = [
        embed["title"],
        embed["description"],
        *(f[k] for f in embed["fields"] for k in ("name", "value")),
    ]
    assert sum(map(length, words)) <= most["embed_total"]
    assert body["allowed_mentions"] == {"parse": []}


def check_teams(body):
    assert (
        len(json.dumps(body, ensure_ascii=False).encode())
        <= LIMITS["teams_workflow"]["limits"]["message_kb"] * 1000
    )
    [attached] = body["attachments"]
    assert attached["content"]["type"] == "AdaptiveCard"


def check_google(body):
    most = LIMITS["google_chat_webhook"]["limits"]
    assert length(body["text"]) <= most["text_chars"]
    assert len(json.dumps(body, ensure_ascii=False).encode()) <= most["message_bytes"]


def check_mattermost(body):
    assert 1 <= length(body["text"]) <= LIMITS["mattermost"]["limits"]["old_servers_text"]


def check_pagerduty(body):
    most = LIMITS["pagerduty_events_v2"]["limits"]
    assert len(json.dumps(body).encode()) <= most["payload_kb"] * 1000
    assert len(body["dedup_key"]) <= most["dedup_key"]
    if body["event_action"] == "trigger":
        assert 1 <= length(body["payload"]["summary"]) <= most["summary"]
        assert body["payload"]["source"]
        assert body["payload"]["severity"] in {"critical", "error", "warning", "info"}


def check_opsgenie(body):
    if "message" not in body:
        return
    most = LIMITS["opsgenie"]["limits"]
    for name in ("message", "alias", "description", "source", "entity"):
        assert length(body[name]) <= int(most[name])
    assert body["message"]
    assert len(body["tags"]) <= 20
    assert all(length(tag) <= 50 for tag in body["tags"])
    assert sum(length(name) + length(value) for name, value in body["details"].items()) <= 8000


def check_alertmanager(body):
    assert body
    for alert in body:  # an escalation also ends the alert of the severity before
        assert alert["labels"]["alertname"]
        assert all(name.replace("_", "a").isalnum() and not name[0].isdigit() for name in alert["labels"])
        assert alert["endsAt"] >= alert["startsAt"]


def check_webhook(body):
    most = LIMITS["standard_webhooks"]["limits"]["payload_kb_recommended"] * 1000
    sent = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode())
    assert sent <= most, "of an incident"


CHECKS = {
    "slack": check_slack, "slack-bot": check_slack, "teams": check_teams, "discord": check_discord,
    "google-chat": check_google, "mattermost": check_mattermost, "pagerduty": check_pagerduty,
    "opsgenie": check_opsgenie, "alertmanager": check_alertmanager, "webhook": check_webhook,
}  # fmt: skip


def test_every_kind_is_checked_here():
    assert {*CHECKS, "sns", "email"} == set(EVERY)


@pytest.mark.parametrize("kind", CHECKS)
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(notice=NOTICES)
@example(notice=HUGE)
def test_what_is_posted_is_within_the_limits_of_its_target(kind, notice):
    for request in posted(kind, notice):
        assert len(str(request.url)) < 2000
        CHECKS[kind](body_of(request))


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(notice=NOTICES)
@example(notice=HUGE)
def test_what_sns_is_given_is_within_its_limits(notice):
    most, sent = LIMITS["sns"]["limits"], channel_of("sns").payload(notice)

    attributes = json.dumps(sent["MessageAttributes"])
    assert len(sent["Message"].encode()) + len(attributes.encode()) <= most["message_bytes"]
    assert 1 <= len(sent["Subject"]) <= most["subject"]
    assert sent["Subject"].isascii()
    assert sent["Subject"].isprintable()
    assert sent["Subject"][0] != " "
    assert all(each["StringValue"] for each in sent["MessageAttributes"].values())


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(notice=NOTICES)
@example(notice=HUGE)
def test_a_mail_is_one_that_mail_servers_take(notice):
    mail = channel_of("email").message(notice, answering(200))

    lines = mail.as_bytes().split(b"\n")
    assert len(mail.as_bytes()) < 500_000
    assert max(map(len, lines)) <= 998
    assert mail["Subject"].isprintable()
    assert mail.get_content_type() == "text/plain"


@given(st.text(st.sampled_from(f"a\u5b57\\e\u0301\ufe0f{FAMILY}{THUMB}"), max_size=40), st.integers(2, 30))
def test_a_cut_text_is_short_and_ends_with_no_half_emoji(text, most):
    short = cut(text, most)

    assert length(short) <= most
    if short != text:
        assert short.endswith("…")
        assert short[-2:-1] not in {"\u200d", "\ufe0f", "\U0001f3fd"}


@given(TEXTS, st.integers(10, 3000))
def test_a_text_cut_to_bytes_fits_them(text, most):
    clean = text.replace("\ud800", "")

    assert json_bytes(cut_bytes(clean, most)) <= max(most, 3)


@pytest.mark.parametrize("kind", BY_HTTP)
def test_what_is_known_is_in_what_is_posted(kind):
    plain = notice_of(
        "checkout error rate", "thirty four percent", [("Region", "Ireland")], [], "firing", "critical"
    )

    sent = b"".join(request.content for request in posted(kind, plain)).decode()

    assert "checkout error rate" in sent
    assert "thirty four percent" in sent
    assert "Ireland" in sent


def test_a_mail_of_an_incident_is_dated_when_it_is_sent():
    mail = channel_of("email").message(HUGE, answering(200))

    assert mail["Date"].datetime == NOW
