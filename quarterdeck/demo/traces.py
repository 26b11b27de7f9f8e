"""X-Ray's view of sampled invocations: who called, how long each part took, what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quarterdeck.demo.loglines import request_id
from quarterdeck.demo.model import Day, failures_of
from quarterdeck.demo.specs import Spec
from quarterdeck.demo.traceids import segment_id, trace_id
from quarterdeck.demo.world import World

VISIBLE_AFTER_MS = 10_000
GATEWAY_MS = 9
"""What API Gateway adds before the function."""


@dataclass(frozen=True)
class Trace:
    """One sampled invocation, seen as a trace. Times are seconds since the epoch."""

    day: Day
    index: int

    @property
    def spec(self) -> Spec:
        return self.day.spec

    @cached_property
    def id(self) -> str:
        return trace_id(self.day, self.index)

    @property
    def begin_ms(self) -> int:
        return int(self.day.start_ms[self.index]) - (GATEWAY_MS if self.gateway else 0)

    @property
    def start_ms(self) -> int:
        return int(self.day.start_ms[self.index])

    @property
    def end_ms(self) -> int:
        return int(self.day.end_ms[self.index])

    @property
    def duration_s(self) -> float:
        return (self.end_ms - self.begin_ms) / 1000

    @property
    def gateway(self) -> str:
        """The name of the API stage in front, "" when there is none."""
        return f"{self.spec.team}-api/{self.spec.qualifier or 'live'}" if self.spec.trigger == "api" else ""

    @property
    def fault(self) -> bool:
        return bool(self.day.failure[self.index] >= 0)

    def services(self) -> list[dict[str, Any]]:
        """The nodes of this trace in the service map, the caller first."""
        found = [_service(self.gateway, "AWS::ApiGateway::Stage", self.spec)] if self.gateway else []
        found += [
            _service(self.spec.name, kind, self.spec) for kind in ("AWS::Lambda", "AWS::Lambda::Function")
        ]
        return [*found, _service("meridian", "AWS::DynamoDB::Table", self.spec)]

    def segments(self) -> list[dict[str, Any]]:
        """The segment documents, the caller first."""
        mine = segment_id(self.day, self.index)
        front, service = f"{int(mine, 16) ^ 1:016x}", f"{int(mine, 16) ^ 2:016x}"
        found = [self._gateway(front)] if self.gateway else []
        return [
            *found,
            self._service(service, front if self.gateway else None),
            self._function(mine, service),
        ]

    def _segment(
        self, identity: str, name: str, origin: str, start_ms: int, parent: str | None
    ) -> dict[str, Any]:
        return {
            "id": identity,
            "name": name,
            "start_time": start_ms / 1000,
            "end_time": self.end_ms / 1000,
            "trace_id": self.id,
            "origin": origin,
            **({"parent_id": parent} if parent else {}),
            **({"fault": True} if self.fault else {}),
        }

    def _gateway(self, identity: str) -> dict[str, Any]:
        made = self._segment(identity, self.gateway, "AWS::ApiGateway::Stage", self.begin_ms, None)
        status = 502 if self.fault else 200
        host = f"https://api.meridian.example/{self.spec.name}"
        return {**made, "http": {"request": {"method": "POST", "url": host}, "response": {"status": status}}}

    def _service(self, identity: str, parent: str | None) -> dict[str, Any]:
        made = self._segment(identity, self.spec.name, "AWS::Lambda", self.start_ms, parent)
        rid = request_id(self.day, self.index)
        return {
            **made,
            "resource_arn": self.spec.arn,
            "aws": {"request_id": rid, "resource_names": [self.spec.name]},
            "http": {"response": {"status": 200}},
        }

    def _function(self, identity: str, parent: str) -> dict[str, Any]:
        made = self._segment(identity, self.spec.name, "AWS::Lambda::Function", self.start_ms, parent)
        return {
            **made,
            "resource_arn": self.spec.arn,
            "aws": {"function_arn": self.spec.arn, "account_id": self.spec.account},
            **({"cause": self._cause()} if self.fault else {}),
            "subsegments": list(self._parts(int(identity, 16))),
        }

    def _parts(self, number: int) -> Iterator[dict[str, Any]]:
        init_ms, handler_ms = float(self.day.init_ms[self.index]), float(self.day.duration_ms[self.index])
        begin_s = self.start_ms / 1000
        if init_ms:
            yield _part(number ^ 3, "Initialization", begin_s, init_ms)
        begin_s += init_ms / 1000
        table = _part(number ^ 5, "meridian", begin_s + handler_ms * 0.1 / 1000, handler_ms * 0.4)
        table |= {"namespace": "aws", "aws": {"operation": "GetItem", "table_name": "meridian"}}
        yield {**_part(number ^ 4, "Invocation", begin_s, handler_ms), "subsegments": [table]}
        yield _part(number ^ 6, "Overhead", begin_s + handler_ms / 1000, 1.0)

    def _cause(self) -> dict[str, Any]:
        known = failures_of(self.spec)[int(self.day.failure[self.index])]
        return {"exceptions": [{"id": "e1", "type": known.type, "message": known.message, "remote": False}]}

    def summary(self) -> dict[str, Any]:
        """The trace as GetTraceSummaries lists it."""
        services = self.services()
        http = {"HttpURL": f"https://api.meridian.example/{self.spec.name}", "HttpMethod": "POST"}
        return {
            "Id": self.id,
            "StartTime": self.begin_ms / 1000,
            "Duration": self.duration_s,
            "ResponseTime": self.duration_s,
            "HasFault": self.fault,
            "HasError": False,
            "HasThrottle": False,
            "IsPartial": False,
            "Http": {**http, "HttpStatus": 502 if self.fault else 200} if self.gateway else {},
            "Annotations": {},
            "Users": [],
            "ServiceIds": services,
            "ResourceARNs": [{"ARN": self.spec.arn}],
            "EntryPoint": services[0],
            "Revision": 1,
        }

    def document(self) -> dict[str, Any]:
        """The trace as BatchGetTraces gives it."""
        segments = [{"Id": s["id"], "Document": json.dumps(s)} for s in self.segments()]
        return {"Id": self.id, "Duration": self.duration_s, "LimitExceeded": False, "Segments": segments}


def _part(number: int, name: str, begin_s: float, length_ms: float) -> dict[str, Any]:
    begin_s = round(begin_s, 4)
    return {
        "id": f"{number:016x}",
        "name": name,
        "start_time": begin_s,
        "end_time": round(begin_s + length_ms / 1000, 4),
    }


def _service(name: str, kind: str, spec: Spec) -> dict[str, Any]:
    return {"Name": name, "Names": [name], "AccountId": spec.account, "Type": kind}


def traces(world: World, account: str, region: str, begin_ms: int, end_ms: int) -> list[Trace]:
    """The traces that began in a stretch of time, end excluded, and can be seen now; newest first."""
    found = [
        Trace(day, int(index))
        for spec in world.company.functions_of(account, region)
        if spec.tracing
        for number in world.days(begin_ms, end_ms)
        for day in (world.day(spec, number),)
        for index in _seen(day, begin_ms, end_ms, world.now_ms() - VISIBLE_AFTER_MS)
    ]
    return sorted(found, key=lambda trace: (-trace.begin_ms, trace.id))


def _seen(day: Day, begin_ms: int, end_ms: int, done_by_ms: int) -> Any:
    inside = (day.start_ms >= begin_ms) & (day.start_ms < end_ms)
    return np.flatnonzero(day.sampled & inside & (day.end_ms <= done_by_ms))


def find_trace(world: World, account: str, region: str, identity: str) -> Trace | None:
    """The trace with this id; its id tells the second when it began."""
    try:
        second = int(identity.split("-")[1], 16)
    except (IndexError, ValueError):
        return None
    near = traces(world, account, region, second * 1000, (second + 1) * 1000)
    return next((trace for trace in near if trace.id == identity), None)
