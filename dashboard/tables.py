"""What tables on several pages share: links to a function, places, states in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.windows import Window
from dashboard import links, queries, widgets
from dashboard.answers import Answer
from dashboard.export import csv_text, flat
from dashboard.meanings import with_meanings
from dashboard.numbers import UNKNOWN, known


def say(answer: Answer, key: str = "answer") -> None:
    """The page's answer: badge, sentence, and what goes with it in small."""
    with st.container(border=True, key=key):
        more = f" :small[:gray[{answer.more}]]" if answer.more else ""
        st.markdown(f"{widgets.badge(answer.state)} {answer.text}{more}")


def places() -> Mapping[tuple[str, str], str]:
    """How people know each account and region: `production · eu-west-1`."""
    rows = queries.targets()
    return {
        (r["account"], r["region"]): f"{r['alias'] or r['account']} · {r['region']}"
        for r in rows.to_dict("records")
    }


def with_place(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with `place` first, from its account and region columns."""
    known = places()
    keys = zip(frame["account"].to_numpy(), frame["region"].to_numpy(), strict=True)
    names = [known.get((account, region), f"{account} · {region}") for account, region in keys]
    return frame.assign(place=names)


def presentable(frame: pd.DataFrame, *, usd: Sequence[str] = ()) -> pd.DataFrame:
    """The frame as a table shows it: with `place`, `state` in words, exact `usd` as floats."""
    floats = {name: frame[name].astype("float64") for name in usd}
    words = [state_words(state) for state in frame["state"].to_numpy()]
    return with_place(frame).assign(**floats, state=words).reset_index(drop=True)


def state_words(state: Any) -> str:
    """A reader's state for a table cell; a settled number is `settled`."""
    return state if isinstance(state, str) and state else "settled"


def function_button(frame: pd.DataFrame, key: str, *, label: str = "Function") -> Any:
    """A column that opens the function of its row; `frame` is the table's, with account, region, function."""

    def opened() -> None:
        row = frame.iloc[st.session_state[key]["row"]]
        st.switch_page(
            links.FUNCTION, query_params=links.to_function(row["account"], row["region"], row["function"])
        )

    return st.column_config.ButtonColumn(
        label, key=key, on_click=opened, type="tertiary", alignment="left", pinned=True
    )


def percent_column(label: str, help: str | None = None) -> Any:
    return st.column_config.NumberColumn(label, format="percent", help=help)


def ms_column(label: str, help: str | None = None) -> Any:
    return st.column_config.NumberColumn(label, format="%,.0f ms", help=help)


def count_column(label: str, help: str | None = None) -> Any:
    return st.column_config.NumberColumn(label, format="localized", help=help)


def usd_column(label: str, amounts: pd.Series[Any], help: str | None = None) -> Any:
    """As many decimals (2 to 4) as the smallest amount above zero needs to be seen."""
    return st.column_config.NumberColumn(label, format=f"$%,.{decimals(amounts)}f", help=help)


def usd_moves(amounts: pd.Series[Any]) -> pd.Series[Any]:
    """Differences as a table shows them: what its four decimals write as zero has no sign either."""
    known = amounts.astype("float64")
    return known.mask(known.abs() < 0.00005, 0.0)


def usd_moves_column(label: str, amounts: pd.Series[Any], help: str | None = None) -> Any:
    """Differences in USD, which the label says: a dollar sign before a minus reads badly."""
    shape = f"%,.{decimals(usd_moves(amounts).abs())}f"
    return st.column_config.NumberColumn(f"{label}, USD" if label else "USD", format=shape, help=help)


MB = 1024 * 1024


def megabytes_column(label: str, help: str | None = None) -> Any:
    """Of a column in MB: a browser writes bytes in its own language's short forms, as 31mB."""
    return st.column_config.NumberColumn(label, format="%,.2f MB", help=help)


def decimals(amounts: pd.Series[Any]) -> int:
    known = amounts.astype("float64")
    least = known[known > 0].min()
    return 2 if not least < 1 else min(4, max(2, 1 - math.floor(math.log10(least))))


def spoken(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The columns that say something: a place when there are several, what is not nothing in every row."""
    quiet = {name for name in columns if name in QUIET and not any(map(said, frame[name]))}
    return [
        name for name in columns if name not in quiet and not (name == "place" and frame[name].nunique() == 1)
    ]


def said(value: Any) -> bool:
    return known(value) and bool(value)


QUIET = frozenset(
    {
        "proactive",
        "restores",
        "restore_p50_ms",
        "restore_p95_ms",
        "provisioned",
        "provisioned_inits",
        "snap_start",
        "reachable",
        "note",
        "ephemeral_usd",
        "provisioned_usd",
        "permission",
        "error",
        "expires",
        "lost",
        "destination_failures",
        "shared",
        "hint",
        "partition",
        "offset_lag",
        "schedule",
        "last_result",
        "qualifier",
        "orphan",
        "spillover",
    }
)
"""Columns of what many fleets do not use."""


ROW_PX = 32
MOST = 1_000
"""Rows of a table that are sent to the browser."""


File = pd.DataFrame | Callable[[], pd.DataFrame]
"""What a CSV file holds, or what makes it: once somebody asks for the file."""


def table(frame: pd.DataFrame, *, key: str, alt: str, export: File | None = None, **how: Any) -> Any:
    """The one way to draw a table: `st.dataframe`, and below it a CSV file that no spreadsheet runs.

    `export` is what the file holds where the table shows less or other units; one that is yet to be made has
    as many rows as the table. Streamlit's own CSV button is hidden (`app.CSS`): its files are not guarded.
    Columns without a help get it from `meanings`.
    """
    said = with_meanings(frame, how.pop("column_config", None) or {}, how.get("column_order"))
    look: dict[str, Any] = {"hide_index": True, "placeholder": UNKNOWN, "row_height": ROW_PX}
    with st.container(key=f"grid-{key}", gap="xxsmall"):
        drawn: Any = st.dataframe(
            sent(frame, how.get("column_order")), key=key, alt=alt, column_config=said, **(look | how)
        )
        file = frame if export is None else export
        rows = len(file) if isinstance(file, pd.DataFrame) else len(frame)
        file_of(file, key, rows=rows, shown=min(len(frame), MOST))
    return drawn


def sent(frame: pd.DataFrame, order: Sequence[str] | None) -> pd.DataFrame:
    """What the browser needs of a frame: the columns that are shown (Streamlit would send the others, too)
    of the first rows: the file holds all."""
    first = frame.head(MOST)
    return first if order is None else first[[name for name in order if name in first]]


def file_of(file: File, key: str, *, rows: int, shown: int = 0) -> None:
    """How many rows there are, and a file of them that is made when somebody asks for it."""
    with st.container(
        horizontal=True,
        horizontal_alignment="right",
        vertical_alignment="center",
        key=f"csv-{key}",
        gap="small",
    ):
        first = f"the first {MOST:,} are shown, of " if MOST == shown < rows else ""
        st.caption(f"{first}{rows:,} {'row' if rows == 1 else 'rows'}", width="content")
        st.download_button(
            "CSV",
            lambda: csv_text(flat(file if isinstance(file, pd.DataFrame) else file())),
            file_name=_file_name(key, widgets.window()),
            mime="text/csv",
            icon=":material/download:",
            key=f"{key}-csv",
            type="tertiary",
            help="All columns of all rows; times in UTC, exact numbers, unknown left empty.",
            on_click="ignore",
        )


def _file_name(key: str, window: Window) -> str:
    """What the table is, and the page's window in UTC."""
    name = key.removeprefix("pick-").removesuffix("-table")
    return f"quarterdeck-{name}-{window.start:%Y%m%dT%H%MZ}-{window.end:%Y%m%dT%H%MZ}.csv"


def height_px(rows: int, *, most: int) -> int:
    """A table just as high as its rows and header, scrolling after `most`; goes with `row_height=ROW_PX`."""
    return (min(rows, most) + 1) * ROW_PX + 2


def board_columns() -> int:
    """One column of panels on a phone."""
    return 1 if "Mobi" in (st.context.headers.get("User-Agent") or "") else 2
