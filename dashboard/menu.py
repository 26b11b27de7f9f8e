"""The menu: groups of pages, each with its file, its title and its icon."""

from __future__ import annotations

from dashboard import links

MENU: dict[str, list[tuple[str, str, str]]] = {
    "": [
        (links.OVERVIEW, "Overview", "monitoring"),
        (links.ALERTS, "Alerts", "notifications"),
        (links.RULES, "Rules", "rule"),
        (links.ACTIONS, "Actions", "build"),
    ],
    "Investigate": [
        (links.FUNCTION, "Functions", "function"),
        (links.COLD, "Cold starts", "ac_unit"),
        (links.CONCURRENCY, "Concurrency", "speed"),
        (links.QUEUES, "Queues", "inbox"),
        (links.SILENT, "Silent stops", "notifications_paused"),
        (links.LOGS, "Logs", "article"),
        (links.TRACES, "Traces", "account_tree"),
    ],
    "Cost": [
        (links.COST, "Spend", "payments"),
        (links.FUNCTION_COST, "Function cost", "functions"),
        (links.SAVINGS, "Savings", "savings"),
        (links.CHARGEBACK, "Chargeback", "receipt_long"),
        (links.RECONCILIATION, "Reconciliation", "balance"),
    ],
    "System": [(links.COLLECTION, "Collection health", "sensors"), (links.CHANNELS, "Channels", "campaign")],
}
