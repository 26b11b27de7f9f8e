"""Queues: mappings that hand nothing over, letters beside their function, when a queue is empty."""

from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from core.entities import EventSourceMapping, Queue
from core.facts import Covered
from core.telemetry import MappingSample, MetricPoint, QueueSample
from core.windows import Window
from dashboard import answers, figures_letters, figures_mappings, figures_queues, numbers
from store import schema
from tests.dashboard.conftest import NOW, PROD, WINDOW, commit
from tests.dashboard.every_page import table, words

HERE = f"arn:aws:sqs:{PROD.region}:{PROD.account}:"
OFF_SINCE = NOW - timedelta(days=2)
INBOX, LETTERS = HERE + "orders-in", HERE + "orders-dlq"


def mapping(**fields):
    values = {"name": "m1", "function": "orders", "source_arn": INBOX, "state": "Enabled", "batch_size": 10}
    return EventSourceMapping(**{**values, **fields})


def sample(queue, minute, **fields):
    values = {"visible_max": 0.0, "not_visible_max": 0.0, "delayed_max": 0.0, "sent": 0.0, "deleted": 0.0}
    ts = NOW - timedelta(minutes=minute + 1)
    return QueueSample(queue=queue, ts=ts, period_s=60, received=0.0, **{**values, **fields})


@pytest.fixture
def piled_up(filled):
    """60 messages wait in the inbox, 1 a minute comes and 3 go; 4 letters of a day ago are in the dead-letter
    queue; of the two mappings one is disabled."""
    inbox = [sample(INBOX, m, visible_max=60.0 + 2 * m, sent=1.0, deleted=3.0) for m in range(180)]
    letters = [sample(LETTERS, m, visible_max=4.0, oldest_age_max_s=86_400.0) for m in range(180)]
    queues = [
        Queue(name=INBOX, visible=60, not_visible=0, delayed=0, redrive_target=LETTERS, max_receive_count=5),
        Queue(name=LETTERS, visible=4, not_visible=0, delayed=0, retention_s=345_600),
    ]
    read = [Covered(INBOX, WINDOW), Covered(LETTERS, WINDOW)]
    commit(filled, "queues", [*queues, *inbox, *letters, *read])
    commit(
        filled,
        "details",
        [mapping(), mapping(name="m2", state="Disabled", source_arn=HERE + "other", last_modified=OFF_SINCE)],
    )
    return filled


def test_a_mapping_that_is_off_is_shouted_before_everything_else(open_page, piled_up):
    app = open_page("views/queues.py")

    assert app.header[0].value == "Event sources that hand nothing over"
    rows = table(app, "standing")
    assert rows[["function", "source", "mapping_state"]].values.tolist() == [["orders", "other", "Disabled"]]
    assert rows["since"].tolist() == [OFF_SINCE]
    assert "1 mapping is off" in "\n".join(markdown.value for markdown in app.markdown)


def test_a_queue_says_when_it_is_empty(open_page, piled_up):
    rows = table(open_page("views/queues.py"), "drains").set_index("queue")

    assert rows["drains"]["orders-in"] == "30 min"  # 60 messages, 2 a minute fewer
    assert rows["drains"]["orders-dlq"] == "held"


def test_letters_stand_beside_their_function_with_age_and_expiry(open_page, piled_up):
    rows = table(open_page("views/queues.py"), "goes_to")

    shown = rows[["function", "goes_to", "depth", "age", "expires"]]
    assert shown.values.tolist() == [["orders", "orders-dlq", 4, "1 d", "3 d"]]


@pytest.mark.parametrize(
    ("state", "result", "standing"),
    [
        ("Enabled", "OK", []),
        ("Enabled", None, []),
        ("Enabled", "PROBLEM: Function call failed", ["failing"]),
        ("Disabled", "OK", ["off"]),
        (None, None, []),
    ],
)
def test_a_mapping_is_troubled_when_its_state_or_its_last_result_says_so(state, result, standing):
    moved = {"off": NOW - timedelta(hours=1), "failing": NOW - timedelta(hours=2)}
    row = {"mapping_state": state, "last_result": result, "arn": INBOX, "iterator_age_s": float("nan")}
    row |= {"state_since": moved["off"], "stuck_since": moved["failing"]}
    queues = pd.DataFrame({"arn": [INBOX], "visible": [7.0], "oldest_age_s": [120.0]})

    found = figures_mappings.troubled(pd.DataFrame([row | {"function": "f", "mapping": "m"}]), queues)

    assert list(found["standing"]) == standing
    assert list(found["since"]) == [moved[each] for each in standing]
    assert list(found["waiting"]) == [7.0] * len(standing)
    assert list(found["age"]) == ["2 min"] * len(standing)


