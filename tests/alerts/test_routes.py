"""Who is told: the rule's channels, else the first route that matches, else everybody."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from alerts.incident import Incident
from alerts.routes import Hours, channels_for

WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)
HOOKS = {name: {"kind": "slack", "url": "https://hooks.example.com/x"} for name in ("chat", "pager", "mail")}


@pytest.fixture
def told(settings, rule):
    """`told(routes, ...)`: who hears of an incident of the payments team in prod, on a Wednesday at noon."""

    def names(routes, *, now=WEDNESDAY, notify=(), tags=None, **about):
        usual = {
            "id": "i1", "rule": "error-rate", "account": "111122223333", "region": "eu-west-1",
            "subject_kind": "function", "subject": "checkout", "severity": "critical", "title": "t",
            "text": "x", "opened_at": now,
        }  # fmt: skip
        chosen = settings(channels=HOOKS, routes=routes)
        tags = {"team": "payments"} if tags is None else tags
        incident = Incident(**usual | about)
        return channels_for(incident, rule(notify=list(notify)), tags, chosen, now, alias="prod")

    return names


def test_without_routes_everybody_is_told(told):
    assert told([]) == ["chat", "pager", "mail"]


def test_what_no_route_matches_goes_to_everybody(told):
    assert told([{"severity": "info", "channels": ["chat"]}]) == ["chat", "pager", "mail"]


def test_the_first_route_that_matches_wins(told):
    assert told([{"severity": "critical", "channels": ["pager"]}, {"channels": ["chat"]}]) == ["pager"]


def test_a_route_may_let_later_ones_be_asked(told):
    routes = [{"severity": "critical", "channels": ["pager"], "continue": True}, {"channels": ["chat"]}]

    assert told(routes) == ["chat", "pager"]


def test_what_the_rule_says_wins_over_routes(told):
    assert told([{"channels": ["pager"]}], notify=["mail"]) == ["mail"]


def test_a_route_may_lead_nowhere(told):
    assert told([{"severity": "critical", "channels": []}]) == []


@pytest.mark.parametrize(
    ("given", "matches"),
    [
        ({"tag": {"team": "pay*"}}, True),
        ({"tag": {"team": "search"}}, False),
        ({"tag": {"owner": "*"}}, False),
        ({"account": "prod"}, True),
        ({"account": "111122223333"}, True),
        ({"account": ["stage", "dev"]}, False),
        ({"region": "eu-*"}, True),
        ({"function": "check*"}, True),
        ({"function": "search"}, False),
        ({"rule": "error-*"}, True),
        ({"severity": ["warning", "critical"]}, True),
        ({"severity": "warning"}, False),
        ({"account": "prod", "function": "search"}, False),
    ],
)
def test_all_that_a_route_gives_must_match(told, given, matches):
    assert (told([given | {"channels": ["pager"]}]) == ["pager"]) is matches


def test_a_queue_is_known_by_its_name(told):
    routes = [{"function": "orders-dlq", "channels": ["pager"]}]

    assert told(routes, subject="arn:aws:sqs:eu-west-1:111122223333:orders-dlq", subject_kind="queue") == [
        "pager"
    ]


def test_a_label_of_the_rule_counts_as_a_tag(settings, rule, told):
    incident = Incident(
        id="i1", rule="r", account="1", region="r", subject_kind="account", subject="1", severity="info",
        title="t", text="x", opened_at=WEDNESDAY,
    )  # fmt: skip
    chosen = settings(channels=HOOKS, routes=[{"tag": {"team": "infra"}, "channels": ["mail"]}])

    assert channels_for(incident, rule(labels={"team": "infra"}), None, chosen, WEDNESDAY) == ["mail"]


@pytest.mark.parametrize(
    ("hours", "at", "covered"),
    [
        ({"from": "09:00", "to": "18:00"}, "2026-11-18T09:00Z", True),
        ({"from": "09:00", "to": "18:00"}, "2026-11-18T18:00Z", False),
        ({"from": "09:00", "to": "18:00", "timezone": "Europe/Berlin"}, "2026-11-18T08:00Z", True),
        ({"from": "09:00", "to": "18:00", "timezone": "Europe/Berlin"}, "2026-07-15T07:00Z", True),
        ({"from": "09:00", "to": "18:00", "days": ["mon", "tue"]}, "2026-11-18T10:00Z", False),
        ({"from": "22:00", "to": "06:00"}, "2026-11-18T23:00Z", True),
        ({"from": "22:00", "to": "06:00"}, "2026-11-18T05:59Z", True),
        ({"from": "22:00", "to": "06:00"}, "2026-11-18T12:00Z", False),
        ({"from": "22:00", "to": "06:00", "days": "fri"}, "2026-11-21T05:00Z", True),
        ({"from": "22:00", "to": "06:00", "days": "fri"}, "2026-11-20T05:00Z", False),
        ({"days": ["sat", "sun"]}, "2026-11-21T00:00Z", True),
        ({"days": ["sat", "sun"]}, "2026-11-20T23:59Z", False),
        ({"from": "17:00"}, "2026-11-18T23:59Z", True),
        ({"from": 570, "to": 1080}, "2026-11-18T09:30Z", True),
    ],
)
def test_hours_are_of_the_clock_on_the_wall(hours, at, covered):
    assert Hours.model_validate(hours).covers(datetime.fromisoformat(at)) is covered


def test_at_night_the_pager_by_day_the_chat(told):
    day = {"from": "08:00", "to": "20:00", "timezone": "Europe/Berlin"}
    routes = [{"hours": day, "channels": ["chat"]}, {"channels": ["pager"]}]

    assert told(routes) == ["chat"]
    assert told(routes, now=WEDNESDAY.replace(hour=2)) == ["pager"]


def test_a_route_to_a_channel_that_does_not_exist_is_a_mistake(settings):
    with pytest.raises(ValidationError, match=r"routes\.1 names 'pagre', which is not among the channels"):
        settings(routes=[{"channels": ["chat"]}, {"channels": ["pagre"]}])


def test_a_time_zone_that_does_not_exist_is_a_mistake():
    with pytest.raises(ValidationError, match="there is no time zone 'Mars/Olympus'"):
        Hours.model_validate({"timezone": "Mars/Olympus"})
