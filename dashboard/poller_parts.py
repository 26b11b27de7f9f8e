"""What the pollers of event source mappings did with the events they read: for Queues and for a function."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import tables

COUNTS = {
    "polled": ("Read", "Events that Lambda read from the source (PolledEventCount)."),
    "filtered_out": ("Filtered out", "Left out by the mapping's filters (FilteredOutEventCount)."),
    "invoked": ("Handed over", "Events that the function was invoked with (InvokedEventCount)."),
    "failed_invoke": ("Failed", "Of failed invocations; each try counts (FailedInvokeEventCount)."),
    "dropped": ("Given up", "After all retries, or too old (DroppedEventCount)."),
    "sent_to_destination": (
        "To destination",
        "Given up and delivered to the on-failure destination (OnFailureDestinationDeliveredEventCount).",
    ),
    "deleted": ("Deleted", "Done, and deleted from the queue (DeletedEventCount)."),
    "committed": ("Committed", "Done, and committed to Kafka (CommittedEventCount)."),
    "polling_errors": ("Read errors", "Lambda could not read the source (PollingErrorCount)."),
    "invoke_errors": ("Invoke errors", "Lambda could not invoke the function (InvokeErrorCount)."),
    "destination_errors": (
        "Delivery errors",
        "The on-failure destination did not take it (OnFailureDestinationDeliveryErrorCount).",
    ),
}
UNTOLD = (
    "How many events pollers read, filtered out or gave up is not told: CloudWatch counts them where the "
    "mapping's metrics are switched on, which AWS charges for."
)


def pollers(mappings: pd.DataFrame, *, key: str, most: int) -> None:
    """From the `mappings` reader's frame; several functions have their names in the first column."""
    if mappings.empty:
        return
    st.header("What pollers did with events", anchor=False)
    told = mappings[mappings["metered"]]
    if told.empty:
        st.caption(UNTOLD)
        return
    shown, column = tables.presentable(worst_first(told)), st.column_config
    counts = [name for name in COUNTS if shown[name].notna().any()]
    whose = ["function"] if mappings["function"].nunique() > 1 else []
    with st.container(key=f"guarded-{key}"):
        tables.table(
            shown,
            key=key,
            alt="Events that pollers read, filtered out, handed over and gave up, most given up first",
            height=tables.height_px(len(shown), most=most),
            column_config={
                "function": tables.function_button(shown, f"{key}-open"),
                "source": column.TextColumn("Reads", width=200),
                "kind": column.TextColumn("Kind"),
                **{name: tables.count_column(*COUNTS[name]) for name in counts},
                "state": column.TextColumn("Data", help="Whether the row's numbers are complete and final."),
            },
            column_order=[*whose, "source", "kind", *counts, "state"],
        )
    if len(told) < len(mappings):
        n = len(mappings) - len(told)
        st.caption(f"{n:,} other {'mapping has' if n == 1 else 'mappings have'} these metrics switched off.")


def worst_first(told: pd.DataFrame) -> pd.DataFrame:
    lost: Any = told["dropped"].fillna(0) - told["sent_to_destination"].fillna(0)
    order = told.assign(lost=lost).sort_values(
        ["lost", "dropped", "failed_invoke", "function"], ascending=[False, False, False, True]
    )
    return told.loc[order.index]
