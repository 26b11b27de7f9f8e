"""A page drawn in process: opened by its address, its words, and the values of its charts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
from streamlit.testing.v1 import AppTest

from dashboard import links
from dashboard.launch import APP

SENTENCES = ("markdown", "caption", "info", "warning", "error", "success", "header", "title", "metric")


def opened(page: str = links.OVERVIEW, **query: str) -> AppTest:
    """`opened("views/x.py", range="1h")`: a page of the app, drawn once, as who follows a link gets it."""
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params.update(query)
    if page != links.OVERVIEW:  # the default page, which has no name in the address
        app.switch_page(page)
    return app.run()


def elements(block: Any) -> Iterator[Any]:
    """Every element of an app or a part of it, in order."""
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from elements(child)


def words(app: AppTest) -> str:
    """All that a reader can read on the page, help texts and tables included, without Markdown's escapes."""
    said = [text for element in elements(app._tree) for text in _texts(element)]
    return "\n".join(said).replace("\\", "")


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The first table of the page that has such a column."""
    return next(frame.value for frame in app.dataframe if column in frame.value)


def _texts(element: Any) -> Iterator[str]:
    proto = getattr(element, "proto", None)
    for name in ("body", "label", "value", "help", "delta", "alt", "title"):
        text = getattr(proto, name, None)
        if isinstance(text, str) and text:
            yield text
    if element.type == "dataframe":
        for column in element.value.select_dtypes(["object", "string"]):
            yield "\n".join(element.value[column].dropna().astype(str))


def charts(app: AppTest) -> list[tuple[str, pd.DataFrame | None]]:
    """Each chart's description and its rows; None where values are in the option itself."""
    kinds = ("echarts_chart", "vega_lite_chart")
    return [(e.proto.alt, _rows(e.proto)) for e in elements(app._tree) if e.type in kinds]


def _rows(proto: Any) -> pd.DataFrame | None:
    frames = [_frame(each.data.data) for each in proto.datasets]
    return max(frames, key=len) if frames else None


def _frame(content: bytes) -> pd.DataFrame:
    with pa.ipc.open_stream(content) as stream:
        return stream.read_all().to_pandas()


def empty_panels(app: AppTest) -> list[str]:
    """Titles of the boards' panels without any value that do not say so."""
    return [title for e in elements(app._tree) if e.type == "echarts_chart" for title in _empty(e.proto)]


def _empty(proto: Any) -> Iterator[str]:
    option, rows = json.loads(proto.spec), _rows(proto)
    if rows is None or not isinstance(option.get("grid"), list):
        return
    for at, title in enumerate(option["title"]):
        drawn = [s["encode"]["y"] for s in option["series"] if s.get("xAxisIndex", 0) == at]
        has_value = any(rows[column].notna().any() for column in drawn if column in rows)
        if not has_value and not title.get("subtext"):
            yield title["text"]
