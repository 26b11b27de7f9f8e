"""What people ask for: planned by the service, decided once by who may, carried out while they still may."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from alerts.actions import requests
from alerts.actions.occasions import by_hand
from alerts.actions.registry import read_action
from alerts.approvals import KEY_FILE, digest, key_of, linker, look, use
from alerts.notice import Notice
from alerts.people import Access
from core.access import AccessSettings, Granted
from core.errors import ActionError, NotAllowedError
from core.people import Person
from store import schema
from store.people import remember
from tests.alerts.remedied import EU, FUNCTION, NOW

ADA, EVE, ROOT = Person("ada", "operator"), Person("eve", "viewer"), Person("root", "admin")
MINUTE = timedelta(minutes=1)
WITHIN = timedelta(minutes=30)
LISTED = Access(AccessSettings.model_validate({"roles": {"operator": ["ada"], "admin": ["root"]}}))
SET = {"do": "set-reserved-concurrency", "limit": 40, "lease": "30m"}
INVOKE = {"do": "invoke-function", "function": "ops-remediator"}


@pytest.fixture
def asked(room, store):
    """A request of ada's, planned by the service."""

    def go(action=SET, by=ADA):
        room.access = LISTED
        made = read_action(action)
        id = requests.ask(store, made, EU, FUNCTION, by=by, now=room.now, within=WITHIN)
        room.acts()
        return id

    return go


def request(table):
    return table("action_request")[0]


def test_a_request_is_planned_waits_and_changes_nothing(asked, room, table):
    asked()

    assert request(table)["state"] == "planned"
    assert request(table)["plan"]["after"] == 40
    assert room.aws.writes() == []


def test_an_approved_request_is_carried_out_under_the_name_of_who_asked(asked, room, store, table):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    room.acts()

    assert room.reserved() == 40
    assert request(table)["state"] == "applied"
    assert [row["who"] for row in table("audit")] == ["ada"]
    assert room.change().expires_at == room.now + timedelta(minutes=30)


def test_a_declined_request_is_over(asked, room, store, table):
    requests.decide(store, asked(), approve=False, by=ADA, now=room.now)
    room.acts()

    assert (room.reserved(), request(table)["state"], table("audit")[0]["outcome"]) == (
        8,
        "declined",
        "declined",
    )


def test_a_viewer_neither_asks_nor_approves(asked, store, room):
    with pytest.raises(NotAllowedError):
        requests.ask(store, read_action(SET), EU, FUNCTION, by=EVE, now=NOW, within=WITHIN)
    with pytest.raises(NotAllowedError):
        requests.decide(store, asked(), approve=True, by=EVE, now=room.now)


def test_what_cannot_be_undone_takes_an_admin(asked, room, store):
    id = asked(INVOKE)
    with pytest.raises(NotAllowedError, match="takes an admin"):
        requests.decide(store, id, approve=True, by=ADA, now=room.now)
    requests.decide(store, id, approve=True, by=ROOT, now=room.now)
    room.acts()

    assert room.aws.writes() == ["Invoke"]


def test_it_is_decided_once(asked, room, store):
    id = asked()
    requests.decide(store, id, approve=False, by=ADA, now=room.now)
    with pytest.raises(ActionError, match="declined by ada already"):
        requests.decide(store, id, approve=True, by=ROOT, now=room.now)


def test_it_is_void_when_nobody_decided_in_time(asked, room, store, table):
    id = asked()
    room.acts(31 * MINUTE)
    with pytest.raises(ActionError, match="is expired"):
        requests.decide(store, id, approve=True, by=ADA, now=room.now)

    assert request(table)["state"] == "expired"


def test_an_approver_who_lost_the_role_meanwhile_changes_nothing(asked, room, store, table):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    room.access = Access(AccessSettings.model_validate({"roles": {"viewer": ["ada"]}}))
    room.acts()

    assert room.reserved() == 8
    assert request(table)["state"] == "failed"
    assert "ada is a viewer" in request(table)["said"]


def test_nothing_is_carried_out_while_actions_are_off(asked, room, store, table, settings):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    room.chosen = settings()
    room.acts()

    assert room.reserved() == 8
    assert "alerts.actions.enabled is off" in request(table)["said"]


