"""What `quarterdeck function` tells of how a function is set up, and of what cannot be seen of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.facts import Target
from core.windows import Window
from quarterdeck.output import plain, records
from store.readers import async_events, completeness, configuration, lifecycle, lint, modes, tracing
from store.store import Filter, Store

Document = dict[str, Any]


def setup_document(store: Store, target: Target, name: str, window: Window, *, now: datetime) -> Document:
    """`settings` (each with when it last changed), `runtime`, `layers`, `provisioned`, `async_events`,
    `findings`."""
    here = Filter(target.account, target.region, name)
    events = records(async_events.async_events(store, window, now=now, where=here))
    return {
        "settings": records(configuration.configuration(store, target, name, now=now)),
        "runtime": next(iter(records(lifecycle.runtimes(store, now=now, where=here))), None),
        "layers": records(lifecycle.layers(store, now=now, where=here)),
        "provisioned": records(lifecycle.provisioned(store, window, where=here)),
        "async_events": next(iter(events), None),
        "findings": records(lint.lint(store, now=now, where=here)),
    }


def seen_document(store: Store, target: Target, name: str, window: Window, *, now: datetime) -> Document:
    """`log`: how its log is read, and why numbers from it are incomplete; `no_trace`: why requests of the
    window have no trace, the surest reason first."""
    here = Filter(target.account, target.region, name)
    mode = next(iter(records(modes.log_modes(store, where=here))), {})
    told = next(iter(records(completeness.completeness(store, window, now=now, where=here))), {})
    why = tracing.why_no_trace(store, target, name, now=now, within=now - window.start)
    return {
        "log": {key: mode.get(key) for key in ("mode", "why", "bytes_a_day", "usd_a_month")}
        | {key: told.get(key) for key in ("records", "invocations", "share", "reasons")},
        "no_trace": {
            "traces": why.evidence.traces,
            "records": why.evidence.records,
            "sampled": why.evidence.sampled,
            "reasons": [plain(asdict(reason)) for reason in why.reasons],
        },
    }
