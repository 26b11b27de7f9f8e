from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import details, inventory
from collectors.collector import Ask
from collectors.parse import (
    each_parsed,
    function_and_qualifier,
    parse_function,
    parse_mapping,
    parse_time,
    parse_version,
)
from core.entities import Alias, EventSourceMapping, Function, LogGroup, Version
from core.errors import CredentialsError
from core.facts import Covered, Gap, Inventory, Listed
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


# --- every field ---


FULL = CONFIG | {
    "ConfigSha256": "c0ffee",
    "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:eu-west-1::runtime:abc"},
    "VpcConfig": {"VpcId": "vpc-1", "SubnetIds": ["s2", "s1"], "SecurityGroupIds": ["g1"]},
    "FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:x", "LocalMountPath": "/mnt/x"}],
    "TenancyConfig": {"TenantIsolationMode": "PER_TENANT"},
    "CapacityProviderConfig": {
        "LambdaManagedInstancesCapacityProviderConfig": {
            "CapacityProviderArn": "arn:aws:lambda:eu-west-1:111122223333:capacity-provider:pool",
            "PerExecutionEnvironmentMaxConcurrency": 16,
            "ExecutionEnvironmentMemoryGiBPerVCpu": 4.0,
        }
    },
    "DurableConfig": {
        "KMSKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/hunter2",
        "RetentionPeriodInDays": 14,
        "ExecutionTimeout": 86400,
    },
    "EphemeralStorage": {"Size": 1024},
    "SnapStart": {"ApplyOn": "SomethingNew", "OptimizationStatus": "On"},
    "AcceleratorConfig": {"AcceleratorMemorySize": 24},
    "RuntimeConfig": {"RuntimeArn": "arn:aws:lambda:eu-west-1:111122223333:runtime:own"},
    "MasterArn": "arn:aws:lambda:us-east-1:111122223333:function:edge",
    "ImageConfigResponse": {"Error": {"Message": "hunter2"}},
}


def test_every_field_worth_keeping_is_kept():
    found = parse_function(FULL, {})

    assert (found.config_sha256, found.runtime_version_arn) == (
        "c0ffee",
        "arn:aws:lambda:eu-west-1::runtime:abc",
    )
    assert (found.vpc_id, found.subnet_ids, found.security_group_ids) == ("vpc-1", ("s1", "s2"), ("g1",))
    assert (found.file_system_arn, found.tenancy) == ("arn:aws:elasticfilesystem:x", "PER_TENANT")
    assert found.capacity_provider_arn is not None
    assert (found.environment_concurrency, found.memory_gib_per_vcpu) == (16, 4.0)
    assert (found.durable_execution_timeout_s, found.durable_retention_days) == (86400, 14)
    assert (found.ephemeral_mb, found.snap_start, found.accelerator_gb) == (1024, "SomethingNew", 24)
    assert (found.custom_runtime_arn, found.edge_master_arn) == (
        FULL["RuntimeConfig"]["RuntimeArn"],
        FULL["MasterArn"],
    )


def test_a_version_keeps_what_its_costs_rest_on():
    letters = {"DeadLetterConfig": {"TargetArn": "arn:q"}}
    found = parse_version(FULL | {"Version": "7", "CodeSize": 99} | letters)

    assert (found.name, found.code_size_bytes, found.ephemeral_mb) == ("orders:7", 99, 1024)
    assert (found.log_group, found.layers, found.snap_start_status) == ("/shop/all", ("arn:layer:1",), "On")
    assert found.dead_letter_arn == "arn:q"


MAPPING = {
    "UUID": "u",
    "FunctionArn": ARN + "f:prod",
    "State": "Enabled",
    "KMSKeyArn": "arn:aws:kms:eu-west-1:111122223333:key/hunter2",
    "FilterCriteria": {"Filters": [{"Pattern": '{"token": ["hunter2"]}'}, {"Pattern": "{}"}]},
    "SourceAccessConfigurations": [{"Type": "SASL_SCRAM_512_AUTH", "URI": "arn:secret:hunter2"}],
}


def test_every_field_of_a_mapping_is_kept():
    found = parse_mapping(
        MAPPING
        | {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1:9092", "b2:9092"]}},
            "Topics": ["orders"],
            "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "group"},
            "StartingPosition": "LATEST",
            "MaximumBatchingWindowInSeconds": 5,
            "TumblingWindowInSeconds": 60,
            "ParallelizationFactor": 2,
            "BisectBatchOnFunctionError": True,
            "MaximumRetryAttempts": -1,
            "MaximumRecordAgeInSeconds": 3600,
            "MetricsConfig": {"Metrics": ["KafkaMetrics", "EventCount"]},
            "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 4, "PollerGroupName": "g"},
            "LoggingConfig": {"SystemLogLevel": "WARN"},
        }
    )

    assert (found.source_kind, found.servers, found.topics) == (
        "self-managed-kafka",
        ("b1:9092", "b2:9092"),
        ("orders",),
    )
    assert (found.consumer_group, found.starting_position) == ("group", "LATEST")
    assert (found.batching_window_s, found.tumbling_window_s, found.parallelization_factor) == (5, 60, 2)
    assert (found.bisects_on_error, found.maximum_retries, found.maximum_record_age_s) == (True, -1, 3600)
    assert (found.filters, found.metrics) == (2, ("EventCount", "KafkaMetrics"))
    assert (found.minimum_pollers, found.maximum_pollers, found.poller_group) == (1, 4, "g")
    assert found.system_log_level == "WARN"


