"""The tables that commands print for a person: which columns, in what order, written how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.rule import Rule
from alerts.units import say
from quarterdeck.output import (
    UNKNOWN,
    Column,
    count,
    dollars,
    milliseconds,
    moment,
    seconds,
    share,
    text,
    words,
)

Rows = Sequence[Mapping[str, Any]]
Section = tuple[str, Sequence[Column], Rows, str]


def yes_no(value: Any) -> str:
    return UNKNOWN if value is None else "yes" if value else "no"


PLACE = (Column("account", "account", text), Column("region", "region", text))

FLEET = (
    *PLACE,
    Column("function", "function", text),
    Column("invocations", "invocations", count, right=True),
    Column("errors", "error_rate", share, right=True),
    Column("throttles", "throttles", count, right=True),
    Column("p50", "duration_p50_ms", milliseconds, right=True),
    Column("p95", "duration_p95_ms", milliseconds, right=True),
    Column("p99", "duration_p99_ms", milliseconds, right=True),
    Column("cold starts", "cold_start_rate", share, right=True),
    Column("init p95", "init_p95_ms", milliseconds, right=True),
    Column("timeouts", "timeouts", count, right=True),
    Column("cost", "cost_usd", dollars, right=True),
    Column("last invocation", "last_invocation", moment),
)
NO_FUNCTIONS = "No functions are known yet: start `quarterdeck run`, or `quarterdeck collect --once`."

CONCURRENCY = (
    *PLACE,
    Column("limit", "limit", count, right=True),
    Column("reserved", "reserved", count, right=True),
    Column("unreserved", "unreserved", count, right=True),
    Column("provisioned", "provisioned", count, right=True),
    Column("claimed now", "claimed_now", count, right=True),
    Column("claimed max", "claimed_max", count, right=True),
    Column("at", "claimed_ts", moment),
    Column("headroom", "headroom", count, right=True),
    Column("used", "utilization", share, right=True),
    Column("throttles", "throttles", count, right=True),
)
NO_LIMITS = "No account limits are known yet: start `quarterdeck run`, or `quarterdeck collect --once`."

POOLS = (
    *PLACE,
    Column("function", "function", text),
    Column("pool", "pool", text),
    Column("limit", "limit", count, right=True),
    Column("max used", "used_max", count, right=True),
    Column("headroom", "headroom", count, right=True),
    Column("throttles", "throttles", count, right=True),
    Column("provisioned", "provisioned", count, right=True),
    Column("note", "note", text),
)

SAVINGS = (
    *PLACE,
    Column("function", "function", text),
    Column("what", "what", text),
    Column("saves a month", "saves", text, right=True),
    Column("change", "change", text),
    Column("risk", "risk", text),
)
SAVINGS_UNKNOWN = (
    *PLACE,
    Column("function", "function", text),
    Column("what", "what", text),
    Column("missing", "missing", text),
)

QUEUES = (
    *PLACE,
    Column("queue", "queue", text),
    Column("role", "role", text),
    Column("of", "functions", words),
    Column("depth", "depth", count, right=True),
    Column("oldest", "oldest_age_s", seconds, right=True),
    Column("arrivals", "arrivals", count, right=True),
    Column("received", "received", count, right=True),
    Column("deleted", "deleted", count, right=True),
    Column("note", "note", text),
)
NO_QUEUES = (
    "No queues are known: no function reads from one or sends its failures to one, as far as was collected."
)

MOST_PARTS = 6
"""Columns of components in a table of costs; what others cost is one more."""

NO_COST = "No cost is known for this window: nothing was collected in it."

SPEND = (
    Column("collector", "collector", text),
    Column("service", "service", text),
    Column("operation", "operation", text),
    Column("calls", "calls", count, right=True),
    Column("billed units", "units", count, right=True),
    Column("cost", "cost_usd", dollars, right=True),
)

PLAN = (
    *PLACE,
    Column("collector", "collector", text),
    Column("every", "every_s", seconds, right=True),
    Column("calls a pass", "calls_per_pass", count, right=True),
    Column("billed units", "units_per_pass", count, right=True),
    Column("calls a month", "calls_per_month", count, right=True),
    Column("a month", "usd_per_month", dollars, right=True),
    Column("history, once", "backfill_usd", dollars, right=True),
)

RUNS = (
    Column("collector", "collector", text),
    *PLACE,
    Column("outcome", "outcome", text),
    Column("reads", "reads", count, right=True),
    Column("facts", "facts", count, right=True),
    Column("calls", "calls", count, right=True),
    Column("took", "took_s", seconds, right=True),
    Column("why", "error", text),
)

CHECKS = (Column("check", "check", text), Column("outcome", "outcome", text), Column("", "text", text))

INCIDENTS = (
    Column("incident", "id", text),
    Column("state", "state", text),
    Column("severity", "severity", text),
    *PLACE,
    Column("subject", "subject", text),
    Column("since", "opened_at", moment),
    Column("resolved", "resolved_at", moment),
    Column("acknowledged by", "acked_by", text),
    Column("what", "title", text),
)

CHANNELS = (
    Column("channel", "channel", text),
    Column("kind", "kind", text),
    Column("state", "state", text),
    Column("waiting", "waiting", count, right=True),
    Column("given up", "dead", count, right=True),
    Column("delivered 24 h", "delivered_day", count, right=True),
    Column("last delivered", "delivered_at", moment),
    Column("said", "said", text),
)

_ERRORS = (
    Column("count", "count", count, right=True),
    Column("last seen", "last_seen", moment),
    Column("level", "level", text),
    Column("example", "example", text),
)
_TRIGGERS = (
    Column("kind", "title", text),
    Column("source", "source", text),
    Column("state", "state", text),
    Column("invokes", "enabled", yes_no),
    Column("public", "is_public", yes_no),
    Column("last result", "last_result", text),
    Column("detail", "detail", text),
)
_SETTINGS = (
    Column("setting", "name", text),
    Column("value", "value", text),
    Column("changed", "changed_at", moment),
)
_LAYERS = (
    Column("layer", "layer", text),
    Column("version", "version", count, right=True),
    Column("days old", "age_days", count, right=True),
    Column("newest", "latest", count, right=True),
    Column("behind", "versions_behind", count, right=True),
)
_FINDINGS = (
    Column("severity", "severity", text),
    Column("what", "what", text),
    Column("why", "why", text),
    Column("change", "change", text),
)
_REASONS = (Column("reason", "reason", text), Column("what to do", "do", text))
_VERSIONS = (
    Column("version", "version", text),
    Column("published", "published", moment),
    Column("aliases", "aliases", words),
    Column("share", "share", share, right=True),
    Column("invocations", "invocations", count, right=True),
    Column("errors", "error_rate", share, right=True),
    Column("p95", "duration_p95_ms", milliseconds, right=True),
)
_CHANGES = (
    Column("when", "ts", moment),
    Column("kind", "kind", text),
    Column("what", "what", text),
    Column("who", "who", text),
    Column("through", "via", text),
)


def function_sections(document: Mapping[str, Any]) -> list[Section]:
    """One function's answer as titled tables."""
    row = document["function"]
    return [
        ("Metrics", FLEET, [row] if row else [], "Nothing is known of it in this window."),
        ("Errors", _ERRORS, document["errors"], "No errors were logged in this window."),
        ("Triggers", _TRIGGERS, document["triggers"], "No triggers are known."),
        ("Findings", _FINDINGS, document["findings"], "Nothing of its wiring loses, repeats or blocks work."),
        ("Settings", _SETTINGS, _told(document["settings"]), "Its settings are not known."),
        ("Layers", _LAYERS, document["layers"], "It has no layers."),
        ("Versions", _VERSIONS, in_use(document["versions"]), "No versions are known."),
        ("Changes", _CHANGES, document["changes"], "Nothing changed in this window."),
        ("What is not seen", _REASONS, _unseen(document), "Logs are complete, and requests are traced."),
    ]


