"""The fleet table as pages need it, worked out once per question: sums, what is not seen, light rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from dashboard import numbers
from dashboard.figures import PROVISIONAL, reason

KEYS = ["account", "region", "function"]
COUNTED = ("invocations", "errors", "throttles", "cost_usd")
"""What is added up over functions and compared with another window."""

MEASURED = (*COUNTED, "duration_p95_ms")
OF_NOTE = ("invocations", "duration_p95_ms", "dead_letters")
"""One column per collector that matters now: a hole in them may hide a failure. Cost says its own holes."""

TAGS: Mapping[str, Sequence[str]] = {
    "team": ("team", "owner", "squad"),
    "env": ("env", "environment", "stage"),
}
"""Tag keys, in any case, that say whose a function is and what it serves; the first that is there counts."""

Tags = Mapping[str, str]
States = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sum:
    """A number over `among` functions: `missing` of them were not (fully) collected, `why` for the first."""

    value: float | None
    among: int
    missing: int = 0
    provisional: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Holes:
    """Of `among` functions `functions` are not fully seen; `reasons` with how many, the widest first."""

    among: int
    functions: int = 0
    reasons: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """A number now and in the window before, over the functions that both saw in full."""

    value: float
    before: float
    left_out: int
    among: int


@dataclass(frozen=True, slots=True)
class Digest:
    """`rows`: account, region, function, team, env, runtime (None: none), words (what a search looks in),
    last_invocation, invocations, errors, error_rate, throttles, duration_p95_ms, cold_start_rate, cost_usd
    (float), data (`data_state`), and a flag `hole_X` for each of `MEASURED`."""

    sums: Mapping[str, Sum]
    holes: Holes
    rows: pd.DataFrame


def digest(fleet: pd.DataFrame, names: Mapping[str, str]) -> Digest:
    """From the `fleet` reader's frame; `names` are how people call the accounts."""
    states = list(fleet["states"])
    holes = {name: [reason(of.get(name)) for of in states] for name in MEASURED}
    sums = {name: _sum(fleet[name], [of.get(name) for of in states], holes[name]) for name in MEASURED}
    return Digest(sums, not_read(states), _rows(fleet, holes, names))


def _sum(column: pd.Series[Any], states: Sequence[str | None], holes: Sequence[str | None]) -> Sum:
    known = [value for value in column if numbers.known(value)]
    whys = [why for why in holes if why]
    start = Decimal(0) if isinstance(next(iter(known), None), Decimal) else 0
    return Sum(
        value=float(sum(known, start)) if known else None,
        among=len(column),
        missing=len(whys),
        provisional=PROVISIONAL in states,
        why=next(iter(whys), None),
    )


def not_read(states: Sequence[States]) -> Holes:
    """Why functions are not fully seen, from the `states` of each."""
    found: Counter[str] = Counter()
    functions = 0
    for of in states:
        whys = {why for name in OF_NOTE if (why := reason(of.get(name)))}
        found.update(whys)
        functions += bool(whys)
    return Holes(len(states), functions, tuple(found.most_common()))


def _rows(
    fleet: pd.DataFrame, holes: Mapping[str, Sequence[str | None]], names: Mapping[str, str]
) -> pd.DataFrame:
    tags = list(fleet["tags"])
    columns = [*KEYS, "runtime", "last_invocation", "invocations", "errors", "error_rate", "throttles"]
    rows = fleet[[*columns, "duration_p95_ms", "cold_start_rate"]].copy()
    rows["cost_usd"] = pd.to_numeric(fleet["cost_usd"].astype("float64"))
    rows["team"] = pd.Series([_tag(of, "team") for of in tags], dtype="str", index=rows.index)
    rows["env"] = pd.Series([_tag(of, "env") for of in tags], dtype="str", index=rows.index)
    rows["words"] = pd.Series(_words(fleet, tags, names), dtype="str", index=rows.index)
    rows["data"] = pd.Series([data_state(of) for of in fleet["states"]], dtype="str", index=rows.index)
    flags = {f"hole_{name}": [why is not None for why in whys] for name, whys in holes.items()}
    return rows.assign(**flags).reset_index(drop=True)