def test_a_collection_of_documents_is_named_with_its_database():
    config = {"DatabaseName": "shop", "CollectionName": "orders"}
    arn = "arn:aws:rds:eu-west-1:111122223333:cluster:docs"

    found = parse_mapping(MAPPING | {"EventSourceArn": arn, "DocumentDBEventSourceConfig": config})

    assert (found.source_kind, found.topics) == ("documentdb", ("shop.orders",))


def test_filters_keys_and_secrets_of_a_mapping_are_not_read():
    assert "hunter2" not in repr(dataclasses.asdict(parse_mapping(MAPPING)))


ODD = [
    {"FunctionName": "no-arn", "Environment": {"Variables": {"KEY": "hunter2"}}},
    CONFIG | {"FunctionName": "odd", "Layers": 5, "Description": "hunter2"},
    CONFIG | {"FunctionName": "odd", "VpcConfig": "hunter2", "FileSystemConfigs": {"hunter2": 1}},
]


def test_an_entry_that_cannot_be_read_leaves_the_others_and_nothing_is_taken_for_gone(answered, paged):
    answers = listings(paged)
    entries = [ODD[0], *configs(3), ODD[1]]
    answers["ListFunctions"] = paged(entries, "Functions", size="MaxItems", token="Marker")

    facts = collected(inventory, answered(**answers))

    assert sum(isinstance(fact, Function) for fact in facts) == 3
    assert [fact.scope for fact in facts if isinstance(fact, Gap)] == ["no-arn", "odd"]
    assert Listed("function") not in facts
    assert Listed("mapping") in facts


@pytest.mark.parametrize("entry", [*ODD, {"Environment": "hunter2"}, CONFIG, FULL])
def test_secrets_get_out_neither_as_facts_nor_as_the_text_of_an_error(answered, paged, entry):
    answers = listings(paged)
    answers["ListFunctions"] = paged([entry], "Functions", size="MaxItems", token="Marker")

    facts = [fact for fact in collected(inventory, answered(**answers)) if isinstance(fact, Gap | Function)]

    kept = [dataclasses.replace(f, description=None) if isinstance(f, Function) else f for f in facts]
    assert facts
    assert "hunter2" not in repr(kept)


def test_a_mapping_that_cannot_be_read_leaves_the_others(answered, paged):
    answers = listings(paged)
    broken = [{"FunctionArn": ARN + "f"}, {"UUID": "u1", "FunctionArn": ARN + "f000"}]
    answers["ListEventSourceMappings"] = paged(
        broken, "EventSourceMappings", size="MaxItems", token="Marker", default=100
    )

    facts = collected(inventory, answered(**answers))

    assert [fact.name for fact in facts if isinstance(fact, EventSourceMapping)] == ["u1"]
    assert [fact.why for fact in facts if isinstance(fact, Gap)] == [
        "the event source mapping number 1 cannot be read (KeyError: UUID is missing)"
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from([*FULL, "Version"]), json_values), max_size=4))
def test_no_answer_makes_reading_functions_fail(entries):
    for parse in (lambda entry: parse_function(entry, {}), parse_version):
        assert len(list(each_parsed(parse, entries, what="x", key="FunctionName"))) == len(entries)


MAPPING_KEYS = [*MAPPING, "EventSourceArn", "DestinationConfig", "Topics", "Queues", "SelfManagedEventSource"]


@given(st.lists(st.dictionaries(st.sampled_from(MAPPING_KEYS), json_values), max_size=4))
def test_no_answer_makes_reading_mappings_fail(entries):
    assert len(list(each_parsed(parse_mapping, entries, what="x", key="UUID"))) == len(entries)


def test_provisioned_concurrency_of_a_function_without_versions_is_gone(answered, paged):
    facts = collected(details, answered(**answers_of_details(paged)), Inventory(functions=functions(3)))

    assert Listed("provisioned", "f002") in facts


def test_after_a_version_that_cannot_be_read_every_function_is_asked_for_provisioned_concurrency(
    answered, paged
):
    answers = answers_of_details(paged)
    broken = [{"Version": "3", "CodeSha256": "x"}]
    answers["ListFunctions"] = paged(broken, "Functions", size="MaxItems", token="Marker")
    aws = answered(**answers)

    facts = collected(details, aws, Inventory(functions=functions(3)))

    assert Listed("version") not in facts
    assert aws.asked["ListProvisionedConcurrencyConfigs"] == 3