def _told(settings: Rows) -> Rows:
    """Settings that have a value."""
    return [setting for setting in settings if setting["value"] != "none"]


def _unseen(document: Mapping[str, Any]) -> Rows:
    """Why numbers from the log are incomplete, and why requests have no trace."""
    return [
        *({"reason": f"log: {reason}"} for reason in document["log"]["reasons"] or ()),
        *({"reason": f"traces: {r['what']}", "do": r["do"]} for r in document["no_trace"]["reasons"]),
    ]


def in_use(versions: Rows) -> Rows:
    """Versions that were invoked or have an alias, and the newest one."""
    return [v for at, v in enumerate(versions) if not at or v["aliases"] or v["invocations"]]


def cost_columns(groups: Sequence[str], parts: Sequence[str]) -> list[Column]:
    """The group's own columns, the total, and its parts: keys of `cost_rows`."""
    money = [Column(key.removesuffix("_usd"), key, dollars, right=True) for key in ("cost_usd", *parts)]
    return [
        *(Column(group, group, text) for group in groups),
        *money,
        Column("invocations", "invocations", count, right=True),
        Column("basis", "basis", text),
    ]


def cost_rows(rows: Rows, groups: Sequence[str]) -> tuple[Rows, list[str]]:
    """The same rows and the parts to show: the components that cost most, dearest first, and `others_usd`, so
    that what is shown adds up to the cost."""
    if "component" in groups or not rows:
        return rows, []
    keys = [key for key in rows[0] if key.endswith("_usd") and key not in ("cost_usd", "net_usd")]
    sums = {key: sum(row[key] for row in rows) for key in keys}
    paid = sorted((key for key in keys if sums[key]), key=lambda key: -sums[key])
    shown, others = paid[:MOST_PARTS], paid[MOST_PARTS:]
    if not others:
        return rows, shown
    return [{**row, "others_usd": sum(row[key] for key in others)} for row in rows], [*shown, "others_usd"]