def _tag(tags: Tags, name: str) -> str | None:
    by_key = {key.lower(): value for key, value in tags.items()}
    return next((by_key[key] for key in TAGS[name] if by_key.get(key)), None)


def _words(fleet: pd.DataFrame, tags: Sequence[Tags], names: Mapping[str, str]) -> list[str]:
    """Name, place, runtime and tags (as `key=value`) in small letters."""
    parts = zip(fleet["function"], fleet["account"], fleet["region"], fleet["runtime"], tags, strict=True)
    return [
        " ".join(
            [f, a, names.get(a, ""), r, run if isinstance(run, str) else ""]
            + [f"{k}={v}" for k, v in t.items()]
        ).lower()
        for f, a, r, run, t in parts
    ]


def data_state(states: States) -> str:
    """What to know about a row's numbers: the first hole, else provisional, else settled."""
    for state in states.values():
        if why := reason(state):
            return f"not collected: {why}"
    return PROVISIONAL if PROVISIONAL in states.values() else "settled"


def not_seen(holes: Holes, collectors: pd.DataFrame, names: Mapping[str, str], *, most: int = 2) -> list[str]:
    """What is not seen, in words, the widest hole first: `12 functions: WHY`, `traces in X: WHY`."""
    said = [f"{_functions(count)}: {why}" for why, count in holes.reasons]
    told = {why for why, _ in holes.reasons}
    for row in collectors.to_dict("records"):
        why = str(row["error"] or row["outcome"])
        refused = row["outcome"] in {"denied", "failed", "skipped"} or numbers.known(row.get("permission"))
        if refused and why not in told:
            place = names.get(str(row["account"]), str(row["account"]))
            said.append(f"{row['collector']} in {place} {row['region']}: {why}")
    return said[:most] + ([f"and {len(said) - most} more"] if len(said) > most else [])


def _functions(count: int) -> str:
    return f"{count:,} {'function' if count == 1 else 'functions'}"


# --- two windows --------------------------------------------------------------------------------------------


def moves(here: pd.DataFrame, there: pd.DataFrame) -> dict[str, Moved | None]:
    """How the sums of two digests' rows moved, per name of `COUNTED` and `failed` (errors) and `invoked`
    (invocations) of the functions of which both are known: else a hole would look like a change.

    A function that one window does not know was not there then, and counts for nothing in it. None where more
    functions would be left out than compared.
    """
    both = here.merge(there, "outer", on=KEYS, suffixes=("", "_before"), indicator="side")
    absent = {
        "": (both["side"] == "right_only").to_numpy(),
        "_before": (both["side"] == "left_only").to_numpy(),
    }
    usable = {name: _usable(both, name, absent) for name in COUNTED}
    found = {name: _moved(both, name, usable[name]) for name in COUNTED}
    rates = usable["errors"] & usable["invocations"]
    found |= {"failed": _moved(both, "errors", rates), "invoked": _moved(both, "invocations", rates)}
    return found


def same_holes(here: pd.DataFrame, there: pd.DataFrame, name: str) -> bool:
    """Whether what the two windows did not see of a column is the same."""
    dark = [set(map(tuple, rows.loc[rows[f"hole_{name}"], KEYS].to_numpy())) for rows in (here, there)]
    return dark[0] == dark[1]


def _usable(both: pd.DataFrame, name: str, absent: Mapping[str, Any]) -> Any:
    sides = []
    for suffix, is_absent in absent.items():
        hole = both[f"hole_{name}{suffix}"].fillna(False).to_numpy(dtype=bool)
        sides.append(is_absent | (~hole & both[f"{name}{suffix}"].notna().to_numpy()))
    return np.logical_and(*sides)


def _moved(both: pd.DataFrame, name: str, usable: Any) -> Moved | None:
    left_out = int((~usable).sum())
    if not usable.any() or left_out * 2 > len(both):
        return None
    value, before = (float(both.loc[usable, f"{name}{suffix}"].sum()) for suffix in ("", "_before"))
    return Moved(value, before, left_out, len(both))
