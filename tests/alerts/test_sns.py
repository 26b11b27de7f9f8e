"""SNS through the account that the topic is in."""

from types import SimpleNamespace

import boto3
import pytest
from moto import mock_aws

from alerts.channels.base import Edge
from core.errors import AccessDeniedError, AwsError, DeliveryError, NotFoundError
from core.facts import Target
from tests.alerts.kinds import NOW, channel_of, given


@pytest.fixture
def edge(http):
    """`edge(sns)`: the way to an SNS client; `asked` keeps for which target."""

    def make(sns, asked=None):
        def aws_for(target):
            if asked is not None:
                asked.append(target)
            return SimpleNamespace(client=lambda service: sns)

        return Edge(http, NOW, aws_for)

    return make


def failing(error):
    def publish(**_):
        raise error

    return SimpleNamespace(publish=publish)


def test_a_notice_reaches_those_who_subscribed(edge, message):
    with mock_aws():
        sns, sqs = (boto3.client(name, region_name="eu-west-1") for name in ("sns", "sqs"))
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        asked = []

        receipt = channel_of("sns").model_copy(update={"topic": topic}).send(message(), edge(sns, asked))

        [got] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert receipt.answer.startswith("message ")
    assert "error rate 34.2 %" in got["Body"]
    assert asked == [Target(topic.split(":")[4], "eu-west-1")]


@pytest.mark.parametrize(
    ("error", "retryable", "target"),
    [
        (AwsError("busy", code="Throttled", retryable=True), True, None),
        (AwsError("no answer"), True, None),
        (AwsError("too long", code="InvalidParameter"), False, None),
        (AccessDeniedError("the role lacks sns:Publish", permission="sns:Publish"), False, "refuses"),
        (NotFoundError("no topic"), False, "gone"),
    ],
)
def test_says_whether_a_retry_can_help(edge, message, error, retryable, target):
    with pytest.raises(DeliveryError) as failure:
        channel_of("sns").send(message(), edge(failing(error)))

    assert (failure.value.retryable, failure.value.target) == (retryable, target)


def test_a_fifo_topic_drops_what_it_has(message):
    fifo = channel_of("sns").model_copy(update={"topic": f"{given('sns')['topic']}.fifo"})
    sent = fifo.payload(message())

    assert (sent["MessageGroupId"], sent["MessageDeduplicationId"]) == ("i1", "i1-firing-chat")


def test_without_a_way_to_aws_it_waits(http, message):
    with pytest.raises(DeliveryError) as failure:
        channel_of("sns").send(message(), Edge(http, NOW))

    assert failure.value.retryable


def test_the_policy_for_acting_lets_it_publish():
    from quarterdeck.policy import policy

    assert "sns:Publish" in str(policy(actions=True))
