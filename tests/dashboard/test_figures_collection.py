"""Permissions that are missing, files that are lost and what is stored: in words, without a page."""

import json
from datetime import UTC

import pandas as pd
import pytest

from core.iam import SCOPED
from dashboard import figures_permissions, figures_services, figures_stored
from dashboard.figures_permissions import Lack
from store.readers.budget import Unreached

NONE = pd.DataFrame({"account": [], "region": [], "permission": []}, dtype=object)
FIRST = pd.Timestamp("2026-07-01", tz="UTC")


def refused(*rows):
    return pd.DataFrame(list(rows), columns=["account", "region", "permission"])


def test_what_a_role_lacks_is_named_once_from_runs_and_gaps():
    runs = refused(("1", "eu-west-1", "logs:FilterLogEvents"), ("1", "eu-west-1", None))
    gaps = refused(("1", "us-east-1", "logs:FilterLogEvents"), ("1", "eu-west-1", "sqs:GetQueueAttributes"))

    assert figures_permissions.lacks(runs, gaps) == [
        Lack(("1",), ("logs:FilterLogEvents", "sqs:GetQueueAttributes"), "aws")
    ]


def test_accounts_that_lack_the_same_share_one_policy_and_others_have_their_own():
    rows = [("1", "eu-west-1", "a:B"), ("2", "eu-west-1", "a:B"), ("3", "cn-north-1", "a:B")]

    found = figures_permissions.lacks(refused(*rows, ("4", "eu-west-1", "a:C")), NONE)

    assert [(lack.accounts, lack.actions, lack.partition) for lack in found] == [
        (("1", "2"), ("a:B",), "aws"),
        (("3",), ("a:B",), "aws-cn"),
        (("4",), ("a:C",), "aws"),
    ]


@pytest.mark.parametrize("permission", ["logs:*", 'logs:Get"', "<img>", "", float("nan"), "*", "logs:"])
def test_what_is_no_action_never_gets_into_a_policy(permission):
    assert figures_permissions.lacks(refused(("1", "eu-west-1", permission)), NONE) == []


def test_a_policy_allows_each_action_on_what_it_can_be_limited_to():
    actions = ("cloudwatch:GetMetricData", *sorted(SCOPED))

    statements = json.loads(Lack(("1",), actions, "aws-cn").policy)["Statement"]

    assert sorted(action for each in statements for action in each["Action"]) == sorted(actions)
    assert {each["Effect"] for each in statements} == {"Allow"}
    wide = [each["Action"] for each in statements if each["Resource"] == "*"]
    assert wide == [["cloudwatch:GetMetricData"]]
    assert all(each["Resource"].startswith(("*", "arn:aws-cn:")) for each in statements)
    assert all(each["Sid"].isalnum() for each in statements)


def test_a_lack_names_accounts_as_people_do_and_interprets_none_of_it():
    line = figures_permissions.lack_line(Lack(("1", "2"), ("a:B",), "aws"), {"1": "[shop](http://x)"})

    assert line == r"The roles in \[shop\]\(http\::small[]//x\), 2 lack `a:B`."


def test_files_that_cannot_be_read_are_named_with_their_time_and_the_command():
    lost = pd.DataFrame(
        [{"kind": "queue_samples", "start": FIRST, "end": FIRST + pd.Timedelta(days=n)} for n in (1, 2)]
    )

    line = figures_stored.lost_line(lost, zone=UTC)

    assert line.startswith(
        "2 files of the store cannot be read (queues; 1 Jul 00:00 to 3 Jul 00:00): that time counts as"
    )
    assert "`quarterdeck store check`" in line
    assert figures_stored.lost_line(lost[:0], zone=UTC) is None


def test_what_is_stored_counts_files_and_what_waits_for_them_largest_first():
    kept = pd.DataFrame(
        {
            "kind": ["metrics", "traces"],
            "files": [2, 0],
            "rows": [10, 0],
            "bytes": [100, 0],
            "waiting_rows": [5, 7],
            "waiting_bytes": [50, 500],
            "since": [FIRST, FIRST],
            "fine_since": [FIRST, FIRST],
        }
    )

    shown = figures_stored.stored_rows(kept, 1000.0)

    assert shown[["kind", "rows", "size"]].iloc[:2].values.tolist() == [
        ["traces", 7.0, 500.0],
        ["metrics", 15.0, 150.0],
    ]
    assert shown["size"].iloc[2] == 1000.0
    assert shown["rows"].isna().tolist() == [False, False, True]


def trouble(**given):
    none = pd.DataFrame({"is_alive": []}, dtype=object)
    budget = type("Budget", (), {"stopped": ()})()
    usual = {"watches": none, "unreached": (), "budget": budget, "happened": (), "lost": pd.DataFrame()}
    return figures_services.troubles(**(usual | given))


def test_nothing_is_wrong_beside_the_collectors_when_readers_say_nothing():
    assert trouble() == []


def test_troubles_beside_the_collectors_are_told_the_worst_first():
    gone = Unreached("shop", None, "no credentials", FIRST, FIRST)

    found = trouble(
        watches=pd.DataFrame({"is_alive": [True, False, False]}),
        unreached=[gone],
        lost=pd.DataFrame({"kind": ["metrics"]}),
    )

    assert [(each.state, each.text) for each in found] == [
        ("critical", "2 targets are watched by no service"),
        ("critical", "1 target is not reached"),
        ("warning", "1 file of the store cannot be read"),
    ]
