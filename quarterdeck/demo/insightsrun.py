"""Carries Logs Insights queries out over log events."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from quarterdeck.demo.insightsfields import Row, shown_time, text, to_ms
from quarterdeck.demo.insightsquery import Apply, Command, Field, Literal, Named, Node, Pattern, QueryError

DEFAULT_LIMIT = 10_000

# --- expressions of one row ---------------------------------------------------------------------------------


def number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None if value is None else float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def evaluate(node: Node, row: Row) -> Any:
    if isinstance(node, Field):
        return row.get(node.name)
    if isinstance(node, Literal):
        return node.value
    if isinstance(node, Pattern):
        return node
    if node.name in _LAZY:
        return _LAZY[node.name](node.parts, row)
    function = _FUNCTIONS.get(node.name)
    if function is None:
        raise QueryError(f"unknown function {node.name}", 0)
    return function(*(evaluate(part, row) for part in node.parts))


def _bin(parts: Sequence[Node], row: Row) -> str | None:
    step = evaluate(parts[-1], row)
    ts_ms = row.get("@ts_ms") if len(parts) == 1 else to_ms(evaluate(parts[0], row))
    if ts_ms is None:
        return None
    step_ms = int(float(step) * 1000)
    return shown_time(int(ts_ms) // step_ms * step_ms)


_LAZY: Mapping[str, Callable[[Sequence[Node], Row], Any]] = {
    "and": lambda parts, row: all(truth(evaluate(part, row)) for part in parts),
    "or": lambda parts, row: any(truth(evaluate(part, row)) for part in parts),
    "coalesce": lambda parts, row: next(
        (value for part in parts if (value := evaluate(part, row)) is not None), None
    ),
    "bin": _bin,
    "datefloor": _bin,
}


def truth(value: Any) -> bool:
    return bool(value) and value != "false"


def _compare(one: Any, other: Any, operator: str) -> bool:
    if one is None or other is None:
        return operator == "!="
    a, b = number(one), number(other)
    left, right = (a, b) if a is not None and b is not None else (text(one), text(other))
    return {
        "=": left == right,
        "!=": left != right,
        "<": left < right,  # type: ignore[operator]
        "<=": left <= right,  # type: ignore[operator]
        ">": left > right,  # type: ignore[operator]
        ">=": left >= right,  # type: ignore[operator]
    }[operator]


def _comparing(operator: str) -> Callable[[Any, Any], bool]:
    return lambda one, other: _compare(one, other, operator)


def _arithmetic(operate: Callable[[float, float], float]) -> Callable[[Any, Any], float | None]:
    def apply(one: Any, other: Any) -> float | None:
        a, b = number(one), number(other)
        if a is None or b is None:
            return None
        try:
            return operate(a, b)
        except (ZeroDivisionError, OverflowError):
            return None

    return apply


def _of_number(operate: Callable[[float], float]) -> Callable[[Any], float | None]:
    return lambda value: None if (known := number(value)) is None else operate(known)


def _of_text(operate: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else operate(text(value))


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{operator: _comparing(operator) for operator in ("=", "!=", "<", "<=", ">", ">=")},
    "not": lambda value: not truth(value),
    "like": lambda value, pattern: value is not None and pattern.regex.search(text(value)) is not None,
    "in": lambda value, *members: any(_compare(value, member, "=") for member in members),
    "+": _arithmetic(lambda a, b: a + b),
    "-": _arithmetic(lambda a, b: a - b),
    "*": _arithmetic(lambda a, b: a * b),
    "/": _arithmetic(lambda a, b: a / b),
    "%": _arithmetic(lambda a, b: a % b),
    "^": _arithmetic(lambda a, b: float(a**b)),
    "abs": _of_number(abs),
    "ceil": _of_number(lambda value: float(math.ceil(value))),
    "floor": _of_number(lambda value: float(math.floor(value))),
    "strcontains": lambda value, part: float(value is not None and text(part) in text(value)),
    "strlen": _of_text(lambda value: float(len(value))),
    "tolower": _of_text(str.lower),
    "toupper": _of_text(str.upper),
    "trim": _of_text(str.strip),
    "ispresent": lambda value: value is not None,
    "isempty": lambda value: value is None or text(value) == "",
    "isblank": lambda value: value is None or not text(value).strip(),
    "concat": lambda *values: "".join(text(value) for value in values if value is not None),
    "if": lambda test, one, other: one if truth(test) else other,
    "tomillis": lambda value: to_ms(value),
    "frommillis": lambda value: None if value is None else shown_time(int(float(value))),
}


# --- aggregates of many rows --------------------------------------------------------------------------------


def _numbers(node: Node, rows: Sequence[Row]) -> list[float]:
    return [value for row in rows if (value := number(evaluate(node, row))) is not None]


def _count(parts: Sequence[Node], rows: Sequence[Row]) -> float:
    return float(sum(not parts or evaluate(parts[0], row) is not None for row in rows))


def _percentile(parts: Sequence[Node], rows: Sequence[Row]) -> float | None:
    values = _numbers(parts[0], rows)
    return float(np.percentile(values, float(evaluate(parts[1], rows[0])))) if values else None


def _over(operate: Callable[[list[float]], float]) -> Callable[[Sequence[Node], Sequence[Row]], float | None]:
    def apply(parts: Sequence[Node], rows: Sequence[Row]) -> float | None:
        values = _numbers(parts[0], rows)
        return operate(values) if values else None

    return apply


_AGGREGATES: Mapping[str, Callable[[Sequence[Node], Sequence[Row]], Any]] = {
    "count": _count,
    "count_distinct": lambda parts, rows: float(
        len({text(value) for row in rows if (value := evaluate(parts[0], row)) is not None})
    ),
    "sum": _over(math.fsum),
    "avg": _over(lambda values: math.fsum(values) / len(values)),
    "min": _over(min),
    "max": _over(max),
    "stddev": _over(lambda values: float(np.std(values))),
    "median": _over(lambda values: float(np.median(values))),
    "pct": _percentile,
    "percentile": _percentile,
    "earliest": lambda parts, rows: evaluate(parts[0], min(rows, key=lambda row: row.get("@ts_ms"))),
    "latest": lambda parts, rows: evaluate(parts[0], max(rows, key=lambda row: row.get("@ts_ms"))),
}


def aggregate(node: Node, rows: Sequence[Row]) -> Any:
    if isinstance(node, Apply) and node.name in _AGGREGATES:
        return _AGGREGATES[node.name](node.parts, rows)
    if isinstance(node, Apply) and node.name in _FUNCTIONS:
        return _FUNCTIONS[node.name](*(aggregate(part, rows) for part in node.parts))
    if isinstance(node, Literal):
        return node.value
    raise QueryError("stats needs an aggregate function", 0)


def check(commands: Sequence[Command]) -> None:
    """Raises QueryError for functions that are not known, and for stats without an aggregate."""
    for command in commands:
        nodes = [item.node for item in (*command.columns, *command.by)]
        names = {name for node in (*nodes, command.node) if node for name in _applied(node)}
        if unknown := names - {*_LAZY, *_FUNCTIONS, *_AGGREGATES}:
            raise QueryError(f"unknown function {min(unknown)}", 0)
        if command.kind == "stats":
            for column in command.columns:
                if not any(name in _AGGREGATES for name in _applied(column.node)):
                    raise QueryError(f"{column.name} is no aggregate", 0)


def _applied(node: Node) -> Iterator[str]:
    if isinstance(node, Apply):
        yield node.name
        for part in node.parts:
            yield from _applied(part)


# --- commands -----------------------------------------------------------------------------------------------


def run(commands: Sequence[Command], rows: Iterable[Row], *, limit: int) -> tuple[list[Row], int]:
    """The answer's rows, newest first unless the query sorts, and how many events passed its filters."""
    found, matched = list(rows), 0
    for command in commands:
        if command.kind == "stats":
            matched = matched or len(found)
        found = _COMMANDS[command.kind](command, found)
    matched = matched or len(found)
    if not any(command.kind in ("sort", "stats") for command in commands):
        found.sort(key=lambda row: row.get("@ts_ms"), reverse=True)
    return found[:limit], matched


