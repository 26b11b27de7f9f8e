"""What is proposed, what vetoes it, what is missing, and what it would save: by hand."""

import math
import shlex
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prices import Prices
from core.rightsizing import (
    AtSize,
    LogGroupSeen,
    Observed,
    OldVersion,
    Pool,
    lacking,
)
from core.rightsizing_changes import act_line, memory_change, retention_change, text
from core.rightsizing_logs import level, retention
from core.rightsizing_memory import HEADROOM, curve, memory
from core.rightsizing_rules import Rates, proposals
from core.rightsizing_settings import architecture, can_run_on_arm, ephemeral, old_versions, timeout
from core.rightsizing_units import idle

X86 = Prices(
    request=Decimal("0.0000002"),
    duration=Decimal("0.0000166667"),
    provisioned_capacity=Decimal("0.0000041667"),
    provisioned_duration=Decimal("0.0000097222"),
    ephemeral=Decimal("0.0000000309"),
    log_ingest=Decimal("0.50"),
)
ARM = Prices(duration=Decimal("0.0000133334"), provisioned_duration=Decimal("0.0000077778"))
WEEK = timedelta(days=7)
GIB = 1024**3
HOSTILE = "x'; rm -rf / #${path.root}\"%{ if true }$(id)`id`\n=1+1"


def prices(name):
    return ARM if name == "arm64" else X86


def at_size(memory_mb=1024.0, **about):
    """Ten thousand invocations of 100 ms, p95 120 ms, that used 200 MB at most."""
    plain = {"records": 10_000.0, "p50_ms": 100.0, "p95_ms": 120.0, "p999_ms": 300.0, "max_ms": 400.0,
             "log_mean": math.log(100.0), "log_sd": 0.2, "used_max_mb": 200.0}  # fmt: skip
    told = plain | about
    return AtSize(memory_mb=memory_mb, **{"billed_ms": told["records"] * 100.0, **told})


def observed(*sizes, **about):
    plain = {"runtime": "python3.12", "package_type": "Zip", "memory_mb": 1024.0, "timeout_s": 30.0,
             "ephemeral_mb": 512.0, "invocations": 10_000.0, "seen": WEEK, "window": WEEK}  # fmt: skip
    told = plain | about
    return Observed(
        account="111111111111", region="us-east-1", function="f", sizes=sizes or (at_size(),), **told
    )


def test_memory_without_history_saves_between_nothing_and_its_share():
    """1,024 to 512 MB: half of a month's GB-seconds if durations stay, none of them if they double."""
    found = memory(observed(), prices)

    month_gb_s = Decimal(10_000) * 30 / 7 * Decimal("0.1")
    assert found.verdict == "change"
    assert found.then == 512
    assert found.saves.low == 0
    assert float(found.saves.high) == pytest.approx(float(month_gb_s * X86.duration / 2), rel=1e-9)
    assert found.saves.likely is None
    assert "2 times as slow" in found.risk


def test_memory_keeps_headroom_over_what_was_used_at_most():
    found = memory(observed(at_size(used_max_mb=600.0)), prices)

    assert found.then >= 600 * HEADROOM
    assert found.then == 768


def test_memory_with_history_goes_by_the_fit():
    """At both sizes 100 ms: it waits, so that less memory is free of charge."""
    found = memory(observed(at_size(1024.0), at_size(512.0, records=500.0)), prices)

    assert found.then == 256
    assert found.saves.likely is not None
    assert found.saves.low <= found.saves.likely <= found.saves.high
    assert any("processor time, fitted at 512, 1,024 MB" in text for text in found.evidence)


def test_memory_of_a_function_that_is_all_processor_time_is_left_alone():
    twice = at_size(512.0, log_mean=math.log(200.0))
    found = memory(observed(at_size(1024.0), twice), prices)

    assert found.verdict == "keep" or found.then > 512


@pytest.mark.parametrize(
    ("about", "why"),
    [
        ({"timeouts": 3.0}, "timed out"),
        ({"used_max_mb": 900.0}, "no smaller size is safe"),
        ({"p999_ms": 29_000.0}, "no smaller size is safe"),
    ],
)
def test_what_vetoes_less_memory(about, why):
    found = memory(observed(at_size(**about)), prices)

    assert found.verdict == "keep"
    assert why in found.says


def test_what_ran_out_of_memory_is_given_more_and_costs_more():
    found = memory(observed(at_size(out_of_memory=5.0)), prices)

    assert found.then == 1536
    assert found.saves.low < 0
    assert found.saves.high <= 0


@pytest.mark.parametrize(
    ("about", "missing"),
    [
        ({"seen": timedelta(hours=20)}, "4 hours more of its log"),
        (
            {"seen": timedelta(0), "why_not": "logs:FilterLogEvents is denied"},
            "logs:FilterLogEvents is denied",
        ),
        ({"sizes": (at_size(records=60.0),)}, "40 more invocation records at 1,024 MB"),
        ({"sizes": (at_size(512.0),)}, "100 more invocation records at 1,024 MB"),
        ({"sizes": (), "invocations": 0.0}, "any invocation"),
        ({"memory_mb": None}, "lambda:ListFunctions"),
    ],
)
def test_too_little_data_says_what_is_missing_and_claims_no_dollars(about, missing):
    sizes = about.pop("sizes", (at_size(),))
    one = observed(**about)
    one = type(one)(**{name: getattr(one, name) for name in one.__slots__} | {"sizes": sizes})
    found = memory(one, prices)

    assert missing in lacking(one)
    assert found.verdict == "unknown"
    assert missing in found.missing
    assert found.saves is None


