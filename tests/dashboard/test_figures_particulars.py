"""Extensions, durable executions, Managed Instances and failed batch items in words."""

import pytest

from dashboard import figures_particulars
from store.readers.particulars import Batches, Durable, Extensions, Particulars


def found(**of):
    nothing = dict.fromkeys(("extensions", "durable", "refused", "batches", "state", "log_state"))
    return Particulars(**{**nothing, **of})


def plain(text):
    return text.replace("\\", "")


def test_extensions_cost_their_share_of_the_duration():
    said = plain(figures_particulars.extensions(Extensions(20.0, 90.0, 0.25), 8.0))

    assert "**20 ms** per invocation on average after its answer, at most 90 ms" in said
    assert "**25%** of its duration, about $2.00 in this window" in said


@pytest.mark.parametrize(("share", "usd"), [(None, 8.0), (0.25, None)])
def test_dollars_that_are_not_known_are_not_told(share, usd):
    assert "$" not in figures_particulars.extensions(Extensions(20.0, 90.0, share), usd)


def test_executions_that_failed_stand_out():
    said = figures_particulars.durable(Durable(5, 2, 1, 0, 1, longest_ms=7_200_000.0))

    assert said == ("**5** started, 2 succeeded, **1 failed**, 0 timed out, 1 stopped; the longest took 2 h.")


def test_instances_that_refused_nothing_say_so():
    said = figures_particulars.refused

    assert said({"cpu": 0.0, "memory": 0.0}) == "Its instances refused nothing."
    assert said({"cpu": 2.0, "memory": 0.0}) == "**Refused: 2 for want of CPU**."


def test_items_are_told_of_all_where_all_are_known():
    said = figures_particulars.batches

    assert said(Batches(2, 3.0, 20.0)).startswith("**3** of the 20 items of 2 batches were handed back")
    assert said(Batches(1, 3.0, None)).startswith("**3** items of 1 batch were handed back")


def test_a_hole_in_what_was_read_stands_beside_the_number():
    state = "not collected: 9 of 60 minutes: the role lacks cloudwatch:GetMetricData"

    [(title, _, about)] = figures_particulars.waits(found(refused={"cpu": 1.0}, state=state))

    assert title == "Managed Instances"
    assert "Not all was read: the role lacks cloudwatch" in plain(about)


def test_a_plain_function_has_nothing_to_tell():
    assert figures_particulars.waits(found()) == []