def _fields(command: Command, rows: list[Row]) -> list[Row]:
    for row in rows:
        for column in command.columns:
            row.values[column.name] = evaluate(column.node, row)
        row.shown += [column.name for column in command.columns]
    return rows


def _display(command: Command, rows: list[Row]) -> list[Row]:
    for row in rows:
        row.shown.clear()
    return _fields(command, rows)


def _filter(command: Command, rows: list[Row]) -> list[Row]:
    assert command.node is not None
    return [row for row in rows if truth(evaluate(command.node, row))]


def _stats(command: Command, rows: list[Row]) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(evaluate(by.node, row) for by in command.by), []).append(row)
    if not command.by and not groups:
        groups[()] = []
    found = [_total(command, key, members) for key, members in groups.items()]
    bins = [by.name for by in command.by if isinstance(by.node, Apply) and by.node.name == "bin"]
    return sorted(found, key=lambda row: str(row.get(bins[0])), reverse=True) if bins else found


def _total(command: Command, key: tuple[Any, ...], members: list[Row]) -> Row:
    names = [by.name for by in command.by]
    row = Row(dict(zip(names, key, strict=True)), found={})
    row.values |= {column.name: aggregate(column.node, members) for column in command.columns}
    row.shown = [*names, *(column.name for column in command.columns)]
    return row


def _sort(command: Command, rows: list[Row]) -> list[Row]:
    for column, descending in reversed(list(zip(command.columns, command.descending, strict=True))):
        rows.sort(key=lambda row, node=column.node: _order(evaluate(node, row)), reverse=descending)  # type: ignore[misc]
    return rows


def _order(value: Any) -> tuple[int, float, str]:
    known = number(value)
    return (0, 0.0, "") if value is None else (1, known, "") if known is not None else (2, 0.0, text(value))


def _dedup(command: Command, rows: list[Row]) -> list[Row]:
    seen: dict[tuple[str, ...], Row] = {}
    for row in rows:
        seen.setdefault(tuple(text(evaluate(column.node, row)) for column in command.columns), row)
    return list(seen.values())


def _parse(command: Command, rows: list[Row]) -> list[Row]:
    pattern = command.columns[0].node
    assert isinstance(pattern, Pattern)
    assert command.node is not None
    for row in rows:
        value = evaluate(command.node, row)
        match = None if value is None else pattern.regex.search(text(value))
        for name in pattern.regex.groupindex:
            row.values[name] = match[name] if match else None
            row.shown.append(name)
    return rows


_COMMANDS: Mapping[str, Callable[[Command, list[Row]], list[Row]]] = {
    "fields": _fields,
    "display": _display,
    "filter": _filter,
    "stats": _stats,
    "sort": _sort,
    "limit": lambda command, rows: rows[: command.count],
    "dedup": _dedup,
    "parse": _parse,
}


def columns(row: Row) -> list[Named]:
    """The columns of an answer's row; without `fields`, its time and text."""
    return [Named(name, Field(name)) for name in dict.fromkeys(row.shown or ["@timestamp", "@message"])]
