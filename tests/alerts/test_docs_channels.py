"""docs/channels.md says what is so: its examples load, it names every kind, key and setting."""

import json
import re
from pathlib import Path

import pytest
import yaml

from alerts.channels import KINDS
from alerts.delivery import DeliverySettings
from alerts.routes import Hours, Route
from alerts.settings import AlertSettings
from tests.alerts.kinds import EVERY, answering, body_of, channel_of, posted

TEXT = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml settings\n(.*?)^```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example):
    assert AlertSettings.model_validate(yaml.safe_load(example)["alerts"]).channels


def test_every_kind_has_an_example():
    shown = {kind for example in EXAMPLES for kind in re.findall(r"kind: ([a-z-]+)", example)}

    assert shown == set(EVERY)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_key_of_a_channel_is_told(kind):
    assert [key for key in kind.model_fields if not re.search(rf"\b{key}\b", TEXT)] == []
    assert [permission for permission in kind.permissions if permission not in TEXT] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_table_says_what_a_kind_takes_and_whether_it_knows_a_repetition(kind):
    name = kind.model_fields["kind"].annotation.__args__[0]
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]

    assert int(cells[4]) == kind.rate.per_minute
    assert cells[3].startswith("is shown twice") is kind.takes_duplicates
    assert (cells[5] == "digest") is kind.folds


def test_every_setting_of_delivery_is_told_with_its_default():
    for name, field in DeliverySettings.model_fields.items():
        assert f"| `alerts.delivery.{name}` | {field.default} |" in TEXT


def test_every_key_of_a_route_is_told():
    keys = [field.alias or key for model in (Route, Hours) for key, field in model.model_fields.items()]

    assert [key for key in keys if not re.search(rf"\b{key}\b", TEXT)] == []


# --- what the tables say of each kind -----------------------------------------------------------------------

THREAD = {
    "slack-bot": lambda sent: sent["thread_ts"],
    "google-chat": lambda sent: sent["thread"]["threadKey"],
    "pagerduty": lambda sent: sent["dedup_key"],
    "opsgenie": lambda sent: sent["alias"],
    "webhook": lambda sent: sent["data"]["incident"],
    "alertmanager": lambda sent: sent[0]["labels"]["incident"],
    "email": lambda sent: sent["References"],
}
"""What keeps the messages of an incident together, in a message that repeats it."""

REFS = {"slack-bot": {"channel": "C0123ABC", "ts": "1.2"}, "discord": {"id": "112233"}}
LIMITS = json.loads((Path(__file__).parent / "data" / "webhook_limits.json").read_text())["targets"]


def cells(kind, table):
    """The cells of the row of `kind` in the table whose head begins so."""
    lines = TEXT[TEXT.index(table) :].splitlines()
    row = next(line for line in lines if re.match(rf"\| .*`{kind}`", line))
    return [cell.strip() for cell in row.strip("|").split("|")]


def sent_of(kind, notice):
    """The last message that a channel sends of `notice`, on an incident that it told before."""
    if kind == "email":
        return channel_of(kind).message(notice, answering(200))
    if kind == "sns":
        return channel_of(kind).payload(notice)
    return body_of(posted(kind, notice, REFS.get(kind))[-1])


@pytest.mark.parametrize("kind", EVERY)
def test_the_table_says_what_keeps_the_messages_of_an_incident_together(kind, message):
    thread = THREAD.get(kind)
    assert (cells(kind, "| kind | thread")[1] == "no") is (thread is None)
    if thread is not None:
        repeats = [message(reason="repeat", id=f"n{n}") for n in (1, 2)]
        assert thread(sent_of(kind, repeats[0])) == thread(sent_of(kind, repeats[1]))


def edits(kind, message):
    """Whether a resolution changes what stands there, beside or instead of a new message."""
    over = message(reason="resolved", resolved_at=message().opened_at)
    if kind in ("email", "sns"):
        return False
    requests = posted(kind, over, REFS.get(kind))
    if kind == "alertmanager":
        return body_of(requests[0])[0]["endsAt"] == body_of(requests[0])[0]["startsAt"]
    return any(
        request.method == "PATCH"
        or request.url.path.endswith(("chat.update", "/close"))
        or body_of(request).get("event_action") == "resolve"
        or body_of(request).get("type") == "incident.resolved"
        for request in requests
    )


@pytest.mark.parametrize("kind", EVERY)
def test_the_table_says_whether_what_was_told_is_edited(kind, message):
    assert (cells(kind, "| kind | thread")[2] != "no") is edits(kind, message)


@pytest.mark.parametrize("kind", EVERY)
def test_what_waits_for_a_person_comes_with_its_link_and_the_table_says_how(kind, message):
    sent = sent_of(kind, message(reason="approval"))
    text = sent.get_content() if kind == "email" else json.dumps(sent)

    assert "http://127.0.0.1:8501/alerts?alert=i1" in text
    assert cells(kind, "| kind | `escalated`")[2]


SAID = {
    "slack": ("slack_incoming_webhook", "{blocks} blocks, header {header_text}, text {section_text:,}, "
              "{section_fields} fields of {field_text:,} characters"),
    "teams": ("teams_workflow", "{message_kb} KB"),
    "discord": ("discord_webhook", "embed {embed_total:,} characters, {embed_fields} fields"),
    "google-chat": ("google_chat_webhook", "{message_bytes:,} bytes"),
    "mattermost": ("mattermost", "{old_servers_text:,} characters"),
    "pagerduty": ("pagerduty_events_v2", "{payload_kb} KB"),
    "sns": ("sns", "256 KiB, subject {subject} ASCII characters"),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_the_limits_that_are_told_are_those_of_the_target(kind):
    target, said = SAID[kind]

    assert said.format(**LIMITS[target]["limits"]) in TEXT


RATED = {"slack", "slack-bot", "teams", "discord", "google-chat", "pagerduty"}
"""Kinds whose target documents a rate."""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_kind_is_sent_more_than_its_target_documents(kind):
    name = kind.model_fields["kind"].annotation.__args__[0]
    target = SAID.get("slack" if name == "slack-bot" else name, ("", ""))[0]
    limits = LIMITS.get(target, {}).get("limits", {})
    documented = [
        int(count) * (60 if unit == "second" else 1)
        for count, unit in re.findall(
            r"(\d+)(?: message| request)? per (second|minute)", limits.get("rate", "")
        )
    ][:1] or [60 * limits[key] for key in ("rate_per_second",) if key in limits]

    assert all(kind.rate.per_minute <= most for most in documented)
    assert bool(documented) is (name in RATED)
