from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from collectors import details, inventory
from collectors.collector import Ask
from collectors.parse import function_and_qualifier, parse_function, parse_mapping, parse_time
from core.errors import CredentialsError
from core.facts import Alias, Covered, EventSourceMapping, Function, Gap, Inventory, Listed, LogGroup, Version
from core.windows import MINUTE, Window

NOW = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)
WINDOW = Window.last(MINUTE, now=NOW)
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:"

CONFIG = {
    "FunctionName": "orders",
    "FunctionArn": ARN + "orders",
    "Runtime": "python3.15",
    "Architectures": ["arm64"],
    "MemorySize": 512,
    "Timeout": 30,
    "LastModified": "2026-11-20T08:15:30.000+0000",
    "Environment": {"Variables": {"DB_PASSWORD": "hunter2"}},
    "KMSKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/hunter2",
    "Code": {"Location": "https://bucket/hunter2"},
    "VpcConfig": {"VpcId": "", "SubnetIds": []},
    "Layers": [{"Arn": "arn:layer:1"}],
    "TracingConfig": {"Mode": "Active"},
    "LoggingConfig": {"LogFormat": "JSON", "SystemLogLevel": "WARN", "LogGroup": "/shop/all"},
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-west-1:111122223333:dead"},
    "NewThing": {"x": 1},
}


def configs(count: int) -> list[dict]:
    return [CONFIG | {"FunctionName": f"f{n:03}", "FunctionArn": f"{ARN}f{n:03}"} for n in range(count)]


def functions(count: int) -> tuple[Function, ...]:
    return tuple(parse_function(config, {}) for config in configs(count))


def listings(paged, count=3, mappings=0):
    found = configs(count)
    tags = [{"ResourceARN": c["FunctionArn"], "Tags": [{"Key": "team", "Value": "shop"}]} for c in found]
    triggers = [{"UUID": f"u{n}", "FunctionArn": f"{ARN}f000"} for n in range(mappings)]
    limits = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}}
    return {
        "ListFunctions": paged(found, "Functions", size="MaxItems", token="Marker"),
        "GetResources": paged(
            tags, "ResourceTagMappingList", size="ResourcesPerPage", token="PaginationToken", default=100
        ),
        "ListEventSourceMappings": paged(
            triggers, "EventSourceMappings", size="MaxItems", token="Marker", default=100
        ),
        "GetAccountSettings": lambda params: limits,
    }


def collected(module, aws, known=None):
    return list(module.collect(aws, Ask(window=WINDOW, known=known or Inventory())))


def test_a_function_is_read_with_what_we_keep():
    found = parse_function(CONFIG, {"team": "shop"})

    assert (found.runtime, found.architecture, found.memory_mb, found.timeout_s) == (
        "python3.15",
        "arm64",
        512,
        30,
    )
    assert (found.log_group, found.log_format, found.system_log_level) == ("/shop/all", "JSON", "WARN")
    assert found.last_modified == datetime(2026, 11, 20, 8, 15, 30, tzinfo=UTC)
    assert found.vpc_id is None
    assert found.tags == {"team": "shop"}


def test_secrets_of_a_function_are_not_read():
    assert "hunter2" not in repr(dataclasses.asdict(parse_function(CONFIG, {})))


def test_what_aws_leaves_out_is_unknown():
    found = parse_function({"FunctionName": "f", "FunctionArn": ARN + "f"}, {})

    assert (found.runtime, found.memory_mb, found.last_modified, found.dead_letter_arn) == (None,) * 4
    assert found.log_group == "/aws/lambda/f"


@pytest.mark.parametrize("text", ["", "yesterday", None, 5, "2026-11-20T08:15:30"])
def test_a_time_that_cannot_be_read_is_unknown(text):
    assert parse_time(text) is None


@pytest.mark.parametrize(
    ("arn", "expected"),
    [(ARN + "f", ("f", None)), (ARN + "f:prod", ("f", "prod")), ("f:prod", ("f", "prod")), ("", ("", None))],
)
def test_an_arn_names_function_and_qualifier(arn, expected):
    assert function_and_qualifier(arn) == expected


def test_a_mapping_is_read_with_its_state():
    found = parse_mapping(
        {
            "UUID": "u",
            "FunctionArn": ARN + "f:prod",
            "EventSourceArn": "arn:aws:sqs:eu-west-1:1:in",
            "State": "Disabled",
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 5},
        }
    )

    assert (found.function, found.qualifier, found.state) == ("f", "prod", "Disabled")
    assert found.reports_batch_item_failures
    assert found.maximum_concurrency == 5


def test_the_inventory_of_300_functions_takes_the_fewest_calls(answered, paged):
    aws = answered(**listings(paged, 300, mappings=120))

    facts = collected(inventory, aws)

    assert sum(isinstance(fact, Function) for fact in facts) == 300
    assert sum(isinstance(fact, EventSourceMapping) for fact in facts) == 120
    assert aws.asked == {
        "ListFunctions": 6,
        "GetResources": 3,
        "ListEventSourceMappings": 2,
        "GetAccountSettings": 1,
    }


