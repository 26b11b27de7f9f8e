"""Find: what a typed text leads to."""

import pytest

from dashboard import links
from dashboard.finder import Way, way, ways

KNOWN = ways(
    [(links.COST, "Cost"), (links.LOGS, "Logs")],
    {"1.eu.checkout": "checkout · shop eu-west-1", "1.eu.checkout-api": "checkout-api · shop eu-west-1"},
    {"arn:1": "checkout-dlq · shop eu-west-1"},
)


@pytest.mark.parametrize(
    ("typed", "leads"),
    [
        ("checkout-api · shop eu-west-1 · function", Way(links.FUNCTION, {"fn": "1.eu.checkout-api"})),
        ("checkout", Way(links.FUNCTION, {"fn": "1.eu.checkout"})),
        ("CHECKOUT-a", Way(links.FUNCTION, {"fn": "1.eu.checkout-api"})),
        ("dlq", Way(links.QUEUES, {"queue": "arn:1"})),
        ("cost", Way(links.COST)),
        ("KeyError: 'iban'", Way(links.LOGS, {"q": "KeyError: 'iban'"})),
    ],
)
def test_a_typed_text_leads_to_what_is_called_so_else_to_the_logs(typed, leads):
    assert way(typed, KNOWN) == leads


def test_everything_that_can_be_found_is_told_apart():
    same = "orders · shop eu-west-1"

    assert len(ways([], {"f": same}, {"q": same})) == 2
