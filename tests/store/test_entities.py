"""Inventory, its history, and what is gone."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.entities import (
    AccountLimits,
    Alias,
    EventSourceMapping,
    Function,
    InvokeConfig,
    Provisioned,
    Queue,
    Reserved,
    Trigger,
    Version,
)
from core.facts import Listed, Target
from store import schema
from store.store import Store

HOUR = timedelta(hours=1)


@pytest.fixture
def see(store, a_run, noon):
    """Commit facts of a listing `hours` after noon."""

    def commit(*facts, hours=0):
        store.commit(a_run(collector="inventory"), facts, now=noon + hours * HOUR)

    return commit


@pytest.fixture
def changes(store):
    def rows():
        with store.engine.connect() as connection:
            found = connection.execute(sa.select(schema.change).order_by(schema.change.c.id)).all()
        return [(row.kind, row.name, row.field, row.old, row.new) for row in found]

    return rows


@pytest.fixture
def change_times(store):
    def rows():
        with store.engine.connect() as connection:
            return [
                tuple(row)
                for row in connection.execute(sa.select(schema.change.c.ts, schema.change.c.seen_at))
            ]

    return rows


def a_function(name="checkout", **values):
    return Function(**({"name": name, "arn": f"arn:{name}", "memory_mb": 128} | values))


def everything(noon):
    return {
        "functions": a_function(
            layers=("arn:l1", "arn:l2"), tags={"team": "pay"}, last_modified=noon, vpc_id=None, timeout_s=15
        ),
        "versions": Version(name="checkout:7", function="checkout", version="7", published=noon),
        "aliases": Alias(
            name="checkout:prod", function="checkout", alias="prod", version="7", weights={"8": 0.1}
        ),
        "mappings": EventSourceMapping(name="uuid", function="checkout", source_arn="arn:q", state="Enabled"),
        "reserved": Reserved(name="checkout", reserved=None),
        "provisioned": Provisioned(name="checkout:prod", function="checkout", qualifier="prod", requested=5),
        "invoke_configs": InvokeConfig(name="checkout:$LATEST", function="checkout", qualifier="$LATEST"),
        "queues": Queue(name="arn:q", visible=4),
    }


def test_the_inventory_gives_back_what_was_seen(store, see, prod, noon):
    limits = AccountLimits(concurrent_limit=1000, unreserved_limit=900)
    seen = everything(noon)
    see(*seen.values(), limits)

    known = store.inventory(prod)

    assert {name: getattr(known, name) for name in seen} == {name: (fact,) for name, fact in seen.items()}
    assert known.limits == limits


def test_the_inventory_of_another_target_is_empty(store, see):
    see(a_function())

    assert store.inventory(Target("222222222222", "eu-west-1")).functions == ()


def test_the_first_listing_is_no_change(see, changes):
    see(a_function(), a_function("pay"), Listed("function"))

    assert changes() == []


def test_what_a_later_listing_has_more_has_appeared(see, changes):
    see(a_function(), Listed("function"))
    see(a_function(), a_function("pay"), Listed("function"), hours=1)

    assert changes() == [("function", "pay", "", None, "appeared")]


def test_the_first_thing_after_an_empty_listing_has_appeared(see, changes):
    see(Listed("function"))
    see(a_function(), Listed("function"), hours=1)

    assert changes() == [("function", "checkout", "", None, "appeared")]


def test_what_is_never_listed_never_appears(see, changes):
    see(AccountLimits(concurrent_limit=1000, unreserved_limit=900))

    assert changes() == []


def test_the_first_versions_of_a_function_are_no_change_and_later_ones_are(see, changes):
    first, second = (Version(name=f"checkout:{n}", function="checkout", version=str(n)) for n in (1, 2))
    see(first, Listed("version", "checkout"))
    see(Version(name="pay:1", function="pay", version="1"), Listed("version", "pay"), hours=1)
    see(first, second, Listed("version", "checkout"), hours=2)

    assert changes() == [("version", "checkout:2", "", None, "appeared")]


def a_grant(qualifier):
    name = f"checkout:{qualifier or ''}:sid"
    return Trigger(name=name, function="checkout", qualifier=qualifier, kind="s3")


def test_what_a_part_of_a_listing_tells_first_is_no_change_and_what_it_tells_later_is(see, changes):
    see(a_grant(None), Listed("trigger", "checkout", ""))
    see(a_grant(None), a_grant("prod"), Listed("trigger", "checkout", "prod"), hours=1)
    assert changes() == []

    see(Listed("trigger", "checkout", "dev"), hours=2)
    see(a_grant("dev"), Listed("trigger", "checkout", "dev"), hours=3)

    assert changes() == [("trigger", "checkout:dev:sid", "", None, "appeared")]


def test_a_part_of_a_listing_says_what_is_gone_of_it_alone(store, see, prod):
    see(a_grant(None), a_grant("prod"), Listed("trigger", "checkout", ""))
    see(Listed("trigger", "checkout", "prod"), hours=1)

    assert store.inventory(prod).triggers == (a_grant(None),)


def test_parts_are_forgotten_with_their_function(see, changes):
    see(a_function(), Listed("function"), a_grant("prod"), Listed("trigger", "checkout", "prod"))
    see(Listed("function"), hours=1)
    see(a_function(), Listed("function"), hours=2)
    see(a_grant("prod"), Listed("trigger", "checkout", "prod"), hours=3)

    assert [(kind, new) for kind, _, _, _, new in changes() if kind == "trigger"] == []


def test_a_version_appeared_when_it_was_published(see, change_times, noon):
    published = noon + HOUR / 2
    see(Listed("version", "checkout"))
    version = Version(name="checkout:2", function="checkout", version="2", published=published)
    see(version, Listed("version", "checkout"), hours=1)

    assert change_times() == [(published, noon + HOUR)]


def test_an_old_version_that_was_not_visible_before_appeared_now(see, change_times, noon):
    see(Listed("version", "checkout"))
    old = Version(name="checkout:2", function="checkout", version="2", published=noon - 1000 * HOUR)
    see(old, Listed("version", "checkout"), hours=1)

    assert change_times() == [(noon + HOUR, noon + HOUR)]


def test_each_changed_field_is_a_change(see, changes):
    see(a_function(memory_mb=128, timeout_s=3, tags={"team": "pay"}, layers=("a",)))
    see(a_function(memory_mb=256, timeout_s=3, tags={"team": "shop"}, layers=("a", "b")), hours=1)

    assert changes() == [
        ("function", "checkout", "memory_mb", 128, 256),
        ("function", "checkout", "layers", ["a"], ["a", "b"]),
        ("function", "checkout", "tags", {"team": "pay"}, {"team": "shop"}),
    ]


def test_a_change_is_dated_by_aws_when_that_date_moved(see, change_times, noon):
    modified = noon + HOUR / 3
    see(a_function(last_modified=noon - HOUR))
    see(a_function(last_modified=modified, memory_mb=256), hours=1)

    assert change_times() == [(modified, noon + HOUR)]


def test_a_change_that_aws_does_not_date_is_dated_when_it_was_seen(see, change_times, noon):
    see(a_function(last_modified=noon - HOUR))
    see(a_function(last_modified=noon - HOUR, tags={"team": "pay"}), hours=1)

    assert change_times() == [(noon + HOUR, noon + HOUR)]


def test_a_date_or_a_size_alone_is_no_change(see, changes, noon):
    see(a_function(last_modified=noon, code_size_bytes=10))
    see(a_function(last_modified=noon + HOUR, code_size_bytes=11), hours=1)

    assert changes() == []


def test_numbers_that_move_by_themselves_are_kept_and_are_no_change(store, see, changes, prod):
    see(Queue(name="arn:q", visible=1, retention_s=60))
    see(Queue(name="arn:q", visible=9, retention_s=90), hours=1)

    assert changes() == [("queue", "arn:q", "retention_s", 60, 90)]
    assert store.inventory(prod).queues[0].visible == 9


def test_the_last_result_of_a_mapping_is_no_change(see, changes):
    for hour, result in enumerate(("OK", "No records processed", "OK")):
        see(EventSourceMapping(name="uuid", function="checkout", last_result=result), hours=hour)

    assert changes() == []


def test_a_field_that_an_older_release_did_not_keep_is_no_change(store, see, changes):
    see(a_function())
    with store.transaction() as connection:
        body = {"arn": "arn:checkout", "memory_mb": 128, "of_another_time": 1}
        connection.execute(sa.update(schema.entity).values(body=body))

    see(a_function(runtime="python3.13"), hours=1)

    assert changes() == []


def test_a_body_of_another_release_can_be_read(store, see, prod):
    see(a_function())
    with store.transaction() as connection:
        connection.execute(
            sa.update(schema.entity).values(body={"arn": "arn:checkout", "of_another_time": 1})
        )

    assert store.inventory(prod).functions == (Function(name="checkout", arn="arn:checkout"),)


def test_what_a_complete_listing_lacks_is_gone(store, see, changes, prod):
    see(a_function(), a_function("pay"), Listed("function"))
    see(a_function(), Listed("function"), hours=1)

    assert [f.name for f in store.inventory(prod).functions] == ["checkout"]
    assert changes() == [("function", "pay", "", None, "gone")]


def test_what_an_incomplete_listing_lacks_is_still_there(store, see, changes, prod):
    see(a_function(), a_function("pay"), Listed("function"))
    see(a_function(), hours=1)

    assert len(store.inventory(prod).functions) == 2
    assert changes() == []


def test_a_listing_below_one_function_says_nothing_of_others(store, see, prod):
    ours, theirs = (
        Alias(name=f"{f}:prod", function=f, alias="prod", version="1") for f in ("checkout", "pay")
    )
    see(ours, theirs, Listed("alias", "checkout"), Listed("alias", "pay"))
    see(Listed("alias", "checkout"), hours=1)

    assert store.inventory(prod).aliases == (theirs,)


def test_a_function_takes_along_what_is_listed_below_it(store, see, changes, prod, noon):
    see(*everything(noon).values(), Listed("function"))
    see(Listed("function"), hours=1)

    known = store.inventory(prod)
    assert (*known.versions, *known.aliases, *known.provisioned, *known.invoke_configs, *known.reserved) == ()
    assert known.mappings
    assert known.queues
    assert changes() == [("function", "checkout", "", None, "gone")]


def test_what_comes_back_has_appeared(store, see, changes, prod):
    see(a_function(), Listed("function"))
    see(Listed("function"), hours=1)
    see(a_function(), Listed("function"), hours=2)

    assert [change[4] for change in changes()] == ["gone", "appeared"]
    assert store.inventory(prod).functions == (a_function(),)


def test_first_and_last_sight_are_kept(store, see, noon):
    see(a_function())
    see(a_function(), hours=5)

    with store.engine.connect() as connection:
        row = connection.execute(sa.select(schema.entity)).one()
    assert (row.first_seen, row.last_seen, row.function) == (noon, noon + 5 * HOUR, "checkout")


def test_it_is_known_of_which_functions_asynchronous_settings_were_read(see, store, prod):
    see(a_function(), a_function("pay"), Listed("function"))
    see(Listed("invoke_config", "checkout"), hours=1)

    assert store.inventory(prod).async_settings_of == {"checkout"}


def test_what_is_known_is_parsed_again_only_where_it_changed(store, settings, see, prod, noon):
    see(a_function(), everything(noon)["queues"])
    other = Store.open(settings)  # as another process
    before = store.inventory(prod)

    see(a_function(), Listed("function"), hours=1)
    assert store.inventory(prod).functions is before.functions

    see(replace(a_function(), memory_mb=2048), hours=2)
    for known in (store.inventory(prod), other.inventory(prod)):
        assert [function.memory_mb for function in known.functions] == [2048]
        assert known.queues is before.queues
    other.close()
