"""Lambda, tags, identities and rules: what is there, in pages, per account and region."""

import json

import pytest
from botocore.exceptions import ClientError

from quarterdeck.demo.company import FUNCTIONS
from quarterdeck.demo.services.lambda_ import SECRET
from quarterdeck.demo.specs import ACCOUNTS, REGIONS

from .conftest import PROD, STAGING


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


def listed(client, operation, key, **asked):
    return [item for page in client.get_paginator(operation).paginate(**asked) for item in page[key]]


def test_every_function_is_listed_where_it_lives(aws):
    found = {
        (account, region, f["FunctionName"])
        for account in ACCOUNTS
        for region in REGIONS
        for f in listed(aws("lambda", region, account), "list_functions", "Functions")
    }

    assert found == {spec.key for spec in FUNCTIONS}
    assert 32 <= len(found) <= 45


def test_versions_come_in_pages_of_fifty(aws):
    pages = list(aws("lambda").get_paginator("list_functions").paginate(FunctionVersion="ALL"))
    arns = [f["FunctionArn"] for p in pages for f in p["Functions"]]

    assert [len(p["Functions"]) for p in pages[:-1]] == [50] * (len(pages) - 1)
    assert len(arns) == len(set(arns)) > 200
    assert sum(arn.endswith(":$LATEST") for arn in arns) == 23


def test_one_function_has_more_versions_than_a_page_holds(aws):
    pages = list(
        aws("lambda").get_paginator("list_versions_by_function").paginate(FunctionName="checkout-api")
    )

    assert len(pages) == 2
    assert pages[0]["Versions"][0]["Version"] == "$LATEST"


def test_a_configuration_says_all_that_aws_says(aws):
    answer = aws("lambda").get_function_configuration(FunctionName="email-sender")

    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "Successful")
    assert answer["DeadLetterConfig"]["TargetArn"].endswith(":email-async-dlq")
    assert answer["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/email-sender"}
    assert answer["Environment"]["Variables"]["API_KEY"].startswith(SECRET)


def test_a_list_does_not_say_the_state(aws):
    assert "State" not in aws("lambda").list_functions(MaxItems=1)["Functions"][0]


def test_functions_are_found_by_name_arn_and_qualifier(aws):
    client = aws("lambda")
    arn = f"arn:aws:lambda:eu-west-1:{PROD}:function:cart-api"
    by_name, by_arn = (client.get_function_configuration(FunctionName=n) for n in ("cart-api", arn))
    by_alias = client.get_function_configuration(FunctionName="cart-api", Qualifier="prod")

    assert by_name["CodeSha256"] == by_arn["CodeSha256"]
    assert by_alias["Version"] == "87"


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("get_function_configuration", {}),
        ("get_function_concurrency", {}),
        ("list_aliases", {}),
        ("list_provisioned_concurrency_configs", {}),
        ("get_policy", {}),
        ("invoke", {}),
    ],
)
def test_an_unknown_function_is_not_found(aws, operation, asked):
    assert (
        refused(getattr(aws("lambda"), operation), FunctionName="none", **asked)
        == "ResourceNotFoundException"
    )


def test_an_unknown_version_is_not_found(aws):
    call = aws("lambda").get_function_configuration

    assert refused(call, FunctionName="cart-api", Qualifier="9999") == "ResourceNotFoundException"


def test_aliases_point_to_versions_and_one_is_weighted(aws):
    aliases = {
        a["Name"]: a for a in listed(aws("lambda"), "list_aliases", "Aliases", FunctionName="cart-api")
    }

    assert set(aliases) == {"dev", "stage", "prod"}
    assert aliases["prod"]["RoutingConfig"] == {"AdditionalVersionWeights": {"88": 0.1}}


def test_mappings_lead_from_queues_and_streams(aws):
    mappings = listed(aws("lambda"), "list_event_source_mappings", "EventSourceMappings")
    sources = {m["EventSourceArn"].split(":")[2] for m in mappings}

    assert sources == {"sqs", "kinesis", "dynamodb", "kafka"}
    (one,) = aws("lambda").list_event_source_mappings(FunctionName="order-worker")["EventSourceMappings"]
    assert one["UUID"] == aws("lambda").get_event_source_mapping(UUID=one["UUID"])["UUID"]


