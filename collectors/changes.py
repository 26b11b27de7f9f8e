"""Who changed something about functions, and through what: the management events of CloudTrail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from collectors.aws import Aws
from collectors.collector import HOUR, Ask, Collector, Learned, Reach
from collectors.trail import parse_event
from core.windows import Window

EVENT_SOURCE = "lambda.amazonaws.com"
PAGE = 50
KEPT = timedelta(days=90)
LAG = timedelta(minutes=15)
"""CloudTrail tells of a call after five minutes as a rule, and after fifteen at the latest."""


def collect(aws: Aws, ask: Ask) -> Iterator[Learned]:
    """Calls of Lambda's API that changed something, failed ones too. Reads are many, and are passed over."""
    for page in aws.pages("cloudtrail", "lookup_events", **lookup(ask.window), PageSize=PAGE):
        for event in page.get("Events", ()):
            call = parse_event(event)
            if call is not None and call.ts in ask.window:
                yield call


def lookup(window: Window) -> Mapping[str, object]:
    """What to ask: one attribute is all that CloudTrail takes; both ends are included, in whole seconds.

    Our own reads are among the events of the source: at 2,000 functions, 50 pages each quarter of an hour.
    Asking by name would take a call for each of Lambda's 50 changing operations and of the spellings of its
    name, however small the fleet, and miss new ones; all that is not read-only holds every new log stream.
    """
    source = {"AttributeKey": "EventSource", "AttributeValue": EVENT_SOURCE}
    return {"LookupAttributes": [source], "StartTime": window.start, "EndTime": window.end}


COLLECTOR = Collector(
    name="changes",
    what="Who changed functions, aliases, triggers and concurrency, and through what (CloudTrail).",
    every="changes_every",
    permissions=("cloudtrail:LookupEvents",),
    collect=collect,
    reach=Reach(coarse=True, lag=LAG, piece=24 * HOUR, kept=KEPT - HOUR),
)