def chargeback_columns(group: str) -> list[Column]:
    """A line of a statement: what is charged, and what it is made of."""
    money = ("list_usd", "own_usd", "shared_usd")
    return [
        Column(group, group, untagged),
        Column("charged", "charged_usd", cents, right=True),
        *(Column(key.removesuffix("_usd"), key, dollars, right=True) for key in money),
        Column("state", "state", text),
    ]


def untagged(value: Any) -> str:
    return text(value or "untagged")


def cents(value: Any) -> str:
    return f"${value:,.2f}"


def notified(names: Any) -> str:
    """A rule that names no channel tells all of them."""
    return "every channel" if names is None else words(names)


RULES = (
    Column("rule", "rule", text),
    Column("severity", "severity", text),
    Column("signal", "signal", text),
    Column("when", "condition", text),
    Column("notifies", "notify", notified),
    Column("does", "act", words),
)


FIRINGS = (
    Column("opened", "opened_at", moment),
    Column("subject", "subject", text),
    Column("account", "account", text),
    Column("region", "region", text),
    Column("lasted", "lasted_s", seconds, right=True),
    Column("worst", "worst", text, right=True),
    Column("flap", "flap", yes_no),
)

FAULTS = (
    Column("verdict", "verdict", text),
    Column("about", "about", text),
    Column("name", "name", text),
    Column("region", "region", text),
    Column("reason", "reason", text),
    Column("evidence", "evidence", text),
)

MARKS = (
    Column("id", "id", text),
    Column("kind", "kind", text),
    Column("subject", "subject", text),
    Column("region", "region", text),
    Column("start", "start", moment),
    Column("end", "end", moment),
    Column("real", "real", yes_no),
    Column("text", "text", text),
)


def firing_rows(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The firings of a backtest, the worst value with its unit."""
    return [{**row, "worst": say(row["worst"], document["unit"])} for row in document["firings"]]


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule as `rules check` prints it."""
    return {
        "rule": rule.rule,
        "severity": rule.severity,
        "signal": rule.signal,
        "condition": rule.condition(),
        "notify": None if rule.notify is None else list(rule.notify),
        "act": [action.do for action in rule.act],
    }