def test_memory_in_a_region_without_a_price_is_unknown():
    found = memory(observed(), lambda name: Prices())

    assert found.verdict == "unknown"
    assert "price" in found.missing


def test_the_curve_holds_the_present_cost_exactly():
    sizes = curve(observed(), prices)
    now = next(size for size in sizes if size.memory_mb == 1024)

    expected = Decimal(10_000) * 30 / 7 * Decimal("0.1") * X86.duration
    assert now.usd.low == now.usd.high
    assert float(now.usd.low) == pytest.approx(float(expected), rel=1e-9)
    assert all(size.usd.low <= size.usd.high for size in sizes)


def test_provisioned_time_is_charged_at_its_own_price():
    half = observed(at_size(provisioned_ms=500_000.0))
    now = next(size.usd.low for size in curve(half, prices) if size.memory_mb == 1024)

    month = 500 * Decimal(30) / 7
    assert float(now) == pytest.approx(float(month * (X86.duration + X86.provisioned_duration)), rel=1e-9)


def test_arm_saves_a_fifth_when_it_takes_as_long():
    found = architecture(observed(), prices)

    month_gb_s = Decimal(10_000) * 30 / 7 * Decimal("0.1")
    assert found.verdict == "change"
    assert float(found.saves.likely) == pytest.approx(float(month_gb_s * (X86.duration - ARM.duration)))
    assert found.saves.low < found.saves.likely < found.saves.high


@pytest.mark.parametrize(
    ("about", "verdict", "says"),
    [
        ({"package_type": "Image", "runtime": None}, "unknown", "container image"),
        ({"layers": 2}, "unknown", "2 layers exist for arm64"),
        ({"runtime": "go1.x"}, "keep", "no go1.x on arm64"),
        ({"runtime": "java8"}, "keep", "no java8 on arm64"),
        ({"architecture": "arm64"}, "keep", "runs on arm64"),
        ({"is_edge": True}, "keep", "Lambda@Edge"),
    ],
)
def test_where_arm_is_not_proposed(about, verdict, says):
    found = architecture(observed(**about), prices)

    assert found.verdict == verdict
    assert says in (found.missing or found.says)


@pytest.mark.parametrize(
    ("runtime", "can"),
    [("python3.7", False), ("python3.13", True), ("nodejs22.x", True), ("java21", True), ("dotnet8", True),
     ("provided.al2023", True), ("provided", False), ("ruby2.7", True), (None, None), ("nodejs10.x", False)],
)  # fmt: skip
def test_which_runtimes_there_are_on_arm(runtime, can):
    assert can_run_on_arm(runtime) is can


def test_a_long_timeout_is_three_times_the_longest_and_claims_no_dollars():
    found = timeout(observed(at_size(max_ms=4_000.0), timeout_s=300.0), prices)

    assert found.then == 15
    assert found.saves is None
    assert "a call that hangs" in found.says or "each call that hangs" in found.says


def test_a_timeout_that_ends_work_is_too_short():
    found = timeout(observed(at_size(timeouts=7.0, max_ms=30_000.0)), prices)

    assert found.then == 60
    assert "7 invocations were ended at 30 s" in found.evidence


@given(max_ms=st.floats(1, 900_000), timeout_s=st.integers(1, 900))
def test_a_proposed_timeout_never_ends_what_was_seen(max_ms, timeout_s):
    found = timeout(observed(at_size(max_ms=max_ms), timeout_s=float(timeout_s)), prices)

    assert found.verdict in ("keep", "change")
    assert found.then is None or found.then * 1000 > min(max_ms, timeout_s * 1000)
    assert found.then is None or 1 <= found.then <= 900


def test_larger_tmp_has_a_price_and_no_known_use():
    found = ephemeral(observed(ephemeral_mb=1536.0), prices)

    month_s = Decimal(1000) * 30 / 7
    assert found.verdict == "unknown"
    assert "tmp_used" in found.missing
    assert float(found.saves.high) == pytest.approx(float(month_s * X86.ephemeral), rel=1e-9)


def group(**about):
    plain = {"name": "/aws/lambda/f", "retention_days": None, "stored_bytes": 100.0 * GIB,
             "bytes_a_day": 1.0 * GIB}  # fmt: skip
    return LogGroupSeen(**plain | about)


def test_a_group_that_never_expires_saves_what_is_older_than_a_month():
    """100 GB are stored and 1 GB arrives a day: 70 GB are older than 30 days, at 0.03 USD at most."""
    found = retention(observed(log_group=group()), Decimal("0.03"))

    assert found.saves.high == Decimal("2.10")
    assert found.saves.low == Decimal("2.10") * Decimal("0.15")
    assert "deleted for good" in found.risk


