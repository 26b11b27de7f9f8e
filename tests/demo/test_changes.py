"""Changes are checked, kept and seen by later reads; calls are remembered."""

import json

import pytest
from botocore.exceptions import ClientError

from .conftest import HOUR, NOW, query


def refused(call, **asked):
    with pytest.raises(ClientError) as refusal:
        call(**asked)
    return refusal.value.response["Error"]["Code"]


@pytest.fixture
def client(fresh):
    return fresh[0]("lambda")


def test_reserved_concurrency_is_kept_and_taken_from_the_account(client):
    before = client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    client.put_function_concurrency(FunctionName="cart-api", ReservedConcurrentExecutions=40)

    assert client.get_function_concurrency(FunctionName="cart-api")["ReservedConcurrentExecutions"] == 40
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == before - 40
    client.delete_function_concurrency(FunctionName="cart-api")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="cart-api")


def test_a_hundred_must_stay_unreserved(client):
    code = refused(client.put_function_concurrency, FunctionName="cart-api", ReservedConcurrentExecutions=900)

    assert code == "InvalidParameterValueException"


def test_a_stopped_function_refuses_invocations(client):
    client.put_function_concurrency(FunctionName="cart-api", ReservedConcurrentExecutions=0)

    assert refused(client.invoke, FunctionName="cart-api") == "TooManyRequestsException"


def test_memory_and_timeout_are_kept(client):
    client.update_function_configuration(FunctionName="cart-api", MemorySize=512, Timeout=20)
    answer = client.get_function_configuration(FunctionName="cart-api")

    assert (answer["MemorySize"], answer["Timeout"]) == (512, 20)


def test_an_alias_moves_to_a_version_that_exists(client):
    client.update_alias(FunctionName="checkout-api", Name="prod", FunctionVersion="210")

    assert client.get_alias(FunctionName="checkout-api", Name="prod")["FunctionVersion"] == "210"
    nowhere = {"FunctionName": "checkout-api", "Name": "prod", "FunctionVersion": "9"}
    assert refused(client.update_alias, **nowhere) == "ResourceNotFoundException"


def test_a_mapping_is_paused(client):
    (mapping,) = client.list_event_source_mappings(FunctionName="order-worker")["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    assert client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == "Disabled"


def test_provisioned_concurrency_is_put_and_deleted(client):
    named = {"FunctionName": "cart-api", "Qualifier": "prod"}
    client.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=3)

    assert client.get_provisioned_concurrency_config(**named)["AllocatedProvisionedConcurrentExecutions"] == 3
    client.delete_provisioned_concurrency_config(**named)
    assert (
        client.list_provisioned_concurrency_configs(FunctionName="cart-api")["ProvisionedConcurrencyConfigs"]
        == []
    )


def test_tags_are_added_and_removed(client):
    arn = client.get_function_configuration(FunctionName="cart-api")["FunctionArn"]
    client.tag_resource(Resource=arn, Tags={"owner": "ana"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    tags = client.list_tags(Resource=arn)["Tags"]

    assert tags["owner"] == "ana"
    assert "team" not in tags


def test_the_remediator_answers_and_its_invocations_can_be_asked_for(fresh):
    aws, _ = fresh
    event = {"action": "drain", "function": "cart-api"}
    answer = aws("lambda").invoke(FunctionName="ops-remediator", Payload=json.dumps(event))
    said = json.loads(answer["Payload"].read())
    (call,) = aws.get("/demo/calls?operation=Invoke")

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert said == {"ok": True, "function": "ops-remediator", "received": event, "did": "drain"}
    assert json.loads(call["params"]["Payload"]) == event


def test_an_event_invocation_is_accepted_and_a_dry_run_has_no_content(client):
    event = client.invoke(FunctionName="cart-api", InvocationType="Event", Payload=b"{}")
    dry = client.invoke(FunctionName="cart-api", InvocationType="DryRun")

    assert (event["StatusCode"], dry["StatusCode"]) == (202, 204)


def test_a_payload_must_be_json(client):
    assert refused(client.invoke, FunctionName="cart-api", Payload=b"{") == "InvalidRequestContentException"


def test_calls_are_remembered_with_their_parameters(fresh):
    aws, _ = fresh
    aws("lambda", "us-east-1").list_aliases(FunctionName="quote-engine")
    (call,) = aws.get("/demo/calls?service=lambda")

    assert (call["region"], call["operation"]) == ("us-east-1", "ListAliases")
    assert call["params"]["FunctionName"] == "quote-engine"


def test_long_lists_of_remembered_calls_are_cut(fresh):
    aws, _ = fresh
    queries = [query(f"q{number}", "Invocations") for number in range(300)]
    aws("cloudwatch").get_metric_data(MetricDataQueries=queries, StartTime=NOW - HOUR, EndTime=NOW)
    (call,) = aws.get("/demo/calls?operation=GetMetricData")

    assert len(call["params"]["MetricDataQueries"]) == 4
    assert call["params"]["MetricDataQueries"][-1] == "... 300 in all"
