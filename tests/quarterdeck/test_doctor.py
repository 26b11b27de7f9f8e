"""The doctor on the demo account: sentences, and an exit code that scripts can rely on."""

import json
import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import yaml

from collectors.registry import EVERY, chosen
from core.errors import AccessDeniedError, AwsError, NotFoundError
from core.facts import Target
from core.settings import CostSettings, StoreSettings
from quarterdeck.demo.server import DemoServer
from quarterdeck.demo.settings import demo_settings, environment
from quarterdeck.doctor import clock
from quarterdeck.probes import PROBES, Known, refused
from store import leases
from store.leases import Member, Pulse
from store.store import Store

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
DEMO = chosen(CostSettings.model_validate(demo_settings("")["cost"]))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with DemoServer(tmp_path_factory.mktemp("account"), seed=7) as server:
        yield server


@pytest.fixture
def on_demo(quarterdeck, no_aws, demo, tmp_path):
    """Run a command that watches one target of the demo."""
    settings = demo_settings(demo.endpoint)
    settings["targets"] = [settings["targets"][1] | {"regions": ["us-east-1"]}]
    settings["collect"] |= {"backfill": "1h", "backfill_coarse": "1h"}
    file = tmp_path / "settings.yml"
    file.write_text(yaml.safe_dump(settings))
    for name, value in environment(demo.endpoint, file).items():
        no_aws.setenv(name, value)
    return lambda *words: quarterdeck("--store", tmp_path / "store", *words)


def test_all_is_well_on_the_demo(on_demo):
    result = on_demo("doctor", "--json")

    checks = json.loads(result.stdout)["checks"]
    assert [check for check in checks if check["outcome"] != "ok"] == []
    assert {check["check"] for check in checks} >= {
        "store",
        "identity",
        "clock",
        *(c.name for c in DEMO),
    }
    assert result.exit_code == 0


def test_a_person_gets_a_line_per_check(on_demo):
    lines = on_demo("doctor").stdout.splitlines()

    assert all(line.startswith("✓") for line in lines)


def test_the_service_of_this_host_alone_decides_a_health_check(on_demo, tmp_path):
    assert on_demo("doctor", "--service").exit_code == 1, "there is no store"
    store = Store.open(StoreSettings(path=tmp_path / "store"))
    assert on_demo("doctor", "--service").exit_code == 1, "nobody is there"

    for host, code in (("elsewhere", 1), (socket.gethostname(), 0)):
        with store.transaction() as connection:
            leases.beat(connection, Member(host, host, frozenset()), Pulse(), now=datetime.now(UTC), at_s=0.0)
        assert on_demo("doctor", "--service").exit_code == code
    store.close()


def test_a_target_that_no_service_watches_fails_and_each_service_is_named(on_demo, tmp_path):
    store = Store.open(StoreSettings(path=tmp_path / "store"))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with store.transaction() as connection:
        member = Member("service-1", "host-a", frozenset([Target("1", "eu-west-1")]))
        leases.beat(connection, member, Pulse(), now=long_ago, at_s=0.0)
    store.close()

    result = on_demo("doctor", "--json")

    said = [
        (c["outcome"], c["text"]) for c in json.loads(result.stdout)["checks"] if c["check"] == "services"
    ]
    assert [outcome for outcome, _ in said] == ["warning", "failed"]
    assert "service-1 on host-a watches 1 targets and the alerts" in said[0][1]
    assert "1 in eu-west-1 is watched by no service" in said[1][1]
    assert result.exit_code == 1


def operations(on_demo):
    rows = json.loads(on_demo("spend", "--json").stdout)["operations"]
    return {(row["collector"], row["operation"]): row for row in rows}


def test_what_the_doctor_asks_is_on_the_bill(on_demo):
    on_demo("doctor")

    asked = operations(on_demo)

    assert asked["doctor", "GetMetricData"]["units"] == 2, "for metrics and for queues"
    assert {collector for collector, _ in asked} == {"doctor"}


