"""The service answers what people ask the logs in AWS, tells what went wrong, and bills what it took."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import boto3
import pytest
import sqlalchemy as sa

from collectors.aws import Aws
from core.entities import Function
from core.errors import AwsError
from core.facts import Run, Target
from core.live import EVENTS, QUERY, Question
from core.settings import AwsSettings, StoreSettings
from core.windows import Window
from quarterdeck import live as answering
from quarterdeck.demo.server import DemoServer, FrozenClock
from store import live
from store.schema import usage
from store.store import Store

NOW = datetime(2026, 11, 18, 10, 0, 30, tzinfo=UTC)
TARGET = Target("111122223333", "eu-west-1")
WINDOW = Window(NOW - timedelta(minutes=10), NOW)


@pytest.fixture(scope="module")
def endpoint():
    with DemoServer(seed=7, clock=FrozenClock(NOW)) as server:
        yield server.endpoint


@pytest.fixture
def store(tmp_path):
    store = Store.open(StoreSettings(path=tmp_path / "store", free_space_floor_mb=0))
    function = Function(name="order-worker", arn="a", log_group="/aws/lambda/order-worker")
    times = {"started_at": NOW, "finished_at": NOW}
    run = Run(collector="inventory", target=TARGET, window=WINDOW, period_s=0, outcome="ok", **times)
    store.commit(run, [function], now=NOW)
    return store


def connected(endpoint, **settings):
    session = boto3.Session(f"ASIADEMO{TARGET.account}", "demo", region_name=TARGET.region)
    return Aws(session, TARGET, AwsSettings(endpoint_url=endpoint, calls_per_s={}, **settings), attempts=1)


def ask(store, aws, *, how=EVENTS, functions=("order-worker",), text="REPORT"):
    question = Question(target=TARGET, functions=functions, text=text, window=WINDOW, how=how)
    id = live.ask(store, question, now=NOW)
    jobs = []
    answering.Desk(store, jobs.append, clock=lambda: NOW, stopping=lambda: False).take({TARGET: aws})
    for job in jobs:
        job()
    return live.look(store, id, now=NOW)


def billed(store):
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(usage).where(usage.c.collector == "live")).all()
    return {row.operation: row for row in rows}


def test_a_question_is_answered_and_its_calls_are_on_the_bill(store, endpoint):
    answer = ask(store, connected(endpoint))

    assert answer.state == live.DONE
    assert answer.lines
    assert answer.lines[0].function == "order-worker"
    assert answer.calls == billed(store)["FilterLogEvents"].calls > 0
    assert answer.cost_usd == 0


def test_what_logs_insights_scanned_is_on_the_bill(store, endpoint):
    answer = ask(store, connected(endpoint), how=QUERY)

    bill = billed(store)["StartQuery"]
    assert answer.lines
    assert Decimal(bill.cost_usd) == answer.cost_usd == Decimal("5E-12") * bill.units > 0


def test_a_spent_budget_answers_no_paid_question_and_says_so(store, endpoint):
    answer = ask(store, connected(endpoint, budget_usd_per_month=0), how=QUERY)

    assert answer.state == live.FAILED
    assert "budget" in answer.said
    assert billed(store)["StartQuery"].units == 0 if "StartQuery" in billed(store) else True


def test_a_spent_budget_does_not_keep_from_what_is_free(store, endpoint):
    assert ask(store, connected(endpoint, budget_usd_per_month=0)).state == live.DONE


def test_what_aws_refuses_is_told_to_who_asked(store, endpoint):
    class Refused(Aws):
        def pages(self, *args, **params):
            raise AwsError("cannot read logs: the role lacks logs:FilterLogEvents")

    session = boto3.Session("ASIADEMO", "demo", region_name=TARGET.region)
    answer = ask(store, Refused(session, TARGET, AwsSettings(endpoint_url=endpoint)))

    assert (answer.state, answer.said) == (
        live.FAILED,
        "cannot read logs: the role lacks logs:FilterLogEvents",
    )


def test_functions_that_are_gone_are_said(store, endpoint):
    answer = ask(store, connected(endpoint), functions=("gone",))

    assert answer.state == live.FAILED
    assert "known" in answer.said


def test_a_shared_log_group_has_no_single_owner():
    functions = [Function(name=name, arn="a", log_group="/shared") for name in ("a", "b")]
    question = Question(target=TARGET, functions=("a",), text="", window=WINDOW, how=EVENTS)

    assert answering.owners_of(functions, question) == {"/shared": None}
