"""The published policy is what collectors call, in forms that other tools take."""

import json
from collections import Counter

import hcl2
import pytest
from cfnlint.api import lint_all

from collectors.aws import Aws, connect
from collectors.registry import EVERY, OPTIONAL_TO_CONNECT, PERMISSIONS_TO_CONNECT
from collectors.runner import collect_due
from collectors.translate import iam_action
from core.iam import SCOPED
from core.settings import CollectSettings, StoreSettings
from quarterdeck.demo.server import DemoServer
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.policy import (
    INSIGHTS,
    MANAGED_POLICY_CHARACTERS,
    OPTIONAL,
    policy,
    reading,
    trust,
)
from quarterdeck.policy_forms import FORMATS, Wish, cloudformation, policy_text
from quarterdeck.service import utc_now
from quarterdeck.settings import Settings
from store.store import Store

ONLY_WHEN = {
    **dict.fromkeys(INSIGHTS, "a log is aggregated"),
    **dict.fromkeys(OPTIONAL_TO_CONNECT, "a target has no name, or regions are to be discovered"),
    "scheduler:GetSchedule": "a policy names a schedule",
    "xray:GetIndexingRules": "Transaction Search is on",
    "lambda:ListLayerVersions": "a function has a layer of its own account",
    "lambda:ListProvisionedConcurrencyConfigs": "a function has published versions",
}
"""Actions that are called only where something is."""


def granted(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """IAM actions of every request of a full pass on the demo account, as botocore makes them."""
    seen = Counter()

    with pytest.MonkeyPatch.context() as patch, DemoServer(tmp_path_factory.mktemp("demo"), seed=7) as server:
        for name, value in environment(server.endpoint, "none.yml").items():
            patch.setenv(name, value)
        written = demo_settings(server.endpoint)
        written["targets"] = [written["targets"][0] | {"regions": ["eu-west-1"]}]
        settings = Settings.model_validate(written)
        original = Aws._connect

        def connect_and_watch(self, service):
            client = original(self, service)

            def note(model, **_):
                seen[iam_action(service, model.name)] += 1

            client.meta.events.register("before-call.*", note)
            return client

        patch.setattr(Aws, "_connect", connect_and_watch)
        reached, failed = connect(settings.targets, settings.aws)
        assert failed == []
        store = Store.open(StoreSettings(path=tmp_path_factory.mktemp("store"), free_space_floor_mb=0))
        collect = CollectSettings(backfill="1h", backfill_coarse="1h")
        for aws in reached:
            for collector in EVERY:
                collect_due(collector, aws, store, collect, now=utc_now())
        store.close()
    return set(seen)


def test_nothing_is_called_that_is_not_granted(called):
    assert called <= granted(policy())


def test_nothing_is_granted_that_is_not_called(called):
    assert granted(policy()) - called <= set(ONLY_WHEN)


def test_each_collector_has_statements_of_its_own():
    for collector in EVERY:
        mine = [s for s in reading() if s["Sid"].startswith((collector.name.capitalize(), "LogsInsights"))]

        assert set(collector.permissions) <= {action for s in mine for action in s["Action"]}


def test_sids_are_letters_and_unique():
    sids = [statement["Sid"] for statement in policy(actions=True)["Statement"]]

    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() and sid.isascii() for sid in sids)


def test_what_may_be_dropped_begins_with_its_name():
    sids = [statement["Sid"] for statement in reading()]

    assert all(any(sid.startswith(begin) for sid in sids) for begin in OPTIONAL)


@pytest.mark.parametrize("actions", [False, True])
def test_the_policy_fits_a_managed_policy(actions):
    text = json.dumps(policy(actions=actions, partition="aws-us-gov"), separators=(",", ":"))

    assert len(text) <= MANAGED_POLICY_CHARACTERS


def test_what_can_be_limited_to_resources_is():
    for statement in policy(actions=True)["Statement"]:
        for action in statement["Action"]:
            assert (statement["Resource"] == "*") == (action not in SCOPED)


def test_connecting_needs_what_is_granted_for_it():
    assert {*PERMISSIONS_TO_CONNECT, *OPTIONAL_TO_CONNECT} <= granted(policy())


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_resources_are_of_the_partition(partition):
    resources = [s["Resource"] for s in policy(partition=partition)["Statement"] if s["Resource"] != "*"]

    assert all(resource.startswith(f"arn:{partition}:") for resource in resources)


def test_the_trust_policy_asks_for_the_external_id():
    (statement,) = trust("999988887777", "moor-7")["Statement"]

    assert statement["Principal"] == {"AWS": "arn:aws:iam::999988887777:root"}
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "moor-7"}}


WISHES = [
    Wish(),
    Wish(actions=True),
    Wish(role=True, trusted="999988887777", external_id="moor-7"),
    Wish(actions=True, role=True, trusted="arn:aws:iam::999988887777:role/watch"),
]


@pytest.mark.parametrize("wish", WISHES)
def test_the_template_is_one_that_cloudformation_takes(wish):
    found = lint_all(policy_text("cloudformation", wish))

    assert [str(match) for match in found if match.rule.severity != "informational"] == []


def test_the_role_of_the_template_has_every_policy():
    resources = cloudformation(WISHES[3])["Resources"]

    attached = {each["Ref"] for each in resources["Role"]["Properties"]["ManagedPolicyArns"]}
    assert attached == {"PolicyReads", "PolicyActs"}


@pytest.mark.parametrize("wish", WISHES)
def test_terraform_can_be_read_and_says_the_same(wish):
    parsed = hcl2.loads(policy_text("terraform", wish) + "\n")

    kinds = Counter(kind.strip('"') for block in parsed["resource"] for kind in block)
    policies = 1 + wish.actions
    assert kinds["aws_iam_policy"] == policies
    assert kinds["aws_iam_role_policy_attachment"] == (policies if wish.role else 0)
    assert ("variable" in parsed) is wish.role


def test_json_with_a_role_needs_who_may_assume_it():
    with pytest.raises(UsageMistakeError, match="--trusted-account"):
        policy_text("json", Wish(role=True))


def test_json_with_a_role_is_both_documents():
    document = json.loads(policy_text("json", WISHES[2]))

    assert document["Policy"] == policy()
    assert document["TrustPolicy"] == trust("999988887777", "moor-7")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("trusted", ["99998888777", "٩" * 12, "all"])
def test_who_may_assume_it_is_an_account_or_a_role(form, trusted):
    with pytest.raises(UsageMistakeError, match="twelve digits"):
        policy_text(form, Wish(role=True, trusted=trusted))


def test_text_that_terraform_would_evaluate_stays_text():
    text = policy_text("terraform", Wish(role=True, trusted="999988887777", external_id="${file(1)}%{if x}"))

    assert '"$${file(1)}%%{if x}"' in text