def test_what_the_plan_lists_is_on_the_bill_of_a_store_that_is_there(on_demo, tmp_path):
    on_demo("plan")
    assert not (tmp_path / "store").exists()
    Store.open(StoreSettings(path=tmp_path / "store")).close()
    on_demo("plan")

    assert operations(on_demo)["plan", "ListFunctions"]["calls"] == 1


def test_one_pass_reads_everything_and_says_how_it_went(on_demo):
    result = on_demo("collect", "--once", "--since", "30m", "--json")

    runs = json.loads(result.stdout)["runs"]
    assert [run["collector"] for run in runs] == [collector.name for collector in DEMO]
    assert {run["outcome"] for run in runs} == {"ok"}
    assert all(
        run["calls"] for run in runs if run["collector"] in ("inventory", "metrics", "logs", "details")
    )
    assert result.exit_code == 0


def test_a_second_pass_reads_only_what_may_have_changed(on_demo):
    on_demo("collect", "--once")

    runs = json.loads(on_demo("collect", "--once", "--json").stdout)["runs"]

    windows = [run["window"] for run in runs if run["collector"] == "metrics" and run["window"]]
    read = [datetime.fromisoformat(w["end"]) - datetime.fromisoformat(w["start"]) for w in windows]
    assert all(length <= timedelta(minutes=22) for length in read)


def test_what_was_collected_is_told_by_every_question(on_demo):
    on_demo("collect", "--once")

    fleet = json.loads(on_demo("fleet", "--since", "1h", "--json").stdout)["functions"]
    limits = json.loads(on_demo("concurrency", "--since", "1h", "--json").stdout)["accounts"]
    spent = json.loads(on_demo("spend", "--json").stdout)

    assert sum(row["invocations"] or 0 for row in fleet) > 10
    assert limits[0]["limit"] > 0
    assert spent["calls"] > 5


def test_one_unreachable_target_fails_the_pass_and_leaves_the_other(on_demo, tmp_path):
    file = tmp_path / "settings.yml"
    settings = yaml.safe_load(file.read_text())
    settings["targets"].append({"name": "lost", "regions": ["eu-nowhere-1"]})
    file.write_text(yaml.safe_dump(settings))

    result = on_demo("collect", "--once", "--since", "5m", "--json")

    document = json.loads(result.stdout)
    assert "eu-nowhere-1" in document["unreachable"][0]
    assert {run["outcome"] for run in document["runs"]} == {"ok"}
    assert result.exit_code == 1


@pytest.mark.parametrize("collector", EVERY, ids=lambda collector: collector.name)
def test_every_permission_has_a_probe(collector):
    assert set(collector.permissions) <= PROBES.keys()


@pytest.mark.parametrize(
    ("off_s", "outcome"),
    [(0, "ok"), (10, "ok"), (-60, "warning"), (200, "warning"), (301, "failed"), (-900, "failed")],
)
def test_a_clock_that_is_off_is_said_before_aws_refuses(off_s, outcome):
    date = format_datetime(NOW + timedelta(seconds=off_s), usegmt=True)

    assert clock(date, "prod in eu-west-1", now=NOW).outcome == outcome


def test_an_endpoint_without_a_date_is_no_failure():
    assert clock(None, "prod in eu-west-1", now=NOW).outcome == "skipped"


class Answering:
    """An AWS whose every call ends in one way."""

    def __init__(self, error=None):
        self.error = error

    def client(self, service):
        return self

    def __getattr__(self, method):
        def call(**parameters):
            if self.error:
                raise self.error

        return call


KNOWN = Known("f", "/aws/lambda/f", "https://sqs/q", NOW)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (None, None),
        (NotFoundError("no such queue"), None),
        (AwsError("bad id", code="InvalidRequestException"), None),
        (AccessDeniedError("no", permission="sqs:GetQueueUrl"), "sqs:GetQueueUrl"),
    ],
)
def test_finding_nothing_proves_a_permission_and_a_refusal_names_it(error, refusal):
    found = refused(Answering(error), "sqs:GetQueueUrl", KNOWN)

    assert (found and found.permission) == refusal


def test_another_failure_is_not_taken_for_a_refusal():
    with pytest.raises(AwsError):
        refused(Answering(AwsError("throttled", code="ThrottlingException")), "sqs:GetQueueUrl", KNOWN)
