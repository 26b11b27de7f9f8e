"""Triggers, layers and capacity providers, from canned answers and from the demo account."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from collectors import triggers
from collectors.collector import Ask, Expected
from collectors.runner import judge
from core.entities import URLS, Alias, CapacityProvider, Function, Layer, Trigger, Version
from core.errors import CredentialsError
from core.facts import Covered, Gap, Inventory, Listed
from core.windows import MINUTE, Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window.last(MINUTE, now=NOW)
HERE = "eu-west-1:111122223333"
ARN = f"arn:aws:lambda:{HERE}:function:"
RULE = f"arn:aws:events:{HERE}:rule/nightly"
LAYER = f"arn:aws:lambda:{HERE}:layer:common"
THEIRS = "arn:aws:lambda:eu-west-1:999988887777:layer:agent"


def function(name="f", **fields):
    return Function(name=name, arn=ARN + name, **fields)


def policy(service="s3", source="arn:aws:s3:::bucket", sid="sid"):
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    return {"Policy": json.dumps({"Statement": [statement]})}


@pytest.fixture
def answers(refusing):
    """A fleet without triggers, layers and capacity providers."""
    return {
        "GetPolicy": refusing("ResourceNotFoundException"),
        "ListFunctionUrlConfigs": lambda p: {"FunctionUrlConfigs": []},
        "ListCapacityProviders": lambda p: {"CapacityProviders": []},
        "DescribeRule": lambda p: {"State": "ENABLED", "ScheduleExpression": "rate(1 day)"},
        "ListTargetsByRule": lambda p: {"Targets": [{"Id": "1", "Arn": ARN + "f"}]},
        "GetSchedule": lambda p: {
            "State": "DISABLED",
            "ScheduleExpression": "cron(0 3 * * ? *)",
            "Target": {"Arn": ARN + "f", "RoleArn": "arn:aws:iam::111122223333:role/x"},
        },
        "ListLayerVersions": lambda p: {
            "LayerVersions": [
                {
                    "LayerVersionArn": f"{LAYER}:9",
                    "Version": 9,
                    "CreatedDate": "2026-11-01T00:00:00.000+0000",
                },
                {
                    "LayerVersionArn": f"{LAYER}:4",
                    "Version": 4,
                    "CreatedDate": "2025-01-01T00:00:00.000+0000",
                },
            ]
        },
    }


def collected(aws, **known):
    inventory = Inventory(**({"functions": (function(),)} | known))
    return list(triggers.collect(aws, Ask(window=WINDOW, known=inventory)))


def of(kind, facts):
    return [fact for fact in facts if isinstance(fact, kind)]


def test_a_function_without_a_policy_has_no_triggers(answered, answers):
    facts = collected(answered(**answers))

    assert not of(Trigger, facts)
    assert not of(Gap, facts)
    assert {Listed("trigger", "f", ""), Listed("trigger", "f", URLS), Covered("", WINDOW)} <= set(facts)


def test_a_policy_is_read_for_the_function_and_each_alias(answered, answers):
    aws = answered(**answers | {"GetPolicy": lambda p: policy(sid=p.get("Qualifier", "own"))})

    facts = collected(aws, aliases=(Alias(name="f:prod", function="f", alias="prod", version="1"),))

    assert [(t.name, t.qualifier) for t in of(Trigger, facts)] == [("f::own", None), ("f:prod:prod", "prod")]
    assert aws.asked["GetPolicy"] == 2


def test_a_url_is_public_when_it_asks_for_no_signature(answered, answers):
    urls = [
        {"FunctionArn": ARN + "f", "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM", "FunctionUrl": "x"},
        {"FunctionArn": ARN + "f:prod", "AuthType": "AWS_IAM", "FunctionUrl": "y"},
    ]
    aws = answered(**answers | {"ListFunctionUrlConfigs": lambda p: {"FunctionUrlConfigs": urls}})

    found = of(Trigger, collected(aws))

    assert [(t.name, t.is_public, t.auth_type) for t in found] == [
        ("f::url", True, "NONE"),
        ("f:prod:url", False, "AWS_IAM"),
    ]
    assert found[0].invoke_mode == "RESPONSE_STREAM"


def test_a_rule_tells_its_state_its_schedule_and_whether_it_still_targets_the_function(answered, answers):
    aws = answered(**answers | {"GetPolicy": lambda p: policy("events", RULE)})

    facts = collected(aws, functions=(function(), function("g")))

    assert [(t.function, t.state, t.schedule, t.targets_function) for t in of(Trigger, facts)] == [
        ("f", "ENABLED", "rate(1 day)", True),
        ("g", "ENABLED", "rate(1 day)", False),
    ]
    assert (aws.asked["DescribeRule"], aws.asked["ListTargetsByRule"]) == (1, 1)


@pytest.mark.parametrize(
    ("arn", "asked"),
    [
        (RULE, {"Name": "nightly"}),
        (f"arn:aws:events:{HERE}:rule/orders/paid", {"Name": "paid", "EventBusName": "orders"}),
    ],
)
def test_a_rule_is_asked_for_on_its_bus(answered, answers, arn, asked):
    seen = []
    answers |= {"GetPolicy": lambda p: policy("events", arn)}
    answers["DescribeRule"] = lambda p: seen.append(dict(p)) or {"State": "ENABLED"}

    collected(answered(**answers))

    assert seen == [asked]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:events:us-east-1:111122223333:rule/nightly",
        "arn:aws:events:eu-west-1:999988887777:rule/nightly",
        f"arn:aws:events:{HERE}:rule/*",
        f"arn:aws:events:{HERE}:event-bus",
    ],
)
def test_a_rule_that_cannot_be_asked_for_here_is_left_alone(answered, answers, arn):
    aws = answered(**answers | {"GetPolicy": lambda p: policy("events", arn)})

    (found,) = of(Trigger, collected(aws))

    assert (found.state, found.targets_function) == (None, None)
    assert aws.asked["DescribeRule"] == 0


def test_a_schedule_tells_its_state(answered, answers):
    arn = f"arn:aws:scheduler:{HERE}:schedule/default/nightly"
    aws = answered(**answers | {"GetPolicy": lambda p: policy("scheduler", arn)})

    (found,) = of(Trigger, collected(aws))

    assert (found.kind, found.state, found.schedule, found.targets_function) == (
        "eventbridge-scheduler",
        "DISABLED",
        "cron(0 3 * * ? *)",
        True,
    )


def test_a_grant_that_outlived_its_rule_says_so(answered, answers, refusing):
    gone = {
        "GetPolicy": lambda p: policy("events", RULE),
        "DescribeRule": refusing("ResourceNotFoundException"),
    }

    facts = collected(answered(**answers | gone))

    assert [(t.state, t.targets_function) for t in of(Trigger, facts)] == [("NOT_FOUND", False)]
    assert not of(Gap, facts)


DENIALS = [
    ("GetPolicy", "resource policies", "lambda:GetPolicy"),
    ("ListFunctionUrlConfigs", "function URLs", "lambda:ListFunctionUrlConfigs"),
    ("DescribeRule", "EventBridge rules", "events:DescribeRule"),
    ("ListTargetsByRule", "targets of EventBridge rules", "events:ListTargetsByRule"),
    ("ListLayerVersions", "layers", "lambda:ListLayerVersions"),
    ("ListCapacityProviders", "capacity providers", "lambda:ListCapacityProviders"),
]


@pytest.mark.parametrize(("operation", "aspect", "permission"), DENIALS)
def test_a_denied_aspect_is_named_once_and_leaves_the_rest(
    answered, answers, refusing, operation, aspect, permission
):
    answers |= {"GetPolicy": lambda p: policy("events", RULE), operation: refusing("AccessDeniedException")}
    fleet = tuple(function(name, layers=(f"{LAYER}:4",)) for name in "fgh")

    facts = collected(answered(**answers), functions=fleet)

    assert [(gap.scope, gap.permission) for gap in of(Gap, facts)] == [(aspect, permission)]
    unread = {"GetPolicy": "", "ListFunctionUrlConfigs": URLS}.get(operation)
    listed = {Listed("trigger", name, part) for name in "fgh" for part in ("", URLS) if part != unread}
    assert {item for item in of(Listed, facts) if item.kind == "trigger"} == listed
    assert len(of(Layer, facts)) == 1
    assert len(of(Trigger, facts)) == (0 if operation == "GetPolicy" else 3)
    assert judge(facts).outcome == "partial"


def test_denied_schedules_are_named(answered, answers, refusing):
    arn = f"arn:aws:scheduler:{HERE}:schedule/default/nightly"
    denied = {
        "GetPolicy": lambda p: policy("scheduler", arn),
        "GetSchedule": refusing("AccessDeniedException"),
    }

    facts = collected(answered(**answers | denied))

    assert [gap.permission for gap in of(Gap, facts)] == ["scheduler:GetSchedule"]


def test_every_permission_of_the_collector_is_one_that_it_may_lack():
    named = {permission for _, _, permission in DENIALS} | {"scheduler:GetSchedule"}

    assert named == set(triggers.COLLECTOR.permissions)


def test_what_cannot_be_read_stays_as_it_was_known(answered, answers, refusing):
    grant = Trigger(name="f::sid", function="f", kind="s3", principal="s3.amazonaws.com")
    url = Trigger(name="f::url", function="f", kind="function-url", auth_type="NONE")
    denied = refusing("AccessDeniedException")

    without_policies = collected(answered(**answers | {"GetPolicy": denied}), triggers=(grant, url))
    without_urls = collected(answered(**answers | {"ListFunctionUrlConfigs": denied}), triggers=(grant, url))

    assert of(Trigger, without_policies) == [grant]  # the URL was listed, and is gone
    assert of(Trigger, without_urls) == [url]
    assert [listed.part for listed in of(Listed, without_policies) if listed.kind == "trigger"] == [URLS]
    assert [listed.part for listed in of(Listed, without_urls) if listed.kind == "trigger"] == [""]


def test_triggers_of_an_alias_that_is_gone_are_gone(answered, answers):
    grant = Trigger(name="f:prod:sid", function="f", qualifier="prod", kind="s3")

    assert Listed("trigger", "f", "prod") in collected(answered(**answers), triggers=(grant,))


def test_a_rule_that_cannot_be_read_stays_as_it_was_known(answered, answers, refusing):
    known = Trigger(
        name="f::sid",
        function="f",
        kind="eventbridge-rule",
        source_arn=RULE,
        state="DISABLED",
        schedule="rate(1 day)",
        targets_function=True,
    )
    denied = {name: refusing("AccessDeniedException") for name in ("DescribeRule", "ListTargetsByRule")}
    answers |= {"GetPolicy": lambda p: policy("events", RULE)} | denied

    (found,) = of(Trigger, collected(answered(**answers), triggers=(known,)))

    assert (found.state, found.schedule, found.targets_function) == ("DISABLED", "rate(1 day)", True)


def test_a_function_deleted_meanwhile_is_passed_over(answered, answers, refusing):
    gone = {"ListFunctionUrlConfigs": refusing("ResourceNotFoundException")}

    facts = collected(answered(**answers | gone))

    assert "f" not in [listed.function for listed in of(Listed, facts)]
    assert not of(Gap, facts)


def test_a_single_failure_names_its_function(answered, answers, refusing):
    def url(params):
        if params["FunctionName"] == "g":
            refusing("ServiceException")(params)
        return {"FunctionUrlConfigs": []}

    facts = collected(
        answered(**answers | {"ListFunctionUrlConfigs": url}), functions=(function(), function("g"))
    )

    assert [gap.scope for gap in of(Gap, facts)] == ["g"]


def test_where_there_is_no_such_api_nothing_more_is_asked(answered, answers, refusing):
    aws = answered(**answers | {"ListFunctionUrlConfigs": refusing("404")})

    facts = collected(aws, functions=(function(), function("g")))

    assert [gap.scope for gap in of(Gap, facts)] == ["function URLs"]
    assert aws.asked["ListFunctionUrlConfigs"] == 1


def test_expired_credentials_end_the_run(answered, answers, refusing):
    with pytest.raises(CredentialsError):
        collected(answered(**answers | {"GetPolicy": refusing("ExpiredTokenException")}))


def test_a_layer_is_told_with_its_age_and_its_newest_version(answered, answers):
    aws = answered(**answers)
    users = (function(layers=(f"{LAYER}:4",)), function("g", layers=(f"{LAYER}:9",)))
    old = Version(name="f:1", function="f", version="1", layers=(f"{LAYER}:4",))

    found = of(Layer, collected(aws, functions=users, versions=(old,)))

    assert [(layer.version, layer.created, layer.latest) for layer in found] == [
        (4, datetime(2025, 1, 1, tzinfo=UTC), 9),
        (9, datetime(2026, 11, 1, tzinfo=UTC), 9),
    ]
    assert {layer.latest_created for layer in found} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert aws.asked["ListLayerVersions"] == 1


def test_a_deleted_version_of_a_layer_has_no_age(answered, answers):
    (found,) = of(Layer, collected(answered(**answers), functions=(function(layers=(f"{LAYER}:2",)),)))

    assert (found.created, found.latest) == (None, 9)


def test_a_layer_of_another_account_is_named_and_not_asked_for(answered, answers):
    aws = answered(**answers)

    (found,) = of(Layer, collected(aws, functions=(function(layers=(f"{THEIRS}:12",)),)))

    assert (found.layer, found.version, found.latest) == (THEIRS, 12, None)
    assert aws.asked["ListLayerVersions"] == 0


def test_a_layer_that_cannot_be_read_stays_as_it_was_known(answered, answers, refusing):
    known = Layer(name=f"{LAYER}:4", layer=LAYER, version=4, latest=9)
    denied = {"ListLayerVersions": refusing("AccessDeniedException")}

    facts = collected(
        answered(**answers | denied), functions=(function(layers=(f"{LAYER}:4",)),), layers=(known,)
    )

    assert of(Layer, facts) == [known]


def test_capacity_providers_are_read_without_their_keys(answered, answers):
    provider = {
        "CapacityProviderArn": f"arn:aws:lambda:{HERE}:capacity-provider:pool",
        "State": "Active",
        "InstanceRequirements": {"Architectures": ["arm64"], "AllowedInstanceTypes": ["m8g.large"]},
        "CapacityProviderScalingConfig": {"MaxVCpuCount": 64},
        "KmsKeyArn": "hunter2",
    }
    aws = answered(**answers | {"ListCapacityProviders": lambda p: {"CapacityProviders": [provider]}})

    (found,) = of(CapacityProvider, collected(aws))

    assert (found.name, found.state, found.architectures) == ("pool", "Active", ("arm64",))
    assert (found.instance_types, found.max_vcpus) == (("m8g.large",), 64)
    assert "hunter2" not in repr(found)


def test_a_region_without_capacity_providers_is_no_failure(answered, answers, refusing):
    facts = collected(answered(**answers | {"ListCapacityProviders": refusing("UnknownOperationException")}))

    assert [item.gap.scope for item in of(Expected, facts)] == ["capacity providers"]
    assert judge(facts).outcome == "ok"


def test_triggers_of_300_functions_take_the_fewest_calls(answered, answers):
    aws = answered(**answers)
    fleet = tuple(function(f"f{n}", layers=(f"{LAYER}:4",)) for n in range(300))
    aliases = tuple(Alias(name=f"f{n}:prod", function=f"f{n}", alias="prod", version="1") for n in range(100))

    collected(aws, functions=fleet, aliases=aliases)

    assert aws.asked == {
        "GetPolicy": 400,
        "ListFunctionUrlConfigs": 300,
        "ListLayerVersions": 1,
        "ListCapacityProviders": 1,
    }
