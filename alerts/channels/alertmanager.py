"""Alertmanager, and whatever takes its API: the incident as an alert, told again until it resolves.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (POST /api/v2/alerts)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import SecretStr

from alerts.channels.base import Edge, Rate, Receipt, Ref
from alerts.channels.posting import JSON, WebhookChannel, as_json
from alerts.channels.text import cut, facts_of, iso, links_of, one_line, visible
from alerts.notice import Notice

LIVES = timedelta(minutes=10)
"""How long an alert fires there after we last said so: it ends by itself should we be gone."""

SEVERITIES = ("critical", "warning", "info")
AT_ONCE = 200
"""Alerts in one request."""


class Alertmanager(WebhookChannel):
    """It knows an alert by its labels, so one told twice is one; grouping and silences are its own. What
    waits for an approval is an alert of its own (`needs="approval"`), which ends by itself."""

    rate: ClassVar[Rate] = Rate(10, 1)
    takes_duplicates: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    again_every: ClassVar[timedelta | None] = timedelta(minutes=2)

    kind: Literal["alertmanager"]
    token: SecretStr | None = None

    def send(self, notice: Notice, edge: Edge, thread: Ref | None = None) -> Receipt:
        told = [alert(notice, now=edge.now)]
        if notice.reason == "escalated":  # its severity is a label: what it was before is another alert
            told += [
                _ended(notice, severity, edge.now) for severity in SEVERITIES if severity != notice.severity
            ]
        return self._tell(told, edge)

    def test(self, notice: Notice, edge: Edge) -> Receipt:
        """Fires for a minute."""
        told = alert(notice, now=edge.now) | {"endsAt": iso(edge.now + timedelta(minutes=1))}
        return self._tell([told], edge)

    def keep_alive(self, notices: list[Notice], edge: Edge) -> None:
        for at in range(0, len(notices), AT_ONCE):
            self._tell([alert(notice, now=edge.now) for notice in notices[at : at + AT_ONCE]], edge)

    def _tell(self, alerts: list[dict[str, Any]], edge: Edge) -> Receipt:
        url = self.url.get_secret_value().rstrip("/")
        url = url if url.endswith("/alerts") else f"{url}/api/v2/alerts"
        signed = {"Authorization": f"Bearer {self.token.get_secret_value()}"} if self.token else {}
        return self.receipt(self.call("POST", url, as_json(alerts), edge, headers={**JSON, **signed}))


def alert(notice: Notice, *, now: datetime) -> dict[str, Any]:
    ends = notice.resolved_at if notice.reason == "resolved" else now + LIVES
    told = {
        "labels": _labels(notice),
        "annotations": _annotations(notice),
        "startsAt": iso(notice.opened_at),
        "endsAt": iso(max(ends or now, notice.opened_at)),
    }
    links = links_of(notice, 1, 2000)
    return told | {"generatorURL": links[0].url} if links else told


def _ended(notice: Notice, severity: str, now: datetime) -> dict[str, Any]:
    before = alert(notice.model_copy(update={"severity": severity}), now=now)
    return before | {"endsAt": iso(max(now, notice.opened_at))}


def _labels(notice: Notice) -> dict[str, str]:
    """Those of the rule, and what the incident is about; ours win."""
    own = {_label(name): cut(one_line(value), 500) for name, value in notice.labels.items()}
    ours = {
        "alertname": cut(one_line(notice.rule), 200) or "quarterdeck",
        "severity": notice.severity,
        "account": notice.account,
        "region": notice.region,
        notice.subject_kind: cut(one_line(notice.subject), 500),
        "incident": notice.incident,
        "needs": "approval" if notice.reason == "approval" else "",
    }
    return {name: value for name, value in {**own, **ours}.items() if value}


def _label(name: str) -> str:
    """A label's name: letters, digits and underscores, no digit first."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)[:100]
    return f"_{kept}" if not kept or kept[0].isdigit() else kept


def _annotations(notice: Notice) -> dict[str, str]:
    facts = {_label(label.lower()): cut(one_line(value), 1000) for label, value in facts_of(notice, 30)}
    links = {_label(link.label.lower()): link.url for link in links_of(notice, 8, 2000)}
    said = {"summary": cut(one_line(notice.title), 500), "description": cut(visible(notice.text), 10_000)}
    return {name: value for name, value in {**facts, **links, **said}.items() if value}
