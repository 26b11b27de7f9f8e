"""What Collection health says of services."""

from datetime import UTC, datetime, timedelta

from core.facts import Target
from dashboard.figures_services import over_lines, trouble_lines
from store import journal, leases
from store.journal import Entry
from store.leases import Member, Pulse

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PROD = Target("111111111111", "eu-west-1")


def entry(**given):
    usual = {"holder": "a", "host": "host-a", "what": "deliver", "text": "no disk", "since": NOON}
    return Entry(**(usual | given))


def test_what_fails_now_is_said_apart_from_what_is_over():
    happened = [entry(), entry(what="act", until=NOON + timedelta(minutes=3))]

    [now] = trouble_lines(happened, zone=UTC, now=NOON)
    [over] = over_lines(happened, zone=UTC, now=NOON)

    assert now.startswith("**deliver** on host\\-a fails since 12:00: no disk.")
    assert over == "12:00 to 12:03: act on host\\-a: no disk."


def beat(store, now):
    with store.transaction() as connection:
        member = Member("service-1", "host-a", frozenset([PROD]))
        leases.beat(connection, member, Pulse(), now=now, at_s=0.0)


def test_the_page_names_the_services(open_page, filled):
    beat(filled, NOON)

    page = open_page("views/collection.py")

    assert not page.exception
    assert not page.error
    [table] = [each.value for each in page.dataframe if "last_beat" in each.value]
    assert table.to_dict("records")[0]["host"] == "host-a"


def test_a_target_that_nobody_watches_is_shouted(open_page, filled):
    beat(filled, NOON - timedelta(minutes=10))

    page = open_page("views/collection.py")

    assert "is watched by no service" in page.error[0].value


def test_what_happened_is_told(open_page, filled):
    beat(filled, NOON)
    with filled.transaction() as connection:
        journal.write(connection, [entry(holder="service-1")])

    page = open_page("views/collection.py")

    assert any("**deliver** on host" in each.value for each in page.warning)
