from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from alerts.actions import ACTIONS, InvokeFunction
from alerts.actions.auditing import APPLY, DRY_RUN
from alerts.actions.event import EVENT_SCHEMA
from alerts.actions.occasions import by_hand
from alerts.actions.runner import act_due, actions_named, apply_action, plan_action
from alerts.incident import Incident
from alerts.ledger import close_incident, open_incident
from alerts.people import Access
from alerts.silences import silence
from core.errors import ActionError, AwsError
from core.facts import Target, Usage
from core.people import Person

ADA = Person("ada", "admin")
PROD = Target("111122223333", "eu-west-1")


class FakeAws:
    """One target whose Lambda client is stubbed; keeps what it was sent."""

    def __init__(self, target=PROD):
        self.target = target
        self.lambda_ = boto3.client(
            "lambda", region_name=target.region, aws_access_key_id="x", aws_secret_access_key="x"
        )
        self.stub = Stubber(self.lambda_)
        self.stub.activate()
        self.sent = []
        self.lambda_.meta.events.register("provide-client-params.lambda", self._asked)

    def _asked(self, params, model, **_):
        self.sent.append((model.name, dict(params)))

    def client(self, service):
        assert service == "lambda"
        return self.lambda_

    def take_usage(self):
        return (Usage(service="lambda", operation="Invoke", calls=1, units=1, cost_usd="0"),)

    def known(self, state="Active"):
        self.stub.add_response(
            "get_function_configuration", {"State": state, "Environment": {"Variables": {"KEY": "s3cret"}}}
        )
        return self

    def invoked(self, status=202, **answer):
        response = {"StatusCode": status, "ResponseMetadata": {"RequestId": "req-1"}} | answer
        self.stub.add_response(
            "invoke", response, {"FunctionName": ANY, "InvocationType": ANY, "Payload": ANY}
        )
        return self

    def refuses(self, operation, code="AccessDeniedException"):
        self.stub.add_client_error(operation, code, "not authorized")
        return self

    @property
    def events(self):
        return [json.loads(params["Payload"]) for name, params in self.sent if name == "Invoke"]


@pytest.fixture
def aws():
    return FakeAws()


@pytest.fixture
def opened(store, world):
    def make(id="i1", subject="checkout", name="error-rate", minute=0):
        incident = Incident(
            id=id, rule=name, account=PROD.account, region=PROD.region, subject_kind="function",
            subject=subject,
            severity="critical", title=f"{subject}: error rate 34 %", text="bad", opened_at=world.at(minute),
            value=0.34, threshold=0.05,
        )  # fmt: skip
        with store.transaction() as connection:
            open_incident(connection, incident)
        return incident

    return make


@pytest.fixture
def acting(rule):
    def make(name="error-rate", **given):
        act = {"do": "invoke-function", "function": "mend", "enabled": True} | given
        return [rule(name, act=act, runbook="https://wiki.example.com/x", labels={"team": "pay"})]

    return make


@pytest.fixture
def act(store, settings, world, aws):
    def go(rules, at=0, *, enabled=True, max_per_hour=10, aws_for=None):
        chosen = settings(actions={"enabled": enabled, "max_per_hour": max_per_hour})
        return act_due(
            store, rules, chosen, aws_for or (lambda target: aws), access=Access(), now=world.at(at)
        )

    return go


def test_invokes_with_the_documented_event(act, acting, opened, aws, store, world):
    store.remember_target(PROD, "prod", world.at(0))
    aws.known().invoked()
    opened()
    act(acting(input={"mode": "drain"}), at=2)

    [event] = aws.events
    assert event.pop("id")
    assert event == {
        "schema": EVENT_SCHEMA,
        "sent_at": "2026-03-02T12:02:00Z",
        "requested_by": "quarterdeck",
        "incident": {
            "id": "i1", "title": "checkout: error rate 34 %", "severity": "critical",
            "opened_at": "2026-03-02T12:00:00Z",
        },
        "account": {"id": "111122223333", "alias": "prod"},
        "region": "eu-west-1",
        "subject": {"kind": "function", "name": "checkout"},
        "function": "checkout",
        "rule": {"name": "error-rate", "signal": "error_rate", "labels": {"team": "pay"}},
        "values": {"value": 0.34, "threshold": 0.05, "unit": "share"},
        "links": {"alert": "http://127.0.0.1:8501/alerts?alert=i1", "runbook": "https://wiki.example.com/x"},
        "input": {"mode": "drain"},
    }  # fmt: skip