@pytest.mark.parametrize(("account", "region"), [(a, r) for a in ACCOUNTS for r in REGIONS])
def test_unreserved_is_the_limit_without_what_is_reserved(aws, account, region):
    client = aws("lambda", region, account)
    names = [f["FunctionName"] for f in listed(client, "list_functions", "Functions")]
    reserved = [client.get_function_concurrency(FunctionName=n) for n in names]
    limit = client.get_account_settings()["AccountLimit"]

    expected = limit["ConcurrentExecutions"] - sum(r.get("ReservedConcurrentExecutions", 0) for r in reserved)
    assert limit["UnreservedConcurrentExecutions"] == expected


def test_provisioned_concurrency_is_told_per_qualifier(aws):
    client = aws("lambda")
    (config,) = client.list_provisioned_concurrency_configs(FunctionName="session-auth")[
        "ProvisionedConcurrencyConfigs"
    ]
    one = client.get_provisioned_concurrency_config(FunctionName="session-auth", Qualifier="prod")
    none = refused(client.get_provisioned_concurrency_config, FunctionName="cart-api", Qualifier="prod")

    assert config["FunctionArn"].endswith(":session-auth:prod")
    assert one["Status"] == config["Status"] == "READY"
    assert none == "ProvisionedConcurrencyConfigNotFoundException"


def test_destinations_are_in_the_invoke_config(aws):
    client = aws("lambda")
    (config,) = client.list_function_event_invoke_configs(FunctionName="invoice-pdf")[
        "FunctionEventInvokeConfigs"
    ]

    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(":invoice-failures")
    assert client.get_function_event_invoke_config(FunctionName="invoice-pdf", Qualifier="prod")
    assert (
        refused(client.get_function_event_invoke_config, FunctionName="cart-api")
        == "ResourceNotFoundException"
    )


def test_resources_without_tags_are_left_out(aws):
    client = aws("resourcegroupstaggingapi", "us-east-1", STAGING)
    found = listed(client, "get_resources", "ResourceTagMappingList", ResourceTypeFilters=["lambda:function"])
    names = {item["ResourceARN"].rsplit(":", 1)[1] for item in found}

    assert "load-target" in names
    assert "schema-migrator" not in names
    assert {"Key": "env", "Value": "staging"} in found[0]["Tags"]


def test_resources_come_in_pages(aws):
    pages = list(aws("resourcegroupstaggingapi").get_paginator("get_resources").paginate(ResourcesPerPage=10))

    assert len(pages) == 3
    assert len({r["ResourceARN"] for p in pages for r in p["ResourceTagMappingList"]}) == 29


def test_a_role_leads_into_its_account(aws):
    role = f"arn:aws:iam::{STAGING}:role/quarterdeck-read"
    given = aws("sts").assume_role(RoleArn=role, RoleSessionName="quarterdeck")["Credentials"]

    assert given["AccessKeyId"].endswith(STAGING)
    assert aws("sts", account=STAGING).get_caller_identity()["Account"] == STAGING


def test_a_role_of_another_account_is_denied(aws):
    role = "arn:aws:iam::999999999999:role/quarterdeck-read"

    assert refused(aws("sts").assume_role, RoleArn=role, RoleSessionName="quarterdeck") == "AccessDenied"


def test_schedules_have_rules_and_functions_policies(aws):
    rule = aws("events").describe_rule(Name="fx-rates-every-5m")
    policy = json.loads(aws("lambda").get_policy(FunctionName="fx-rates-sync")["Policy"])

    assert rule["ScheduleExpression"] == "rate(5 minutes)"
    assert policy["Statement"][0]["Condition"]["ArnLike"]["AWS:SourceArn"] == rule["Arn"]


def test_the_trail_tells_deploys_newest_first_in_pages(aws):
    pages = list(aws("cloudtrail").get_paginator("lookup_events").paginate(MaxResults=20))
    times = [e["EventTime"] for p in pages for e in p["Events"]]
    one = [{"AttributeKey": "ResourceName", "AttributeValue": "checkout-api"}]
    names = {e["EventName"] for e in aws("cloudtrail").lookup_events(LookupAttributes=one)["Events"]}

    assert times == sorted(times, reverse=True)
    assert len(times) > 40
    assert names == {"UpdateFunctionCode20150331v2", "PublishVersion20150331", "UpdateAlias20150331"}


def test_what_the_demo_does_not_know_is_said_so(aws):
    code = refused(aws("lambda").list_code_signing_configs)

    assert code == "UnknownOperationException"


def test_other_services_are_moto(aws):
    assert aws("dynamodb").list_tables()["TableNames"] == []
