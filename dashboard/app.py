"""The entry point: routes, the menu, the account filter, the banner. Pages are in `views/`."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import StoreError
from dashboard import door, links, numbers, queries, shell, widgets
from dashboard.answer_first import answer_first
from dashboard.figures_firing import in_turn
from dashboard.finder import find
from dashboard.first_look import first_look
from dashboard.launch import BANNER
from dashboard.menu import MENU

STATIC = Path(__file__).parent / "static"
CSS = """<style>
.stMainBlockContainer { padding-left: 1.75rem; padding-right: 1.75rem; max-width: 100rem; }
[data-testid="stMetric"] > div:first-child { padding: 0.7rem 0.8rem 0.15rem; }
[data-testid="stMetric"] { display: flex; flex-direction: column; }
[data-testid="stMetric"] > div:has([data-testid="stMetricChart"]) { margin-top: auto; }
[data-testid="stMetricChart"] { margin-bottom: 0.6rem; }
[data-testid="stMetricLabel"] p { white-space: normal; }
.st-key-banner { margin-bottom: -0.5rem; }
.st-key-menu [data-testid="stCaptionContainer"] { margin: 0.7rem 0 -0.75rem 0.5rem; }
[data-testid="stElementToolbarButton"]:has([aria-label^="Download as CSV"])
  { display: none; }
.st-key-shell, .st-key-back { display: none; }
.st-key-door { margin: 12vh auto 0; }
[class*="st-key-csv-"] { margin-top: -0.35rem; }
[data-stale="true"] { opacity: 1 !important; transition: none !important; }
</style>"""


def main() -> None:
    st.set_page_config(
        page_title="Quarterdeck", page_icon=str(STATIC / "icon.svg"), layout="wide", initial_sidebar_state=236
    )
    st.html(CSS)
    st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "icon.svg"), size="medium")
    page = st.navigation([_page(*entry) for group in MENU.values() for entry in group], position="hidden")
    banner = os.environ.get(BANNER)
    if banner:
        with st.container(key="banner"):
            st.markdown(f":blue-badge[:material/science: Demo] :small[{numbers.plain(banner)}]")
    try:
        queries.store()
        if not door.admitted():
            return
    except StoreError as error:
        st.title(page.title, anchor=False)
        st.error(numbers.plain(error), icon=":material/database_off:")
        return
    first_look()
    with answer_first(_around):
        page.run()


def _page(path: str, title: str, icon: str) -> st.Page:
    name = path.removeprefix("views/").removesuffix(".py")
    return st.Page(
        path,
        title=title,
        icon=f":material/{icon}:",
        url_path=None if path == links.OVERVIEW else name,
        default=path == links.OVERVIEW,
    )


def _around() -> None:
    shell.listen()
    with st.sidebar:
        _find()
        _menu()
        _filter()
        _keys()
        door.who()


def _menu() -> None:
    firing = len(in_turn(queries.within(queries.open_incidents(), queries.scope())))
    with st.container(key="menu", gap="xxsmall"):
        for group, entries in MENU.items():
            if group:
                st.caption(group)
            for path, title, icon in entries:
                label = f"{title} :red-badge[{firing}]" if path == links.ALERTS and firing else title
                st.page_link(
                    path, label=label, icon=f":material/{icon}:", query_params=links.carry(), width="stretch"
                )


def _find() -> None:
    if st.button("Find", icon=":material/search:", key="menu-find", width="stretch", help="Key: K"):
        find([(path, title) for group in MENU.values() for path, title, _ in group], widgets.window())


def _keys() -> None:
    if st.button("Keys", icon=":material/keyboard:", key="menu-keys", type="tertiary", help="Key: ?"):
        shell.keys()


def _filter() -> None:
    """The account and region filter: one box over the two names in the address."""
    options = _scopes(queries.targets())
    if len(options) < 2:
        return
    scope = queries.scope()
    chosen = ".".join((scope.account or "", scope.region)) if scope.region else scope.account or ""
    st.session_state["_scope"] = chosen if chosen in options else ""
    st.selectbox(
        "Account and region",
        list(options),
        format_func=options.__getitem__,
        key="_scope",
        on_change=_narrow,
        label_visibility="collapsed",
    )


def _narrow() -> None:
    account, _, region = st.session_state["_scope"].partition(".")
    for name, value in (("account", account), ("region", region)):
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _scopes(targets: pd.DataFrame) -> dict[str, str]:
    """What can be chosen, and how it reads: everything, an account, an account's region, a region."""
    scopes = {"": "All accounts"}
    for account, rows in targets.groupby("account", sort=True):
        alias = next((a for a in rows["alias"] if a), None) or str(account)
        scopes[str(account)] = alias
        if len(rows) > 1:
            scopes |= {f"{account}.{region}": f"{alias} · {region}" for region in sorted(rows["region"])}
    if targets["account"].nunique() > 1 and targets["region"].nunique() > 1:
        scopes |= {f".{region}": f"All accounts · {region}" for region in sorted(set(targets["region"]))}
    return scopes


main()