def test_functions_carry_their_tags(answered, paged):
    facts = collected(inventory, answered(**listings(paged)))

    assert [fact.tags for fact in facts if isinstance(fact, Function)] == [{"team": "shop"}] * 3


@pytest.mark.parametrize(
    ("operation", "scope"),
    [("GetResources", "tags"), ("ListEventSourceMappings", "mappings"), ("GetAccountSettings", "limits")],
)
def test_a_denied_part_leaves_the_rest(answered, paged, refusing, operation, scope):
    answers = listings(paged) | {operation: refusing("AccessDeniedException")}

    facts = collected(inventory, answered(**answers))

    assert sum(isinstance(fact, Function) for fact in facts) == 3
    assert [(fact.scope, bool(fact.permission)) for fact in facts if isinstance(fact, Gap)] == [(scope, True)]
    assert Covered("", WINDOW) in facts


def test_tags_that_cannot_be_read_stay_as_they_were_known(answered, paged, refusing):
    answers = listings(paged) | {"GetResources": refusing("AccessDeniedException")}
    known = Inventory(functions=(parse_function(configs(1)[0], {"team": "old"}),))

    facts = collected(inventory, answered(**answers), known)

    assert [dict(fact.tags) for fact in facts if isinstance(fact, Function)] == [{"team": "old"}, {}, {}]


def test_mappings_that_cannot_be_read_are_not_taken_for_gone(answered, paged, refusing):
    answers = listings(paged) | {"ListEventSourceMappings": refusing("AccessDeniedException")}

    assert Listed("mapping") not in collected(inventory, answered(**answers))


def test_expired_credentials_end_the_run(answered, paged, refusing):
    answers = listings(paged) | {"GetAccountSettings": refusing("ExpiredTokenException")}

    with pytest.raises(CredentialsError):
        collected(inventory, answered(**answers))


# --- details ---


def answers_of_details(paged, count=3, published=2):
    listed = [
        c | {"Version": version} for c in configs(count)[:published] for version in ("$LATEST", "1", "2")
    ] + [c | {"Version": "$LATEST"} for c in configs(count)[published:]]
    return {
        "ListFunctions": paged(listed, "Functions", size="MaxItems", token="Marker"),
        "ListAliases": lambda p: {"Aliases": [{"Name": "prod", "FunctionVersion": "2"}]},
        "GetFunctionConcurrency": lambda p: {"ReservedConcurrentExecutions": 5},
        "ListProvisionedConcurrencyConfigs": lambda p: {"ProvisionedConcurrencyConfigs": []},
        "ListFunctionEventInvokeConfigs": lambda p: {"FunctionEventInvokeConfigs": []},
        "DescribeLogGroups": lambda p: {
            "logGroups": [{"logGroupName": "/shop/all", "retentionInDays": 7}, {"logGroupName": "/other"}]
        },
    }


def test_details_of_300_functions_take_the_fewest_calls(answered, paged):
    aws = answered(**answers_of_details(paged, 300, published=100))

    collected(details, aws, Inventory(functions=functions(300)))

    assert aws.asked == {
        "ListFunctions": 10,  # 500 versions, 50 a page, instead of 300 calls
        "ListAliases": 300,
        "GetFunctionConcurrency": 300,
        "ListProvisionedConcurrencyConfigs": 100,  # only a published version can have some
        "ListFunctionEventInvokeConfigs": 300,
        "DescribeLogGroups": 1,
    }


def test_details_are_read_into_entities(answered, paged):
    facts = collected(details, answered(**answers_of_details(paged)), Inventory(functions=functions(3)))

    assert [f.name for f in facts if isinstance(f, Version)] == ["f000:1", "f000:2", "f001:1", "f001:2"]
    assert [f.name for f in facts if isinstance(f, Alias)] == ["f000:prod", "f001:prod", "f002:prod"]
    assert [(f.name, f.retention_days) for f in facts if isinstance(f, LogGroup)] == [("/shop/all", 7)]


def test_a_denied_aspect_is_given_up_at_once_and_leaves_the_others(answered, paged, refusing):
    aws = answered(**answers_of_details(paged, 30) | {"ListAliases": refusing("AccessDeniedException")})

    facts = collected(details, aws, Inventory(functions=functions(30)))

    assert [(f.scope, f.permission) for f in facts if isinstance(f, Gap)] == [
        ("aliases", "lambda:ListAliases")
    ]
    assert aws.asked["ListAliases"] == 1
    assert aws.asked["GetFunctionConcurrency"] == 30


def test_a_function_deleted_meanwhile_is_passed_over(answered, paged, refusing):
    answers = answers_of_details(paged) | {"ListAliases": refusing("ResourceNotFoundException")}

    facts = collected(details, answered(**answers), Inventory(functions=functions(3)))

    assert not [fact for fact in facts if isinstance(fact, Gap)]


def test_log_groups_elsewhere_are_asked_for_by_name():
    assert details.prefixes({"/aws/lambda/a", "/aws/lambda/b", "/shop/all"}) == ["/aws/lambda/", "/shop/all"]
    assert details.prefixes(set()) == []
