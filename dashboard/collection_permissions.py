"""The part of Collection health about what roles are not allowed, with the policy that would allow it."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import figures_permissions, queries


def missing(collectors: pd.DataFrame, gaps: pd.DataFrame) -> None:
    """Who lacks what, and what to add to the role; nothing when all is allowed."""
    found = figures_permissions.lacks(collectors, gaps)
    if not found:
        return
    st.header("Missing permissions", anchor=False)
    for at, lack in enumerate(found):
        st.warning(figures_permissions.lack_line(lack, queries.names()), icon=":material/lock:")
        with st.expander("IAM policy to add to the role", expanded=at == 0, icon=":material/policy:"):
            st.code(lack.policy, language=None)
    st.caption(
        "`quarterdeck iam-policy` prints all that a role needs; docs/iam.md says what each part is for."
    )
