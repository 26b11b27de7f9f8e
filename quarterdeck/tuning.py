"""What `quarterdeck rules` answers: backtests, audits and marked outages as documents."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from alerts import auditing, judging, known
from alerts.backtest import Backtest, Firing, backtest
from alerts.faults import Fault
from alerts.known import Known
from alerts.ledger import aliases
from alerts.rule import Rule
from alerts.rules import load_rules, rules_of
from alerts.settings import AlertSettings
from core.errors import StoreError
from core.people import Person
from core.settings import CostSettings, StoreSettings
from core.windows import Window
from quarterdeck.mistakes import UsageMistakeError
from quarterdeck.output import plain, share
from store.store import Store

Document = dict[str, Any]


def rules_from(files: Sequence[Path] | None, settings: AlertSettings) -> list[Rule]:
    """The rules of files, or those in force. Raises SettingsError."""
    return load_rules(files) if files else rules_of(settings)


def problems_of_tags(
    settings: StoreSettings, rules: Sequence[Rule], *, now: datetime
) -> list[Document] | None:
    """Tags on functions that the rules cannot follow; None when there is no store to say which there are."""
    try:
        store = Store.open(settings, create=False)
    except StoreError:
        return None
    with closing(store):
        found = judging.problems(store, rules, now=now)
    return [
        {
            "rule": each.rule,
            "account": each.subject.account,
            "region": each.subject.region,
            "subject": each.subject.name,
            "text": each.text,
        }
        for each in found
    ]


def one_of(rules: Sequence[Rule], name: str) -> Rule:
    """Raises UsageMistakeError when there is no such rule."""
    for rule in rules:
        if rule.rule == name:
            return rule
    names = ", ".join(rule.rule for rule in rules)
    raise UsageMistakeError(f"there is no rule {name!r}; there are {names}")


def backtest_document(
    store: Store, rules: Sequence[Rule], name: str, window: Window, *, now: datetime, cost: CostSettings
) -> Document:
    marked = known.known(store, window)
    found = backtest(store, one_of(rules, name), window, known=marked, others=rules, now=now, cost=cost)
    return to_document(found)


def to_document(found: Backtest) -> Document:
    replayed, compared = found.replay, found.compared
    document = {
        "window": {"start": found.window.start, "end": found.window.end},
        "rule": found.rule.rule,
        "signal": found.rule.signal,
        "condition": found.rule.condition(),
        "unit": found.rule.spec.unit,
        "subjects": len(replayed.subjects),
        "judged_share": replayed.judged_share,
        "coarse_share": replayed.coarse / replayed.minutes if replayed.minutes else None,
        "judged_hours": replayed.span.total_seconds() / 3600,
        "firings": [_firing(firing) for firing in replayed.firings],
        "per_week": replayed.per_week,
        "flaps": replayed.flaps,
        "real": compared.real,
        "false": compared.false,
        "unmarked": compared.unmarked,
        "precision": compared.precision,
        "recall": compared.recall,
        "delay_s": compared.delay,
        "hits": [known_document(each) for each in compared.hits],
        "misses": [known_document(each) for each in compared.misses],
        "not_judged": [known_document(each) for each in compared.unjudged],
    }
    return dict(plain(document))


def _firing(firing: Firing) -> Document:
    lasted = firing.resolved_at - firing.opened_at if firing.resolved_at else None
    return {
        "account": firing.subject.account,
        "region": firing.subject.region,
        "subject": firing.subject.name,
        "opened_at": firing.opened_at,
        "resolved_at": firing.resolved_at,
        "lasted_s": lasted,
        "worst": firing.worst,
        "flap": firing.is_flap,
    }


def known_document(each: Known) -> Document:
    document = {
        "account": each.account,
        "region": each.region,
        "subject": each.subject,
        "start": each.start,
        "end": each.end,
        "text": each.text,
        "who": each.who,
        "id": each.id,
        "kind": "incident" if each.rule else "marked",
        "real": each.is_real,
    }
    return dict(plain(document))


def summary(document: Document) -> list[str]:
    """What a backtest comes to, in sentences."""
    said = []
    if document["judged_share"] is None:
        return [f"{document['rule']} covers nothing: there is nothing to judge"]
    often = document["per_week"]
    rate = "" if often is None else f", {often:.3g} a week"
    said.append(
        f"{document['rule']}: {document['condition']}: would have fired {len(document['firings'])} times"
        f"{rate}; {document['flaps']} of them within 30 minutes after it had resolved"
    )
    said.append(
        f"judged: {share(document['judged_share'])} of the minutes of {document['subjects']} subjects; "
        f"{share(document['coarse_share'])} is kept at more than a minute a point and is not judged"
    )
    if document["hits"] or document["misses"]:
        said.append(
            f"told {len(document['hits'])} of {len(document['hits']) + len(document['misses'])} known outages"
        )
    if document["precision"] is not None:
        said.append(
            f"{document['real']} firings were real, {document['false']} noise; of the others nobody said"
        )
    return said


def audit_document(
    store: Store, rules: Sequence[Rule], settings: AlertSettings, *, now: datetime, cost: CostSettings
) -> Document:
    found = auditing.audit(store, rules, settings, now=now, cost=cost)
    return {"faults": [fault_document(each) for each in found]}


def fault_document(found: Fault) -> Document:
    return {
        "about": found.about,
        "name": found.name,
        "account": found.account,
        "region": found.region,
        "verdict": found.verdict,
        "why": found.why,
        "reason": found.reason,
        "evidence": found.evidence or None,
    }


def mark(
    store: Store,
    *,
    subject: str,
    window: Window,
    text: str,
    account: str | None,
    region: str | None,
    by: Person,
) -> int:
    """Mark an outage of a function, where it is if that is clear."""
    places = sorted(
        {
            (target.account, target.region)
            for target in aliases(store)
            if account in (None, target.account) and region in (None, target.region)
            if any(f.name == subject for f in store.inventory(target).functions) or (account and region)
        }
    )
    if len(places) != 1:
        where = "; ".join(" ".join(place) for place in places)
        said = f"is in {where}" if places else "is not known"
        raise UsageMistakeError(f"{subject} {said}: say --account and --region")
    ((in_account, in_region),) = places
    return known.mark(
        store, account=in_account, region=in_region, subject=subject, window=window, text=text, by=by
    )
