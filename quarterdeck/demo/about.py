"""What the demo says of itself, and the switches for tests: everything below `/demo`.

`/demo` what it is; `/demo/calls` and `/demo/counts` what was called (DELETE forgets);
`/demo/clock` moves a frozen clock: POST `{"now": ...}`;
`/demo/deny` takes permissions away: POST `{"actions": ["lambda:List*"]}`, with `account` and `region` if only
there; DELETE gives all back;
`/demo/fail` lets the next calls of an operation fail: POST `{"operation": "logs:FilterLogEvents", "times": 2,
"kind": "throttled"}`, or `"error"`; DELETE mends.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from core.windows import Window
from quarterdeck.demo.account import Demo
from quarterdeck.demo.specs import ACCOUNTS
from quarterdeck.demo.stories import STORIES
from quarterdeck.demo.world import FrozenClock


class BadRequestError(Exception):
    """The request cannot be carried out; the text says why. `status` is HTTP's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def about(demo: Demo, request: Request) -> Response:
    """The answer to a request for `/demo` or below it."""
    page = _PAGES.get(request.path.rstrip("/"))
    if page is None:
        known = ", ".join(_PAGES)
        return _json({"error": f"{request.path} is not known: use one of {known}"}, status=404)
    try:
        return _json(page(demo, request))
    except BadRequestError as error:
        return _json({"error": str(error)}, status=error.status)
    except (ValueError, KeyError, TypeError) as error:
        return _json({"error": f"cannot read the request's body: {error!r}"}, status=400)


def _calls(demo: Demo, request: Request) -> list[dict[str, Any]]:
    if request.method == "DELETE":
        demo.calls.clear()
        demo.counts.clear()
    wanted = request.args.to_dict()
    return [call for call in list(demo.calls) if all(str(call.get(k)) == v for k, v in wanted.items())]


def _counts(demo: Demo, request: Request) -> dict[str, dict[str, int]]:
    return demo.counts.listed()


def _clock(demo: Demo, request: Request) -> dict[str, Any]:
    clock = demo.world.clock
    if request.method == "POST":
        if not isinstance(clock, FrozenClock):
            raise BadRequestError("the clock runs: start the demo with --now to be able to set it", 409)
        clock.now = datetime.fromisoformat(json.loads(request.get_data())["now"])
    return {"now": demo.world.now().isoformat()}


def _deny(demo: Demo, request: Request) -> list[dict[str, Any]]:
    if request.method == "POST":
        asked = json.loads(request.get_data())
        actions = [asked["actions"]] if isinstance(asked["actions"], str) else list(asked["actions"])
        demo.faults.deny(actions, account=asked.get("account", ""), region=asked.get("region", ""))
    elif request.method == "DELETE":
        demo.faults.allow_all()
    return demo.faults.denied()


def _fail(demo: Demo, request: Request) -> list[dict[str, Any]]:
    if request.method == "POST":
        asked = json.loads(request.get_data())
        times, kind = int(asked.get("times", 1)), asked.get("kind", "error")
        demo.faults.fail(asked["operation"], times=times, kind=kind)
    elif request.method == "DELETE":
        demo.faults.mend_all()
    return demo.faults.failing()


def _summary(demo: Demo, request: Request) -> dict[str, Any]:
    now, plan = demo.world.now(), demo.world.plan
    around = Window(now - timedelta(hours=24), now + timedelta(hours=24))
    return {
        "now": now.isoformat(),
        "seed": plan.seed,
        "starts": [start.isoformat() for start in plan.starts],
        "accounts": ACCOUNTS,
        "regions": list(demo.world.company.regions),
        "functions": len(demo.world.company.functions),
        "stories": [
            {
                "name": tale.name,
                "summary": tale.summary,
                "function": "/".join(tale.function),
                "windows": [
                    [w.start.isoformat(), w.end.isoformat()] for w in tale.windows(around, plan.starts)
                ],
            }
            for tale in STORIES
            if demo.world.company.find(*tale.function)
        ],
    }


_PAGES: dict[str, Callable[[Demo, Request], Any]] = {
    "/demo": _summary,
    "/demo/calls": _calls,
    "/demo/counts": _counts,
    "/demo/clock": _clock,
    "/demo/deny": _deny,
    "/demo/fail": _fail,
}


def _json(content: Any, *, status: int = 200) -> Response:
    return Response(json.dumps(content, default=str), status=status, content_type="application/json")