def test_audits_the_plan_and_the_outcome(act, acting, opened, aws, table):
    aws.known().invoked()
    opened()
    act(acting())

    [row] = table("audit")
    assert (row["mode"], row["outcome"], row["request_id"]) == ("apply", "applied", "req-1")
    assert row["plan"]["request"]["FunctionName"] == "mend"
    assert [e["text"][:16] for e in table("incident_event") if e["what"] == "action"] == [
        "planned (apply):",
        "applied (apply):",
    ]


@pytest.mark.parametrize(("rule_says", "settings_say"), [(False, True), (True, False), (False, False)])
def test_is_a_dry_run_unless_rule_and_settings_enable_it(
    act, acting, opened, aws, table, rule_says, settings_say
):
    aws.known()
    opened()
    act(acting(enabled=rule_says), enabled=settings_say)

    [row] = table("audit")
    assert (row["mode"], row["outcome"]) == ("dry run", "planned")
    assert row["plan"]["sentence"].startswith("Invoke mend in eu-west-1")
    assert aws.events == []


def test_acts_once_on_an_incident(act, acting, opened, aws):
    aws.known().invoked()
    opened()
    for minute in range(0, 300, 30):
        act(acting(), at=minute)

    assert len(aws.events) == 1


def test_a_kill_between_plan_and_answer_is_audited_as_planned_and_not_done_twice(
    act, acting, opened, aws, table
):
    aws.known()

    def killed(**_):
        raise KeyboardInterrupt

    opened()
    aws.lambda_.invoke = killed
    with pytest.raises(KeyboardInterrupt):
        act(acting())
    act(acting(), at=40)

    [row] = table("audit")
    assert (row["mode"], row["outcome"]) == ("apply", "planned")


def test_does_nothing_about_a_resolved_incident(act, acting, opened, store, table, world):
    opened()
    with store.transaction() as connection:
        close_incident(connection, "i1", world.at(1), "over")
    act(acting(), at=1)

    assert table("audit") == []


@pytest.mark.parametrize("name", ["mend", "mend:live", "arn:aws:lambda:eu-west-1:111122223333:function:mend"])
def test_never_acts_on_the_function_that_it_runs_on(act, acting, opened, aws, table, name):
    opened(subject="mend")
    act(acting(function=name))

    [row] = table("audit")
    assert row["outcome"] == "held back"
    assert "itself" in row["answer"]
    assert aws.sent == []


def test_a_function_of_the_same_name_elsewhere_is_not_itself(act, acting, opened, aws):
    aws.known().invoked()
    opened(subject="mend")
    act(acting(function="arn:aws:lambda:eu-west-1:999999999999:function:mend"))

    assert len(aws.events) == 1


def test_an_arn_is_invoked_in_its_own_account(act, acting, opened, aws):
    asked = []
    aws.known().invoked()
    opened()
    act(
        acting(function="arn:aws:lambda:us-east-1:999999999999:function:mend"),
        aws_for=lambda t: asked.append(t) or aws,
    )

    assert asked[0] == Target("999999999999", "us-east-1")


def test_cools_down_between_two_incidents_of_one_function_then_acts(act, acting, opened, aws, table):
    aws.known().invoked().known().invoked()
    opened("i1")
    act(acting(cooldown="30m"))
    opened("i2")
    act(acting(cooldown="30m"), at=10)
    held = [row["answer"] for row in table("audit") if row["outcome"] == "held back"]
    act(acting(cooldown="30m"), at=31)

    assert held == ["cooling down: it last ran on checkout at 12:00 UTC"]
    assert len(aws.events) == 2


def test_says_once_why_it_is_held_back(act, acting, opened, aws, table):
    aws.known().invoked()
    opened("i1")
    act(acting())
    opened("i2")
    for minute in range(1, 20):
        act(acting(), at=minute)

    assert len([e for e in table("incident_event") if e["incident"] == "i2" and e["what"] == "action"]) == 1


@pytest.mark.parametrize(("of_rule", "of_all"), [(2, 10), (10, 2)])
def test_acts_no_more_than_the_caps_allow(act, acting, opened, aws, of_rule, of_all):
    for n in range(5):
        aws.known().invoked()
        opened(f"i{n}", subject=f"f{n}")
    act(acting(max_per_hour=of_rule), max_per_hour=of_all)
    assert len(aws.events) == 2
    act(acting(max_per_hour=of_rule), at=61, max_per_hour=of_all)

    assert len(aws.events) == 4


def test_a_silence_holds_actions_back(act, acting, opened, aws, store, table, world):
    opened()
    silence(store, subject="checkout", duration=timedelta(hours=1), reason="deploy", by=ADA, now=world.at(0))
    act(acting())

    assert table("audit")[0]["answer"] == "silenced by ada until 2026-03-02 13:00 UTC: deploy"
    assert aws.sent == []


