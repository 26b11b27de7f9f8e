"""CloudWatch Logs Insights: StartQuery, GetQueryResults, StopQuery, DescribeQueries."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from quarterdeck.demo.account import Demo, Handler, make_token, read_token
from quarterdeck.demo.insightsquery import Command, QueryError, parse
from quarterdeck.demo.insightsrun import check
from quarterdeck.demo.loglines import Line
from quarterdeck.demo.queries import Query, statistics
from quarterdeck.demo.services.logs import events
from quarterdeck.demo.wire import ApiError, Call

GROUPS_A_QUERY = 50
MOST_ROWS = 100_000
DEFAULT_ROWS = PAGE = 10_000


def start_query(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    params = call.params
    limit = params.get("limit", DEFAULT_ROWS)
    if not 1 <= limit <= MOST_ROWS:
        raise _invalid(f"limit must be between 1 and {MOST_ROWS}")
    if params["startTime"] > params["endTime"]:
        raise _invalid("End time should be after start time")
    begin_ms, end_ms = params["startTime"] * 1000, params["endTime"] * 1000

    def read(group: str) -> Iterator[Line]:
        specs = demo.world.company.groups_of(account, call.region)[group]
        return events(demo.world, specs, begin_ms, end_ms)

    query = Query(
        id=str(uuid.uuid4()),
        account=account,
        region=call.region,
        text=params["queryString"],
        commands=_commands(params),
        groups=_groups(demo, account, call),
        limit=limit,
        created_ms=demo.world.now_ms(),
        read=read,
    )
    demo.queries.add(query)
    return {"queryId": query.id}


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)


def _commands(params: dict[str, Any]) -> list[Command]:
    if params.get("queryLanguage", "CWLI") != "CWLI":
        raise _invalid("The demo account knows no language but CWLI")
    try:
        commands = parse(params["queryString"])
        check(commands)
    except QueryError as error:
        where = {"startCharOffset": error.at, "endCharOffset": error.at + 1}
        told = {"location": where, "message": str(error)}
        raise ApiError("MalformedQueryException", str(error), queryCompileError=told) from error
    return commands


def _groups(demo: Demo, account: str, call: Call) -> list[str]:
    params = call.params
    given = [name for name in ("logGroupName", "logGroupNames", "logGroupIdentifiers") if params.get(name)]
    if len(given) != 1:
        raise _invalid("Exactly one of logGroupName, logGroupNames and logGroupIdentifiers must be given")
    value = params[given[0]]
    named = [value] if isinstance(value, str) else value
    if len(named) > GROUPS_A_QUERY:
        raise _invalid(f"A query can have at most {GROUPS_A_QUERY} log groups, not {len(named)}")
    known = demo.world.company.groups_of(account, call.region)
    names = [name.split(":log-group:")[-1].removesuffix(":*") for name in named]
    for name in names:
        if name not in known:
            message = f"Log group '{name}' does not exist for account ID '{account}'"
            raise ApiError("ResourceNotFoundException", message)
    return list(dict.fromkeys(names))


def get_query_results(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    query = demo.queries.get(call.params["queryId"])
    query.looks += 1
    if query.status != "Complete":
        nothing = {"queryLanguage": "CWLI", "results": [], "statistics": statistics(0, 0, 0)}
        return {**nothing, "status": query.status}
    rows, scanned = query.answer
    token = call.params.get("nextToken")
    first = read_token(token, invalid="InvalidParameterException").get("from", 0) if token else 0
    until = first + min(call.params.get("maxItems", PAGE), PAGE)
    return {
        "queryLanguage": "CWLI",
        "results": rows[first:until],
        "statistics": {**scanned, "logGroupsScanned": float(len(query.groups))},
        "status": query.status,
        **({"nextToken": make_token({"from": until})} if until < len(rows) else {}),
    }


def stop_query(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    query = demo.queries.get(call.params["queryId"])
    if query.status != "Running":
        raise _invalid(f"Query '{query.id}' is not running: its status is {query.status}")
    query.stopped = True
    return {"success": True}


def describe_queries(demo: Demo, account: str, call: Call) -> dict[str, Any]:
    wanted = call.params.get("status")
    found = [q for q in demo.queries.of(account, call.region) if wanted in (None, q.status)]
    return {
        "queries": [
            {
                "queryId": query.id,
                "queryString": query.text,
                "status": query.status,
                "createTime": query.created_ms,
                "logGroupName": query.groups[0],
            }
            for query in found[: call.params.get("maxResults", 100)]
        ]
    }


HANDLERS: dict[str, Handler] = {
    "StartQuery": start_query,
    "GetQueryResults": get_query_results,
    "StopQuery": stop_query,
    "DescribeQueries": describe_queries,
}
