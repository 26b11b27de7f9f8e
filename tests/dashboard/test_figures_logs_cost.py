"""What logs cost beside their functions, by hand."""

from decimal import Decimal

import pandas as pd
import pytest

from dashboard.figures_logs_cost import NEVER, UNKNOWN_GROUP, sentence, table

NAN = float("nan")


def costs(**functions):
    """Of each: ingestion, storage, all else, state."""
    rows = [
        {"account": "1", "region": "r", "function": name, "logs_usd": Decimal(ingest),
         "log storage_usd": Decimal(storage), "cost_usd": Decimal(ingest) + Decimal(storage) + Decimal(rest),
         "state": state}
        for name, (ingest, storage, rest, state) in functions.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def group(function, *, days=NAN, is_known=True, writers=1.0):
    return {"account": "1", "region": "r", "function": function, "group": f"/aws/lambda/{function}",
            "is_known": is_known, "retention_days": days, "stored_bytes": 1024.0, "log_class": "STANDARD",
            "writers": writers}  # fmt: skip


@pytest.fixture
def shown():
    told = costs(
        cheap=("0.5", "0.5", "10", None),
        chatty=("40", "10", "1", None),
        shared=("0", "0", "5", "not collected: logs: the volume of its log group is not known, or shared"),
        bare=("0", "0", "2", "not collected: log storage: the size of its log group is not known, or shared"),
    )
    groups = [group("cheap", days=30), group("chatty"), group("shared", writers=2.0)]
    return table(told, pd.DataFrame([*groups, group("bare", is_known=False)]))


def test_the_dearest_log_comes_first_beside_what_else_its_function_costs(shown):
    first = shown.iloc[0]

    assert (first["function"], first["logs_usd"], first["rest_usd"]) == ("chatty", 50.0, 1.0)
    assert (first["of_rest"], first["kept"]) == (50.0, NEVER)


def test_what_is_shared_or_not_listed_is_not_known_and_not_free(shown):
    of = shown.set_index("function")

    assert of.loc[["shared", "bare"], "storage_usd"].isna().all()
    assert pd.isna(of.loc["shared", "logs_usd"])
    assert of.loc["bare", "kept"] == UNKNOWN_GROUP
    assert "2 functions write to it" in of.loc["shared", "note"]
    assert of.loc["bare", "note"] == "without storage: not known"


def test_the_sentence_counts_logs_that_cost_more_than_their_function(shown):
    said = sentence(shown).replace("\\", "")

    assert said.startswith("**$51.00 for logs**, 392%")
    assert "1 cost more for their logs than for all else; 2 never expire; of 1 it is not known." in said