@pytest.mark.parametrize("operation", ["get_function_configuration", "invoke"])
def test_a_refusal_is_audited_as_failed(act, acting, opened, aws, table, operation):
    if operation == "invoke":
        aws.known()
    aws.refuses(operation)
    opened()
    act(acting())

    [row] = table("audit")
    assert row["outcome"] == "failed"
    assert "AccessDeniedException" in row["answer"]


def test_a_remediation_that_fails_is_audited_as_failed(act, acting, opened, aws, table):
    aws.known().invoked(200, FunctionError="Unhandled")
    opened()
    act(acting(wait=True))

    assert "failed (Unhandled), request req-1" in table("audit")[0]["answer"]


def test_one_failing_action_stops_no_other(act, acting, opened, aws, table):
    aws.refuses("get_function_configuration").known().invoked()
    opened("i1", subject="a")
    opened("i2", subject="b")
    act(acting())

    assert sorted(row["outcome"] for row in table("audit")) == ["applied", "failed"]


def test_an_account_that_is_not_reached_is_audited(act, acting, opened, table):
    def unreachable(target):
        raise AwsError("111122223333 eu-west-1 is not reached now")

    opened()
    act(acting(), aws_for=unreachable)

    assert (table("audit")[0]["outcome"], table("audit")[0]["answer"]) == (
        "failed",
        "111122223333 eu-west-1 is not reached now",
    )


def test_environment_variables_of_the_remediation_go_nowhere(act, acting, opened, aws, table):
    aws.known("Inactive").invoked()
    opened()
    act(acting())

    assert table("audit")[0]["plan"]["warnings"] == ["mend is Inactive"]
    assert "s3cret" not in str([table(name) for name in ("audit", "incident_event")]) + str(aws.events)


def test_its_calls_are_on_the_bill(act, acting, opened, aws, table):
    aws.known().invoked()
    opened()
    act(acting())

    assert [row["collector"] for row in table("usage")] == ["actions"]


def test_by_hand_it_is_planned_then_applied_and_audited_under_the_persons_name(store, aws, table, world):
    aws.known().invoked()
    action = InvokeFunction(do="invoke-function", function="mend")
    occasion = by_hand(action, PROD, "checkout", by=ADA, now=world.at(0))
    planned = plan_action(store, action, occasion, lambda _: aws, mode=APPLY, now=world.at(0))
    assert aws.events == []
    done = apply_action(store, planned, lambda _: aws, now=world.at(0))

    assert done.outcome == "applied"
    assert [(row["who"], row["outcome"]) for row in table("audit")] == [("ada", "applied")]
    assert aws.events[0]["incident"]["id"] is None


def test_a_dry_run_cannot_be_applied(store, aws, world):
    aws.known()
    action = InvokeFunction(do="invoke-function", function="mend")
    occasion = by_hand(action, PROD, "checkout", by=ADA, now=world.at(0))
    planned = plan_action(store, action, occasion, lambda _: aws, mode=DRY_RUN, now=world.at(0))

    with pytest.raises(ActionError, match="not planned to be applied"):
        apply_action(store, planned, lambda _: aws, now=world.at(0))


def test_actions_are_found_by_rule_and_by_what_they_do(acting):
    rules = [*acting("a"), *acting("b", function="other")]

    assert [action.function for action in actions_named(rules, "b")] == ["other"]
    assert [action.function for action in actions_named(rules, "invoke-function")] == ["mend", "other"]
    assert actions_named(rules, "nothing") == []


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_names_its_permissions(action):
    services = {permission.split(":")[0] for permission in action.permissions}

    assert services <= {"lambda", "sqs", "sns", "states"}
    assert action.permissions


@mock_aws(config={"lambda": {"use_docker": False}})
def test_a_real_invocation_is_accepted(store, world, table):
    iam, lambda_ = (
        boto3.client("iam", region_name="eu-west-1"),
        boto3.client("lambda", region_name="eu-west-1"),
    )
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    lambda_.create_function(
        FunctionName="mend", Runtime="python3.13", Role=role, Handler="a.b", Code={"ZipFile": b"x"}
    )
    aws = SimpleNamespace(target=PROD, client=lambda _: lambda_, take_usage=lambda: ())
    action = InvokeFunction(do="invoke-function", function="mend", wait=True)
    occasion = by_hand(action, PROD, "checkout", by=ADA, now=world.at(0))

    planned = plan_action(store, action, occasion, lambda _: aws, mode=APPLY, now=world.at(0))
    done = apply_action(store, planned, lambda _: aws, now=world.at(0))

    assert done.outcome == "applied", done.answer
