"""What the Cold starts page says of environments that were started ahead of a request, or for none."""

from __future__ import annotations

import pandas as pd
import pytest

from core.prices import prices
from dashboard.figures_environments import ahead, rows, sentences
from store.readers.environments import COLUMNS, Environments

NAN = float("nan")


def begun(*uses, prepared=0, startless=0, **about):
    plain = {"account": "1", "region": "us-east-1", "function": "orders", "architecture": "x86_64"}
    told = [
        plain | {"use": use, "init_ms": 1000.0 * (i + 1), "init_gb_s": 10.0} | about
        for i, use in enumerate(uses)
    ]
    frame = pd.DataFrame(told, columns=pd.Index(COLUMNS))
    return ahead(Environments(frame, prepared, startless), prices)


def test_rows_count_what_nobody_waited_for():
    found = rows(begun("proactive", "proactive", "unused", "requested")).set_index("group")

    assert found["nobody_waited"].to_dict() == {"Proactive": 2, "Unused": 1}
    assert found.loc["Proactive", "init_p50_ms"] == 1500
    assert found["cold_starts"].tolist() == [2, 0]
    assert found["waited_s"].tolist() == [0, 0]
    assert found["data"].tolist() == ["of 4 whose first line was read"] * 2


def test_proactive_ones_cost_what_their_reports_were_billed_and_unused_ones_are_not_known():
    found = rows(begun("proactive", "proactive", "unused"))["init_cost_usd"]

    assert found[0] == pytest.approx(20 * float(prices("us-east-1", "x86_64").duration))
    assert pd.isna(found[1])


@pytest.mark.parametrize("about", [{"init_gb_s": NAN}, {"region": "nowhere"}, {"architecture": None}])
def test_what_has_no_billed_time_or_price_has_no_cost(about):
    told = begun("proactive", **about)

    assert rows(told)["init_cost_usd"].isna().all()


def test_the_words_tell_what_counts_them_and_what_is_open():
    said = sentences(
        begun("proactive", "proactive", "unused", "not known yet", prepared=3, startless=5)
    ).replace("\\", "")

    assert "what callers waited is without them" in said
    assert "What unused ones were billed is not known" in said
    assert "1 began too recently" in said
    assert "3 left out: provisioned" in said
    assert "5 cold starts of environments whose first line was not read" in said


def test_none_of_many_is_zero_and_none_read_is_unknown():
    none, unread = begun("requested"), begun(startless=7)

    assert rows(none)["nobody_waited"].tolist() == [0, 0]
    assert "Besides" not in sentences(none)
    assert "nobody waited" not in sentences(none)
    assert "nobody_waited" not in rows(unread)
    assert rows(unread)["data"].str.startswith("not collected").all()
    assert "not known" in sentences(unread)