@pytest.mark.parametrize("when", ["dies_before", "dies_after"])
def test_an_approved_setting_that_was_interrupted_is_set_once(asked, room, store, table, when):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    setattr(room.aws, when, "PutFunctionConcurrency")
    with pytest.raises(KeyboardInterrupt):
        room.acts()
    setattr(room.aws, when, None)
    for _ in range(3):
        room.acts(MINUTE)

    assert room.reserved() == 40
    assert request(table)["state"] == "applied"
    assert room.aws.writes() == ["PutFunctionConcurrency"]


@pytest.mark.parametrize(("when", "sent"), [("dies_before", 0), ("dies_after", 1)])
def test_an_approved_deed_that_was_interrupted_is_not_done_twice(asked, room, store, table, when, sent):
    requests.decide(store, asked(INVOKE), approve=True, by=ROOT, now=room.now)
    setattr(room.aws, when, "Invoke")
    with pytest.raises(KeyboardInterrupt):
        room.acts()
    setattr(room.aws, when, None)
    for _ in range(3):
        room.acts(MINUTE)

    assert room.aws.writes() == ["Invoke"] * sent
    assert "not done twice" in request(table)["said"]


def test_a_person_restores_a_held_change_by_a_request(asked, room, store, table):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    room.acts()
    requests.ask_undo(store, room.change().id, by=ADA, now=room.now)
    room.acts(MINUTE)

    assert room.reserved() == 8
    assert room.change().state == "restored"
    assert ("undo set-reserved-concurrency", "applied") in room.audited()


# --- rules that ask ---------------------------------------------------------------------------------------


@pytest.fixture
def waiting(room, table):
    """The request of a rule that asks, about an open incident."""
    room.access = LISTED
    room.says(mode="ask")
    room.opens()
    room.acts()
    return request(table)


def test_a_rule_that_asks_waits_for_a_person_and_says_so(waiting, room, table):
    room.acts(MINUTE)

    assert (waiting["state"], waiting["incident"], room.reserved()) == ("planned", "i1", 8)
    [told] = table("outbox")
    assert told["notice"]["title"].startswith("Approve? set-reserved-concurrency")
    assert told["notice"]["links"][0]["url"].endswith(f"/actions?request={waiting['id']}")


def test_what_was_approved_for_an_incident_is_done_once(waiting, room, store):
    requests.decide(store, waiting["id"], approve=True, by=ADA, now=room.now)
    for _ in range(3):
        room.acts(MINUTE)

    assert room.reserved() == 40
    assert room.aws.writes() == ["PutFunctionConcurrency"]


# --- links from chat --------------------------------------------------------------------------------------


@pytest.fixture
def token(waiting, room, store, table):
    """As it leaves for the channel `chat`."""
    make = linker(room.chosen, store.path, clock=lambda: room.now)
    notice = Notice.model_validate(table("outbox")[0]["notice"])
    with store.transaction() as connection:
        [link] = make(connection, notice, "chat")
        assert make(connection, notice, "chat") == (link,)
    return link.url.partition("approve=")[2]


@pytest.fixture
def key(room, store):
    return key_of(room.chosen, store.path)


def test_the_store_keeps_no_token(token, store, table):
    kept = b"".join(file.read_bytes() for file in store.path.rglob("*") if file.is_file())

    assert token.rpartition(".")[2].encode() not in kept
    assert table("approval_link")[0]["hash"] == digest(token)
    assert (store.path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_looking_at_a_link_decides_nothing(token, key, store, room, table, waiting):
    for _ in range(3):
        assert look(store, token, key, now=room.now).request == waiting["id"]

    assert request(table)["state"] == "planned"


def test_a_link_approves_once_for_whom_it_was_sent_to(token, key, store, room, table):
    use(store, token, key, approve=True, by=EVE, now=room.now)
    with pytest.raises(ActionError, match="used already"):
        use(store, token, key, approve=True, by=EVE, now=room.now)
    room.acts()

    assert request(table)["decided_by"] == "link sent to chat"
    assert room.reserved() == 40


def test_whoever_signed_in_approves_under_their_own_name(token, key, store, room, table):
    use(store, token, key, approve=True, by=ADA, now=room.now)

    assert request(table)["decided_by"] == "ada"


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "", lambda t: "a.b.c",
                                   lambda t: t.replace(t.split(".")[1], "9999999999")])  # fmt: skip