def test_mappings_in_trouble_make_no_queue_look_healthy():
    empty = {
        "role": "dead-letter",
        "depth": 0.0,
        "arrivals": 0.0,
        "oldest_age_s": float("nan"),
        "state": None,
    }
    frame = pd.DataFrame([empty])

    assert answers.queues_answer(frame).state == "healthy"
    told = answers.queues_answer(frame, "1 mapping fails")
    assert (told.state, told.more) == ("warning", "1 mapping fails")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], ""),
        ([(3.0, 0.0, 0.0, ["arn:aws:sqs:r:1:q"]), (float("nan"),) * 3 + ([],)], ""),
        ([(3.0, 0.0, 0.0, []), (5.0, 1.0, 2.0, ["arn:aws:sqs:r:1:q"])], "6 events lost for good"),
        ([(1.0, float("nan"), 0.0, [])], "1 event lost for good"),
    ],
)
def test_events_that_nothing_keeps_are_counted_as_lost(rows, says):
    columns = pd.Index(["dropped", "letters_lost", "destination_failures", "drops_go_to"])

    assert figures_letters.lost(pd.DataFrame(rows, columns=columns)) == says


@pytest.mark.parametrize(
    ("outlook", "left_s", "says"),
    [
        ("draining", 5400.0, "1 h 30 min"),
        ("growing", None, "grows"),
        ("unknown", None, None),
        ("empty", 0, None),
    ],
)
def test_how_a_queue_goes_on_is_a_word_or_a_time(outlook, left_s, says):
    assert figures_queues.drains_in({"outlook": outlook, "drains_in_s": left_s}) == says


def test_what_pollers_gave_up_comes_first_and_counters_that_nobody_told_are_left_out(open_page, piled_up):
    told = [mapping(name=name, metrics=("EventCount",)) for name in ("m1", "m2")]
    ts = NOW - timedelta(minutes=9)
    counts = {"m1": {"polled": 7.0, "deleted": 7.0}, "m2": {"polled": 5.0, "dropped": 4.0}}
    samples = [
        MappingSample(mapping=name, function="orders", ts=ts, period_s=60, **n) for name, n in counts.items()
    ]
    commit(piled_up, "details", told)
    commit(piled_up, "metrics", samples)

    app = open_page("views/queues.py")

    shown = table(app, "polled")
    assert shown["dropped"].tolist()[0] == 4
    assert shown["polled"].tolist() == [5, 7]
    assert "committed" not in shown
    assert "invoke_errors" not in shown


def test_pollers_whose_metrics_are_off_say_so(open_page, piled_up):
    app = open_page("views/queues.py")

    assert any("metrics are switched on, which AWS charges for" in text.value for text in app.caption)


def test_what_loses_repeats_or_blocks_work_is_on_the_page(open_page, piled_up):
    queue = Queue(
        name=INBOX, visible=60, not_visible=0, delayed=0, redrive_target=LETTERS, max_receive_count=1,
        visibility_timeout_s=89,
    )  # fmt: skip
    refused = MetricPoint(
        scope="function", function="orders", ts=NOW - timedelta(days=1), period_s=60, throttles=3.0,
        async_received=9.0, async_dropped=2.0,
    )  # fmt: skip
    commit(piled_up, "queues", [queue])
    commit(piled_up, "metrics", [refused], window=Window(NOW - timedelta(days=2), NOW))

    app = open_page("views/queues.py")
    app.session_state["more-findings"] = True
    said = words(app.run())

    assert "Visibility timeout 89 s is below 6 x the 15 s timeout" in said
    assert "One failing record fails its whole batch of up to 10" in said
    assert "A message goes to the dead-letter queue after 1 receive" in said
    assert "3 were throttled in 7 days" in said
    assert "Asynchronous events dropped in 7 days: 2; nothing keeps them" in said


