"""An incident as one HTML file for the post-mortem: opens anywhere, refers to nothing, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from alerts.definition import rule_of
from alerts.judge import Judgement
from alerts.judging import judge_over
from alerts.notices import length
from alerts.rule import Rule
from alerts.sketch import Sketch, sketch
from alerts.units import say
from core.errors import QuarterdeckError
from core.facts import Target
from core.signatures import mask
from core.windows import MINUTE, Window, floor
from store.readers import changes, functions, incidents
from store.store import Store

BEFORE, AFTER, LONGEST = timedelta(hours=1), timedelta(minutes=30), timedelta(hours=6)
"""How much is shown before and after an incident, and of a long one at most."""

DEPLOYS_BACK = timedelta(days=3)
ERRORS = 5

_pages = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=lambda value: mask(value) if isinstance(value, str) else value,
    trim_blocks=True,
    lstrip_blocks=True,
)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """All that the page says. Texts are as they were kept, hostile: the page masks and escapes them all."""

    incident: Row
    condition: str
    worst: str
    members: Sequence[Row]
    timeline: Sequence[Row]
    deliveries: Sequence[Row]
    actions: Sequence[Row]
    changes: Sequence[Row]
    errors: Sequence[Row]
    chart: Sketch | None
    made_at: datetime

    @property
    def lasted(self) -> str:
        return length((self.incident["resolved_at"] or self.made_at) - self.incident["opened_at"])


def incident_html(store: Store, id: str, *, now: datetime) -> str:
    """The file. Raises QuarterdeckError when there is no such incident."""
    return _pages.get_template("report.html.j2").render(
        report=read_report(store, id, now=now), moment=_moment
    )


def read_report(store: Store, id: str, *, now: datetime) -> Report:
    found = _rows(incidents.incident(store, id))
    if not found:
        raise QuarterdeckError(f"there is no incident {id}; `quarterdeck incidents --all` lists them")
    incident = found[0]
    rule = rule_of(incident["definition"])
    return Report(
        incident,
        rule.condition() if rule else "",
        say(incident["value"], rule.spec.unit) if rule else str(incident["value"]),
        _rows(incidents.members(store, id)),
        _rows(incidents.timeline(store, id)),
        _rows(incidents.deliveries(store, incident=id)),
        _rows(incidents.audit(store, incident=id)),
        _changes(store, incident),
        _errors(store, incident, now),
        _chart(store, incident, rule, now),
        now,
    )


def shown(incident: Row, *, now: datetime) -> Window:
    """The stretch that the chart shows."""
    opened, resolved = incident["opened_at"], incident["resolved_at"]
    start = floor(opened - BEFORE, MINUTE)
    end = floor(min(now, resolved + AFTER) if resolved else now, MINUTE)
    return Window(start, max(min(end, start + LONGEST), start + MINUTE))


def _chart(store: Store, incident: Row, rule: Rule | None, now: datetime) -> Sketch | None:
    if rule is None or rule.spec.is_now or rule.parts:
        return None
    window = shown(incident, now=now)
    key = incident["account"], incident["region"], incident["subject"]
    for one in judge_over(store, [rule], window, now=now):
        rows = [at for at, subject in enumerate(one.grid.subjects) if subject.key == key]
        if rows and not np.isnan(one.value[rows[0]]).all():
            return _sketched(one, rows[0], incident, window)
    return None


def _sketched(one: Judgement, at: int, incident: Row, window: Window) -> Sketch:
    unit = one.rule.spec.unit
    return sketch(
        one.grid.ends,
        one.value[at],
        one.limit[at],
        window=window,
        fired=(incident["opened_at"], incident["resolved_at"]),
        say=lambda value: say(value, unit),
    )


def _changes(store: Store, incident: Row) -> list[Row]:
    if incident["subject_kind"] != "function":
        return []
    target = Target(incident["account"], incident["region"])
    end = (incident["resolved_at"] or incident["opened_at"]) + timedelta(minutes=1)
    window = Window(incident["opened_at"] - DEPLOYS_BACK, max(end, incident["opened_at"]))
    return _rows(changes.changes(store, window, target=target, function=incident["subject"]))[:20]


def _errors(store: Store, incident: Row, now: datetime) -> list[Row]:
    if incident["subject_kind"] != "function":
        return []
    target = Target(incident["account"], incident["region"])
    window = Window(incident["opened_at"] - timedelta(minutes=10), incident["resolved_at"] or now)
    return _rows(functions.errors_by_signature(store, target, incident["subject"], window))[:ERRORS]


def _rows(frame: pd.DataFrame) -> list[Row]:
    """Plain values: None for what is not there, Python's own times."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return None if value is pd.NaT or (isinstance(value, float) and np.isnan(value)) else value


def _moment(ts: datetime | None) -> str:
    return "" if ts is None else ts.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
