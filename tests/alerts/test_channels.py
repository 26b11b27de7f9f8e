from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from alerts.channels.posting import retry_after_s
from alerts.channels.slack import Slack, escape
from alerts.channels.text import cut_escaped
from alerts.channels.webhook import Webhook, sign
from alerts.notice import Link
from core.errors import DeliveryError
from tests.alerts.kinds import (
    API,
    BY_HTTP,
    ENDLESS_DRIPS,
    EVERY,
    HOOK,
    IMPATIENT_S,
    SECRET,
    answering,
    channel_of,
    edge_of,
    secret_of,
    well,
)

EVERY_ONE = [pytest.param(channel_of(kind), id=kind) for kind in BY_HTTP]


@pytest.mark.parametrize("channel", EVERY_ONE)
@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False),
        (403, False),
        (404, False),
        (410, False),
        (301, False),
        (408, True),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_says_whether_a_retry_can_help(channel, message, status, retryable):
    with pytest.raises(DeliveryError) as failure:
        channel.send(message(), answering(status))

    assert failure.value.retryable is retryable


@pytest.mark.parametrize("channel", EVERY_ONE)
def test_accepts_any_2xx(channel, message):
    assert channel.send(message(), answering(202, well(channel.kind))).status in {200, 202}


def test_says_how_long_to_wait(message):
    with pytest.raises(DeliveryError) as failure:
        channel_of("slack").send(message(), answering(429, **{"Retry-After": "37"}))

    assert failure.value.retry_after_s == 37


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("37", 37),
        ("1.5", 1.5),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60),
        ("Mon, 02 Mar 2020 12:01:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_reads_retry_after(header, seconds):
    assert retry_after_s({"retry-after": header}, now=datetime(2026, 3, 2, 12, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("channel", EVERY_ONE)
def test_secret_is_in_no_error_even_if_the_target_repeats_it(channel, message):
    body = f"no hook {HOOK} /services/T0/B0/{SECRET} {secret_of(channel.kind)} gone".encode()
    if channel.kind in API:
        body = f"no {secret_of(channel.kind)} here".encode()

    with pytest.raises(DeliveryError) as failure:
        channel.send(message(), answering(404, body))

    assert SECRET not in f"{failure.value!r} {failure.value} {failure.value.__cause__}"


def test_secret_is_in_no_log(receiver, http, message, caplog):
    caplog.set_level(logging.DEBUG)
    channel = channel_of("slack", receiver.then(200).url)

    channel.send(message(), edge_of(http))

    assert receiver.bodies
    assert SECRET not in caplog.text


def test_secret_is_in_no_log_and_no_traceback_when_nobody_answers(http, message, caplog):
    caplog.set_level(logging.DEBUG)
    channel = channel_of("slack", f"http://127.0.0.1:9/services/{SECRET}")

    with pytest.raises(DeliveryError) as failure:
        channel.send(message(), edge_of(http))

    assert failure.value.retryable
    assert SECRET not in caplog.text + "".join(traceback.format_exception(failure.value))


@pytest.mark.parametrize(
    "url", ["hooks.example.com/x", "ftp://example.com/x", "file:///etc/passwd", "https://", "http://[bad"]
)
def test_refuses_what_is_no_web_address_without_repeating_it(url):
    with pytest.raises(ValidationError) as failure:
        Slack.model_validate({"kind": "slack", "url": url})

    assert "input_value" not in str(failure.value)


def test_settings_never_show_the_url():
    for channel in [channel_of(kind) for kind in EVERY]:
        assert SECRET not in f"{channel!r} {channel} {channel.model_dump()} {channel.model_dump_json()}"


@pytest.mark.parametrize("answer", ["never", "cut"])
def test_no_whole_answer_is_worth_a_retry(receiver, http, message, answer):
    receiver.then_hold() if answer == "never" else receiver.then_cut()

    with pytest.raises(DeliveryError) as failure:
        channel_of("slack", receiver.url, timeout_s=IMPATIENT_S).send(message(), edge_of(http))

    assert failure.value.retryable


def test_a_huge_answer_is_not_read(receiver, http, message):
    receiver.then(500, b"x" * 20_000_000)

    with pytest.raises(DeliveryError) as failure:
        channel_of("slack", receiver.url).send(message(), edge_of(http))

    assert len(str(failure.value)) < 300


def test_an_answer_that_drips_for_ever_is_left(receiver, http, message):
    receiver.then_drip()

    with pytest.raises(DeliveryError, match="answered 500"):
        channel_of("slack", receiver.url, timeout_s=3).send(message(), edge_of(http))

    assert receiver.dripped < ENDLESS_DRIPS


def test_a_redirect_is_not_followed(receiver, http, message):
    receiver.then(302, Location=receiver.url)

    with pytest.raises(DeliveryError):
        channel_of("slack", receiver.url).send(message(), edge_of(http))

    assert len(receiver.bodies) == 1


# --- Slack -----------------------------------------------------------------------------------------


def slack(notice):
    return Slack.model_validate({"kind": "slack", "url": HOOK}).payload(notice)


HOSTILE = "<!channel> <@U1> <https://evil.example|here> @channel @Here @everyone & \u202e ``` *x*"


def test_nobody_can_be_mentioned_and_no_link_made_from_a_log_line(message):
    said = json.dumps(
        slack(message(title=HOSTILE, text=HOSTILE, facts=((HOSTILE, HOSTILE),)))["blocks"][1:],
        ensure_ascii=False,
    )
    said += slack(message(title=HOSTILE, text=HOSTILE))["text"]

    assert "<" not in said
    assert ">" not in said
    assert "@channel" not in said
    assert "@Here" not in said
    assert "@everyone" not in said


def test_the_header_is_plain_text(message):
    assert slack(message(title=HOSTILE))["blocks"][0]["text"]["type"] == "plain_text"


@given(
    title=st.text(max_size=400),
    text=st.text(max_size=9000),
    facts=st.lists(st.tuples(st.text(max_size=50), st.text(max_size=5000)), max_size=40),
)
def test_stays_within_the_limits_of_block_kit(title, text, facts):
    from alerts.notice import Notice

    notice = Notice(
        id="i", incident="i", reason="firing", severity="info", rule="r", signal="s", title=title or "t",
        text=text,        facts=tuple(facts), account="1", region="r", subject_kind="function", subject="f",
        opened_at=datetime(2026, 3, 2, tzinfo=UTC),
    )  # fmt: skip

    payload = slack(notice)

    assert len(payload["text"]) <= 40_000
    assert len(payload["blocks"]) <= 50
    assert 1 <= len(payload["blocks"][0]["text"]["text"]) <= 150
    assert len(payload["blocks"][1]["text"]["text"]) <= 3000
    for block in payload["blocks"][2:]:
        assert 1 <= len(block["fields"]) <= 10
        assert all(1 <= len(each["text"]) <= 2000 for each in block["fields"])


def test_only_web_links_become_buttons(message):
    links = (Link(label="x" * 99, url="https://a.example/"), Link(label="b", url="javascript:alert(1)"))

    [actions] = [block for block in slack(message(links=links))["blocks"] if block["type"] == "actions"]

    assert [button["url"] for button in actions["elements"]] == ["https://a.example/"]
    assert len(actions["elements"][0]["text"]["text"]) == 75


def test_empty_facts_are_left_out(message):
    assert "Last deploy" not in json.dumps(slack(message()))


@given(st.text(alphabet="&<>ab;@", max_size=60), st.integers(1, 30))
def test_cutting_leaves_no_half_entity(text, length):
    short = cut_escaped(escape(text), length, "&")

    assert len(short) <= length
    rest = short.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert "&" not in rest


# --- webhook ---------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_standard_webhooks_says(receiver, http, message):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    channel = Webhook.model_validate({"kind": "webhook", "url": receiver.then(200).url, "secret": secret})

    channel.send(message(), edge_of(http))

    [headers] = receiver.headers
    expected = sign(SecretStr(secret), "i1-firing-chat", headers["webhook-timestamp"], receiver.raw)
    assert headers["webhook-id"] == "i1-firing-chat"
    assert headers["webhook-signature"] == expected


def test_a_signature_is_the_one_of_the_specification():
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_uses_the_reference_library_takes_it(receiver, http, message):
    channel = channel_of("webhook", receiver.then(200).url)

    channel.send(message(), edge_of(http))

    taken = standardwebhooks.Webhook(channel.secret.get_secret_value()).verify(
        receiver.raw, receiver.headers[0]
    )
    assert taken["data"]["id"] == "i1-firing-chat"


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_%%%%", "x"])
def test_refuses_a_secret_that_is_none(secret):
    with pytest.raises(ValidationError, match="must be whsec_"):
        Webhook.model_validate({"kind": "webhook", "url": HOOK, "secret": secret})


def test_a_webhook_carries_the_whole_notice(receiver, http, message):
    Webhook.model_validate({"kind": "webhook", "url": receiver.then(200).url}).send(message(), edge_of(http))

    [body] = receiver.bodies
    assert body["type"] == "incident.firing"
    assert body["data"] == message().model_dump(mode="json")
