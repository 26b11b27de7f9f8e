"""Text of others on every page, in process: nothing that interprets Markdown or templates carries it raw."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import streamlit as st
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from core.settings import StoreSettings
from dashboard import links
from dashboard.export import csv_text, flat
from dashboard.function_tabs import TABS
from dashboard.launch import APP, STORE
from store.store import Store
from tests import hostile
from tests.dashboard.every_page import words
from tests.hostile import MARK, NAME, ORDERS, TEXT

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGES = [getattr(links, name) for name in dir(links) if str(getattr(links, name)).startswith("views/")]
LINE = f"{ORDERS}.{round(NOW.timestamp() * 1000) - hostile.TRACE_MINUTES * 60_000}.{hostile.LINE_ID}"
NAMES = ("fn", "account", "region", "range", "from", "to", "queue", "trace", "alert", "tab", "line", "by")
CHARTS = ("echarts_chart", "arrow_vega_lite_chart")
ASKED = [
    *((page, {}) for page in PAGES),
    *((links.FUNCTION, {"fn": ORDERS, "tab": tab.lower()}) for tab in TABS),
    (links.ALERTS, {"alert": "i1"}),
    (links.COST, {"by": "tag:team"}),
    (links.LOGS, {"line": LINE, "sig": TEXT, "q": TEXT, "request": TEXT}),
    (links.LOGS, {"line": LINE}),
    (links.QUEUES, {"queue": hostile.arn("sqs", f"{NAME}-dlq")}),
    *((page, dict.fromkeys(NAMES, TEXT)) for page in PAGES),
]
PLAIN = frozenset({
    "id", "key", "form_id", "options", "raw_values", "query_string", "query_params", "code_text", "spec",
    "file_name", "url", "alt", "default", "value_placeholder", "raw_value", "placeholder", "page_script_hash",
    "url_pathname", "icon", "proto_hash", "selection_default", "default_value", "value",
})  # fmt: skip
"""Fields that the browser shows as they are, or not at all."""

ALIVE = re.compile(
    rf"<img src={MARK}|<script|\*\*{MARK}|\[{MARK}\]|:red\[{MARK}|\$x\$|`c`|:material/home|\s->\s|https?://{MARK}"
    rf"|www\.{MARK}|\w@{MARK}|&copy|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
"""What Markdown and Streamlit would make something of."""


def blocks(node: Any) -> Iterator[Any]:
    for child in getattr(node, "children", {}).values():
        yield child
        yield from blocks(child)


def strings(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a protobuf message that is not in a field of PLAIN, with where it is."""
    for field, value in message.ListFields():
        where = f"{path}.{field.name}"
        if field.name in PLAIN:
            continue
        for each in value if field.is_repeated else [value]:
            if isinstance(each, Message):
                yield from strings(each, where)
            elif isinstance(each, str):
                yield where, each


def templates(option: Any, name: str = "") -> Iterator[str]:
    """What ECharts and Vega read as a template or an expression."""
    if isinstance(option, dict):
        for key, value in option.items():
            yield from templates(value, key)
    elif isinstance(option, list):
        for value in option:
            yield from templates(value, name)
    elif isinstance(option, str) and name in {"formatter", "valueFormatter", "expr", "calculate", "filter"}:
        yield option


def unescaped(text: str) -> str:
    """Markdown without what is escaped, and without what keeps pieces apart."""
    return re.sub(r"\\.", "", text.replace(":small[]", "¤"))


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """`ask(page, **query)`: a page of the app on one store of hostile text, drawn once."""
    folder = tmp_path_factory.mktemp("hostile")
    store = Store.open(StoreSettings(path=folder / "store", free_space_floor_mb=0))
    hostile.fill(store, now=NOW).close()

    def drawn(page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        return app.switch_page(page).run()

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STORE, str(folder / "store"))
        patch.setenv("QUARTERDECK_NOW", NOW.isoformat())
        yield drawn
    st.cache_data.clear()
    st.cache_resource.clear()


def alive(app: AppTest) -> Iterator[tuple[str, str, str]]:
    for block in blocks(app._tree):
        proto = getattr(block, "proto", None)
        for where, text in strings(proto) if isinstance(proto, Message) else ():
            if MARK in text and (found := ALIVE.search(unescaped(text))):
                yield f"{type(block).__name__}{where}", found[0], text[:300]


@pytest.mark.parametrize(("page", "query"), ASKED, ids=lambda value: str(value)[:50])
def test_no_element_interprets_text_of_others(ask, page, query):
    app = ask(page, **query)

    assert not app.exception
    assert MARK in str(app._tree)
    assert list(alive(app)) == []
    charts = [json.loads(chart.proto.spec) for kind in CHARTS for chart in app.get(kind) if chart.proto.spec]
    raw = f"<img src={MARK}", "{@ts}"
    found = [text for chart in charts for text in templates(chart) if any(part in text for part in raw)]
    assert found == []
    assert [cell for cell in cells(app) if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []


def cells(app: AppTest) -> Iterator[str]:
    """Texts of all files that the page's tables give, headers too."""
    for table in app.dataframe:
        texts = table.value.select_dtypes(exclude=["number"])
        yield from (cell for row in csv.reader(StringIO(csv_text(flat(texts)))) for cell in row)


def test_what_a_message_of_a_queue_said_is_told_as_it_was(ask):
    """So that the test above has the words of a message before it."""
    app = ask(links.QUEUES, queue=hostile.arn("sqs", f"{NAME}-dlq"))

    assert f"2 messages read: 2 × {NAME}" in words(app)
