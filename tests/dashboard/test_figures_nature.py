"""What a function's page says of durable functions and of those on Managed Instances."""

from datetime import UTC

import pytest

from dashboard import figures_function, figures_particulars
from store.readers.nature import Load, Nature
from tests.dashboard.fleet_rows import NOW, WINDOW, row, series
from tests.dashboard.test_figures_particulars import found

ON_POOL = Nature(provider_arn="arn:aws:lambda:eu-west-1:1:capacity-provider:pool_1")
DURABLE = Nature(durable_timeout_s=86_400)


def load(at_once=None, limit=None, cpu=None, memory=None, instance_cpu=None, instance_memory=None):
    return Load(at_once, limit, cpu, memory, instance_cpu, instance_memory, state=None)


def cards(nature):
    return {c.label: c for c in figures_function.cards(row(), None, series(), WINDOW, nature)}


@pytest.mark.parametrize(
    ("nature", "said"),
    [
        (ON_POOL, r"Managed Instances of pool\_1"),
        (DURABLE, "durable, up to 1 d"),
        (Nature(), "timeout 15 s · shop eu"),
    ],
)
def test_the_line_of_the_configuration_says_how_a_function_runs(nature, said):
    line = figures_function.configuration(row(), "shop eu", None, zone=UTC, now=NOW, nature=nature)

    assert said in line


def test_nobody_waits_for_a_cold_start_on_managed_instances():
    assert cards(ON_POOL)["Cold starts"].value == "none"
    assert "no caller waits" in cards(ON_POOL)["Cold starts"].help
    assert cards(DURABLE)["Cold starts"].value != "none"


def test_numbers_that_count_replays_of_durable_executions_say_so():
    replayed = {label for label, card in cards(DURABLE).items() if "replay" in card.help}

    assert replayed == {"Error rate", "Invocations / min"}
    assert not any("replay" in card.help for card in cards(Nature()).values())


def test_how_full_instances_were_is_told_with_what_they_refused():
    told = figures_particulars.waits(found(refused={"cpu": 2.0}), load(9.0, 48.0, 61.4, 40.0, 74.0, 12.0))

    assert told[0][1] == (
        "**Refused: 2 for want of CPU**. At most **9 of 48** requests at once; its fullest environment 61 % "
        "of CPU and 40 % of memory; the fullest instance of its provider, whatever ran there, 74 % of CPU "
        "and 12 % of memory."
    )


def test_instances_of_which_nothing_is_told_are_called_unknown():
    ((_, said, _),) = figures_particulars.waits(found(), load())

    assert "is not known: CloudWatch told nothing" in said
    assert "What they refused is not known" in said