def test_an_alert_of_a_queue_offers_what_can_be_done_with_its_messages(open_page, piled_up):
    row = {
        "id": "q1", "rule": "dead-letters", "account": PROD.account, "region": PROD.region,
        "subject_kind": "queue", "subject": LETTERS, "severity": "critical", "title": "letters",
        "text": "4 letters", "opened_at": NOW - timedelta(minutes=9), "value": 4.0, "threshold": 0.0,
    }  # fmt: skip
    with piled_up.transaction() as connection:
        connection.execute(sa.insert(schema.incident).values(row))
    page = open_page("views/alerts.py", alert="q1")
    page.selectbox(key="act-do").set_value("Give a function its failed events again").run()
    assert page.text_input(key="act-replay-messages-function-q1").value == "orders"

    page.button(key="act-plan").click().run()

    with piled_up.engine.connect() as connection:
        [asked] = connection.execute(sa.select(schema.action_request)).all()
    assert (asked.subject, asked.incident) == (LETTERS, "q1")
    assert asked.action == {"do": "replay-messages", "function": "orders"}
    assert "replay-messages on" in words(open_page("views/queues.py", queue=LETTERS))


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (
            {"retention_s": 345_600.0, "max_receive_count": 3.0},
            "Messages are kept: 4 d · receives before the ",
        ),
        ({}, "A dead letter keeps the age"),
    ],
)
def test_settings_of_a_queue_are_a_sentence_and_what_is_not_known_is_left_out(known, said):
    unknown = dict.fromkeys(("retention_s", "visibility_timeout_s", "max_receive_count"), float("nan"))

    assert figures_queues.settings(unknown | known).startswith(said)


ABOUT = f"{PROD.account}-{PROD.region}-orders-dlq"


def test_reading_a_dead_letter_queue_is_asked_for_and_decided_beside_it(open_page, piled_up):
    page = open_page("views/queues.py", queue=LETTERS)
    page.number_input(key=f"act-read-messages-most-{ABOUT}").set_value(20)

    page = page.button(key="act-plan").click().run()

    with piled_up.engine.connect() as connection:
        [row] = connection.execute(sa.select(schema.action_request)).all()
    assert (row.subject_kind, row.subject, row.state) == ("queue", "orders-dlq", "asked")
    assert row.action == {"do": "read-messages", "most": 20}
    assert "read-messages on orders-dlq" in words(page)


def test_events_of_one_error_are_given_again_edited_and_so_many_a_second(open_page, piled_up):
    page = open_page("views/queues.py", queue=LETTERS)
    page.selectbox(key="act-do").set_value("Give a function its failed events again").run()
    field = "act-replay-messages-{}-" + ABOUT
    assert page.text_input(key=field.format("function")).value == "orders"
    page.text_input(key=field.format("only")).set_value(" KeyError ")
    page.text_input(key=field.format("edit")).set_value('{"/sku": "a"}')
    page.number_input(key=field.format("per_second")).set_value(2)

    page.button(key="act-plan").click().run()

    with piled_up.engine.connect() as connection:
        [row] = connection.execute(sa.select(schema.action_request)).all()
    assert row.action == {
        "do": "replay-messages", "function": "orders", "only": "KeyError", "edit": {"/sku": "a"},
        "per_second": 2,
    }  # fmt: skip


def test_what_is_left_empty_is_not_asked_for(open_page, piled_up):
    page = open_page("views/queues.py", queue=LETTERS)
    page.selectbox(key="act-do").set_value("Move its messages back").run()

    page.button(key="act-plan").click().run()

    with piled_up.engine.connect() as connection:
        [row] = connection.execute(sa.select(schema.action_request)).all()
    assert row.action == {"do": "redrive-queue"}


def test_an_edit_that_looks_like_a_secret_is_not_kept(open_page, piled_up):
    page = open_page("views/queues.py", queue=LETTERS)
    page.selectbox(key="act-do").set_value("Give a function its failed events again").run()
    page.text_input(key=f"act-replay-messages-edit-{ABOUT}").set_value('{"/password": "hunter2-and-more"}')

    page = page.button(key="act-plan").click().run()

    assert "looks like a secret" in page.toast[0].value
    with piled_up.engine.connect() as connection:
        assert not connection.execute(sa.select(schema.action_request)).all()


def test_nothing_is_done_with_messages_of_a_queue_that_feeds_a_function(open_page, piled_up):
    page = open_page("views/queues.py", queue=INBOX)

    assert not [button for button in page.button if button.key == "act-plan"]


def test_what_was_read_of_a_dead_letter_queue_is_said_and_changes_nothing_else(open_page, piled_up):
    answer = "3 messages read: 2 × <b>KeyError</b> [x](http://x.example); 1 × no sku"
    row = {
        "ts": NOW - timedelta(minutes=5), "who": "ada", "action": "read-messages", "account": PROD.account,
        "region": PROD.region, "subject": "orders-dlq", "mode": "apply", "id": "r1", "plan": {},
        "outcome": "applied", "answer": answer,
    }  # fmt: skip
    with piled_up.transaction() as connection:
        connection.execute(sa.insert(schema.audit).values(row))

    page = open_page("views/queues.py", queue=LETTERS)

    assert numbers.plain(answer) in "\n".join(caption.value for caption in page.caption)
    assert answer not in words(page)
