"""Who watches what, as people are told."""

from dataclasses import replace
from datetime import timedelta

from core.facts import Target
from store import journal, leases
from store.journal import Entry
from store.leases import DUTY, Member, Pulse
from store.readers.services import happenings, services, watches

HERE, THERE = Target("111111111111", "eu-west-1"), Target("222222222222", "eu-west-1")
MINUTE = timedelta(minutes=1)


def beat(store, holder, now, *targets):
    with store.transaction() as connection:
        leases.beat(
            connection, Member(holder, f"host-{holder}", frozenset(targets)), Pulse(), now=now, at_s=0.0
        )


def test_each_target_names_its_service_and_since_when(store, noon):
    beat(store, "a", noon, HERE, THERE)

    frame = watches(store, now=noon)

    assert list(frame["account"]) == [HERE.account, THERE.account]
    assert set(frame["host"]) == {"host-a"}
    assert set(frame["since"]) == {noon}
    assert frame["is_alive"].all()
    [one] = services(store, now=noon)
    assert (one.targets, one.is_on_duty, one.is_alive, one.last_beat) == (2, True, True, noon)


def test_a_service_that_told_nothing_for_minutes_watches_nothing(store, noon):
    beat(store, "a", noon, HERE)

    later = noon + 3 * MINUTE
    assert not watches(store, now=later)["is_alive"].any()
    assert not services(store, now=later)[0].is_alive


def test_a_target_without_a_holder_is_there_with_nobody(store, noon):
    beat(store, "a", noon, HERE)
    with store.transaction() as connection:
        leases._free(connection, [HERE], "a")

    [row] = watches(store, now=noon).to_dict("records")

    assert (row["host"], row["is_alive"]) == (None, False)


def test_after_a_clean_end_there_is_nobody_to_name(store, noon):
    beat(store, "a", noon, HERE)
    with store.transaction() as connection:
        leases.leave(connection, "a")

    assert services(store, now=noon) == []
    assert watches(store, now=noon).empty


def entry(noon, holder="a", **given):
    return Entry(**({"holder": holder, "host": "h", "what": "deliver", "text": "t", "since": noon} | given))


def test_a_trouble_goes_on_until_it_is_over_or_its_service_is_gone(store, noon):
    beat(store, "a", noon, HERE)
    first, other = entry(noon), entry(noon, "gone")
    with store.transaction() as connection:
        journal.write(connection, [first, other])
    assert happenings(store, since=noon) == [first]

    over = replace(first, until=noon + MINUTE)
    with store.transaction() as connection:
        journal.write(connection, [over])
        journal.close(connection, "gone", now=noon + 2 * MINUTE)

    assert [each.until for each in happenings(store, since=noon)] == [noon + MINUTE, noon + 2 * MINUTE]
    assert happenings(store, since=noon + timedelta(hours=1)) == []


def test_the_journal_forgets_the_oldest(store, noon):
    with store.transaction() as connection:
        journal.write(connection, [entry(noon + n * MINUTE) for n in range(journal.LONGEST + 5)])

    kept = journal.entries(store)
    assert len(kept) == journal.LONGEST
    assert kept[0].since == noon + 5 * MINUTE


def test_duty_is_no_target(store, noon):
    beat(store, "a", noon, HERE)

    assert DUTY.account not in set(watches(store, now=noon)["account"])