@pytest.mark.parametrize(
    ("mine", "price", "verdict"),
    [
        (group(retention_days=14), Decimal("0.03"), "keep"),
        (group(stored_bytes=None), Decimal("0.03"), "unknown"),
        (group(bytes_a_day=None), Decimal("0.03"), "unknown"),
        (group(), None, "unknown"),
        (None, Decimal("0.03"), "unknown"),
    ],
)
def test_retention_that_is_fine_or_not_known(mine, price, verdict):
    assert retention(observed(log_group=mine), price).verdict == verdict


def test_a_debug_level_puts_its_own_lines_at_stake_and_no_more():
    found = level(observed(log_group=group(), log_level="DEBUG"), Decimal("0.50"))

    assert found.verdict == "unknown"
    assert Decimal(14) < found.saves.high < Decimal(15)
    assert found.saves.low == 0


def test_a_level_of_info_is_kept():
    assert level(observed(log_group=group(), log_level="INFO"), Decimal("0.50")).verdict == "keep"


def test_idle_units_save_all_that_they_cost():
    pool = Pool(
        qualifier="17", held=10, why="no alias or trigger reaches version 17", usd_month=Decimal("108")
    )
    (found,) = idle(observed(pools=(pool,)))

    assert found.saves.low == found.saves.high == Decimal("108")
    assert found.change.action == {"do": "set-provisioned-concurrency", "qualifier": "17", "count": 0}


def version(n, **about):
    return OldVersion(version=str(n), **{"bytes": float(GIB), "memory_mb": 1024.0} | about)


def test_stored_code_is_free_and_says_so():
    found = old_versions(observed(old_versions=tuple(map(version, range(12)))), Decimal("0.0000015046"))

    assert found.saves is None
    assert "stored code is free of charge" in found.evidence


def test_versions_with_the_code_of_another_are_counted():
    same = [version(n, is_duplicate=n < 4) for n in range(12)]

    found = old_versions(observed(old_versions=tuple(same)), None)

    assert "4 of them hold the code of another version" in found.evidence


def test_snapshots_that_nobody_starts_from_cost_by_the_second():
    old = (version(1, is_cached=True), version(2))
    found = old_versions(observed(old_versions=old), Decimal("0.0000015046"))

    assert found.saves.low == Decimal(30 * 86_400) * Decimal("0.0000015046")
    assert len(found.change.cli) == 1


RATES = Rates(prices, Decimal("0.5"), Decimal("0.03"), Decimal("0.0000015046"))
numbers = st.floats(0, 1e7)


@given(
    records=st.floats(0, 1e6), used=st.none() | st.floats(1, 10_240),
    memory_mb=st.sampled_from([128.0, 512.0, 10_240.0]),
    p95=st.floats(0.01, 900_000), killed=st.floats(0, 5), seen_h=st.floats(0, 24 * 30),
)  # fmt: skip
def test_whatever_was_seen_no_band_is_upside_down_and_unknown_ones_say_what_is_missing(
    records, used, memory_mb, p95, killed, seen_h
):
    size = at_size(memory_mb, records=records + 1, used_max_mb=used, p95_ms=p95, p999_ms=p95, max_ms=p95,
                   out_of_memory=killed)  # fmt: skip
    one = observed(size, memory_mb=memory_mb, seen=timedelta(hours=seen_h), log_group=group())

    for found in proposals(one, RATES):
        assert found.says
        assert (found.verdict == "unknown") <= bool(found.missing)
        assert found.saves is None or found.saves.low <= found.saves.high
        assert found.verdict != "change" or (found.change is not None and found.evidence)
        assert (
            found.saves is None
            or found.saves.likely is None
            or (found.saves.low <= found.saves.likely <= found.saves.high)
        )


@given(st.text())
def test_a_hostile_name_stays_one_word_of_a_shell_and_one_text_of_terraform(name):
    one = observed()
    one = type(one)(**{n: getattr(one, n) for n in one.__slots__} | {"function": name})
    change = memory_change(one, 512)

    words = shlex.split(change.cli[0])
    assert words[words.index("--function-name") + 1] == name
    assert words[-2:] == ["--region", "us-east-1"]
    assert text(name).isprintable()


@pytest.mark.parametrize(
    ("value", "written"),
    [("a", '"a"'), ('"', '"\\""'), ("\\", '"\\\\"'), ("${x}", '"$${x}"'), ("%{x}", '"%%{x}"'),
     ("\x1b", '"\\u001b"'), ("\n", '"\\n"'), ("\U000e0001", '"\\U000e0001"')],
)  # fmt: skip
def test_texts_of_terraform_are_quoted(value, written):
    assert text(value) == written


def test_a_hostile_name_runs_nothing():
    line = act_line(("1", "us-east-1", HOSTILE), {"do": "update-configuration", "memory_mb": 512})
    group_line = retention_change(observed(), group(name=HOSTILE), 30).cli[0]

    assert shlex.split(line)[3] == HOSTILE
    assert HOSTILE in shlex.split(group_line)
    assert "${" not in text("${x}").replace("$${", "")