def test_a_link_that_is_not_ours_decides_nothing(token, key, store, room, table, spoil):
    with pytest.raises(ActionError, match="not one of ours"):
        use(store, spoil(token), key, approve=True, by=ROOT, now=room.now)

    assert request(table)["state"] == "planned"


def test_a_link_signed_with_another_key_decides_nothing(token, store, room):
    with pytest.raises(ActionError, match="not one of ours"):
        look(store, token, b"x" * 32, now=room.now)


def test_a_link_expires(token, key, store, room):
    with pytest.raises(ActionError, match="was good until"):
        use(store, token, key, approve=True, by=ADA, now=room.now + 31 * MINUTE)


def test_a_link_for_what_cannot_be_undone_leaves_it_to_an_admin_and_is_not_used_up(room, store, table):
    room.access = LISTED
    room.says(do="invoke-function", function="ops-remediator")
    room.rules[0] = room.rules[0].model_copy(update={"act": (read_action(INVOKE | {"mode": "ask"}),)})
    room.opens()
    room.acts()
    make = linker(room.chosen, store.path, clock=lambda: room.now)
    with store.transaction() as connection:
        [link] = make(connection, Notice.model_validate(table("outbox")[0]["notice"]), "chat")
    found, key = link.url.partition("approve=")[2], key_of(room.chosen, store.path)
    with pytest.raises(NotAllowedError):
        use(store, found, key, approve=True, by=EVE, now=room.now)
    use(store, found, key, approve=True, by=ROOT, now=room.now)
    room.acts()

    assert room.aws.writes() == ["Invoke"]


# --- rows that nobody who may has written -------------------------------------------------------------------


@pytest.fixture
def forged(room, store):
    """A row of eve's, who came through the dashboard as a viewer, put into the store past every page."""
    remember(store, EVE.name, Granted("viewer", "list", "access.roles.viewer"), at=NOW)

    def put(**given):
        occasion = by_hand(read_action(SET), EU, FUNCTION, by=EVE, now=NOW)
        usual = {
            "id": occasion.id, "asked_at": NOW, "who": EVE.name, "action": SET, "account": EU.account,
            "region": EU.region, "subject_kind": "function", "subject": FUNCTION, "said": "",
            "expires_at": NOW + WITHIN,
        }  # fmt: skip
        with store.transaction() as connection:
            connection.execute(sa.insert(schema.action_request).values(usual | given))
        room.acts()

    return put


def test_a_forged_approval_of_a_viewer_is_refused_by_the_service(forged, room, store, table):
    plan = {
        "action": "set-reserved-concurrency", "sentence": "x", "request": {}, "what": "reserved concurrency",
        "target": {"account": EU.account, "region": EU.region}, "thing": FUNCTION, "before": 8, "after": 40,
    }  # fmt: skip
    forged(state="approved", plan=plan, decided_by=EVE.name, decided_at=NOW)

    assert (room.reserved(), room.aws.writes()) == (8, [])
    assert (request(table)["state"], table("audit")[0]["outcome"]) == ("failed", "failed")
    assert "eve is a viewer" in table("audit")[0]["answer"]


def test_a_forged_request_of_a_viewer_is_not_even_planned(forged, room, table):
    forged(state="asked")

    assert request(table)["state"] == "failed"
    assert "eve is a viewer: to ask for set-reserved-concurrency takes an operator" in request(table)["said"]
    assert list(room.aws.server.demo.calls) == []


def test_a_forged_restoration_of_a_viewer_leaves_what_is_held(forged, asked, room, store, table):
    requests.decide(store, asked(), approve=True, by=ADA, now=room.now)
    room.acts()
    forged(id="undo", state="approved", plan={}, undo_of=room.change().id, decided_by=EVE.name)

    assert (room.reserved(), room.change().state) == (40, "held")


def test_a_forged_link_speaks_for_nobody(forged, room):
    forged(state="approved", plan={}, decided_by="link sent to chat", decided_at=NOW)

    assert room.aws.writes() == []
